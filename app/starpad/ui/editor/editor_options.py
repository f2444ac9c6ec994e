"""How the user wants all editors to look and to behave."""

from dataclasses import dataclass

from PySide6.QtGui import QFont


@dataclass(frozen=True, slots=True)
class EditorOptions:
    """The settings that every editor follows."""

    font: QFont
    is_wrapped: bool = False
    shows_white_space: bool = False
    ruler_column: int = 0
    """Where a line marks how long lines should be; 0: nowhere."""
    closes_brackets: bool = True

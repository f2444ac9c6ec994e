"""What the editing commands need to know of a document besides its text."""

from dataclasses import dataclass, field

from starpad.core.indentation import Indentation


@dataclass(frozen=True, slots=True)
class EditRules:
    """A document's way to indent, its language, and what the user wants done while typing."""

    indentation: Indentation = field(default_factory=Indentation)
    language: str = ""
    """The alias that Pygments knows it by; empty if it is not known."""
    closes_brackets: bool = True

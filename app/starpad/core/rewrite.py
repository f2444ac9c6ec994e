"""What comes back while a model changes code by an instruction."""

from dataclasses import dataclass

from starpad.core.suggestion import Figures


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The model's own text so far, the code in it, and what it cost."""

    raw: str
    code: str
    figures: Figures
    is_cut: bool = False
    """It ended at the most tokens; it can be gone on with."""

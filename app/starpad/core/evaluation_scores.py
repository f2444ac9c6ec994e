"""How good an answer is, compared with what was cut out."""

import ast
import re
import warnings
from difflib import SequenceMatcher

from starpad.core.brackets import PAIRS
from starpad.core.evaluation import Hole, Score

_START_CHARACTERS = 4
_COMMENT_OR_STRING = re.compile(
    r"//[^\n]*|#[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`",
    re.DOTALL,
)


def score(hole: Hole, text: str) -> Score:
    """Return how good `text` is in place of the hole's answer.

    Blanks at the end do not count. The similarity is difflib's ratio: twice what both have in
    common, divided by the length of both.
    """
    wanted, given = hole.answer.rstrip(), text.rstrip()
    return Score(
        is_exact=given == wanted,
        similarity=SequenceMatcher(None, wanted, given, autojunk=False).ratio(),
        starts_right=given[:_START_CHARACTERS] == wanted[:_START_CHARACTERS],
        still_parses=_still_parses(hole, text),
    )


def python_tree(text: str) -> ast.Module | None:
    """Return a Python file's syntax tree, None if it is not right."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape is not our affair
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _still_parses(hole: Hole, text: str) -> bool | None:
    """Return whether the file is still right with `text` in it; None if it was not before.

    Python is really parsed. Of all else only the brackets are looked at: each must be closed by
    its like, outside of what looks like a string or a comment.
    """
    source = hole.source
    is_right = _is_python if source.language == "python" else _is_balanced
    if not is_right(source.text):
        return None
    return is_right(f"{hole.before}{text}{hole.after}")


def _is_python(text: str) -> bool:
    return python_tree(text) is not None


def _is_balanced(text: str) -> bool:
    opened: list[str] = []
    for character in _COMMENT_OR_STRING.sub("", text):
        if character in PAIRS:
            opened.append(PAIRS[character])
        elif character in PAIRS.values() and (not opened or opened.pop() != character):
            return False
    return not opened

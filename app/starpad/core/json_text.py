"""JSON on many lines: only blanks between its parts change, so no number or key is written anew."""

import re
from collections.abc import Iterator

_PARTS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[][{},:]|[^][{},:" \t\r\n]+|"', re.DOTALL)
_INDENT = "  "


def is_likely(text: str) -> bool:
    """Return whether a text looks like JSON with something in it to put on lines of their own."""
    return text[:1_000].lstrip("\ufeff \t\r\n").startswith(("{", "["))


def pretty(text: str) -> str:
    """Return the text with each member and each element on a line of its own."""
    return "".join(_pieces(text)) + "\n"


def _pieces(text: str) -> Iterator[str]:
    depth = 0
    before = ""
    for match in _PARTS.finditer(text):
        part = match.group()
        if part in ("}", "]"):
            depth = max(0, depth - 1)
            if before not in ("{", "["):
                yield _new_line(depth)
        elif before in ("{", "[", ","):
            yield _new_line(depth)
        elif before == ":":
            yield " "
        elif before and part not in (",", ":"):
            # Two values without a comma are no JSON; lines of such text are.
            yield _new_line(depth)
        yield part
        depth += part in ("{", "[")
        before = part


def _new_line(depth: int) -> str:
    return "\n" + depth * _INDENT

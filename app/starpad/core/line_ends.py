r"""Line ends of a file: counting them, and keeping mixed ones through an edit.

The editor knows only \n. Which end each line has is not tracked edit by edit: it is found again by
comparing the lines with those that were read. So undo brings back the very bytes, too.
"""

import re
from collections.abc import Iterator

from starpad.core.patch import hunks_between

NAMES = {"\n": "LF", "\r\n": "CRLF", "\r": "CR"}
_END = re.compile("\r\n|\r|\n")


def counts(text: str) -> dict[str, int]:
    """Count each kind of line end; LF comes first, so that it wins a tie."""
    crlf = text.count("\r\n")
    return {"\n": text.count("\n") - crlf, "\r\n": crlf, "\r": text.count("\r") - crlf}


def unified(text: str) -> str:
    r"""Return the text with \n for every line end."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def carried(stored: str, text: str, usual: str) -> str:
    r"""Return `text` (\n line ends) with the ends that its lines have in `stored`.

    Lines that are new get the `usual` end.
    """
    old = unified(stored)
    if old == text:
        return stored
    *lines, last = text.split("\n")
    parts: list[str] = []
    # One end too many if the text does not end with one.
    for line, end in zip(lines, _ends(stored, old, text, usual), strict=False):
        is_merged = not line and end == "\n" and bool(parts) and parts[-1] == "\r"
        parts += (line, "\r\n") if is_merged else (line, end)
    return "".join(parts) + last


def _ends(stored: str, old: str, text: str, usual: str) -> Iterator[str]:
    """Yield the end of each line of `text`."""
    # The last line may have none: it gets the usual one if another comes behind it.
    ends = [*_END.findall(stored), usual]
    at = 0
    for hunk in hunks_between(old, text):
        yield from ends[at : hunk.old_start]
        # From the last line up: a line that is split keeps its end, and so does one that another
        # is joined to.
        count = len(hunk.new_lines)
        kept = ends[hunk.old_start : hunk.old_end][-count:] if count else []
        yield from [usual] * (count - len(kept))
        yield from kept
        at = hunk.old_end
    yield from ends[at:]

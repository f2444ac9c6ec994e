"""Indentation rules: detect a file's own, continue it, add and remove a level."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

_BRACKETS = ("{", "(", "[")
_OPENERS = (":", *_BRACKETS)
_PAIRS = ("{}", "()", "[]")
_BLANKS = " \t"
# Languages in which a colon ends a phrase rather than opening a block.
_PROSE = {"css", "html", "latex", "less", "markdown", "rst", "scss", "tex", "xml"}
_DETECTION_LINES = 2_000
_MAX_WIDTH = 8
# Text and complete strings up to a `#`; stops at a quote that is never closed.
_CODE_BEFORE_COMMENT = re.compile(r"""(?:[^#'"]|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")*""")


@dataclass(frozen=True, slots=True)
class Indentation:
    """One level: a tab, or `width` spaces; `width` is also how many columns a tab spans."""

    use_tabs: bool = False
    width: int = 4

    @property
    def level(self) -> str:
        """The text of one level."""
        return "\t" if self.use_tabs else " " * self.width


def detect(text: str, default: Indentation = Indentation()) -> Indentation:
    r"""Return the indentation that most lines of `text` (\n line ends) use.

    Without indented lines it is `default`; so is the width of a tab.
    """
    tabs = spaces = previous = 0
    steps: Counter[int] = Counter()
    for line in islice(text.split("\n", _DETECTION_LINES), _DETECTION_LINES):
        blanks = blanks_of(line)
        # Empty lines say nothing, and the stars of a block comment stand one column in.
        if len(blanks) == len(line) or line[len(blanks)] == "*":
            continue
        tabs += blanks.startswith("\t")
        spaces += blanks.startswith(" ")
        if "\t" not in blanks:
            steps[len(blanks) - previous] += 1
            previous = len(blanks)
    if tabs > spaces:
        return Indentation(use_tabs=True, width=default.width)
    widths = {step: count for step, count in steps.items() if 2 <= step <= _MAX_WIDTH}
    if not widths:
        return default if not spaces else Indentation(use_tabs=False, width=default.width)
    return Indentation(use_tabs=False, width=max(widths, key=lambda width: widths[width]))


def for_new_line(line_before_caret: str, indentation: Indentation, language: str = "") -> str:
    """Return the blanks that a new line starts with when Enter is pressed at the caret.

    They are the line's own, and one level more after a line that ends in `{`, `(` or `[`, or in
    `:` unless the language is prose; a trailing `#` comment aside.
    """
    blanks = blanks_of(line_before_caret)
    openers = _BRACKETS if language in _PROSE else _OPENERS
    # The line as a whole too: in CSS a `#` starts a name.
    opens = line_before_caret.rstrip().endswith(_BRACKETS)
    if opens or _code(line_before_caret).rstrip().endswith(openers):
        return blanks + indentation.level
    return blanks


def is_between_brackets(line_before_caret: str, line_after_caret: str) -> bool:
    """Return whether the caret stands right between a bracket and the one that closes it."""
    return line_before_caret[-1:] + line_after_caret[:1] in _PAIRS


def for_tab(line_before_caret: str, indentation: Indentation) -> str:
    """Return what the Tab key inserts at the caret: a tab, or spaces up to the next tab stop."""
    if indentation.use_tabs:
        return "\t"
    column = _column(line_before_caret, indentation.width)
    return " " * (indentation.width - column % indentation.width)


def indent(lines: Iterable[str], indentation: Indentation) -> list[str]:
    """Return the lines one level further in; blank lines stay as they are."""
    return [indentation.level + line if line.strip(_BLANKS) else line for line in lines]


def outdent(lines: Iterable[str], indentation: Indentation) -> list[str]:
    """Return the lines one level further out, as far as they have blanks to give."""
    return [line[_first_level(line, indentation.width) :] for line in lines]


def backspace_width(line_before_caret: str, indentation: Indentation) -> int:
    """Return how many characters Backspace removes: in leading spaces, back to the last tab stop.

    1 everywhere else, also at the start of a line, where it removes the line end.
    """
    if line_before_caret.strip(_BLANKS) or not line_before_caret.endswith(" "):
        return 1
    over = _column(line_before_caret, indentation.width) % indentation.width or indentation.width
    return min(over, len(line_before_caret) - len(line_before_caret.rstrip(" ")))


def blanks_of(line: str) -> str:
    """Return the blanks that a line starts with."""
    return line[: len(line) - len(line.lstrip(_BLANKS))]


def _column(text: str, tab_width: int) -> int:
    """Return the column behind `text`, which starts a line."""
    return len(text.expandtabs(tab_width))


def _first_level(line: str, width: int) -> int:
    """Return how many leading characters make up the first level, or what there is of it."""
    blanks = blanks_of(line)
    return next(
        (count for count in range(len(blanks) + 1) if _column(blanks[:count], width) >= width),
        len(blanks),
    )


def _code(line: str) -> str:
    """Return the line without a trailing `#` comment."""
    match = _CODE_BEFORE_COMMENT.match(line)
    end = match.end() if match else 0
    return line[:end] if line[end : end + 1] == "#" else line

"""Single rules for what to cut of generated text; `suggestion.trim` has their order."""

import re
from functools import lru_cache

from starpad.core.fim import SPECIAL_TOKEN_TEXTS

_CLOSERS = {")": "(", "]": "[", "}": "{"}
# A string is passed over; a quote is none if its line ends before it is closed.
_BRACKETS = re.compile(
    r""""(?:[^"\\\n]|\\.)*(?:"|\\?\Z)|'(?:[^'\\\n]|\\.)*(?:'|\\?\Z)|[()\[\]{}]""", re.DOTALL
)
# What no text file should hold, or Qt's documents take for something else: control characters,
# line ends of other kinds, Qt's own marks, halves of pairs.
_UNWANTED = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]"
)
_SPECIAL = re.compile("|".join(map(re.escape, sorted(SPECIAL_TOKEN_TEXTS, key=len, reverse=True))))
_LONG_UNIT = re.compile(r"(.{8,80}?)\1\1")
"""Three times, as no code says it."""
_SHORT_UNIT = re.compile(r"(.{1,7}?)\1{19}")
_SMALLER_UNIT = re.compile(r"(.+?)\1+")
_COMMENT_MARK = re.compile(r"\s*(?:#+|//+|/\*+|<!--|--|;+|%+)\s*")
_BLOCK_REST = re.compile(r"\}[)\]};,]*")
_ONLY_CLOSERS = re.compile(r"[)\]}]+[;,]?")
_TAB_COLUMNS = 4


def cleaned(text: str) -> str:
    """Return `text` up to the name of a special token, LF line ends, nothing invisible in it."""
    named = _SPECIAL.search(text)
    if named:
        text = text[: named.start()]
    return _UNWANTED.sub("", text)


def indented_like(text: str, before: str, after: str, *, from_first: bool) -> str:
    """Return `text` indented with tabs or spaces, whichever more lines around the caret have.

    `from_first` says that its first line is a whole one.
    """
    if "\t" not in text and "  " not in text:
        return text
    tabs = before.count("\n\t") + after.count("\n\t")
    spaces = before.count("\n  ") + after.count("\n  ")
    if tabs == spaces:
        return text
    first, *lines = text.split("\n")
    restyle = _with_tabs if tabs > spaces else _with_spaces
    return "\n".join([restyle(first) if from_first else first, *map(restyle, lines)])


def indent_of(line: str) -> int:
    """Return the columns of a line's indentation."""
    expanded = line.expandtabs(_TAB_COLUMNS)
    return len(expanded) - len(expanded.lstrip(" "))


def may_fill(caret_line: str, line_rest: str) -> bool:
    """Return whether several lines may come at the caret.

    Nothing stands right of it, or what closes the empty block that it is in: `{|}` is to be
    filled, also in `f(() => {|});`. Arguments, as in `f(|)` and `def f(|):`, are one line.
    """
    if not line_rest.strip():
        return True
    return (
        caret_line.rstrip().endswith("{") and _BLOCK_REST.fullmatch(line_rest.strip()) is not None
    )


def _with_tabs(line: str) -> str:
    code = line.lstrip(" \t")
    columns = len(line[: len(line) - len(code)].expandtabs(_TAB_COLUMNS))
    return "\t" * (columns // _TAB_COLUMNS) + " " * (columns % _TAB_COLUMNS) + code


def _with_spaces(line: str) -> str:
    code = line.lstrip(" \t")
    return line[: len(line) - len(code)].expandtabs(_TAB_COLUMNS) + code


def without_overlap(text: str, rest: str) -> str:
    """Return `text` without a tail that stands right of the caret already.

    Not if it closes what `text` itself opens: in `f(|)` the answer `g(a)` is whole.
    """
    surplus = len(_unmatched(text)[1])
    for length in range(min(len(text), len(rest)), 0, -1):
        tail = rest[:length]
        if text.endswith(tail) and tail.strip() and sum(map(tail.count, _CLOSERS)) <= surplus:
            return text[:-length]
    return text


def says_the_same(line: str, other: str) -> bool:
    """Return whether two lines differ in blanks, quotes and other signs only.

    A measure of similarity would take the rows of a table for the same.
    """
    if line.rstrip() == other.rstrip():
        return True
    words = re.findall(r"\w+", line)
    return len(words) > 1 and words == re.findall(r"\w+", other)


def is_loop(lines: list[str], line: str) -> bool:
    """Return whether `line` and the one before it stand in `lines` already, one after the other.

    So a block that comes again is noticed at its second line.
    """
    pair = [lines[-1], line]
    return any(lines[i : i + 2] == pair for i in range(len(lines) - 1))


def run_end(line: str) -> int | None:
    """Return where in a line the first repetition begins of what is repeated on and on."""
    for pattern in (_LONG_UNIT, _SHORT_UNIT):
        for found in pattern.finditer(line):
            unit = found[1]
            # Neither blanks and rulers, nor in a table's row what the other pattern is for.
            is_usual = not unit.strip() or (len(set(unit)) == 1 and not unit[0].isalnum())
            if not is_usual and not (pattern is _LONG_UNIT and _SMALLER_UNIT.fullmatch(unit)):
                return found.end(1)
    return None


def without_run(line: str) -> str:
    """Return a line with what is repeated on and on once only."""
    return line[: run_end(line)]


def is_closer(line: str) -> bool:
    """Return whether a line begins with a closing bracket."""
    return line.lstrip().startswith(tuple(_CLOSERS))


def is_closing(line: str) -> bool:
    """Return whether a line has nothing but closing brackets."""
    return _ONLY_CLOSERS.fullmatch(line.strip()) is not None


def block_end(caret_line: str, text: str, spare: str) -> int | None:
    """Return where `text` has to end as its brackets leave the caret's block; None if they do not.

    That is before a bracket that closes what is closed already, and at the end of the line that
    closes the block with one of the `spare` braces.
    """
    left = list(spare)
    opened: list[str] = []
    for match in _BRACKETS.finditer(caret_line + text):
        bracket, at = match.group(), match.start() - len(caret_line)
        if at < 0 or len(bracket) > 1:
            continue
        if bracket not in _CLOSERS:
            opened.append(bracket)
        elif opened:
            opened.pop()
        elif bracket not in left:
            return at
        else:
            left.remove(bracket)
            end = text.find("\n", at)
            if bracket == "}" and end != -1:
                return end
    return None


@lru_cache(4)
def spare_closers(before: str, after: str) -> str | None:
    """Return the closing brackets that the text around the caret lacks; None if nobody knows.

    It is not known where `before` begins in the middle of a block, or where brackets come alone,
    as in a shell's `case`.
    """
    if before[:1] in (" ", "\t"):
        return None
    opened, surplus = _unmatched(before)
    if surplus:
        return None
    for bracket in _unmatched(after)[1]:
        if _CLOSERS[bracket] in opened:
            opened.remove(_CLOSERS[bracket])
    return "".join(
        closer for closer, opener in _CLOSERS.items() for _ in range(opened.count(opener))
    )


def _unmatched(text: str) -> tuple[list[str], list[str]]:
    """Return the brackets that are opened in `text` and not closed, and the other way round."""
    opened: list[str] = []
    closed: list[str] = []
    for match in _BRACKETS.finditer(text):
        bracket = match.group()
        if len(bracket) > 1:
            continue
        if bracket not in _CLOSERS:
            opened.append(bracket)
        elif opened and opened[-1] == _CLOSERS[bracket]:
            opened.pop()
        else:
            closed.append(bracket)
    return opened, closed


def without_half_line(text: str) -> str:
    """Return `text` without its last line, which a limit has cut; a single one stays."""
    complete, newline, _ = text.rpartition("\n")
    return complete if newline and complete.strip() else text


def is_worth_showing(text: str, caret_line: str) -> bool:
    """Return whether `text` says enough to be looked at.

    A single character does, as a bracket or an argument: it is right so often. Only the last
    letter of a word does not, nor the mark that begins a comment without the comment.
    """
    said = text.strip()
    if len(text) == 1 and text.isalnum() and caret_line[-1:].isalnum():
        return False
    return bool(said) and not (_COMMENT_MARK.fullmatch(text) and not caret_line.strip())

"""Brackets and quotes: which belong together, and which come and go by themselves while typing.

Nothing is remembered of what was inserted: each rule looks at the text around the caret, so it
holds after undo, paste and in files from elsewhere too.
"""

import re
from collections import Counter
from collections.abc import Callable
from itertools import islice

PAIRS = {"(": ")", "[": "]", "{": "}"}
"""What closes each bracket."""
_OPENERS = {closer: opener for opener, closer in PAIRS.items()}
_USUAL_QUOTES = "\"'"
_QUOTES_OF = {
    '"': (
        "clojure common-lisp elisp emacs-lisp fsharp haskell html+erb latex ocaml racket rust "
        "scheme tex text vb.net vbnet vhdl"
    ),
    "\"'`": "bash go javascript js ts tsx typescript",
    '"`': "markdown",
    "'": "vim",
}
"""Where not all quotes are in use, or an apostrophe means something else."""
_QUOTES = {alias: quotes for quotes, aliases in _QUOTES_OF.items() for alias in aliases.split()}
_RUN = re.compile(r"""[)\]}"'`]*""")
_PREFIX = re.compile(r"(?:\W|^)(?:[bfru]|rb|br|fr|rf)?$", re.IGNORECASE)
_ANY_BRACKET = {
    bracket: re.compile(f"[{re.escape(opener + closer)}]")
    for opener, closer in PAIRS.items()
    for bracket in (opener, closer)
}
_BEFORE_CLOSED = re.compile(r"[\s)\]},;:]|$")
_MOST_PASSED = 1_000
_LINE_REACH = 4_000
"""How much of a line before the caret is read: no key waits for a line of a hundred thousand."""


def quotes_of(language: str) -> str:
    """Return the quotes that come in pairs in a language."""
    return _QUOTES.get(language, _USUAL_QUOTES)


def is_bracket(character: str) -> bool:
    """Return whether it opens or closes something."""
    return character in _ANY_BRACKET


def partner(bracket: str, text: str, counts: Callable[[int], bool]) -> int | None:
    """Return where in `text` the bracket that belongs to `bracket` is, None if it is not there.

    `text` stands right behind an opening bracket, or right before a closing one. Brackets at
    indices that do not count, as in a string, are passed over. After a thousand brackets it is
    given up.
    """
    is_opener = bracket in PAIRS
    matches = _ANY_BRACKET[bracket].finditer(text if is_opener else text[::-1])
    depth = 1
    for match in islice(matches, _MOST_PASSED):
        index = match.start() if is_opener else len(text) - match.end()
        if counts(index):
            depth += 1 if text[index] == bracket else -1
            if not depth:
                return index
    return None


def closer_for(typed: str, before: str, after: str, quotes: str) -> str:
    """Return what closes the bracket or quote just typed between `before` and `after`.

    Empty if nothing shall be closed: before a word, in a string, or where the line has the
    closing one already.
    """
    closer = typed if typed in quotes else PAIRS.get(typed, "")
    if not closer or not _BEFORE_CLOSED.match(after):
        return ""
    is_repeated_quote = typed in quotes and before.endswith(typed)
    before = before[-_LINE_REACH:]
    opened, then = _open_after(before, quotes), _open_after(before + typed, quotes)
    if is_repeated_quote or then != opened + typed:
        return ""
    wanted = Counter(_closers(then))
    return closer if wanted[closer] > Counter(_run(after))[closer] else ""


def surplus_closers(before: str, part: str, after: str, quotes: str) -> int:
    """Return how many closing characters at the head of `after` are too many with `part` inserted.

    `before` and `after` are the line around the caret. In `f(|)` the part `x) + y` brings the
    bracket that is there already.
    """
    before = before[-_LINE_REACH:]
    stack = list(_open_after(before, quotes))
    closed = _read(part, stack, quotes, before)
    run = _run(after)
    too_many = Counter(run) - Counter(_closers("".join(stack)))
    count = 0
    for closer in closed:
        if run[count : count + 1] == closer and too_many[closer] > 0:
            too_many[closer] -= 1
            count += 1
    return count


def is_empty_pair(before: str, after: str, quotes: str) -> bool:
    """Return whether the caret is between a bracket or quote and the one that closes it.

    Not if the line lacks a closing one: then this one belongs to another.
    """
    opener, closer = before[-1:], after[:1]
    if not opener or closer not in (PAIRS.get(opener), opener if opener in quotes else None):
        return False
    opened = _open_after(before[-_LINE_REACH:], quotes)
    return opened.endswith(opener) and opened.count(opener) <= _run(after).count(closer)


def _run(after: str) -> str:
    match = _RUN.match(after, 0, _LINE_REACH)
    return match.group() if match else ""


def _closers(opened: str) -> str:
    return "".join(PAIRS.get(opener, opener) for opener in opened)


def _open_after(text: str, quotes: str) -> str:
    stack: list[str] = []
    _read(text, stack, quotes)
    return "".join(stack)


def _read(text: str, stack: list[str], quotes: str, before: str = "") -> list[str]:
    """Read on from `before` with what is open on the stack; return what closes older things."""
    closed = []
    kept = len(stack)  # of what was open before, this much still is
    is_in_string = bool(stack) and stack[-1] in quotes
    is_escaped = is_in_string and (len(before) - len(before.rstrip("\\"))) % 2 == 1
    before = before[-3:]
    context = before + text
    for index, character in enumerate(text, len(before)):
        top = stack[-1] if stack else ""
        if is_escaped:
            is_escaped = False
        elif top and top in quotes:
            is_escaped = character == "\\"
            if character == top:
                stack.pop()
        elif character in PAIRS or (
            character in quotes and _PREFIX.search(context[max(0, index - 3) : index])
        ):
            stack.append(character)
        elif top and top == _OPENERS.get(character):
            stack.pop()
        elif character in _OPENERS and len(stack) <= kept:
            closed.append(character)  # of a bracket on a line above
        if len(stack) < kept:
            kept = len(stack)
            closed.append(character)
    return closed

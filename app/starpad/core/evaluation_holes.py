"""Holes in source text: where code can be cut out so that a model's answer can be compared."""

import ast
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from starpad.core.evaluation import Hole, HoleKind, Selection, Source
from starpad.core.evaluation_scores import python_tree

BLOCK_LINES = (2, 8)
"""The fewest and the most lines of a block."""
FUNCTION_LINES = (2, 40)
"""The same of a function's body."""
_TOKEN = re.compile(r"\w+|\s+|.")
_MOST_LINE_CHARACTERS = 400
"""A longer line was hardly written by hand."""
_OPENER = re.compile(r"(?:[:{]|=>|->|\b(?:do|then|begin|else|try|ensure|repeat))\s*$")
_CONTROL = re.compile(r"\s*[})]*\s*(?:if|for|foreach|while|switch|catch|else|do|with|match|try)\b")
_FUNCTION = re.compile(
    r"\s*(?:[\w<>]+\s+)*?(?:def|function|func|fn|fun|sub|proc)\b|.*\)[\w\s:<>,&*|?.-]*(?:=>\s*)?\{\s*$"
)

_Span = tuple[int, int]


def punch(sources: Iterable[Source], selection: Selection) -> list[Hole]:
    """Return holes in these sources, as many as are wanted, from the first sources on.

    Where in a file they are is drawn from the seed and the file's name alone. They come sorted: by
    file and kind, from top to bottom.
    """
    left = dict.fromkeys(selection.kinds, selection.holes)
    holes: list[Hole] = []
    for source in sources:
        lines = _Lines(source.text)
        for kind in selection.kinds:
            chance = random.Random(f"{selection.seed} {kind} {source.name}")
            spans = _spans(source, lines, kind, chance)
            taken = _apart(spans, min(selection.per_file, left[kind]))
            left[kind] -= len(taken)
            holes += [Hole(source, kind, start, end) for start, end in taken]
        if not any(left.values()):
            break
    return sorted(holes, key=lambda hole: (hole.source.name, hole.kind, hole.start))


@dataclass(frozen=True, slots=True, init=False)
class _Lines:
    """A text's lines and where each begins."""

    texts: tuple[str, ...]
    starts: tuple[int, ...]

    def __init__(self, text: str) -> None:
        texts = tuple(text.split("\n"))
        starts, at = [], 0
        for line in texts:
            starts.append(at)
            at += len(line) + 1
        object.__setattr__(self, "texts", texts)
        object.__setattr__(self, "starts", tuple(starts))

    def indent(self, number: int) -> int:
        """Return how many columns a line is indented."""
        line = self.texts[number].expandtabs(8)
        return len(line) - len(line.lstrip())

    def is_blank(self, number: int) -> bool:
        return not self.texts[number].strip()

    def span(self, first: int, last: int) -> _Span:
        """Return from the first line's text, past its indentation, to the end of the last's."""
        line = self.texts[first]
        start = self.starts[first] + len(line) - len(line.lstrip())
        return start, self.starts[last] + len(self.texts[last].rstrip())


def _spans(source: Source, lines: _Lines, kind: HoleKind, chance: random.Random) -> Iterator[_Span]:
    """Yield what can be cut out, in the order in which chance would have it."""
    if kind in (HoleKind.LINE_REST, HoleKind.ANY_COLUMN, HoleKind.LINE):
        numbers = [
            number
            for number, line in enumerate(lines.texts)
            if line.strip() and len(line) <= _MOST_LINE_CHARACTERS
        ]
        chance.shuffle(numbers)
        for number in numbers:
            if kind is HoleKind.LINE:
                yield lines.span(number, number)
            elif cuts := _cuts(lines, number, kind):
                yield chance.choice(cuts), lines.span(number, number)[1]
        return
    least, most = BLOCK_LINES if kind is HoleKind.BLOCK else FUNCTION_LINES
    bodies = sorted(set(_bodies(source, lines, is_function=kind is HoleKind.FUNCTION)))
    spans = [lines.span(*body) for body in bodies if least <= body[1] - body[0] + 1 <= most]
    chance.shuffle(spans)
    yield from spans


def _cuts(lines: _Lines, number: int, kind: HoleKind) -> Sequence[int]:
    """Return where a line can be cut, with something on both sides."""
    start, end = lines.span(number, number)
    if kind is HoleKind.ANY_COLUMN:
        return range(start + 1, end)
    tokens = _TOKEN.finditer(lines.texts[number].strip())
    return [start + token.start() for token in tokens if token.start() > 0]


def _apart(spans: Iterator[_Span], most: int) -> list[_Span]:
    """Return the first spans that do not overlap."""
    taken: list[_Span] = []
    while len(taken) < most and (span := next(spans, None)) is not None:
        if all(span[1] <= start or end <= span[0] for start, end in taken):
            taken.append(span)
    return taken


def _bodies(source: Source, lines: _Lines, *, is_function: bool) -> Iterator[_Span]:
    """Yield the first and last line of each block, or function body.

    In Python as Python itself sees them; a docstring is no part of a body, as it says what is to
    be written. Elsewhere, and where Python cannot read the file, indentation has to do.
    """
    tree = python_tree(source.text) if source.language == "python" else None
    if tree is None:
        yield from _indented_bodies(lines, is_function=is_function)
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) == is_function:
            for body in _statements(node):
                yield from _whole_lines(body, lines)


def _statements(node: ast.AST) -> Iterator[Sequence[ast.stmt]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield node.body[1:] if ast.get_docstring(node) is not None else node.body
    elif not isinstance(node, ast.Module | ast.ClassDef):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list) and all(isinstance(each, ast.stmt) for each in body):
                yield body


def _whole_lines(body: Sequence[ast.stmt], lines: _Lines) -> Iterator[_Span]:
    """Yield the body's lines if nothing else stands on them: no `if x: y`, no `elif`."""
    if not body:
        return
    decorators = getattr(body[0], "decorator_list", [])
    first = min([body[0].lineno, *(each.lineno for each in decorators)]) - 1
    last = (body[-1].end_lineno or 0) - 1
    head = lines.texts[first].encode()[: body[0].col_offset].decode(errors="replace")
    is_alone = not head.strip() or bool(decorators)
    if is_alone and not lines.texts[first].lstrip().startswith("elif "):
        yield first, last


def _indented_bodies(lines: _Lines, *, is_function: bool) -> Iterator[_Span]:
    """Yield the lines that are indented further than a line above them which opens something.

    Of functions, those whose opening line looks like one: a keyword such as `fn`, or brackets and
    a brace, and no `if` or the like. It is a guess: no language is really read here.
    """
    for opener, text in enumerate(lines.texts):
        looks_like_function = bool(_FUNCTION.match(text)) and not _CONTROL.match(text)
        is_wanted = looks_like_function if is_function else bool(_OPENER.search(text))
        if is_wanted and (body := _body(lines, opener)) is not None:
            yield body


def _body(lines: _Lines, opener: int) -> _Span | None:
    """Return what is indented further than the opener; None if there is nothing, or too much."""
    last = opener
    for number in range(opener + 1, len(lines.texts)):
        if lines.is_blank(number):
            continue
        if lines.indent(number) <= lines.indent(opener):
            break
        last = number
        if last - opener > 2 * FUNCTION_LINES[1]:
            return None
    inside = (number for number in range(opener + 1, last + 1) if not lines.is_blank(number))
    first = next(inside, None)
    return (first, last) if first is not None else None

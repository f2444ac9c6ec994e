"""Cuts Markdown that is still being written into blocks that are final and one that is open.

markdown-it-py parses; this module only decides up to where the text is settled. That depends on
complete lines alone, never on the pieces in which the text came, so an answer that was streamed
and the same answer read from the history become the same blocks.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.token import Token


MAX_BLOCK_CHARACTERS = 2000
"""A longer paragraph, list item or table is cut: what is open is parsed again for each frame."""

BULLET = "•"

_FENCE = re.compile(r"( {0,3})(`{3,}|~{3,})[ \t]*([^ \t\n]*).*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading, list item, quotation, table or rule, as markdown-it's tokens.

    `marker` is what stands before a list item: a bullet or its number.
    """

    tokens: "tuple[Token, ...]"
    marker: str = ""


@dataclass(frozen=True, slots=True)
class CodeStart:
    """A fenced code block begins; `language` is the first word after the fence, as written."""

    language: str


@dataclass(frozen=True, slots=True)
class CodeLines:
    """More lines of the code block."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CodeEnd:
    """The code block is complete."""


Piece = Block | CodeStart | CodeLines | CodeEnd


@dataclass(frozen=True, slots=True)
class _Unit:
    """A top-level block, or one item of a top-level list; `start` and `end` number its lines."""

    tokens: "tuple[Token, ...]"
    start: int
    end: int
    list_kind: str = ""
    number: int = 0

    @property
    def is_fence(self) -> bool:
        return self.tokens[0].type == "fence" and not self.list_kind

    @property
    def block(self) -> Block:
        marker = f"{self.number}." if self.list_kind.startswith("ordered") else BULLET
        return Block(self.tokens, marker if self.list_kind else "")


@dataclass(frozen=True, slots=True)
class _Fence:
    """A code fence that is open."""

    language: str
    indent: int
    end: re.Pattern[str]

    @classmethod
    def opened_by(cls, line: str) -> "_Fence | None":
        match = _FENCE.fullmatch(line)
        if match is None:
            return None
        indent, marks, language = match.groups()
        end = rf" {{0,3}}{re.escape(marks[0])}{{{len(marks)},}}[ \t]*"
        return cls(language, len(indent), re.compile(end))

    def content(self, line: str) -> str:
        """Return a line without as much of its indentation as the fence itself has."""
        spaces = len(line) - len(line.lstrip(" "))
        return line[min(spaces, self.indent) :]


class MarkdownStream:
    """Takes text in pieces of any size and gives the blocks that no later text can change.

    With `is_plain` only fenced code is told from the rest: what a person typed stays as it is.
    """

    def __init__(self, *, is_plain: bool = False) -> None:
        from markdown_it import MarkdownIt  # 40 ms, which the window need not wait for

        # Raw HTML is text like any other. Definitions of links would change text above them.
        self._parser = MarkdownIt("zero" if is_plain else "commonmark", {"html": False})
        self._parser.enable(["fence"] if is_plain else ["table", "strikethrough"])
        self._parser.disable("reference")
        self._tail = ""
        """What is not settled; it begins at a block's beginning, or within the open fence."""
        self._fence: _Fence | None = None
        self._list_kind = ""
        self._number = 0

    @property
    def is_in_code(self) -> bool:
        """Whether a code block is open, to which lines are only added."""
        return self._fence is not None

    def feed(self, text: str) -> list[Piece]:
        """Take more text and return what it settles."""
        self._tail += text.replace("\r", "")
        return list(self._settled())

    def open_pieces(self) -> list[Piece]:
        """Return what is not settled as it looks now; in code the start of the next line."""
        if self._fence is not None:
            return [CodeLines((self._fence.content(self._tail),))] if self._tail else []
        pieces: list[Piece] = []
        lines = self._tail.split("\n")
        for unit in self._units(self._tail):
            if unit.is_fence and (fence := _Fence.opened_by(lines[unit.start])) is not None:
                pieces.append(CodeStart(fence.language))
            else:
                pieces.append(unit.block)
        return pieces

    def finish(self) -> list[Piece]:
        """Return the rest: the text is complete."""
        if self._tail:
            self._tail += "\n"
        pieces = list(self._settled())
        if self._fence is not None:
            self._fence = None
            pieces.append(CodeEnd())
        pieces += map(self._taken, self._units(self._tail))
        self._tail = ""
        return pieces

    def _settled(self) -> Iterator[Piece]:
        is_moving = True
        while is_moving:
            before = len(self._tail), self._fence
            yield from self._code() if self._fence is not None else self._blocks()
            is_moving = before != (len(self._tail), self._fence)

    def _code(self) -> Iterator[Piece]:
        """Take the complete lines of the open fence, up to its end."""
        assert self._fence is not None
        *lines, rest = self._tail.split("\n")
        ends = (n for n, line in enumerate(lines) if self._fence.end.fullmatch(line))
        end = next(ends, len(lines))
        if end:
            yield CodeLines(tuple(self._fence.content(line) for line in lines[:end]))
        self._tail = "\n".join((*lines[end + 1 :], rest))
        if end < len(lines):
            self._fence = None
            yield CodeEnd()

    def _blocks(self) -> Iterator[Piece]:
        """Take the blocks of which the complete lines tell that they have ended."""
        *lines, rest = self._tail.split("\n")
        is_long = len(rest) > MAX_BLOCK_CHARACTERS
        if is_long:
            lines.append(rest)
        if not lines:
            return
        units = self._units("\n".join(lines))
        for unit in units:
            text = "\n".join(lines[unit.start : unit.end])
            if unit.is_fence and (fence := _Fence.opened_by(lines[unit.start])) is not None:
                self._fence = fence
                self._list_kind = ""
                self._drop_lines(unit.start + 1)
                yield CodeStart(fence.language)
                return
            if len(text) > MAX_BLOCK_CHARACTERS:
                self._drop_lines(unit.start)
                cut = _cut(text)
                for part in self._units(self._tail[:cut]):
                    yield self._taken(part)
                self._tail = self._tail[cut:].lstrip(" \n")
                return
            if unit is not units[-1]:
                yield self._taken(unit)
        if len(units) > 1:
            self._drop_lines(units[-1].start)

    def _drop_lines(self, count: int) -> None:
        self._tail = "\n".join(self._tail.split("\n")[count:])

    def _taken(self, unit: _Unit) -> Block:
        self._list_kind, self._number = unit.list_kind, unit.number
        return unit.block

    def _units(self, text: str) -> list[_Unit]:
        tokens = self._parser.parse(text)
        starts = [n for n, token in enumerate(tokens) if token.level == 0 and token.nesting >= 0]
        units: list[_Unit] = []
        for start, end in pairwise([*starts, len(tokens)]):
            first = tokens[start]
            if first.type in ("bullet_list_open", "ordered_list_open"):
                units += self._items(tokens[start:end], is_first=not units)
            elif first.map is not None:
                units.append(_Unit(tuple(tokens[start:end]), first.map[0], first.map[1]))
        return units

    def _items(self, tokens: "list[Token]", *, is_first: bool) -> Iterator[_Unit]:
        """Yield the items of a top-level list; the first list may go on with the settled one."""
        kind = f"{tokens[0].type.removesuffix('_list_open')} {tokens[0].markup}"
        number = int(tokens[0].attrs.get("start", 1)) - 1
        if is_first and kind == self._list_kind:
            number = self._number
        starts = [n for n, token in enumerate(tokens) if token.type == "list_item_open"]
        starts = [n for n in starts if tokens[n].level == 1]
        for start, end in pairwise([*starts, len(tokens) - 1]):
            place = tokens[start].map
            assert place is not None
            number += 1
            inside = tuple(tokens[start + 1 : end - 1])
            yield _Unit(inside or (tokens[start],), place[0], place[1], kind, number)


def _cut(text: str) -> int:
    """Return where to cut a text that is too long: at a line's end, or else between words."""
    head = text[:MAX_BLOCK_CHARACTERS]
    for separator in ("\n", " "):
        if (cut := head.rfind(separator)) > 0:
            return cut
    return len(head)

"""Keeps a QTextDocument in step with a conversation's path, a few milliseconds' work at a time.

Only the end of the document ever changes: messages are added, the last one grows, or all from
some message on is written anew. What stands above keeps its place, its layout and its selection.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtGui import QFont, QTextBlockFormat, QTextCharFormat, QTextCursor, QTextDocument

from starpad.core.chat import Entry, Message, MessageState, Role
from starpad.ui.chat.code_colors import CodeBlock, CodeColors
from starpad.ui.chat.markdown_blocks import Block, CodeEnd, CodeLines, CodeStart, MarkdownStream
from starpad.ui.chat.markdown_writer import Look, MarkdownWriter
from starpad.ui.chat.message_notes import answer_note, links_of

STEP_CHARACTERS = 1500
SHOWN_CHARACTERS = 200_000
"""Of one message; the rest of a larger one is there, but not drawn."""

_TOP_PX = 18
_BELOW_NAME_PX = 4
_CODE_LINKS = (("Copy", "copy"), ("Insert", "insert"), ("New tab", "new"), ("Apply…", "apply"))


@dataclass(slots=True)
class _Writing:
    """The message that is being written into the document."""

    stream: MarkdownStream
    taken: int = 0
    """Characters of its text that the stream has."""
    open_position: int = 0
    """From here on the document shows what may still change."""
    code: CodeBlock | None = None


class TranscriptWriter:
    """Writes entries into a document; `step` does a bounded piece of the work."""

    def __init__(self, document: QTextDocument, colors: CodeColors, look: Look) -> None:
        self._document = document
        self._colors = colors
        self.look = look
        self.entries: list[Entry] = []
        self.codes: list[CodeBlock] = []
        self._starts: list[int] = []
        """Where in the document each begun entry starts."""
        self._writing: _Writing | None = None

    @property
    def open_position(self) -> int:
        """Where the part begins that the next step may replace; -1 if there is none."""
        return self._writing.open_position if self._writing is not None else -1

    @property
    def has_work(self) -> bool:
        """Whether `step` would change something."""
        if len(self._starts) < len(self.entries):
            return True
        writing = self._writing
        if writing is None:
            return False
        message = self.entries[len(self._starts) - 1].message
        return (
            writing.taken < len(_shown_text(message)) or message.state is not MessageState.STREAMING
        )

    @property
    def has_backlog(self) -> bool:
        """Whether there is more to write than comes with a frame."""
        if len(self._starts) < len(self.entries):
            return True
        message = self.entries[-1].message if self.entries else None
        writing = self._writing
        if writing is None or message is None:
            return False
        return len(_shown_text(message)) - writing.taken > STEP_CHARACTERS

    def set_entries(self, entries: Sequence[Entry]) -> None:
        """Make these the messages to show; what is on screen already and the same stays."""
        same = 0
        for old, new in zip(self.entries, entries, strict=False):
            if old != new and not old.grows_into(new):
                break
            same += 1
        self._truncate(same)
        self.entries = list(entries)

    def rewrite(self, look: Look) -> None:
        """Write everything anew: fonts or colors have changed."""
        self.look = look
        self._truncate(0)

    def run(self, seconds: float) -> None:
        """Work for about this long, or until nothing is left to do."""
        end = time.perf_counter() + seconds
        while self.has_work:
            self.step()
            if time.perf_counter() >= end:
                return

    def step(self) -> None:
        """Write a little more."""
        cursor = QTextCursor(self._document)
        # One change for the layout, however many calls it takes.
        cursor.beginEditBlock()
        try:
            if self._writing is None:
                self._begin(cursor)
            else:
                self._go_on(cursor, self._writing)
        finally:
            cursor.endEditBlock()

    def start_of(self, message: int) -> int:
        """Return where a message stands in the document; -1 if it is not there (yet)."""
        pairs = zip(self.entries, self._starts, strict=False)
        return next((start for entry, start in pairs if entry.message.id == message), -1)

    def _truncate(self, count: int) -> None:
        """Take all entries but the first `count` off the document."""
        if len(self._starts) <= count:
            return
        _remove_from(QTextCursor(self._document), self._starts[count])
        if count == 0:
            self._document.clear()
            self._document.setUndoRedoEnabled(False)
        del self._starts[count:]
        self._writing = None
        left = self._document.blockCount()
        gone = [code for code in self.codes if code.first_block >= left]
        self._colors.forget(gone)
        self.codes = [code for code in self.codes if code.first_block < left]

    def _begin(self, cursor: QTextCursor) -> None:
        """Write a message's heading."""
        entry = self.entries[len(self._starts)]
        cursor.movePosition(QTextCursor.MoveOperation.End)
        if not self._starts:  # a document always has a first block; everything comes after it
            block_format = QTextBlockFormat()
            block_format.setLineHeight(1, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
            cursor.setBlockFormat(block_format)
        self._starts.append(cursor.position())
        message = entry.message
        writer = self._writer(cursor, message)
        block_format = QTextBlockFormat()
        block_format.setTopMargin(_TOP_PX)
        block_format.setBottomMargin(_BELOW_NAME_PX)
        writer.new_block(block_format)
        name_format = QTextCharFormat()
        name_format.setFontWeight(QFont.Weight.Bold)
        writer.text("You" if message.role is Role.USER else message.model or "Answer", name_format)
        self._writing = _Writing(
            MarkdownStream(is_plain=message.role is Role.USER), open_position=cursor.position()
        )

    def _go_on(self, cursor: QTextCursor, writing: _Writing) -> None:
        entry = self.entries[len(self._starts) - 1]
        text = _shown_text(entry.message)
        _remove_from(cursor, writing.open_position)
        writer = self._writer(cursor, entry.message)
        piece = text[writing.taken : writing.taken + STEP_CHARACTERS]
        writing.taken += len(piece)
        self._write(writer, writing, writing.stream.feed(piece))
        is_all = writing.taken == len(text)
        if is_all and entry.message.state is not MessageState.STREAMING:
            self._write(writer, writing, writing.stream.finish())
            self._write_end(writer, entry)
            self._writing = None
            return
        cursor.movePosition(QTextCursor.MoveOperation.End)
        writing.open_position = cursor.position()
        if is_all:
            self._write_open(writer, writing)

    def _write(
        self,
        writer: MarkdownWriter,
        writing: _Writing,
        pieces: Sequence[Block | CodeStart | CodeLines | CodeEnd],
    ) -> None:
        for piece in pieces:
            match piece:
                case Block():
                    writer.block(piece)
                case CodeStart():
                    self._begin_code(writer, writing, piece.language)
                case CodeLines() if writing.code is not None:
                    for line in piece.lines:
                        writer.code_line(line)
                    writing.code.lines += piece.lines
                    self._colors.extend(writing.code)
                case CodeEnd() if writing.code is not None:
                    writer.code_end()
                    writing.code.is_complete = True
                    self._colors.extend(writing.code)
                    writing.code = None

    def _begin_code(self, writer: MarkdownWriter, writing: _Writing, language: str) -> None:
        message = self.entries[len(self._starts) - 1].message
        index = self.codes[-1].index + 1 if self.codes else 0
        is_answer = message.role is Role.ASSISTANT
        links = _CODE_LINKS if is_answer else _CODE_LINKS[:1]
        writer.code_head(language, [(label, f"code:{name}:{index}") for label, name in links])
        code = CodeBlock(language, message.id, self._document.blockCount(), index)
        self.codes.append(code)
        writing.code = code

    def _write_open(self, writer: MarkdownWriter, writing: _Writing) -> None:
        """Write what may still change; the next step takes it off again."""
        for piece in writing.stream.open_pieces():
            match piece:
                case Block():
                    writer.block(piece)
                case CodeStart():
                    writer.code_head(piece.language, [])
                case CodeLines():
                    for line in piece.lines:
                        writer.code_line(line)

    def _write_end(self, writer: MarkdownWriter, entry: Entry) -> None:
        """Write what there is to know and to do about a message that is complete."""
        message = entry.message
        cut = len(message.text) - SHOWN_CHARACTERS
        if cut > 0:
            writer.note(f"{cut:,} more characters are not shown; Copy has them all.")
        note = answer_note(message)
        if note:
            writer.note(note, is_problem=message.state is MessageState.FAILED)
        writer.links(links_of(message, entry.alternative, entry.alternatives, entry.is_last))

    def _writer(self, cursor: QTextCursor, message: Message) -> MarkdownWriter:
        writer = MarkdownWriter(cursor, self.look)
        writer.is_question = message.role is Role.USER
        return writer


def _remove_from(cursor: QTextCursor, position: int) -> None:
    """Remove all from a position on, which is the end of a text block."""
    cursor.setPosition(position)
    is_empty = cursor.atBlockStart()
    block_format, char_format = cursor.blockFormat(), cursor.blockCharFormat()
    cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
    cursor.removeSelectedText()
    if is_empty:  # it has taken over the format of the block that it was joined to
        cursor.setBlockFormat(block_format)
        cursor.setBlockCharFormat(char_format)


def _shown_text(message: Message) -> str:
    # An answer keeps the white space around it: the next prompt needs what it began with, and
    # what it ends with may still be the beginning of a line.
    text = message.text[:SHOWN_CHARACTERS]
    return text.strip() if message.role is Role.ASSISTANT else text

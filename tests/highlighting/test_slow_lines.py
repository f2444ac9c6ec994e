"""Where a line takes longer than the time between two keys, all lines get their colors even so."""

import io
from queue import Empty, SimpleQueue

import pytest

from starpad.highlighting import document, lexing
from starpad.highlighting.document import LexDocument
from starpad.highlighting.host import HighlightHost
from starpad.highlighting.protocol import Message, taken_frames

TYPED_IN = 1
MOST_KEYS = 400


class _KeysBetweenSteps(SimpleQueue[Message]):
    """Brings an edit of the same line between any two steps of the host, until it is to end."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.put(("open", 1, 0, "dasm16", "", list(lines)))
        self.line = lines[TYPED_IN]
        self.keys = 0
        self.is_enough = False
        self._is_key_due = False

    def get(self, block: bool = True, timeout: float | None = None) -> Message:
        if not self.empty():
            return super().get()
        if self.is_enough or self.keys == MOST_KEYS:
            return ("end",)
        self._is_key_due = not self._is_key_due
        if self._is_key_due:
            raise Empty
        self.keys += 1
        self.line += "a"
        return ("edit", 1, self.keys, TYPED_IN, 1, [self.line], [])


class _KnownLines(io.BytesIO):
    """Takes what the host writes, and has the typing end when something is known of each line."""

    def __init__(self, inbox: _KeysBetweenSteps, count: int) -> None:
        super().__init__()
        self.unknown = set(range(count))
        self._inbox = inbox

    def write(self, frames: bytes) -> int:  # type: ignore[override]
        for kind, *values in taken_frames(bytearray(frames)):
            if kind == "spans":
                _, _, first, spans = values
                self.unknown.difference_update(range(first, first + len(spans)))
        self._inbox.is_enough = not self.unknown
        return len(frames)


@pytest.mark.parametrize("length", [10, 300])
def test_whoever_types_in_a_slow_line_sees_the_lines_below_colored(
    monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    monkeypatch.setattr(document, "_PIECE_S", 0.0)  # so are all lines slow: a key comes after each
    lines = ["a" * length] * 40
    inbox = _KeysBetweenSteps(lines)
    output = _KnownLines(inbox, len(lines))
    HighlightHost(inbox, output).run()
    assert not output.unknown
    assert inbox.keys < MOST_KEYS


def test_a_run_that_pauses_in_each_line_catches_up_with_what_was_right_below(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(document, "_PIECE_S", 0.0)
    text = LexDocument(lexing.lexer_for("c", "", ""), ["int x;"] * 1_000)
    assert len(list(text.run())) > 900
    text.edit(500, 1, ["int y;"])
    assert len(list(text.run())) < 40

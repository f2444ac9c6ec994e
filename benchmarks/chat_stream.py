"""How long the event loop is held up while an answer of 20,000 tokens streams into the chat pane.

Appends 500 tokens a second (4 characters each) and measures, every 2 ms, how late the event loop
is; the reference is the same loop with nothing to do, in the same run. At the end the document must
be the one that the whole answer gives when it is shown at once.

    python benchmarks/chat_stream.py [--tokens N] [--kind mixed|code|paragraph|list|table]
"""

import argparse
import os
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Slot
from PySide6.QtWidgets import QApplication

from starpad.core.chat import Entry, Message, MessageState, Role
from starpad.services.highlighting import HighlightService
from starpad.ui.chat.transcript import Transcript
from starpad.ui.theme import Theme

TOKENS_PER_SECOND = 500
TOKEN_CHARACTERS = 4
FRAME_MS = 33
IDLE_S = 5

PARAGRAPH = "Some *text* with `code` in it and **bold** words that go on for a whole line. "
CODE = "def name(value):\n    return value + 1  # a comment\n\n\n"
KINDS = {
    "mixed": f"## A heading\n\n{PARAGRAPH * 4}\n\n1. one\n2. two\n\n```python\n{CODE * 8}```\n\n"
    "| a | b |\n|---|---|\n| `x` | y |\n\n> A quotation.\n\n",
    "code": CODE,
    "paragraph": PARAGRAPH,
    "list": f"- {PARAGRAPH}\n",
    "table": "| some cell | and another with `code` |\n",
}
HEADS = {"code": "```python\n", "table": "| a | b |\n|---|---|\n"}


class Watch(QObject):
    """Ticks every 2 ms; how much later than that it comes is how long the loop was held up."""

    def __init__(self) -> None:
        super().__init__()
        self.late_ms: list[float] = []
        self._last = 0.0
        self._timer = QTimer(self, interval=2)
        self._timer.timeout.connect(self._on_timeout)

    def start(self) -> None:
        self.late_ms = []
        self._last = time.perf_counter()
        self._timer.start()

    @Slot()
    def _on_timeout(self) -> None:
        now = time.perf_counter()
        self.late_ms.append(max(0.0, (now - self._last) * 1000 - 2))
        self._last = now

    def figures(self) -> tuple[float, float]:
        """Return the 99th percentile and the maximum, and stop."""
        self._timer.stop()
        ordered = sorted(self.late_ms)
        return ordered[int(len(ordered) * 0.99)], ordered[-1]


class Streamer(QObject):
    """Shows an answer that grows as fast as tokens would come."""

    def __init__(self, view: Transcript, text: str) -> None:
        super().__init__()
        self._view = view
        self._text = text
        self._started = 0.0
        self._timer = QTimer(self, interval=FRAME_MS)
        self._timer.timeout.connect(self._on_timeout)

    def start(self) -> None:
        self._started = time.perf_counter()
        self._timer.start()

    @Slot()
    def _on_timeout(self) -> None:
        tokens = int((time.perf_counter() - self._started) * TOKENS_PER_SECOND)
        end = tokens * TOKEN_CHARACTERS
        is_last = end >= len(self._text)
        state = MessageState.COMPLETE if is_last else MessageState.STREAMING
        self._view.show_entries(entries(self._text if is_last else self._text[:end], state))
        if is_last:
            self._timer.stop()
            QTimer.singleShot(500, QCoreApplication.quit)


def entries(text: str, state: MessageState) -> list[Entry]:
    question = Message(1, None, Role.USER, "Tell me everything.")
    answer = Message(2, 1, Role.ASSISTANT, text.strip(), state, model="Benchmark")
    return [Entry(question), Entry(answer)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=20_000)
    parser.add_argument("--kind", choices=KINDS, default="mixed")
    arguments = parser.parse_args()
    application = QApplication([])
    highlighting = HighlightService()
    view = Transcript(highlighting, Theme(application))
    view.resize(480, 800)
    view.show()
    size = arguments.tokens * TOKEN_CHARACTERS
    body = KINDS[arguments.kind]
    text = (HEADS.get(arguments.kind, "") + body * (size // len(body) + 1))[:size]
    watch, streamer = Watch(), Streamer(view, text)
    watch.start()
    QTimer.singleShot(IDLE_S * 1000, QCoreApplication.quit)
    application.exec()
    idle = watch.figures()
    watch.start()
    streamer.start()
    application.exec()
    busy = watch.figures()
    streamed = view.toHtml()
    view.show_entries([])
    started = time.perf_counter()
    view.show_entries(entries(text, MessageState.COMPLETE))
    view.finish()
    at_once = time.perf_counter() - started
    print(f"{arguments.kind}: {arguments.tokens:,} tokens, {len(text):,} characters")
    print(f"event loop late, idle: p99 {idle[0]:.1f} ms, max {idle[1]:.1f} ms")
    print(f"while streaming: p99 {busy[0]:.1f} ms, max {busy[1]:.1f} ms")
    print(f"shown at once in {at_once:.2f} s; the same document: {streamed == view.toHtml()}")
    highlighting.shutdown()


if __name__ == "__main__":
    main()

"""Types into a text editor of any Qt binding and measures what that costs its thread.

For `highlight_latency.py`, which compares editors of two bindings; has no imports but Python's.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

TYPED = 'total = sum(item.size "a" for item in items)  # */ /* \r' * 3
PERIOD_MS = 25
KEYS = 150
SETTLE_S = 1.0


@dataclass(slots=True)
class Figures:
    """Milliseconds."""

    colored: float = 0.0
    """Wall time from opening until all that is on screen has its colors."""
    open_block: float = 0.0
    """The longest that the event loop stood still meanwhile, by the thread's own clock."""
    painted_costs: list[float] = field(default_factory=list)
    """The thread's time for each key, until its text was painted."""
    key_costs: list[float] = field(default_factory=list)
    """The same, and for all that followed until the next key."""
    typing_block: float = 0.0
    """The longest that the event loop stood still while typing, by the thread's own clock."""

    def row(self) -> str:
        """Return the figures as a row of a table."""
        costs = [*_p50_p99(self.painted_costs), *_p50_p99(self.key_costs)]
        return (
            f"{self.colored:8.0f} {self.open_block:8.0f} "
            + " ".join(f"{cost:8.2f}" for cost in costs)
            + f" {self.typing_block:8.1f}"
        )


HEADER = " ".join(
    f"{title:>8}" for title in ("colored", "block", "p50", "p99", "all p50", "all p99", "block")
)


def _p50_p99(costs: list[float]) -> tuple[float, float]:
    ordered = sorted(costs)
    return ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]


class Typist:
    """Drives one application's event loop by hand, so that each turn of it can be timed."""

    def __init__(self, application: Any, core: Any, gui: Any) -> None:
        self._application = application
        self._core = core
        self._gui = gui
        self._longest = 0.0
        self._now = time.thread_time()
        self._alarm = core.QTimer(singleShot=True, timerType=core.Qt.TimerType.PreciseTimer)

    def measure(self, open_editor: Callable[[], Any], is_colored: Callable[[Any], bool]) -> Figures:
        """Open an editor, wait for its colors, type in the middle of its text."""
        figures = Figures()
        started = time.perf_counter()
        editor = self._timed(open_editor)
        self._turn_until(lambda: is_colored(editor), 120)
        figures.colored = (time.perf_counter() - started) * 1000
        self.turn_for(SETTLE_S)
        self._turn_until(lambda: not editor.isReadOnly(), 120)  # all of the text is there
        figures.open_block = self.take_longest() * 1000
        document = editor.document()
        cursor = editor.textCursor()
        cursor.setPosition(document.findBlockByNumber(document.blockCount() // 2).position())
        editor.setTextCursor(cursor)
        editor.setFocus()
        self.turn_for(SETTLE_S)
        self.take_longest()
        for number in range(KEYS):
            events = self._events(TYPED[number % len(TYPED)])
            before = self._now = time.thread_time()
            self._timed(partial(self._send_and_paint, editor, events))
            figures.painted_costs.append((self._now - before) * 1000)
            self.turn_for(PERIOD_MS / 1000)
            figures.key_costs.append((self._now - before) * 1000)
        figures.typing_block = self.take_longest() * 1000
        return figures

    def take_longest(self) -> float:
        """Return the longest that anything took since the last call, in seconds."""
        self._now = time.thread_time()
        longest, self._longest = self._longest, 0.0
        return longest

    def press(self, editor: Any, character: str) -> None:
        """Press a key and let it go; a return is one."""
        self._timed(partial(self._send, editor, self._events(character)))

    def _events(self, character: str) -> list[Any]:
        kinds, keys = self._core.QEvent.Type, self._core.Qt.Key
        # Qt's numbers of the keys are their capital letters'.
        key = keys.Key_Return if character == "\r" else keys(ord(character.upper()))
        none, text = self._core.Qt.KeyboardModifier.NoModifier, character.strip("\r")
        return [
            self._gui.QKeyEvent(kind, key, none, text)
            for kind in (kinds.KeyPress, kinds.KeyRelease)
        ]

    def _send(self, editor: Any, events: list[Any]) -> None:
        for event in events:
            self._core.QCoreApplication.sendEvent(editor, event)

    def _send_and_paint(self, editor: Any, events: list[Any]) -> None:
        self._send(editor, events)
        self._core.QCoreApplication.sendPostedEvents()  # the window's painting among them

    def _timed(self, work: Callable[[], Any]) -> Any:
        before = self._now  # asking for the time is a fair part of a short turn
        result = work()
        self._now = time.thread_time()
        self._longest = max(self._longest, self._now - before)
        return result

    def turn_for(self, seconds: float) -> None:
        """Let the event loop turn."""
        wait = self._core.QEventLoop.ProcessEventsFlag.WaitForMoreEvents
        turn = partial(self._application.processEvents, wait)
        self._alarm.start(max(1, round(seconds * 1000)))  # or it waits for ever
        while self._alarm.isActive():
            self._timed(turn)

    def _turn_until(self, condition: Callable[[], bool], seconds: float) -> None:
        end = time.perf_counter() + seconds
        while not condition():
            if time.perf_counter() > end:
                print("never colored, or never to be typed into", file=sys.stderr)
                return
            self.turn_for(0.001)

"""When to ask by itself: after a pause that fits the user's typing and the model's speed."""

import time
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from statistics import median

from PySide6.QtCore import QObject, Signal


class Pace(IntEnum):
    """How readily suggestions are asked for without the user's word, from often to never."""

    EACH_PAUSE = 0
    LINE_ENDS = 1
    """Only where a line ends, after a longer pause."""
    ON_DEMAND = 2


LINE_END_PAUSE_MS = 1000
_SAMPLES = 5
_LEAST_SAMPLES = 3
"""One slow answer, as the first one that reads the whole prompt, turns nothing down."""
_SLOW_MS = (2000.0, 6000.0)
"""First tokens that come later than this turn the pace down by one, and by two."""
_EASE = 0.7
"""It turns up again where they come earlier than this part of it, not right at the border."""
_UNMEASURED_MS = {True: 20, False: 150}
_SHORTEST_MS, _LONGEST_MS = 20, 400
_BURST_MS = 400
"""Keys further apart are no part of a burst."""
_FIRST_RHYTHM_MS = 130.0
_RHYTHM_PART = 0.2
_PAUSE_IN_BEATS = 2.0
"""So many of the user's own times between two keys are a pause."""
_LONGEST_BEATS_MS = 350
_MARGIN_MS = 10
"""A first token is on its way to the screen for some of it, and some come later than others."""
_EARLIEST_PART = 0.75
"""Of a pause: less than half as many times between two keys are that long as are half of one."""


class Pacing(QObject):
    """Learns from first tokens and keys. All times in milliseconds.

    `wish_ms` is the pause that the user has chosen: who has done so has chosen how readily to ask,
    too. -1 leaves it to what was learned.
    """

    slowed = Signal(object)
    """A Pace, the first time that a model is asked less readily."""

    def __init__(
        self, parent: QObject | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(parent)
        self._clock = clock
        self._on_gpu = False
        self._waits: deque[float] = deque(maxlen=_SAMPLES)
        self._rhythm_ms = _FIRST_RHYTHM_MS
        self._last_key = float("-inf")
        self._pace = self._told = Pace.EACH_PAUSE

    def restart(self, *, on_gpu: bool) -> None:
        """Forget the speed: there is another model."""
        self._on_gpu = on_gpu
        self._waits.clear()
        self._pace = self._told = Pace.EACH_PAUSE

    def note_key(self) -> None:
        """Note that the user types."""
        now = self._clock()
        between_ms, self._last_key = (now - self._last_key) * 1000, now
        if between_ms < _BURST_MS:
            self._rhythm_ms += (between_ms - self._rhythm_ms) * _RHYTHM_PART

    def note_first_token(self, wait_ms: float) -> None:
        """Note how long a first token has taken."""
        self._waits.append(wait_ms)
        if len(self._waits) < _LEAST_SAMPLES:
            return
        wait_ms = median(self._waits)
        down = sum(wait_ms > limit for limit in _SLOW_MS)
        up = sum(wait_ms > limit * _EASE for limit in _SLOW_MS)
        self._pace = Pace(max(down, min(up, self._pace)))
        if self._pace > self._told:
            self._told = self._pace
            self.slowed.emit(self._pace)

    def note_given_up(self, waited_ms: float) -> None:
        """Note that a request was given up before its first token: it would have taken longer."""
        if waited_ms >= self._wait_ms:
            self.note_first_token(waited_ms)

    def pace_for(self, wish_ms: int) -> Pace:
        """Return how readily to ask."""
        return self._pace if wish_ms < 0 else Pace.EACH_PAUSE

    def pause_ms(self, wish_ms: int, *, is_line_new: bool) -> int:
        """Return how long to wait after a key.

        At a new line whoever types stops anyway; within one, only a pause that is long for this
        user is one. So a fast model is not asked at each key for what nobody will see.
        """
        if wish_ms >= 0:
            return wish_ms
        if self._pace is not Pace.EACH_PAUSE:
            return LINE_END_PAUSE_MS
        speed = int(min(_LONGEST_MS, max(_SHORTEST_MS, self._wait_ms)))
        beats = int(min(_LONGEST_BEATS_MS, self._rhythm_ms * _PAUSE_IN_BEATS))
        return speed if is_line_new else max(speed, beats)

    def early_ms(self, pause_ms: int, *, is_line_new: bool) -> int:
        """Return when in a pause to ask, so that its end finds the first token there.

        Not sooner: most of the times between two keys are shorter, and it would be for nothing.
        """
        if is_line_new:
            return 0
        return max(int(pause_ms * _EARLIEST_PART), pause_ms - int(self._wait_ms) - _MARGIN_MS)

    @property
    def _wait_ms(self) -> float:
        return median(self._waits) if self._waits else _UNMEASURED_MS[self._on_gpu]

"""How fast something grows, smoothed for a reader, and how long the rest will take."""

import math
import time
from collections.abc import Callable

SHOWN_OVER_S = 5.0
FORECAST_OVER_S = 20.0
"""A forecast that follows every gust is no use."""
FORECAST_AFTER_S = 3.0
_SAMPLE_EVERY_S = 0.1


class SpeedMeter:
    """Two means of the speed, of which old samples fade, fed with how many bytes there are.

    What is there at the first sample is not counted, and a number that shrinks starts it anew.
    The clock may be any that never jumps.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forget everything, as after a pause."""
        self._shown = _FadingMean(SHOWN_OVER_S)
        self._forecast = _FadingMean(FORECAST_OVER_S)
        self._first_s = self._last_s = 0.0
        self._last_bytes: int | None = None

    def sample(self, done_bytes: int) -> None:
        """Take notice of how many bytes there are now; samples in quick succession are skipped."""
        now = self._clock()
        if self._last_bytes is None or done_bytes < self._last_bytes:
            self.reset()
            self._first_s = now
        elif now - self._last_s < _SAMPLE_EVERY_S:
            return
        else:
            for mean in (self._shown, self._forecast):
                mean.add(done_bytes - self._last_bytes, now - self._last_s)
        self._last_s, self._last_bytes = now, done_bytes

    @property
    def bytes_per_second(self) -> float:
        """The speed of the last seconds; 0 while nothing is known."""
        return self._shown.value

    def seconds_left(self, rest_bytes: int) -> float | None:
        """Return how long the rest will take; None while that cannot be told."""
        if self._last_s - self._first_s < FORECAST_AFTER_S or self._forecast.value < 1:
            return None
        return rest_bytes / self._forecast.value


class _FadingMean:
    """A mean over time; a second that lies `over_s` back weighs 1/e of the present one."""

    def __init__(self, over_s: float) -> None:
        self._over_s = over_s
        self._sum = self._weight = 0.0

    def add(self, amount: float, seconds: float) -> None:
        kept = math.exp(-seconds / self._over_s)
        self._sum = self._sum * kept + amount / seconds * (1 - kept)
        self._weight = self._weight * kept + (1 - kept)

    @property
    def value(self) -> float:
        # Divided by the weight, for the samples before the first one were not zero but none.
        return self._sum / self._weight if self._weight else 0.0

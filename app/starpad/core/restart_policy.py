"""How often the engine may be restarted without asking."""

import time
from collections import deque
from collections.abc import Callable


class RestartPolicy:
    """Allows at most `limit` automatic restarts in any `window_s` seconds."""

    def __init__(
        self, limit: int = 3, window_s: float = 600, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._window_s = window_s
        self._clock = clock
        self._times_s: deque[float] = deque(maxlen=limit)

    def allow(self) -> bool:
        """Return whether to restart now; a yes counts as a restart."""
        now = self._clock()
        if len(self._times_s) == self._limit and now - self._times_s[0] < self._window_s:
            return False
        self._times_s.append(now)
        return True

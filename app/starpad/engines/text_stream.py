"""Makes text of generated tokens' bytes: whole characters only, and nothing of a stop text."""

import codecs
from collections.abc import Sequence


class TextStream:
    """What one request has generated, as far as it may be sent."""

    def __init__(self, stop_texts: Sequence[str]) -> None:
        self._stops = [stop for stop in stop_texts if stop]
        # A token may end in the middle of a character, whose rest the next ones bring.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self.stopped_by = ""
        """The stop text that ended it; neither it nor what followed was given out."""

    def add(self, data: bytes) -> str:
        """Return the text that a token's bytes complete; "" while it may begin a stop text."""
        text = self._held + self._decoder.decode(data)
        places = [(place, stop) for stop in self._stops if (place := text.find(stop)) >= 0]
        if places:
            place, self.stopped_by = min(places)
            self._held = ""
            return text[:place]
        kept = len(text) - self._beginning_of_a_stop(text)
        self._held = text[kept:]
        return text[:kept]

    def rest(self) -> str:
        """Return what was held back, as no stop text will come of it: nothing follows.

        Half a character at the end stays away.
        """
        rest, self._held = self._held, ""
        return rest

    @property
    def is_within_a_character(self) -> bool:
        """Return whether the rest of a character is still to come."""
        return bool(self._decoder.getstate()[0])

    def _beginning_of_a_stop(self, text: str) -> int:
        """Return the length of the longest end of `text` that a stop text begins with."""
        longest = max(map(len, self._stops), default=0)
        for length in range(min(longest - 1, len(text)), 0, -1):
            if any(stop.startswith(text[-length:]) for stop in self._stops):
                return length
        return 0

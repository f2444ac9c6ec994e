"""Text that changes at UTF-16 positions, as an editor counts them: the one place that converts."""

from collections.abc import Iterator
from dataclasses import dataclass

_ENCODING, _LONE_HALVES = "utf-16-le", "surrogatepass"
_UNIT = 2
CHUNK_BYTES = 64_000
"""No step copies much more than this at once: Python's other threads wait meanwhile."""


@dataclass(frozen=True, slots=True)
class TextChange:
    r"""From `start` on, `removed` UTF-16 units gave way to `text`, whose line ends are \n."""

    start: int
    removed: int
    text: str


class EditedText:
    """A long text to which many changes are made, each at about the cost of a short one."""

    def __init__(self) -> None:
        self._chunks = [bytearray()]
        # The chunk that was changed last and where it begins: the next change is near.
        self._at = self._begin = 0
        self._bytes = 0

    @property
    def units(self) -> int:
        """Its length in UTF-16 units."""
        return self._bytes // _UNIT

    def apply(self, change: TextChange) -> None:
        """Change the text; what would lie behind its end is not there."""
        self._replace(
            change.start * _UNIT,
            change.removed * _UNIT,
            change.text.encode(_ENCODING, _LONE_HALVES),
        )

    def append(self, data: bytes) -> None:
        """Add what `pieces` gave at the end."""
        self._replace(self._bytes, 0, data)

    def pieces(self) -> Iterator[bytes]:
        """Yield the text as UTF-16 (little-endian); a character may lie across two pieces."""
        return map(bytes, self._chunks)

    def text(self) -> str:
        """Return all of it."""
        return b"".join(self._chunks).decode(_ENCODING, _LONE_HALVES)

    def _replace(self, start: int, removed: int, data: bytes) -> None:
        start = min(start, self._bytes)
        removed = min(removed, self._bytes - start)
        self._bytes += len(data) - removed
        self._find(start)
        chunks, at = self._chunks, self._at
        offset = start - self._begin
        end = offset + removed
        last = at  # the chunk in which the removed part ends
        while end > len(chunks[last]):
            end -= len(chunks[last])
            last += 1
        if last == at and len(chunks[at]) + len(data) <= 2 * CHUNK_BYTES:
            chunks[at][offset:end] = data
            return
        parts = (data[n : n + CHUNK_BYTES] for n in range(0, len(data), CHUNK_BYTES))
        new = (chunks[at][:offset], *map(bytearray, parts), chunks[last][end:])
        chunks[at : last + 1] = [part for part in new if part] or [bytearray()]

    def _find(self, start: int) -> None:
        chunks = self._chunks
        while start < self._begin:
            self._at -= 1
            self._begin -= len(chunks[self._at])
        while start > self._begin + len(chunks[self._at]):
            self._begin += len(chunks[self._at])
            self._at += 1


def edited_text(text: str) -> EditedText:
    """Return a text to be changed."""
    edited = EditedText()
    edited.apply(TextChange(0, 0, text))
    return edited

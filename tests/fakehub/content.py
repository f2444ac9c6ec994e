"""The bytes of a file, and the names that a hub gives them."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

Source = bytes | Path | tuple[bytes | memoryview, ...]
"""In memory, on disk (streamed from there), or joined from parts that files share."""

_LARGE_SUFFIXES = (".gguf", ".bin", ".safetensors", ".model")
_LARGE_BYTES = 10_000_000
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)  # no slots: hashes are computed when asked for, and kept
class Content:
    """One version of a file."""

    source: Source
    size_bytes: int
    is_large: bool
    """Whether the content network serves it, and Git only has a pointer to it."""

    @cached_property
    def sha256(self) -> str:
        """Of the bytes, in hex digits."""
        digest = hashlib.sha256()
        for block in self._blocks():
            digest.update(block)
        return digest.hexdigest()

    @cached_property
    def blob_id(self) -> str:
        """Git's SHA-1: of the bytes, or of the pointer."""
        data = self._pointer if self.is_large else b"".join(self._blocks())
        return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()

    @property
    def pointer_bytes(self) -> int:
        """The size of the pointer."""
        return len(self._pointer)

    @property
    def xet_hash(self) -> str:
        """Stands for the hash of the chunked store: 64 digits that are not the SHA-256."""
        return hashlib.sha256(b"xet" + self.sha256.encode()).hexdigest()

    def parts(self, start: int, end: int) -> Iterator[tuple[memoryview | Path, int, int]]:
        """Yield what holds the bytes from `start` to `end`, each with its own start and end."""
        if isinstance(self.source, Path):
            yield self.source, start, end
            return
        parts = (self.source,) if isinstance(self.source, bytes) else self.source
        position = 0
        for part in parts:
            first, last = max(start - position, 0), min(end - position, len(part))
            if first < last:
                yield memoryview(part), first, last
            position += len(part)

    @property
    def _pointer(self) -> bytes:
        return (
            "version https://git-lfs.github.com/spec/v1\n"
            f"oid sha256:{self.sha256}\nsize {self.size_bytes}\n"
        ).encode()

    def _blocks(self) -> Iterator[bytes | memoryview]:
        for part, first, last in self.parts(0, self.size_bytes):
            if isinstance(part, memoryview):
                yield part[first:last]
                continue
            with part.open("rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    yield block


def content_of(name: str, source: Source) -> Content:
    """Return the content of a file; its name and its size decide who keeps it."""
    if isinstance(source, Path):
        size = source.stat().st_size
    elif isinstance(source, bytes):
        size = len(source)
    else:
        size = sum(len(part) for part in source)
    return Content(source, size, name.endswith(_LARGE_SUFFIXES) or size >= _LARGE_BYTES)

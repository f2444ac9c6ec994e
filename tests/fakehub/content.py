"""The bytes of a file, and the names that a hub gives them."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

Source = bytes | Path | tuple[bytes | memoryview, ...]
"""In memory, on disk (streamed from there), or joined from parts that files share."""

_LARGE_SUFFIXES = (".gguf", ".bin", ".safetensors", ".model")
_LARGE_BYTES = 10_000_000
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Content:
    """One version of a file."""

    source: Source
    size_bytes: int
    sha256: str
    blob_id: str
    """Git's SHA-1: of the bytes, or of the pointer file where they are kept outside Git."""
    pointer_bytes: int
    """The size of that pointer file; 0 for a small file, which Git holds itself."""

    @property
    def is_large(self) -> bool:
        """Whether the content network serves it."""
        return self.pointer_bytes > 0

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


def describe(name: str, source: Source) -> Content:
    """Return the content with its hashes; the name and the size decide who keeps it."""
    sha256 = hashlib.sha256()
    size = 0
    for block in _blocks(source):
        sha256.update(block)
        size += len(block)
    if not name.endswith(_LARGE_SUFFIXES) and size < _LARGE_BYTES:
        data = b"".join(_blocks(source))
        return Content(data, size, sha256.hexdigest(), _blob_id(data), 0)
    pointer = (
        "version https://git-lfs.github.com/spec/v1\n"
        f"oid sha256:{sha256.hexdigest()}\nsize {size}\n"
    ).encode()
    return Content(source, size, sha256.hexdigest(), _blob_id(pointer), len(pointer))


def _blocks(source: Source) -> Iterator[bytes | memoryview]:
    if isinstance(source, bytes):
        yield source
    elif isinstance(source, tuple):
        yield from source
    else:
        with source.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                yield block


def _blob_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()

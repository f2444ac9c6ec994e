"""The bytes of one file, from the hub to the disk, and the proof that they are the right ones."""

import contextlib
import errno
import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import httpx2
from huggingface_hub import hf_raise_for_status

from starpad.core import legacy_ggml, model_file
from starpad.core.download import DownloadOrder
from starpad.core.errors import ModelFileError
from starpad.core.hub_errors import HubError, HubProblem
from starpad.core.remote import RemoteFile
from starpad.hub import session
from starpad.hub.client import HubClient, Resolved
from starpad.hub.error_sentences import host_of
from starpad.hub.errors import hub_error
from starpad.hub.flusher import Flusher
from starpad.hub.install import Stopped, sha256_of
from starpad.hub.session import Limits, StopSignal
from starpad.hub.sidecar import part_path

# What a power cut can spoil is bounded; the hash finds what it has spoiled.
_FLUSH_EVERY_BYTES = 64 << 20
_LOOK_EVERY_S = 1.0
_HEAD_BYTES = 512
_MAX_FUTILE = 3

_GGUF = b"GGUF"
# The four letters of 2023 ("ggml", "ggmf", "ggjt", "ggla") as llama.cpp wrote them.


class Transfer:
    """One file of an order, which grows in its `.part`; used by one thread.

    `done_bytes` may be read by any thread: what is on disk, or what `is_right` has read back.
    Every method raises Stopped as soon as the signal is used, and HubError.
    """

    def __init__(
        self, order: DownloadOrder, file: RemoteFile, folder: Path, stop: StopSignal, limits: Limits
    ) -> None:
        self.file = file
        self.part = part_path(folder, order, file)
        self.done_bytes = self.size_on_disk()
        self._order = order
        self._stop = stop
        self._limits = limits
        self._most_bytes = self.done_bytes
        self._futile = 0
        self._flusher = Flusher(self.part)

    @property
    def is_complete(self) -> bool:
        """Whether all bytes have arrived, right or wrong."""
        return self.size_on_disk() == self.file.size_bytes

    def size_on_disk(self) -> int:
        """Return how many bytes have arrived."""
        try:
            return self.part.stat().st_size
        except OSError:
            return 0

    def attempt(self, token: str | None, on_flow: Callable[[], None]) -> None:
        """Fetch what is missing, over one connection; `on_flow` is called when bytes will come.

        What has arrived is kept whatever happens, and the next attempt goes on from there. A wait
        of 0 in the error's `retry_after_s` means that the next attempt may well succeed at once.
        """
        with self._as_hub_errors(), self._stop.watching():
            resolved = HubClient(self._order.endpoint, token).resolve(
                self._order.repository, self._order.commit, self.file.path
            )
            self._check_announced(resolved)
            # A few bytes are not worth a question, and the first ones are looked at together.
            offset = self.size_on_disk()
            if not _HEAD_BYTES <= offset <= self.file.size_bytes:
                offset = 0
            with self._response(resolved, offset) as response:
                start = self._start(response, offset)
                blocks = response.iter_raw()
                if not start:
                    # Before anything that has arrived is given up for it.
                    blocks = self._looked_at(response, blocks)
                on_flow()
                with self._open(start) as descriptor:
                    self._receive(blocks, descriptor)
        if self.done_bytes < self.file.size_bytes:
            raise HubError(
                f"{self._host} ended the connection after {self.done_bytes:,} of "
                f"{self.file.size_bytes:,} bytes.",
                problem=HubProblem.INTERRUPTED,
            )

    def is_right(self) -> bool:
        """Read the file back from the disk and say whether it has the announced SHA-256.

        Without one (the hub keeps none of small files) the size is all there is to check.
        """
        with self._as_hub_errors():
            # All that has arrived is on the disk before it gets its final name.
            self._flusher.finish()
            self._flusher.begin()
            is_right = self.is_complete
            if self.file.sha256:
                is_right = sha256_of(self.part, self._stop, self._on_read) == self.file.sha256
            self._flusher.finish()
            return is_right

    def forget_progress(self) -> None:
        """Count from 0 again: the bytes that `is_right` will have read back."""
        self.done_bytes = 0

    def discard(self) -> None:
        """Delete what has arrived."""
        with self._as_hub_errors():
            self.part.unlink(missing_ok=True)
        self.done_bytes = self._most_bytes = 0

    @property
    def _host(self) -> str:
        return host_of(self._order.endpoint)

    def _check_announced(self, resolved: Resolved) -> None:
        file = self.file
        if resolved.size_bytes != file.size_bytes or (
            file.sha256 and resolved.sha256 != file.sha256
        ):
            raise HubError(
                f"{self._host} now announces another {file.name} than the one that was chosen: "
                "its size or SHA-256 differs.",
                "Search again and choose the file anew.",
                problem=HubProblem.WRONG_FILE,
            )

    @contextlib.contextmanager
    def _response(self, resolved: Resolved, offset: int) -> Iterator[httpx2.Response]:
        headers = {**resolved.headers, "Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        timeout = httpx2.Timeout(self._limits.silence_s, connect=session.CONNECT_SECONDS)
        # Not the shared client, which huggingface_hub closes under everyone when a search fails.
        with (
            session.new_client() as client,
            client.stream("GET", resolved.location, headers=headers, timeout=timeout) as response,
        ):
            yield response

    def _start(self, response: httpx2.Response, offset: int) -> int:
        """Return where in the file the body begins; raise unless that is of use."""
        status = response.status_code
        if status == 206:
            unit, _, place = response.headers.get("Content-Range", "").partition(" ")
            span, _, total = place.partition("/")
            if total not in ("*", str(self.file.size_bytes)):
                raise self._wrong_file(f"it has {total or 'no'} bytes there")
            if unit == "bytes" and span.partition("-")[0] == str(offset):
                return offset
            self._restart(f"{self._host} sent another part of the file than the one asked for.")
        if status == 416 and offset:
            self._restart(f"{self._host} could not go on at byte {offset:,}.")
        if status in (401, 403) and not _same_origin(response, self._order.endpoint):
            # The signed address has run out; the hub gives a new one.
            raise HubError(
                f"{self._host} no longer accepts the address that it gave out ({status}).",
                problem=HubProblem.SERVER_BUSY,
                retry_after_s=0,
            )
        if status != 200:
            hf_raise_for_status(response)
            raise HubError(
                f"{self._host} gave an answer that makes no sense ({status}).",
                "Check the hub's address and the proxy in the settings.",
                problem=HubProblem.NOT_A_HUB,
            )
        if offset:
            self._count_futile()
        return 0

    def _restart(self, message: str) -> NoReturn:
        """Throw away what has arrived, for the server cannot go on from there."""
        self._count_futile()
        with self._open(0):
            raise HubError(message, problem=HubProblem.INTERRUPTED, retry_after_s=0)

    def _count_futile(self) -> None:
        """Give up a server that lets every connection break and always begins anew."""
        self._futile += 1
        if self.done_bytes > self._most_bytes:
            self._most_bytes, self._futile = self.done_bytes, 0
        if self._futile > _MAX_FUTILE:
            raise HubError(
                f"{self._host} starts {self.file.name} anew each time that the connection breaks, "
                "so it never ends.",
                "Try again over another connection or from another hub.",
                problem=HubProblem.NOT_A_HUB,
            )

    @contextlib.contextmanager
    def _open(self, size_bytes: int) -> Iterator[int]:
        """Open the part for writing at its end, which is cut to `size_bytes`."""
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(self.part, flags, 0o666)
        try:
            os.ftruncate(descriptor, size_bytes)
            os.lseek(descriptor, size_bytes, os.SEEK_SET)
            self.done_bytes = size_bytes
            yield descriptor
        finally:
            os.close(descriptor)

    def _receive(self, blocks: Iterator[bytes], descriptor: int) -> None:
        """Append the blocks to the part."""
        unflushed = 0
        next_look = time.monotonic() + _LOOK_EVERY_S
        for block in blocks:
            if self._stop.is_stopped:
                raise Stopped
            if len(block) > self.file.size_bytes - self.done_bytes:
                raise self._wrong_file("more bytes arrive than were announced")
            rest = memoryview(block)
            while rest:
                written = os.write(descriptor, rest)
                self.done_bytes += written
                rest = rest[written:]
            unflushed += len(block)
            if unflushed >= _FLUSH_EVERY_BYTES:
                self._flusher.begin()
                unflushed = 0
            if time.monotonic() >= next_look:
                self._require_same_file(descriptor)
                next_look = time.monotonic() + _LOOK_EVERY_S
        self._require_same_file(descriptor)

    def _looked_at(self, response: httpx2.Response, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Return the blocks again once the first bytes have been found to be a model's."""
        length = response.headers.get("Content-Length", "")
        if length.isdecimal() and int(length) > self.file.size_bytes:
            raise self._wrong_file("it has more bytes than were announced")
        head = b""
        for block in blocks:
            head += block
            if len(head) >= min(_HEAD_BYTES, self.file.size_bytes):
                break
        content_type = response.headers.get("Content-Type", "")
        _require_model(self.file.name, head[:_HEAD_BYTES], content_type)
        return itertools.chain([head], blocks)

    def _wrong_file(self, reason: str) -> HubError:
        return HubError(
            f"What {self._host} sends is not the announced {self.file.name}: {reason}.",
            "Choose another file, or try again later.",
            problem=HubProblem.WRONG_FILE,
        )

    def _require_same_file(self, descriptor: int) -> None:
        """Raise if the part was moved or deleted under our hands, with its folder or alone."""
        if not os.path.samestat(os.fstat(descriptor), self.part.stat()):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.part))

    def _on_read(self, count: int) -> None:
        self.done_bytes += count

    @contextlib.contextmanager
    def _as_hub_errors(self) -> Iterator[None]:
        try:
            yield
        except (HubError, OSError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            # Breaking a connection off looks like a fault of the network.
            if self._stop.is_stopped:
                raise Stopped from error
            if isinstance(error, HubError):
                raise
            raise hub_error(error, endpoint=self._order.endpoint, subject=self.file.name) from error


def _require_model(name: str, head: bytes, content_type: str) -> None:
    """Raise HubError if the first bytes of what is named like a model are not a model's."""
    if not name.lower().endswith(model_file.ENDINGS):
        return
    if head[:4] in (_GGUF[: len(head)], legacy_ggml.MAGIC):
        return
    if "html" in content_type or head.lstrip().startswith(b"<"):
        raise HubError(
            f"Instead of {name} a web page arrived: a login page of the network, or a proxy's.",
            "Open a web page in the browser, sign in to the network if it asks, and retry.",
            problem=HubProblem.NOT_A_HUB,
        )
    try:
        model_file.parse_beginning(head, Path(name), 0)
    except ModelFileError as error:
        hint = "Choose another file, or try again later."
        raise HubError(error.message, hint, problem=HubProblem.WRONG_FILE) from error


def _same_origin(response: httpx2.Response, endpoint: str) -> bool:
    hub = httpx2.URL(endpoint)
    asked = response.request.url
    return (asked.scheme, asked.host, asked.port) == (hub.scheme, hub.host, hub.port)

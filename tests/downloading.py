"""For tests of downloads: a window's queue that can be waited for, and what it must leave."""

import hashlib
import random
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from fakehub import FakeHub
from starpad.core import origin
from starpad.core.download import Download, DownloadOrder, DownloadState
from starpad.core.hub_errors import HubProblem
from starpad.core.remote import RemoteFile
from starpad.hub.queue import DownloadQueue
from starpad.hub.session import Limits

FAST = Limits(silence_s=0.5, first_wait_s=0.02, longest_wait_s=0.1, lock_look_s=0.03, spare_bytes=0)
REPOSITORY = "owner/model-GGUF"
NAME = "model.Q4_K_M.gguf"
SIZE = 3_000_000
TEMPORARY = (".part", ".part.json", ".part.lock", ".damaged")


def model(size: int = SIZE, seed: int = 0) -> bytes:
    """Return bytes that start like a model."""
    return b"GGUF" + random.Random(seed).randbytes(size - 4)


def order_of(
    hub: FakeHub, *names: str, repository: str = REPOSITORY, commit: str = ""
) -> DownloadOrder:
    """Return an order of files that the hub has."""
    contents = [(name, hub.content(repository, name)) for name in names or (NAME,)]
    return DownloadOrder(
        endpoint=hub.endpoint,
        repository=repository,
        commit=commit or hub.repositories[repository].commit,
        files=tuple(
            RemoteFile(name, content.size_bytes, content.sha256 if content.is_large else "")
            for name, content in contents
        ),
        quantization="Q4_K_M",
        license="bigcode-openrail-m",
    )


class Window:
    """One window of Starpad, as far as downloads go."""

    def __init__(
        self,
        folder: Path,
        *,
        tokens: Mapping[str, str] | None = None,
        limits: Limits = FAST,
        max_active: int = 1,
    ) -> None:
        self.folder = folder
        self.changes: list[tuple[Download, ...]] = []
        self._changed = threading.Condition()
        token_for = ({} if tokens is None else tokens).get
        self.queue = DownloadQueue(
            folder, token_for, self._on_changed, max_active=max_active, limits=limits
        )

    def __enter__(self) -> Self:
        self.wrong = self.queue.start(resume=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.queue.shutdown()

    @property
    def download(self) -> Download:
        """The only one."""
        (download,) = self.queue.downloads
        return download

    @property
    def states(self) -> list[DownloadState]:
        """Those that the only download went through, each once in a row."""
        states: list[DownloadState] = []
        for (download,) in filter(None, self.changes):
            if states[-1:] != [download.state]:
                states.append(download.state)
        return states

    def wait_until(self, is_so: Callable[[], bool], seconds: float = 20) -> None:
        """Wait, looking at each change and every few milliseconds."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not is_so():
                assert time.monotonic() < deadline, self.queue.downloads
                self._changed.wait(0.005)

    def wait_for(self, state: DownloadState, seconds: float = 20) -> Download:
        """Wait until all downloads are in the state; return the first."""
        self.wait_until(lambda: {each.state for each in self.queue.downloads} == {state}, seconds)
        return self.queue.downloads[0]

    def wait_for_bytes(self, count: int) -> None:
        """Wait until so many bytes of the only download have arrived."""
        self.wait_until(lambda: self.download.done_bytes >= count)

    def wait_for_end(self) -> Download:
        """Wait until the only download does not go on by itself; return it."""
        ends = (DownloadState.DONE, DownloadState.FAILED, DownloadState.PAUSED)
        self.wait_until(lambda: self.download.state in ends)
        return self.download

    def wait_for_threads(self) -> None:
        """Wait until no download's thread runs."""
        self.wait_until(lambda: not working_threads())

    def fetch(self, order: DownloadOrder) -> Download:
        """Order, and wait for the end."""
        self.queue.add(order)
        return self.wait_for_end()

    def _on_changed(self) -> None:
        # In the constructor nothing changes yet.
        self.changes.append(self.queue.downloads)
        with self._changed:
            self._changed.notify_all()


def working_threads() -> list[threading.Thread]:
    """Return the threads of downloads that are alive, in all windows."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("download ")]


def temporary_files(folder: Path) -> list[str]:
    """Return the names of what downloads leave while they last."""
    return sorted(path.name for path in folder.rglob("*") if path.name.endswith(TEMPORARY))


def part(folder: Path, name: str = NAME, repository: str = REPOSITORY) -> Path:
    """Return where a file grows."""
    return folder / repository / f"{name}.part"


def assert_installed(folder: Path, order: DownloadOrder) -> None:
    """Look that every file is there, whole, with its origin, and nothing else."""
    for file in order.files:
        path = folder / order.repository / file.path
        assert path.stat().st_size == file.size_bytes
        if file.sha256:
            assert hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256
        known = origin.read(path)
        assert known is not None
        assert (known.commit, known.sha256) == (order.commit, file.sha256)
        assert known.license == order.license
        assert bool(known.verified_at) == bool(file.sha256)
    assert temporary_files(folder) == []


def assert_stopped(
    folder: Path, download: Download, problem: HubProblem, sentence: str, kept_bytes: int
) -> None:
    """Look that it says why, that nothing is listed, and what is kept."""
    assert download.problem is problem
    assert sentence in download.note
    order = download.order
    for file in order.files:
        assert not (folder / order.repository / file.path).exists()
    if kept_bytes:
        assert part(folder, order.files[0].name, order.repository).stat().st_size >= kept_bytes
        assert (folder / f"{order.id}.part.json").exists()


def bytes_sent(hub: FakeHub) -> int:
    """Return how many bytes of files the content network has sent."""
    return sum(request.bytes_sent for request in hub.requests_of("content"))

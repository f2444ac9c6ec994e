"""Fetches the wheel of an engine pack: resumes, can be stopped, and keeps only the right bytes."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import httpx2

from starpad.core.hub_errors import HubError, HubProblem
from starpad.core.offered_packs import PackWheel
from starpad.hub import session
from starpad.hub.errors import hub_error
from starpad.hub.install import Stopped, sha256_of
from starpad.hub.pack_install import locked
from starpad.hub.session import Limits, StopSignal

_TRIES_WITHOUT_A_BYTE = 4
_USUAL = Limits()

Progress = Callable[[int, int], object]
"""Is called with the bytes on the disk and the bytes in all."""


def download_wheel(
    wheel: PackWheel,
    folder: Path,
    *,
    stop: StopSignal,
    progress: Progress,
    limits: Limits = _USUAL,
) -> Path:
    """Return the file of `wheel` in `folder`, whole and with its SHA-256; delete it when used.

    What has arrived stays there whatever happens, and the next call goes on from it. Raises
    HubError, EngineError while another window changes the packs, and Stopped as soon as the signal
    is used.
    """
    part = folder / f".download-{wheel.sha256}.part"
    name = wheel.url.rpartition("/")[2]
    with _as_hub_errors(wheel, name, stop), stop.watching(), locked(folder):
        for other in folder.glob(".download-*.part"):  # of a version that nobody wants any more
            if other != part:
                other.unlink(missing_ok=True)
        done = _size(part)
        _require_space(folder, wheel.size_bytes - done, limits)
        wait_s, futile = limits.first_wait_s, 0
        while done < wheel.size_bytes:
            try:
                _attempt(wheel, part, done, limits, stop, progress)
            except (httpx2.HTTPError, HubError) as error:
                if stop.is_stopped:
                    raise Stopped from error
                if not hub_error(error, endpoint=wheel.url, subject=name).retryable:
                    raise
                futile = 0 if _size(part) > done else futile + 1
                if futile >= _TRIES_WITHOUT_A_BYTE:
                    raise
                wait_s = limits.first_wait_s if not futile else wait_s * 2
                if stop.wait(min(wait_s, limits.longest_wait_s)):
                    raise Stopped from error
            done = _size(part)
        if sha256_of(part, stop) != wheel.sha256:
            part.unlink()
            raise HubError(
                f"What {wheel.host} sent is not the announced {name}: its SHA-256 is another.",
                "Try again later; nothing of it was kept.",
                problem=HubProblem.CHECKSUM,
            )
    return part


def _attempt(
    wheel: PackWheel,
    part: Path,
    offset: int,
    limits: Limits,
    stop: StopSignal,
    progress: Progress,
) -> None:
    """Fetch what is missing over one connection; a server that cannot go on begins anew."""
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    timeout = httpx2.Timeout(limits.silence_s, connect=session.CONNECT_SECONDS)
    with (
        session.new_client() as client,
        client.stream("GET", wheel.url, headers=headers, timeout=timeout) as response,
    ):
        start = _start(wheel, response, offset)
        with part.open("r+b" if part.exists() else "xb") as stream:
            stream.truncate(start)
            stream.seek(start)
            if response.is_success:
                _receive(response, stream, wheel, stop, progress)
            os.fsync(stream.fileno())
    if _size(part) < wheel.size_bytes:
        raise HubError(
            f"The connection to {wheel.host} was interrupted.",
            "Try again; it goes on where it stopped.",
            problem=HubProblem.INTERRUPTED,
        )


def _start(wheel: PackWheel, response: httpx2.Response, offset: int) -> int:
    """Return where in the file the body begins. Raises HubError if it is none of it."""
    status = response.status_code
    if status == 206 and _begins_at(response, offset):
        return offset
    if status == 416 or (status == 200 and "html" not in response.headers.get("Content-Type", "")):
        return 0
    # Behind a redirect, 403 is a signed address that has run out: the next try gets a new one.
    if status in (403, 408, 429) or status >= 500:
        raise HubError(
            f"{wheel.host} has a problem of its own ({status}).",
            "It usually passes soon; what arrived is kept.",
            problem=HubProblem.SERVER_BUSY,
        )
    raise HubError(
        f"{wheel.host} does not give out this file ({status}).",
        "Get it from its page in the browser, and choose Install from file.",
        problem=HubProblem.NOT_FOUND,
    )


def _receive(
    response: httpx2.Response,
    stream: IO[bytes],
    wheel: PackWheel,
    stop: StopSignal,
    progress: Progress,
) -> None:
    for block in response.iter_raw():
        if stop.is_stopped:
            raise Stopped
        if stream.tell() + len(block) > wheel.size_bytes:
            raise HubError(
                f"{wheel.host} sends more bytes than were announced.",
                "Try again later.",
                problem=HubProblem.WRONG_FILE,
            )
        stream.write(block)
        progress(stream.tell(), wheel.size_bytes)


def _begins_at(response: httpx2.Response, offset: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {offset}-")


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except FileNotFoundError:
        return 0


def _require_space(folder: Path, missing_bytes: int, limits: Limits) -> None:
    free = shutil.disk_usage(folder).free
    if free < missing_bytes + limits.spare_bytes:
        raise HubError(
            f"The pack's file needs {missing_bytes / 1e9:.1f} GB; {free / 1e9:.1f} GB are free.",
            "Free some space on the disk, and try again; what arrived is kept.",
            problem=HubProblem.DISK_FULL,
        )


@contextlib.contextmanager
def _as_hub_errors(wheel: PackWheel, name: str, stop: StopSignal) -> Iterator[None]:
    try:
        yield
    except (HubError, OSError, httpx2.HTTPError, httpx2.InvalidURL) as error:
        # Breaking a connection off looks like a fault of the network.
        if stop.is_stopped:
            raise Stopped from error
        place = f"https://{wheel.host}" if wheel.host else wheel.url
        raise hub_error(error, endpoint=place, subject=name) from error

"""Every fault ends in the intact file, or in a stated problem with what arrived kept."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from downloading import (
    NAME,
    REPOSITORY,
    SIZE,
    Window,
    assert_installed,
    assert_stopped,
    bytes_sent,
    model,
    order_of,
    part,
)
from fakehub import FakeHub, FaultKind
from starpad.core.download import DownloadState
from starpad.core.hub_errors import HubProblem

HALF = SIZE // 2


def fault(kind: FaultKind, **options: Any) -> tuple[FaultKind, dict[str, Any]]:
    """Return a fault of the content network, unless `origin` says otherwise."""
    return kind, {"origin": "content", **options}


def of_hub(kind: FaultKind, **options: Any) -> tuple[FaultKind, dict[str, Any]]:
    """Return a fault of what the hub says about the file."""
    return fault(kind, origin="hub", **options)


def _partial(place: str, **options: Any) -> tuple[FaultKind, dict[str, Any]]:
    """Return the fault of sending some part of the file, after the first answer."""
    headers = {"Content-Range": place}
    return fault(FaultKind.STATUS, **{"status": 206, "headers": headers, "skip": 1, **options})


CUT = fault(FaultKind.CUT, after_bytes=HALF)


@dataclass(frozen=True)
class Row:
    """Faults, and how the download ends."""

    name: str
    faults: list[tuple[FaultKind, dict[str, Any]]]
    problem: HubProblem | None = None
    """None: it ends with the intact file."""
    sentence: str = ""
    """In what the user reads at the end or on the way."""
    kept_bytes: int = 0
    sent_bytes: int = SIZE
    """At most so many bytes are sent in all; 1 % more is forgiven."""


ENDS_WELL = [
    Row("the connection closes at half", [CUT], sentence="interrupted"),
    Row(
        "the connection is reset at half",
        [fault(FaultKind.CUT, after_bytes=HALF, with_reset=True)],
        # A reset destroys what this machine has received but not yet read.
        sent_bytes=SIZE + HALF,
    ),
    Row("it closes every 400 kB", [fault(FaultKind.CUT, after_bytes=400_000, times=None)]),
    Row(
        "it is reset every 400 kB",
        [fault(FaultKind.CUT, after_bytes=400_000, times=None, with_reset=True)],
        sent_bytes=40 * SIZE,
    ),
    Row("it stalls at half", [fault(FaultKind.STALL, after_bytes=HALF, seconds=60)]),
    Row("a byte is flipped once", [fault(FaultKind.FLIP, offset=HALF)], sent_bytes=2 * SIZE),
    Row("the first byte is cut off", [fault(FaultKind.CUT, after_bytes=1)]),
    Row("the body is shorter than it should be", [fault(FaultKind.SHORT_LENGTH)]),
    Row(
        "the range is refused after a cut",
        [CUT, fault(FaultKind.REFUSE_RANGE)],
        sent_bytes=SIZE + HALF,
    ),
    Row(
        "the range is ignored after a cut",
        [CUT, fault(FaultKind.IGNORE_RANGE)],
        sent_bytes=SIZE + HALF,
    ),
    Row(
        "another range is sent after a cut",
        [CUT, fault(FaultKind.SHIFTED_RANGE)],
        sent_bytes=3 * SIZE,
    ),
    Row(
        "another range is sent under the right name",
        [CUT, fault(FaultKind.LYING_RANGE)],
        sent_bytes=2 * SIZE,
    ),
    Row("the signed address has run out", [of_hub(FaultKind.EXPIRED_URL)]),
    Row("it runs out meanwhile", [CUT, of_hub(FaultKind.EXPIRED_URL, skip=1)]),
    Row(
        "the content network is busy twice",
        [fault(FaultKind.STATUS, times=2)],
        sentence="Waiting for the server",
    ),
    Row("it hangs up without an answer twice", [fault(FaultKind.DROP, times=2)]),
    Row("it resets without an answer twice", [fault(FaultKind.DROP, times=2, with_reset=True)]),
    Row("the hub is busy twice", [of_hub(FaultKind.STATUS, times=2)], sentence="(503)"),
    Row("the hub hangs up twice", [of_hub(FaultKind.DROP, times=2, with_reset=True)]),
    Row("the hub hangs", [of_hub(FaultKind.HANG, seconds=0.3)]),
    Row("no length is announced", [fault(FaultKind.CHUNKED)]),
    Row("no length is announced, and it closes", [fault(FaultKind.CHUNKED), CUT]),
    Row(
        "there were too many requests",
        [fault(FaultKind.STATUS, status=429, headers={"Retry-After": "1"})],
        sentence="too many requests",
    ),
    Row("the proxy times out", [fault(FaultKind.STATUS, status=504, text="<html>")]),
    Row(
        "everything at once",
        [
            of_hub(FaultKind.STATUS),
            fault(FaultKind.CUT, after_bytes=HALF // 2),
            of_hub(FaultKind.DROP, skip=2),
            fault(FaultKind.STALL, after_bytes=HALF // 2, seconds=60, skip=1),
            of_hub(FaultKind.EXPIRED_URL, skip=2),
        ],
    ),
]

ENDS_STATED = [
    Row(
        "a byte is flipped always",
        [fault(FaultKind.FLIP, offset=HALF, times=None)],
        HubProblem.CHECKSUM,
        "arrived damaged twice: its SHA-256 is not the announced one",
        sent_bytes=2 * SIZE,
    ),
    Row(
        "more bytes come than were announced",
        [CUT, fault(FaultKind.OVERSIZED, skip=1)],
        HubProblem.WRONG_FILE,
        "more bytes arrive than were announced",
        kept_bytes=HALF,
    ),
    Row(
        "a web page comes instead of the file",
        [fault(FaultKind.HTML)],
        HubProblem.NOT_A_HUB,
        "a web page arrived",
        sent_bytes=0,
    ),
    Row(
        "more bytes are announced than were ordered",
        [fault(FaultKind.OVERSIZED)],
        HubProblem.WRONG_FILE,
        "it has more bytes than were announced",
    ),
    Row(
        "the whole is said to have another size",
        [CUT, _partial(f"bytes {HALF}-{SIZE}/{SIZE + 1}")],
        HubProblem.WRONG_FILE,
        f"it has {SIZE + 1} bytes there",
        kept_bytes=HALF,
    ),
    Row(
        "parts of the file come, but never the one asked for",
        [_partial("pages 1-2/*", times=None, skip=0)],
        HubProblem.NOT_A_HUB,
        "starts model.Q4_K_M.gguf anew each time",
    ),
    Row(
        "the answer makes no sense",
        [fault(FaultKind.STATUS, status=203)],
        HubProblem.NOT_A_HUB,
        "gave an answer that makes no sense (203)",
    ),
    Row(
        "a web page comes in the middle",
        [CUT, fault(FaultKind.HTML, skip=1)],
        HubProblem.NOT_A_HUB,
        "a web page arrived",
        kept_bytes=HALF,
    ),
    Row(
        "a captive portal answers for the hub",
        [of_hub(FaultKind.HTML)],
        HubProblem.NOT_A_HUB,
        "The network may want you to log in first",
    ),
    Row(
        "a captive portal answers in the middle",
        [CUT, of_hub(FaultKind.HTML, skip=1)],
        HubProblem.NOT_A_HUB,
        "The network may want you to log in first",
        kept_bytes=HALF,
    ),
    Row(
        "a mirror leaves the commit out",
        [of_hub(FaultKind.NO_COMMIT_HEADER)],
        HubProblem.NOT_A_HUB,
        "is not a model hub",
    ),
    Row(
        "a mirror leaves size and hash out",
        [of_hub(FaultKind.NO_LINKED_HEADERS)],
        HubProblem.NOT_A_HUB,
        "is not a model hub",
    ),
    Row(
        "another size is announced than was ordered",
        [of_hub(FaultKind.WRONG_LINKED_SIZE)],
        HubProblem.WRONG_FILE,
        "now announces another model.Q4_K_M.gguf than the one that was chosen",
        sent_bytes=0,
    ),
    Row(
        "a server that begins anew each time never gets through",
        [
            fault(FaultKind.CUT, after_bytes=HALF, times=None),
            fault(FaultKind.IGNORE_RANGE, times=None),
        ],
        HubProblem.NOT_A_HUB,
        "starts model.Q4_K_M.gguf anew each time that the connection breaks",
        kept_bytes=HALF,
        sent_bytes=6 * HALF,
    ),
    Row(
        "the file is gone in the middle",
        [CUT, of_hub(FaultKind.STATUS, skip=1, status=404)],
        HubProblem.NOT_FOUND,
        "removed, renamed, private or mistyped",
        kept_bytes=HALF,
    ),
    Row(
        "the repository is disabled in the middle",
        [
            CUT,
            of_hub(
                FaultKind.STATUS,
                skip=1,
                status=403,
                headers={"X-Error-Message": "Access to this resource is disabled."},
            ),
        ],
        HubProblem.DISABLED,
        "has disabled",
        kept_bytes=HALF,
    ),
]  # fmt: skip


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add_repository(REPOSITORY, {NAME: model()})
        yield hub


def _run(hub: FakeHub, folder: Path, row: Row) -> Window:
    for kind, options in row.faults:
        pattern = "/resolve/" if options["origin"] == "hub" else "."
        hub.add_fault(pattern, kind, **options)
    window = Window(folder)
    with window:
        window.fetch(order_of(hub))
    downloads = [download for change in window.changes for download in change]
    notes = " ".join(download.note for download in [*downloads, window.download])
    assert row.sentence in notes
    assert "X-Amz" not in notes
    assert bytes_sent(hub) <= row.sent_bytes * 1.01 + 1000
    return window


@pytest.mark.parametrize("row", ENDS_WELL, ids=lambda row: row.name)
def test_the_file_arrives_intact_though(hub: FakeHub, tmp_path: Path, row: Row) -> None:
    started = time.monotonic()
    window = _run(hub, tmp_path, row)
    assert window.download.state is DownloadState.DONE, window.download
    assert_installed(tmp_path, window.download.order)
    assert time.monotonic() - started < 15


@pytest.mark.parametrize("row", ENDS_STATED, ids=lambda row: row.name)
def test_the_problem_is_stated_when(hub: FakeHub, tmp_path: Path, row: Row) -> None:
    window = _run(hub, tmp_path, row)
    assert row.problem is not None
    assert window.download.state is DownloadState.FAILED
    assert_stopped(tmp_path, window.download, row.problem, row.sentence, row.kept_bytes)


@pytest.mark.parametrize(
    "row",
    [row for row in ENDS_STATED if row.kept_bytes and row.problem is not HubProblem.NOT_A_HUB],
    ids=lambda row: row.name,
)
def test_a_retry_goes_on_from_what_was_kept_after(hub: FakeHub, tmp_path: Path, row: Row) -> None:
    window = _run(hub, tmp_path, row)
    hub.faults.clear()
    kept = part(tmp_path).stat().st_size
    before = bytes_sent(hub)
    with Window(tmp_path) as again:
        assert again.download.state is DownloadState.FAILED
        assert again.download.note == window.download.note
        again.queue.resume(again.download.id)
        again.wait_for(DownloadState.DONE)
        assert_installed(tmp_path, again.download.order)
    assert bytes_sent(hub) - before == SIZE - kept

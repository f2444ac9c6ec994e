"""Numbers as people read them: SI sizes, speed, time left, and no percent too many."""

import pytest

from starpad.core.download import Download, DownloadOrder, DownloadState
from starpad.core.remote import RemoteFile
from starpad.ui.models.progress_text import (
    amount_text,
    per_mille,
    progress_text,
    size_text,
    speed_text,
    summary_text,
    time_left_text,
)


def _download(
    state: DownloadState,
    done: int = 1_200_000_000,
    total: int = 9_860_000_000,
    speed: float = 0.0,
    seconds_left: float | None = None,
    sha256: str = "a" * 64,
) -> Download:
    file = RemoteFile("model-Q4_K_M.gguf", total, sha256)
    order = DownloadOrder("https://hub.example", "owner/model", "c" * 40, (file,), "Q4_K_M")
    return Download(order, state, done, total, speed, seconds_left)


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (-1, "0 B"), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_234, "1.2 kB"),
        (12_345, "12 kB"), (999_499, "999 kB"), (999_500, "1.0 MB"), (134_000_000, "134 MB"),
        (999_600_000, "1.0 GB"), (1_850_000_000, "1.9 GB"), (9_860_000_000, "9.9 GB"),
        (37_700_000_000, "37.7 GB"), (999_960_000_000, "1.0 TB"), (2**63, "9,223,372.0 TB"),
    ],
)  # fmt: skip
def test_sizes_are_in_si_units_as_the_hub_shows_them(size_bytes: int, text: str) -> None:
    assert size_text(size_bytes) == text


def test_an_amount_names_the_unit_once_where_it_is_the_same() -> None:
    assert amount_text(1_200_000_000, 9_860_000_000) == "1.2 of 9.9 GB"
    assert amount_text(850_000_000, 9_860_000_000) == "850 MB of 9.9 GB"
    assert amount_text(500, 134_000_000) == "500 B of 134 MB"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""), (float("inf"), ""), (float("nan"), ""), (-1.0, ""),
        (0.0, "1 s left"), (0.2, "1 s left"), (41.2, "42 s left"), (59.0, "59 s left"),
        (59.1, "1 min left"), (60.0, "1 min left"), (61.0, "2 min left"), (255.0, "5 min left"),
        (3541.0, "1 h left"), (3600.0, "1 h left"), (4800.0, "1 h 20 min left"),
        (86_400.0 * 3, "72 h left"), (86_400.0 * 5, "more than 4 days left"),
    ],
)  # fmt: skip
def test_time_left_is_rounded_up_and_left_out_where_nobody_knows(
    seconds: float | None, text: str
) -> None:
    assert time_left_text(seconds) == text


def test_nothing_that_moves_has_no_speed() -> None:
    assert speed_text(34_100_000) == "34 MB/s"
    assert speed_text(0.0) == ""
    assert speed_text(0.4) == ""


def test_progress_is_in_thousandths_and_full_only_when_all_is_there() -> None:
    total = 17_000_000_000
    assert per_mille(0, total) == 0
    assert per_mille(total // 2, total) == 500
    assert per_mille(total - 1, total) == 999
    assert per_mille(total, total) == 1000
    assert per_mille(total + 1, total) == 1000
    assert per_mille(5, 0) == 0


@pytest.mark.parametrize(
    ("download", "text"),
    [
        (
            _download(DownloadState.RUNNING, speed=34e6, seconds_left=240),
            "Downloading · 1.2 of 9.9 GB · 34 MB/s · 4 min left",
        ),
        (_download(DownloadState.RUNNING), "Downloading · 1.2 of 9.9 GB"),
        (
            _download(DownloadState.VERIFYING, speed=9e8, seconds_left=9.6),
            "Verifying · 1.2 of 9.9 GB · 900 MB/s · 10 s left",
        ),
        (
            _download(DownloadState.WAITING, speed=34e6, seconds_left=4),
            "Waiting · 1.2 of 9.9 GB",
        ),
        (_download(DownloadState.PAUSED), "Paused · 1.2 of 9.9 GB"),
        (_download(DownloadState.FAILED), "Failed · 1.2 of 9.9 GB"),
        (_download(DownloadState.QUEUED, done=0), "Queued · 9.9 GB"),
        (_download(DownloadState.QUEUED), "Queued · 1.2 of 9.9 GB"),
        (_download(DownloadState.DONE), "Done · 9.9 GB · checksum verified"),
        (_download(DownloadState.DONE, sha256=""), "Done · 9.9 GB"),
    ],
)
def test_a_line_says_state_amount_speed_and_time(download: Download, text: str) -> None:
    assert progress_text(download) == text


def test_the_summary_counts_what_is_done_and_failed_and_adds_the_speeds() -> None:
    downloads = (
        _download(DownloadState.RUNNING, speed=20e6),
        _download(DownloadState.RUNNING, speed=14e6),
        _download(DownloadState.VERIFYING, speed=900e6),
        _download(DownloadState.DONE),
    )
    assert summary_text(downloads) == "1 of 4 done · 34 MB/s"
    assert summary_text((_download(DownloadState.FAILED),)) == "0 of 1 done · 1 failed"

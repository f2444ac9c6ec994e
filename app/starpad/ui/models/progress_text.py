"""Numbers about models and downloads as people read them: sizes in SI, speed, time left."""

import math

from starpad.core.download import Download, DownloadState

PER_MILLE = 1000
"""Progress bars count in thousandths: bytes overflow Qt's int from 2 GiB on."""

_UNITS = ("kB", "MB", "GB", "TB")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_MOVING = (DownloadState.RUNNING, DownloadState.VERIFYING)


def size_text(size_bytes: float) -> str:
    """Return as in `134 MB` or `1.9 GB`: SI, as the hub shows it."""
    if size_bytes < 1000:
        return f"{max(0, int(size_bytes))} B"
    value = size_bytes
    for unit in _UNITS:
        value /= 1000
        digits = 1 if value < 10 or unit in ("GB", "TB") else 0
        if round(value, digits) < 1000 or unit == _UNITS[-1]:
            return f"{value:,.{digits}f} {unit}"
    raise AssertionError("the last unit takes all")


def amount_text(done_bytes: int, total_bytes: int) -> str:
    """Return as in `1.2 of 9.9 GB`, the unit only once where it is the same."""
    done, total = size_text(done_bytes), size_text(total_bytes)
    number, _, unit = done.partition(" ")
    return f"{number if total.endswith(f' {unit}') else done} of {total}"


def speed_text(bytes_per_second: float) -> str:
    """Return as in `34 MB/s`, or nothing where nothing moves."""
    return f"{size_text(bytes_per_second)}/s" if bytes_per_second >= 1 else ""


def time_left_text(seconds: float | None) -> str:
    """Return as in `4 min left`, rounded up, or nothing where nobody knows."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return ""
    if seconds > 4 * _DAY:
        return "more than 4 days left"
    if seconds <= _MINUTE - 1:
        return f"{max(1, math.ceil(seconds))} s left"
    minutes = math.ceil(seconds / _MINUTE)
    if minutes < 60:
        return f"{minutes} min left"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min left" if minutes else f"{hours} h left"


def per_mille(done_bytes: int, total_bytes: int) -> int:
    """Return how far it is, 0 to PER_MILLE, which only the whole reaches."""
    if total_bytes <= 0:
        return 0
    return max(0, min(PER_MILLE, done_bytes * PER_MILLE // total_bytes))


def progress_text(download: Download) -> str:
    """Return as in `Downloading · 1.2 of 9.9 GB · 34 MB/s · 4 min left`."""
    state = download.state
    parts = [str(state).capitalize()]
    if state is DownloadState.DONE or (state is DownloadState.QUEUED and not download.done_bytes):
        parts.append(size_text(download.total_bytes))
    else:
        parts.append(amount_text(download.done_bytes, download.total_bytes))
    if state is DownloadState.DONE and all(file.sha256 for file in download.order.files):
        parts.append("checksum verified")
    if state in _MOVING:
        parts += [speed_text(download.bytes_per_second), time_left_text(download.seconds_left)]
    return " · ".join(part for part in parts if part)


def summary_text(downloads: tuple[Download, ...]) -> str:
    """Return one line about all of them, as in `2 of 5 done · 34 MB/s`."""
    done = sum(download.state is DownloadState.DONE for download in downloads)
    running = [d for d in downloads if d.state is DownloadState.RUNNING]
    failed = sum(download.state is DownloadState.FAILED for download in downloads)
    parts = [f"{done} of {len(downloads)} done"]
    if failed:
        parts.append(f"{failed} failed")
    parts.append(speed_text(sum(download.bytes_per_second for download in running)))
    return " · ".join(part for part in parts if part)

"""What the user can do about a download: the buttons of its row, in their order."""

from enum import StrEnum

from starpad.core.download import Download, DownloadState
from starpad.core.hub_errors import HubProblem


class Step(StrEnum):
    """A button; the value is its text."""

    PAUSE = "Pause"
    RESUME = "Resume"
    RETRY = "Retry"
    CHECK_AGAIN = "Check again"
    TRY_NOW = "Try now"
    SIGN_IN = "Sign in…"
    OPEN_PAGE = "Open page"
    USE = "Use"
    CANCEL = "Cancel"
    REMOVE = "Remove from list"


GO_ON = frozenset({Step.RESUME, Step.RETRY, Step.CHECK_AGAIN, Step.TRY_NOW})
"""They all ask for the same: go on with what has arrived."""

UNDER_WAY = frozenset(
    {DownloadState.QUEUED, DownloadState.RUNNING, DownloadState.WAITING, DownloadState.VERIFYING}
)

_AGAINST = {
    HubProblem.NEEDS_SIGN_IN: (Step.SIGN_IN, Step.CHECK_AGAIN),
    HubProblem.BAD_TOKEN: (Step.SIGN_IN, Step.CHECK_AGAIN),
    HubProblem.NEEDS_LICENSE: (Step.OPEN_PAGE, Step.CHECK_AGAIN),
    HubProblem.NEEDS_SCOPE: (Step.OPEN_PAGE, Step.SIGN_IN, Step.CHECK_AGAIN),
    HubProblem.DISABLED: (Step.OPEN_PAGE, Step.CHECK_AGAIN),
    HubProblem.NOT_FOUND: (Step.OPEN_PAGE, Step.CHECK_AGAIN),
    HubProblem.DISK_FULL: (Step.RESUME,),
}


def steps_for(download: Download) -> tuple[Step, ...]:
    """Return the buttons; the first is the one to press, the last takes the row away."""
    if download.state is DownloadState.DONE:
        return (Step.USE, Step.REMOVE)
    if download.state is DownloadState.WAITING:
        return (Step.PAUSE, Step.TRY_NOW, Step.CANCEL)
    if download.state in UNDER_WAY:
        return (Step.PAUSE, Step.CANCEL)
    usual = (Step.RESUME,) if download.state is DownloadState.PAUSED else (Step.RETRY,)
    steps = usual if download.problem is None else _AGAINST.get(download.problem, usual)
    if not download.url:
        steps = tuple(step for step in steps if step is not Step.OPEN_PAGE)
    elif Step.OPEN_PAGE not in steps:
        steps = (*steps, Step.OPEN_PAGE)
    return (*steps, Step.CANCEL)


def arrived_bytes(download: Download) -> int:
    """Return what a cancel throws away; while it is verified, that is all of it."""
    is_whole = download.state is DownloadState.VERIFYING
    return download.total_bytes if is_whole else download.done_bytes

"""What can go wrong between this machine and a model hub: one error, told apart by `problem`."""

from enum import StrEnum, auto

from starpad.core.errors import StarpadError


class HubProblem(StrEnum):
    """What the user (or time) can do something about; each asks for another next step."""

    OFFLINE = auto()
    """No connection, no name, offline mode."""
    INTERRUPTED = auto()
    """The connection broke, stalled or was reset."""
    SERVER_BUSY = auto()
    RATE_LIMITED = auto()
    NEEDS_SIGN_IN = auto()
    NEEDS_LICENSE = auto()
    """Signed in, but its licence is not accepted there (or the owner has not approved yet)."""
    NEEDS_SCOPE = auto()
    """The token may not read gated repositories (a fine-grained token without that permission)."""
    BAD_TOKEN = auto()
    """Revoked, expired or mistyped; even public files are refused with it."""
    NOT_FOUND = auto()
    """No such repository, revision or file, or a private one."""
    DISABLED = auto()
    NOT_A_HUB = auto()
    """Something else answers: a login page, a proxy's page, a mirror that leaves headers out."""
    PROXY = auto()
    CERTIFICATE = auto()
    DISK_FULL = auto()
    NO_PERMISSION = auto()
    FOLDER_GONE = auto()
    """The models folder was moved or unplugged meanwhile."""
    IN_USE = auto()
    """Another Starpad window holds the download."""
    CHECKSUM = auto()
    WRONG_FILE = auto()
    """Not a model, not of the announced size, or with a name that leaves its folder."""
    BAD_REQUEST = auto()
    """The words, repository name or address make no sense to the hub."""


TRANSIENT = frozenset(
    {
        HubProblem.OFFLINE,
        HubProblem.INTERRUPTED,
        HubProblem.SERVER_BUSY,
        HubProblem.RATE_LIMITED,
        HubProblem.PROXY,
    }
)
"""Problems that go away by themselves: a download waits and tries again."""


class HubError(StarpadError):
    """A hub, or the disk that a download goes to, refused; `problem` says what to offer.

    `url` is the page where the user can do something about it, or empty. `retry_after_s` is the
    wait that the server asked for, or None.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        problem: HubProblem,
        url: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, hint, retryable=problem in TRANSIENT)
        self.problem = problem
        self.url = url
        self.retry_after_s = retry_after_s

"""Turns whatever a request to a hub, or the disk below a download, raises into a HubError."""

import errno
import re
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from starpad.core.hub_errors import HubError, HubProblem

if TYPE_CHECKING:
    import httpx2

_GOES_ON = "A download goes on by itself."
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_PERMISSION = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
# EIO: what a disk says that was pulled out while a file on it is open.
_FOLDER_GONE = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO, errno.ESTALE, errno.EIO}
)
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


def hub_error(error: BaseException, *, endpoint: str, subject: str) -> HubError:
    """Return what `error` means to the user; the caller raises it `from error`.

    `endpoint` is the hub's address, `subject` what was asked for, as the user knows it: a
    repository's id, a file's name. Neither a token nor a signed address gets into the text.
    """
    if isinstance(error, HubError):
        return error
    case = _Case(endpoint, subject)
    # huggingface_hub wraps the reason in an error that says "not found locally", and worse.
    for link in _chain(error):
        if found := case.of_library(link) or case.of_transport(link) or case.of_disk(link):
            return found
    if isinstance(error, OSError | RuntimeError):
        return case.interrupted()
    # Whatever else was raised while an answer was read: it is not what a hub answers.
    return case.not_a_hub()


def host_of(endpoint: str) -> str:
    """Return the hub's name as a person knows it, as in huggingface.co."""
    return urlsplit(endpoint).netloc.rpartition("@")[2] or endpoint


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


class _Case:
    """One failure: where it happened and with what."""

    def __init__(self, endpoint: str, subject: str) -> None:
        self.endpoint = endpoint.rstrip("/")
        self.host = host_of(endpoint)
        self.subject = subject

    def of_library(self, error: BaseException) -> HubError | None:
        """Return the meaning of one of huggingface_hub's own errors, or None."""
        from huggingface_hub import errors as library

        if isinstance(error, library.OfflineModeIsEnabled):
            return HubError(
                "Starpad was started in offline mode.",
                "Start it without HF_HUB_OFFLINE in its environment to reach the hub.",
                problem=HubProblem.OFFLINE,
            )
        if isinstance(error, library.HFValidationError):
            return HubError(
                f"{self.subject} cannot be the name of a repository.",
                "Names look like owner/name.",
                problem=HubProblem.BAD_REQUEST,
            )
        if isinstance(error, library.FileMetadataError):
            return self.not_a_hub()
        if isinstance(error, library.LocalTokenNotFoundError):
            return self._needs_sign_in()
        return None

    def of_transport(self, error: BaseException) -> HubError | None:
        """Return the meaning of an HTTP status or a failed connection, or None."""
        import httpx2

        # huggingface_hub's errors have a response too; one without is no answer of a server.
        response = getattr(error, "response", None)
        if isinstance(response, httpx2.Response):
            return self._of_status(error, response)
        if isinstance(error, httpx2.UnsupportedProtocol | httpx2.InvalidURL):
            return HubError(
                f"{self.endpoint} is not the address of a hub.",
                "An address starts with https://, as in https://huggingface.co.",
                problem=HubProblem.BAD_REQUEST,
            )
        if isinstance(error, httpx2.ProxyError):
            return self._proxy("refused the connection")
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            return self._unconnected(error)
        if isinstance(error, httpx2.TooManyRedirects | httpx2.DecodingError):
            return self.not_a_hub()
        if isinstance(error, httpx2.TransportError | httpx2.StreamError):
            return self.interrupted()
        return None

    def of_disk(self, error: BaseException) -> HubError | None:
        """Return the meaning of the operating system's error, or None."""
        if not isinstance(error, OSError):
            return None
        place = Path(error.filename).parent if isinstance(error.filename, str) else self.subject
        if error.errno in _DISK_FULL:
            return HubError(
                f"There is not enough space on the disk for {self.subject}.",
                "Free some space or choose another models folder, then resume; "
                "what arrived is kept.",
                problem=HubProblem.DISK_FULL,
            )
        if error.errno in _NO_PERMISSION:
            return HubError(
                f"Starpad may not write to {place}.",
                "Choose another models folder, or change the folder's permissions.",
                problem=HubProblem.NO_PERMISSION,
            )
        if error.errno in _FOLDER_GONE:
            return HubError(
                f"The folder {place} cannot be reached any more.",
                "Connect its disk again, or choose another models folder.",
                problem=HubProblem.FOLDER_GONE,
            )
        return None

    def _unconnected(self, error: BaseException) -> HubError:
        reasons = [link for link in _chain(error) if isinstance(link, ssl.SSLError)]
        if any(isinstance(link, ssl.SSLEOFError | ssl.SSLZeroReturnError) for link in reasons):
            return self.interrupted()
        if reasons:
            return HubError(
                f"The connection to {self.host} is not secure: its certificate is not trusted.",
                "Check this computer's date. A company's network may need its own certificate "
                "installed in the system.",
                problem=HubProblem.CERTIFICATE,
            )
        if _proxy_of(self.endpoint):
            return self._proxy("cannot be reached")
        return HubError(
            f"There is no connection to {self.host}.",
            f"Check the network. {_GOES_ON}",
            problem=HubProblem.OFFLINE,
        )

    def _of_status(self, error: BaseException, response: "httpx2.Response") -> HubError:
        status = response.status_code
        said = _said(error, response)
        is_signed_in = "authorization" in response.request.headers
        if self._is_web_page(response) or status == HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED:
            return self.not_a_hub()
        if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            return self._proxy("wants a password")
        if "resource is disabled" in said or status == HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS:
            return HubError(
                f"{self.host} has disabled {self.subject}.",
                "Choose another repository of the same model.",
                problem=HubProblem.DISABLED,
            )
        if status == HTTPStatus.UNAUTHORIZED:
            return self._unauthorized(response, is_signed_in=is_signed_in)
        if status == HTTPStatus.FORBIDDEN:
            return self._forbidden(error, response, said, is_signed_in=is_signed_in)
        if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            return self._not_found()
        wait_s = _retry_after_s(response.headers)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            when = "a moment" if wait_s is None else f"{wait_s:.0f} seconds"
            return HubError(
                f"{self.host} has had too many requests from here.",
                f"Try again in {when}. {_GOES_ON}",
                problem=HubProblem.RATE_LIMITED,
                retry_after_s=wait_s,
            )
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
            return HubError(
                f"{self.host} has a problem of its own ({status}).",
                f"It usually passes soon. {_GOES_ON}",
                problem=HubProblem.SERVER_BUSY,
                retry_after_s=wait_s,
            )
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return self.interrupted()
        return HubError(
            f"{self.host} does not understand the request for {self.subject} ({status}).",
            "Check the words, the name or the address.",
            problem=HubProblem.BAD_REQUEST,
        )

    def _is_web_page(self, response: "httpx2.Response") -> bool:
        """Say whether a page for people refuses: a login page, a filter, a wrong address."""
        headers = response.headers
        return (
            response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
            and response.status_code != HTTPStatus.TOO_MANY_REQUESTS
            and "html" in headers.get("content-type", "")
            and "x-error-code" not in headers
            and "x-error-message" not in headers
        )

    def _unauthorized(self, response: "httpx2.Response", *, is_signed_in: bool) -> HubError:
        code = response.headers.get("x-error-code")
        if is_signed_in and code != "GatedRepo":
            # With a token that is good, a repository that is not there is 404, not 401.
            return HubError(
                f"{self.host} does not accept your access token any more.",
                "Sign in again, or sign out and go on without an account.",
                problem=HubProblem.BAD_TOKEN,
                url=f"{self.endpoint}/settings/tokens",
            )
        return self._not_found() if code == "RepoNotFound" else self._needs_sign_in()

    def _forbidden(
        self, error: BaseException, response: "httpx2.Response", said: str, *, is_signed_in: bool
    ) -> HubError:
        if "token settings" in said or "fine-grained" in said:
            return HubError(
                "Your access token may not read gated repositories.",
                "Allow it in the token's settings (read access to public gated repositories), "
                "or sign in with the browser; then press Check again.",
                problem=HubProblem.NEEDS_SCOPE,
                url=f"{self.endpoint}/settings/tokens",
            )
        if response.headers.get("x-error-code") == "GatedRepo":
            return self._needs_license(error, said)
        if not _is_same_origin(str(response.request.url), self.endpoint):
            return HubError(
                f"The address that {self.host} gave for {self.subject} has expired.",
                f"Try again for a new one. {_GOES_ON}",
                problem=HubProblem.SERVER_BUSY,
            )
        if not is_signed_in:
            return self._needs_sign_in()
        return HubError(
            f"Your access token does not open {self.subject}.",
            "Allow it in the token's settings, or sign in with the browser; "
            "then press Check again.",
            problem=HubProblem.NEEDS_SCOPE,
            url=f"{self.endpoint}/settings/tokens",
        )

    def _needs_license(self, error: BaseException, said: str) -> HubError:
        in_subject = _REPOSITORY.search(self.subject)
        repository = getattr(error, "repo_id", None) or (in_subject[0] if in_subject else "")
        message = f"The license of {repository or self.subject} is not accepted yet."
        hint = "Accept it on its page with the same account, then press Check again."
        if "reject" in said:
            message = f"The owner of {repository or self.subject} has turned your request down."
            hint = "Choose another repository of the same model."
        elif "await" in said or "pending" in said:
            message = f"The owner of {repository or self.subject} has not let you in yet."
            hint = "Your request waits for the owner. Once it is approved, press Check again."
        return HubError(
            message,
            hint,
            problem=HubProblem.NEEDS_LICENSE,
            url=f"{self.endpoint}/{repository}".rstrip("/"),
        )

    def _needs_sign_in(self) -> HubError:
        return HubError(
            f"{self.subject} is only for people with an account at {self.host}.",
            "Sign in, then try again.",
            problem=HubProblem.NEEDS_SIGN_IN,
        )

    def _not_found(self) -> HubError:
        return HubError(
            f"{self.subject} is not on {self.host}: removed, renamed, private or mistyped.",
            "Search for it, or check its name.",
            problem=HubProblem.NOT_FOUND,
        )

    def _proxy(self, event: str) -> HubError:
        return HubError(
            f"The proxy {_proxy_of(self.endpoint) or 'on the way'} {event}, "
            f"so there is no connection to {self.host}.",
            f"Check this computer's proxy settings, or HTTPS_PROXY. {_GOES_ON}",
            problem=HubProblem.PROXY,
        )

    def interrupted(self) -> HubError:
        """Return the error for a connection that broke, stalled or was reset."""
        return HubError(
            f"The connection to {self.host} was interrupted.",
            "Try again. A download goes on by itself where it stopped.",
            problem=HubProblem.INTERRUPTED,
        )

    def not_a_hub(self) -> HubError:
        """Return the error for an answer that no hub gives."""
        return HubError(
            f"What answers at {self.host} is not a model hub.",
            "The network may want you to log in first: open the page in a browser. "
            "Or the hub's address in the settings is wrong.",
            problem=HubProblem.NOT_A_HUB,
            url=self.endpoint,
        )


def _said(error: BaseException, response: "httpx2.Response") -> str:
    """Return what the server said, for looking at only: it may repeat an address."""
    message: Any = getattr(error, "server_message", None)
    return f"{message or ''} {response.headers.get('x-error-message', '')}".lower()


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    wanted = headers.get("retry-after", "").strip()
    if wanted.isdecimal():
        return float(wanted)
    try:
        return max(0.0, (parsedate_to_datetime(wanted) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):  # no date, or one without a zone
        # Every answer tells the limits; only a used-up one is the reason.
        limit = re.search(r"\br=0\s*;\s*t=(\d+)", headers.get("ratelimit", ""))
        return float(limit[1]) if limit else None


def _is_same_origin(url: str, endpoint: str) -> bool:
    first, second = urlsplit(url), urlsplit(endpoint)
    return (first.scheme, first.netloc) == (second.scheme, second.netloc)


def _proxy_of(endpoint: str) -> str:
    """Return host and port of the proxy that leads there, never its password; or nothing."""
    target = urlsplit(endpoint)
    proxies = getproxies()
    address = proxies.get(target.scheme) or proxies.get("all", "")
    if not address or proxy_bypass(target.netloc):
        return ""
    return urlsplit(address if "://" in address else f"http://{address}").netloc.rpartition("@")[2]

"""Turns whatever a request to a hub, or the disk below a download, raises into a HubError."""

import errno
import re
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starpad.core.hub_errors import HubError
from starpad.hub.error_sentences import Case, host_of, proxy_of

if TYPE_CHECKING:
    import httpx2

__all__ = ["host_of", "hub_error"]

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
    case = Case(endpoint, subject)
    # huggingface_hub wraps the reason in an error that says "not found locally", and worse.
    for link in _chain(error):
        if found := _of_library(case, link) or _of_transport(case, link) or _of_disk(case, link):
            return found
    if isinstance(error, OSError | RuntimeError):
        return case.interrupted()
    # Whatever else was raised while an answer was read: it is not what a hub answers.
    return case.not_a_hub()


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _of_library(case: Case, error: BaseException) -> HubError | None:
    """Return the meaning of one of huggingface_hub's own errors, or None."""
    from huggingface_hub import errors as library

    if isinstance(error, library.OfflineModeIsEnabled):
        return case.offline_mode()
    if isinstance(error, library.HFValidationError):
        return case.no_name()
    if isinstance(error, library.FileMetadataError):
        return case.not_a_hub()
    if isinstance(error, library.LocalTokenNotFoundError):
        return case.needs_sign_in()
    return None


def _of_transport(case: Case, error: BaseException) -> HubError | None:
    """Return the meaning of an answer, or of a connection that failed, or None."""
    import httpx2

    # huggingface_hub's errors have it too.
    response = getattr(error, "response", None)
    if isinstance(response, httpx2.Response):
        return _of_answer(case, error, response)
    if isinstance(error, httpx2.UnsupportedProtocol | httpx2.InvalidURL):
        return case.no_address()
    if isinstance(error, httpx2.ProxyError):
        return case.proxy("refused the connection")
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return _of_connecting(case, error)
    if isinstance(error, httpx2.TooManyRedirects | httpx2.DecodingError):
        return case.not_a_hub()
    if isinstance(error, httpx2.TransportError | httpx2.StreamError):
        return case.interrupted()
    return None


def _of_connecting(case: Case, error: BaseException) -> HubError:
    reasons = [link for link in _chain(error) if isinstance(link, ssl.SSLError)]
    if any(isinstance(link, ssl.SSLEOFError | ssl.SSLZeroReturnError) for link in reasons):
        return case.interrupted()
    if reasons:
        return case.untrusted()
    return case.proxy("cannot be reached") if proxy_of(case.endpoint) else case.offline()


def _of_disk(case: Case, error: BaseException) -> HubError | None:
    """Return the meaning of the operating system's error, or None."""
    if not isinstance(error, OSError):
        return None
    place = Path(error.filename).parent if isinstance(error.filename, str) else None
    if error.errno in _DISK_FULL:
        return case.disk_full()
    if error.errno in _NO_PERMISSION:
        return case.no_permission(place)
    return case.folder_gone(place) if error.errno in _FOLDER_GONE else None


def _of_answer(case: Case, error: BaseException, response: "httpx2.Response") -> HubError:
    status = response.status_code
    wait_s = _retry_after_s(response.headers)
    if status == HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED or _is_web_page(response):
        return case.not_a_hub()
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return case.proxy("wants a password")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return case.rate_limited(wait_s)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return case.busy(status, wait_s)
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return case.interrupted()
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return case.not_found()
    if status == HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS:
        return case.disabled()
    if status == HTTPStatus.UNAUTHORIZED:
        return _of_unauthorized(case, response)
    if status == HTTPStatus.FORBIDDEN:
        return _of_forbidden(case, error, response)
    return case.bad_request(status)


def _is_web_page(response: "httpx2.Response") -> bool:
    """Say whether a page for people refuses: a login page, a filter, a wrong address."""
    headers = response.headers
    return (
        response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
        and response.status_code != HTTPStatus.TOO_MANY_REQUESTS
        and "html" in headers.get("content-type", "")
        and "x-error-code" not in headers
        and "x-error-message" not in headers
    )


def _of_unauthorized(case: Case, response: "httpx2.Response") -> HubError:
    code = response.headers.get("x-error-code")
    if "authorization" in response.request.headers and code != "GatedRepo":
        # With a token that is good, a repository that is not there is 404, not 401.
        return case.bad_token()
    return case.not_found() if code == "RepoNotFound" else case.needs_sign_in()


def _of_forbidden(case: Case, error: BaseException, response: "httpx2.Response") -> HubError:
    # For looking at only: it may repeat an address.
    said = f"{getattr(error, 'server_message', '')} {response.headers.get('x-error-message')}"
    said = said.lower()
    if "resource is disabled" in said:
        return case.disabled()
    if "token settings" in said or "fine-grained" in said:
        return case.token_without_gated()
    if response.headers.get("x-error-code") == "GatedRepo":
        in_subject = _REPOSITORY.search(case.subject)
        repository = getattr(error, "repo_id", None) or (in_subject[0] if in_subject else "")
        if "reject" in said:
            return case.turned_down(repository)
        if "await" in said or "pending" in said:
            return case.not_approved_yet(repository)
        return case.license_not_accepted(repository)
    if not _is_same_origin(str(response.request.url), case.endpoint):
        return case.expired_address()
    is_signed_in = "authorization" in response.request.headers
    return case.token_without_this() if is_signed_in else case.needs_sign_in()


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

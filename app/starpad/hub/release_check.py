"""Asks GitHub for the newest release of Starpad: one request, which tells nothing of the user."""

import json
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starpad import __version__
from starpad.core.errors import StarpadError
from starpad.core.hub_errors import HubProblem
from starpad.core.release import API, Release, release_from
from starpad.hub import session
from starpad.hub.errors import host_of, hub_error

if TYPE_CHECKING:
    import httpx2

_HEADERS = {"User-Agent": f"Starpad/{__version__}", "Accept": "application/vnd.github+json"}
_MAX_BYTES = 2_000_000
_MOST_REDIRECTS = 3
_HINTS = {
    HubProblem.OFFLINE: "Check the network, then try again.",
    HubProblem.INTERRUPTED: "Try again.",
    HubProblem.PROXY: "Check this computer's proxy settings, or HTTPS_PROXY.",
    HubProblem.SERVER_BUSY: "It usually passes soon.",
}


def newest(repository: str, api: str = API) -> Release:
    """Return the newest release of `owner/name`, pre-releases left out.

    `api` is the address of GitHub's interface; a redirection that leads elsewhere is not followed.
    Raises StarpadError. A StopSignal that watches the thread breaks it off.
    """
    host = host_of(api)
    try:
        with session.plain_client() as client:
            status, is_page, data = _get(client, f"{api}/repos/{repository}/releases/latest", host)
        if status == HTTPStatus.NOT_FOUND and not is_page:
            raise StarpadError(
                f"{repository} has published no release.",
                "If it has moved, look where you got Starpad from.",
            )
        if status in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS) and not is_page:
            raise StarpadError(
                f"{host} has had too many questions from your network.", "Try again in an hour."
            )
        if status != HTTPStatus.OK:
            raise _stranger(host)
        return release_from(json.loads(data))
    except StarpadError:
        raise
    except (ValueError, RecursionError) as error:
        raise _stranger(host) from error
    except Exception as error:
        # Everything: what a stranger sends can break the reading of it in any way.
        raise _explained(error, api) from error


def _get(client: "httpx2.Client", url: str, host: str) -> tuple[int, bool, bytes]:
    """Return the answer's status, whether it is a page for people, and its first bytes."""
    for _ in range(_MOST_REDIRECTS):
        with client.stream("GET", url, headers=_HEADERS, follow_redirects=False) as response:
            following = response.next_request
            if following is not None:  # a repository that was renamed
                if urlsplit(str(following.url))[:2] != urlsplit(url)[:2]:
                    break
                url = str(following.url)
                continue
            if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                response.raise_for_status()
            if response.status_code == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
                response.raise_for_status()
            data = b""
            for chunk in response.iter_bytes():
                data += chunk
                if len(data) > _MAX_BYTES:
                    raise ValueError("longer than a release")
            return response.status_code, "html" in response.headers.get("content-type", ""), data
    raise _stranger(host)


def _stranger(host: str) -> StarpadError:
    return StarpadError(
        f"What answered at {host} is not GitHub's list of releases.",
        "The network may want you to log in first: open a page in a browser, then try again.",
    )


def _explained(error: Exception, api: str) -> StarpadError:
    """Return what the user can do about a connection that failed."""
    found = hub_error(error, endpoint=api, subject="the newest release")
    if found.problem is HubProblem.NOT_A_HUB:
        return _stranger(host_of(api))
    hint = _HINTS.get(found.problem, found.hint)
    return StarpadError(found.message, hint, retryable=found.retryable)

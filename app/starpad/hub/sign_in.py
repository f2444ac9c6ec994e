"""Signing in to a hub: by a code that the user types in the browser, or with a pasted token.

The browser flow is OAuth's device grant (RFC 8628), as in huggingface_hub's private module
`utils._oauth_device`. That one cannot be used: it knows no other hub than the process's, sleeps
between its questions so that nothing can stop it, and may change without notice.

The client id is the one that huggingface_hub ships for `login()`, so the hub's page asks the user
to let in Hugging Face's own client, not "Starpad", and what the token may do is what that client
asks for. A release that wants its name there has to register an OAuth application at the hub and
put its id into the environment as HF_DEVICE_CODE_OAUTH_CLIENT_ID, or here. The token of
this flow ends after some weeks and is not renewed: then the hub calls it invalid, and the user
signs in again.
"""

import time
from typing import Any

import httpx2
from huggingface_hub import constants, get_session, hf_raise_for_status

from starpad.core.device_code import DeviceCode
from starpad.core.hub_errors import HubError, HubProblem
from starpad.hub import session
from starpad.hub.client import HubClient
from starpad.hub.errors import host_of, hub_error
from starpad.hub.session import StopSignal
from starpad.hub.token_store import as_token

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_INTERVAL_S = 5.0
"""Where the server names none (RFC 8628); also what `slow_down` adds."""
_SHORTEST_INTERVAL_S, _LONGEST_INTERVAL_S = 0.02, 60.0
_EXPIRES_S = 900.0
_AGAIN = "Sign in again, or paste an access token instead."


def request_code(endpoint: str) -> DeviceCode:
    """Ask the hub for a code that the user then types on its page. Raises HubError."""
    session.prepare()
    endpoint = endpoint.rstrip("/")
    try:
        response = _post(f"{endpoint}/oauth/device", {})
        if response.status_code in (httpx2.codes.NOT_FOUND, httpx2.codes.METHOD_NOT_ALLOWED):
            raise HubError(
                f"{host_of(endpoint)} offers no sign-in with the browser.",
                "Paste an access token instead.",
                problem=HubProblem.NOT_FOUND,
            )
        hf_raise_for_status(response)
        answer = response.json()
        url = str(answer.get("verification_uri_complete") or answer["verification_uri"])
        # The browser will open it: a hub sends web pages only.
        if httpx2.URL(url).scheme not in ("https", "http"):
            raise ValueError("no web page")
        return DeviceCode(
            user_code=str(answer["user_code"]),
            url=url,
            expires_s=float(answer.get("expires_in") or _EXPIRES_S),
            interval_s=_bounded(float(answer.get("interval") or _INTERVAL_S)),
            secret=str(answer["device_code"]),
        )
    except Exception as error:
        # Everything: what a stranger sends can break the reading of it in any way.
        raise hub_error(error, endpoint=endpoint, subject="Signing in") from error


def wait_for_token(endpoint: str, code: DeviceCode, stop: StopSignal) -> str:
    """Return the access token as soon as the user has approved `code` on the hub's page.

    Raises HubError when it was refused, has expired, or `stop` was used. Breakdowns of the network
    and of the server are waited out.
    """
    session.prepare()
    interval_s = code.interval_s
    deadline = time.monotonic() + code.expires_s
    while time.monotonic() < deadline:
        if stop.wait(interval_s):
            raise HubError("Signing in was cancelled.", problem=HubProblem.INTERRUPTED)
        with stop.watching():
            answer = _ask(endpoint.rstrip("/"), code)
        if token := as_token(answer.get("access_token")):
            return token
        problem = answer.get("error", "authorization_pending")
        if problem == "slow_down":
            interval_s = _bounded(interval_s + _INTERVAL_S)
        elif problem == "access_denied":
            raise HubError(
                f"Starpad was not let in on the page of {host_of(endpoint)}.",
                _AGAIN,
                problem=HubProblem.NEEDS_SIGN_IN,
            )
        elif problem == "expired_token":
            break
        elif problem != "authorization_pending":
            raise HubError(
                f"{host_of(endpoint)} refused the sign-in.", _AGAIN, problem=HubProblem.BAD_REQUEST
            )
    raise HubError(
        "The code has expired before it was entered on the page.",
        _AGAIN,
        problem=HubProblem.NEEDS_SIGN_IN,
    )


def check_token(endpoint: str, token: str) -> str:
    """Return the name of the account that a token stands for. Raises HubError."""
    if as_token(token) is None:
        raise HubError(
            "That is not an access token.",
            "It starts with hf_ and has no spaces; copy it whole.",
            problem=HubProblem.BAD_TOKEN,
            url=f"{endpoint.rstrip('/')}/settings/tokens",
        )
    return HubClient(endpoint, token).account()


def _ask(endpoint: str, code: DeviceCode) -> dict[str, Any]:
    """Return the hub's answer, or an empty one when there was none worth the name."""
    form = {"grant_type": _GRANT, "device_code": code.secret}
    try:
        response = _post(f"{endpoint}/oauth/token", form)
        # A server's own trouble, and its wish to be asked less often, say nothing about the code.
        if response.status_code >= 500 or response.status_code == httpx2.codes.TOO_MANY_REQUESTS:
            return {}
        answer = response.json()
    except (httpx2.HTTPError, OSError, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _post(url: str, form: dict[str, str]) -> httpx2.Response:
    form = {**form, "client_id": constants.DEVICE_CODE_OAUTH_CLIENT_ID}
    # A redirect would take the secret to another server. Without a timeout of its own, a request
    # has the limits of session.py.
    return get_session().post(url, data=form, follow_redirects=False, timeout=None)


def _bounded(interval_s: float) -> float:
    return min(max(interval_s, _SHORTEST_INTERVAL_S), _LONGEST_INTERVAL_S)

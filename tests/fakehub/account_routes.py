"""Signing in, and the few web pages that a person needs for it."""

import html
from collections.abc import Callable

from .accounts import Token
from .api_routes import find_repository
from .messages import Reply, Request, html_reply, json_reply, refusal
from .state import HubState

_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_TOKEN_LIFETIME_S = 28800
_CODE_LIFETIME_S = 900
_DEMO_ACCOUNT = "demo"


def who_am_i(state: HubState, request: Request) -> Reply:
    """GET /api/whoami-v2."""
    token = state.accounts.tokens.get(request.token)
    if token is None:
        raise refusal(401, "Invalid username or password.")
    access: dict[str, object] = {"displayName": "starpad", "role": "read"}
    if not token.can_read_gated:
        access["role"] = "fineGrained"
        access["fineGrained"] = {"canReadGatedRepos": False, "global": [], "scoped": []}
    return json_reply(
        {
            "type": "user",
            "id": f"id-{token.account}",
            "name": token.account,
            "fullname": token.account.title(),
            "email": f"{token.account}@example.org",
            "orgs": [],
            "auth": {"type": "access_token", "accessToken": access},
        }
    )


def begin_sign_in(state: HubState, request: Request) -> Reply:
    """POST /oauth/device."""
    if "client_id" not in request.form:
        return json_reply({"error": "invalid_client"}, 400)
    sign_in = state.accounts.begin_sign_in()
    page = f"{state.endpoint}/oauth/device"
    return json_reply(
        {
            "device_code": sign_in.device_code,
            "user_code": sign_in.user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={sign_in.user_code}",
            "expires_in": _CODE_LIFETIME_S,
            "interval": state.sign_in_interval_s,
        }
    )


def issue_token(state: HubState, request: Request) -> Reply:
    """POST /oauth/token: for an approved device code, or to renew a token."""
    form = {name: values[0] for name, values in request.form.items()}
    if form.get("grant_type") == "refresh_token":
        token = state.accounts.refresh_tokens.pop(form.get("refresh_token", ""), None)
    elif form.get("grant_type") == _DEVICE_GRANT:
        sign_in = state.accounts.sign_ins.get(form.get("device_code", ""))
        if sign_in is not None and sign_in.outcome:
            return json_reply({"error": sign_in.outcome}, 400)
        token = sign_in.token if sign_in else None
        state.accounts.sign_ins.pop(form.get("device_code", ""), None)
    else:
        return json_reply({"error": "unsupported_grant_type"}, 400)
    if token is None:
        return json_reply({"error": "invalid_grant"}, 400)
    access, refresh = state.accounts.issue(token)
    return json_reply(
        {
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": _TOKEN_LIFETIME_S,
            "token_type": "bearer",
            "scope": "openid profile gated-repos",
        }
    )


def sign_in_page(state: HubState, request: Request) -> Reply:
    """GET /oauth/device: where the browser goes."""
    code = html.escape(request.query.get("user_code", [""])[0], quote=True)
    return html_reply(
        f"<h1>Sign in to the fake hub as {_DEMO_ACCOUNT}</h1>"
        "<form method=post action=/oauth/approve>"
        f'Code: <input name=user_code value="{code}"> '
        "<button name=is_allowed value=yes>Allow</button> "
        "<button name=is_allowed value=no>Deny</button></form>"
    )


def decide_sign_in(state: HubState, request: Request) -> Reply:
    """POST /oauth/approve: the page's buttons."""
    code = request.form.get("user_code", [""])[0].strip().upper()
    is_allowed = request.form.get("is_allowed") == ["yes"]
    try:
        if is_allowed:
            state.accounts.decide(code, "", Token(_DEMO_ACCOUNT, can_read_gated=True))
        else:
            state.deny(code)
    except KeyError:
        return html_reply("<h1>No program waits with this code.</h1>", 404)
    return html_reply("<h1>Done. You can go back to Starpad.</h1>")


def repository_page(state: HubState, request: Request, repository_id: str) -> Reply:
    """GET /{id}: the page of a repository, with its licence to accept."""
    repository = find_repository(state, request, repository_id)
    button = ""
    if repository.gating != "open":
        button = (
            f"<form method=post action=/{repository_id}/accept><button>"
            f"Accept the licence as {_DEMO_ACCOUNT}</button></form>"
        )
    names = "".join(f"<li>{html.escape(path)}</li>" for path in sorted(repository.files))
    return html_reply(f"<h1>{html.escape(repository_id)}</h1>{button}<ul>{names}</ul>")


def accept_license(state: HubState, request: Request, repository_id: str) -> Reply:
    """POST /{id}/accept: the button on that page."""
    repository = find_repository(state, request, repository_id)
    if repository.gating == "manual":
        return html_reply("<h1>Request sent. The owner has to approve it.</h1>")
    state.grant(_DEMO_ACCOUNT, repository_id)
    return html_reply("<h1>Accepted. You can go back to Starpad.</h1>")


_ID = r"([^/]+/[^/]+)"
ROUTES: tuple[tuple[str, str, Callable[..., Reply]], ...] = (
    ("GET", r"/api/whoami-v2", who_am_i),
    ("POST", r"/oauth/device", begin_sign_in),
    ("POST", r"/oauth/token", issue_token),
    ("GET", r"/oauth/device", sign_in_page),
    ("POST", r"/oauth/approve", decide_sign_in),
    ("GET", rf"/{_ID}", repository_page),
    ("POST", rf"/{_ID}/accept", accept_license),
)

"""Files: what the hub says about them, and the content network that has the large ones."""

from collections.abc import Callable
from urllib.parse import quote, unquote, urlencode

from .api_routes import find_commit, find_repository
from .content import Content
from .faults import FaultKind, Stage
from .messages import Reply, Request, json_reply, refusal
from .repositories import Repository
from .state import HubState


def resolve(
    state: HubState, request: Request, repository_id: str, revision: str, path: str
) -> Reply:
    """GET and HEAD /{id}/resolve/{revision}/{path}: where the bytes are."""
    repository, commit, content = _find(state, request, repository_id, revision, path)
    faults = {
        fault.kind: fault
        for fault in state.fault_book.take(
            Stage.METADATA, request.origin, request.method, request.path
        )
    }
    headers = {
        "X-Repo-Commit": commit,
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-store",
        "ratelimit": '"resolvers";r=2999;t=300',
        "ratelimit-policy": '"fixed window";"resolvers";q=3000;w=300',
    }
    name = unquote(path)
    if content.is_large:
        is_expired = FaultKind.EXPIRED_URL in faults
        wrong = faults.get(FaultKind.WRONG_LINKED_SIZE)
        headers["Location"] = state.sign(content, name.rsplit("/", 1)[-1], is_expired=is_expired)
        headers["X-Linked-Size"] = str(content.size_bytes + (wrong.count_bytes if wrong else 0))
        headers["X-Linked-ETag"] = f'"{content.sha256}"'
        if repository.has_xet:
            headers |= _xet_headers(state, repository_id, commit, content)
        reply = Reply(302, headers)
    else:
        query = urlencode({"etag": f'"{content.blob_id}"'})
        target = f"/api/resolve-cache/models/{repository_id}/{commit}/{quote(name)}?{query}"
        headers["Location"] = target
        reply = Reply(307, headers)
    if FaultKind.NO_LINKED_HEADERS in faults:
        headers.pop("X-Linked-Size", None)
        headers.pop("X-Linked-ETag", None)
    if FaultKind.NO_COMMIT_HEADER in faults:
        del headers["X-Repo-Commit"]
    return reply


def _find(
    state: HubState, request: Request, repository_id: str, revision: str, path: str
) -> tuple[Repository, str, Content]:
    repository = find_repository(state, request, repository_id)
    _check_gate(state, request, repository)
    commit = find_commit(repository, revision)
    content = repository.commits[commit].get(unquote(path))
    if content is None:
        raise refusal(404, "Entry not found", "EntryNotFound", commit)
    return repository, commit, content


def _check_gate(state: HubState, request: Request, repository: Repository) -> None:
    token = state.accounts.token_of(request)
    if repository.gating != "open":
        state.accounts.check_gate(token, repository.id, state.endpoint)


def _xet_headers(
    state: HubState, repository_id: str, commit: str, content: Content
) -> dict[str, str]:
    token_address = f"{state.endpoint}/api/models/{repository_id}/xet-read-token/{commit}"
    store_address = f"{state.endpoint}/cas/v1/reconstructions/{content.xet_hash}"
    links = f'<{token_address}>; rel="xet-auth", <{store_address}>; rel="xet-reconstruction-info"'
    return {"X-Xet-Hash": content.xet_hash, "Link": links}


def resolve_cache(
    state: HubState, request: Request, repository_id: str, revision: str, path: str
) -> Reply:
    """GET and HEAD /api/resolve-cache/models/{id}/{commit}/{path}: a small file's bytes."""
    _, commit, content = _find(state, request, repository_id, revision, path)
    headers = {
        "ETag": f'"{content.blob_id}"',
        "X-Repo-Commit": commit,
        "Content-Type": "text/plain; charset=utf-8",
    }
    return Reply(200, headers, content=content)


def auth_check(state: HubState, request: Request, repository_id: str) -> Reply:
    """GET /api/models/{id}/auth-check: whether the files may be read."""
    _check_gate(state, request, find_repository(state, request, repository_id))
    return json_reply({})


def serve_content(state: HubState, request: Request) -> Reply:
    """GET and HEAD /{sha256}?...: what the content network answers."""
    if "authorization" in request.headers:
        state.leaked_tokens.append(request)
        return _storage_error(400, "InvalidArgument", "Only one auth mechanism allowed")
    if problem := state.signature_problem(request.path):
        return _storage_error(403, "AccessDenied", problem)
    content = state.contents.get(request.route.removeprefix("/"))
    if content is None or request.method not in ("GET", "HEAD"):
        return _storage_error(404, "NoSuchKey", "The specified key does not exist.")
    # The real one's ETag is not the SHA-256 either: whoever compares them has a defect.
    headers = {"ETag": f'"{content.xet_hash}"', "Content-Type": "application/octet-stream"}
    return Reply(200, headers, content=content)


def _storage_error(status: int, code: str, message: str) -> Reply:
    text = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Reply(status, {"Content-Type": "application/xml"}, text.encode())


_ID = r"([^/]+/[^/]+)"
ROUTES: tuple[tuple[str, str, Callable[..., Reply]], ...] = (
    ("GET HEAD", rf"/{_ID}/resolve/([^/]+)/(.+)", resolve),
    ("GET HEAD", rf"/api/resolve-cache/models/{_ID}/([^/]+)/(.+)", resolve_cache),
    ("GET", rf"/api/models/{_ID}/auth-check", auth_check),
)

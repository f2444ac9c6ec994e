"""The hub's API: search, and what is in a repository."""

import base64
from collections.abc import Callable
from urllib.parse import unquote, urlencode

from .messages import Reply, Request, json_reply, refusal
from .repositories import Repository, tree_entry
from .state import HubState

# What may be asked for with `expand`, of those that the fake hub knows.
_EXPANDABLE = frozenset(
    {
        "author", "cardData", "createdAt", "disabled", "downloads", "gated", "gguf",
        "lastModified", "library_name", "likes", "pipeline_tag", "private", "sha", "siblings",
        "tags", "trendingScore",
    }
)  # fmt: skip
_SHORT = (
    "_id", "id", "modelId", "likes", "trendingScore", "private", "downloads", "tags",
    "pipeline_tag", "library_name", "createdAt",
)  # fmt: skip
_FULL = (*_SHORT, "author", "sha", "lastModified", "gated", "disabled", "siblings")
_SORTS = ("downloads", "likes", "lastModified", "createdAt", "trendingScore")


def find_repository(state: HubState, request: Request, repository_id: str) -> Repository:
    """Return a repository, or raise the refusal: unknown, or disabled."""
    token = state.accounts.token_of(request)
    repository = state.repositories.get(repository_id)
    if repository is None:
        if token is None:
            raise refusal(401, "Invalid username or password.", "RepoNotFound")
        raise refusal(404, "Repository not found", "RepoNotFound")
    if repository.is_disabled:
        raise refusal(403, "Access to this resource is disabled.")
    return repository


def find_commit(repository: Repository, revision: str) -> str:
    """Return the commit that a quoted revision means, or raise the refusal."""
    revision = unquote(revision)
    commit = repository.commit_of(revision)
    if commit is None:
        raise refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
    return commit


def search(state: HubState, request: Request) -> Reply:
    """GET /api/models."""
    state.accounts.token_of(request)
    query = request.query
    found = [each for each in state.repositories.values() if _matches(each, query)]
    sort = query.get("sort", ["trendingScore"])[0]
    if sort not in _SORTS:
        raise refusal(400, f'"sort" must be one of {", ".join(_SORTS)}')
    records = [each.describe(each.commit) for each in found]
    records.sort(key=lambda record: str(record[sort]).zfill(30), reverse=True)
    keys = _search_keys(query)
    chosen = [{key: record[key] for key in keys if key in record} for record in records]
    limit = query.get("limit", ["1000"])[0]
    if not limit.isdecimal():
        raise refusal(400, '"limit" must be a number')
    return _page(state, request, chosen, min(int(limit), state.page_size))


def _matches(repository: Repository, query: dict[str, list[str]]) -> bool:
    words = " ".join(query.get("search", [])).lower().split()
    author = query.get("author", [""])[0]
    gated = query.get("gated", [""])[0]
    tags = repository.all_tags()
    return (
        not repository.is_disabled
        and all(word in repository.id.lower() for word in words)
        and all(tag in tags for tag in query.get("filter", []))
        and author.lower() in ("", repository.id.split("/")[0].lower())
        and gated in ("", "true" if repository.gating != "open" else "false")
    )


def _search_keys(query: dict[str, list[str]]) -> tuple[str, ...]:
    if "expand" in query:
        return _expanded(query["expand"])
    return _FULL if query.get("full") == ["true"] else _SHORT


def _expanded(names: list[str]) -> tuple[str, ...]:
    unknown = sorted(set(names) - _EXPANDABLE)
    if unknown:
        raise refusal(400, f'"expand" may not be {", ".join(unknown)}')
    return ("_id", "id", *names)


def _page(state: HubState, request: Request, entries: list[dict[str, object]], size: int) -> Reply:
    """Return a page of a list, with the address of the next one."""
    query = request.query
    cursor = query.pop("cursor", [""])[0]
    start = int(base64.urlsafe_b64decode(cursor)) if cursor else 0
    reply = json_reply(entries[start : start + size])
    if start + size < len(entries):
        query["cursor"] = [base64.urlsafe_b64encode(b"%d" % (start + size)).decode()]
        address = f"{state.endpoint}{request.route}?{urlencode(query, doseq=True)}"
        reply.headers["Link"] = f'<{address}>; rel="next"'
    return reply


def model_info(state: HubState, request: Request, repository_id: str, revision: str = "") -> Reply:
    """GET /api/models/{id} and /api/models/{id}/revision/{revision}."""
    repository = find_repository(state, request, repository_id)
    commit = find_commit(repository, revision or "main")
    query = request.query
    with_blobs = query.get("blobs") == ["true"]
    info = repository.describe(commit, with_blobs=with_blobs)
    if "expand" in query:
        names = [name for name in query["expand"] if name != "usedStorage"]
        keys = (*_expanded(names), "usedStorage")
        info = {key: info[key] for key in keys if key in info}
    return json_reply(info)


def tree(
    state: HubState, request: Request, repository_id: str, revision: str, folder: str = ""
) -> Reply:
    """GET /api/models/{id}/tree/{revision}/{folder}."""
    repository = find_repository(state, request, repository_id)
    commit = find_commit(repository, revision)
    prefix = f"{unquote(folder).strip('/')}/" if folder.strip("/") else ""
    is_recursive = request.query.get("recursive") == ["true"]
    entries: dict[str, dict[str, object]] = {}
    for path, content in sorted(repository.commits[commit].items()):
        if not path.startswith(prefix):
            continue
        parts = path.removeprefix(prefix).split("/")
        for depth in range(1, len(parts)) if is_recursive else range(1, min(2, len(parts))):
            name = prefix + "/".join(parts[:depth])
            entries[name] = {"type": "directory", "oid": "0" * 40, "size": 0, "path": name}
        if is_recursive or len(parts) == 1:
            entries[path] = tree_entry(path, content, has_xet=repository.has_xet)
    if prefix and not entries:
        raise refusal(404, f"{prefix} does not exist on {commit}", "EntryNotFound", commit)
    return _page(state, request, list(entries.values()), state.page_size)


def paths_info(state: HubState, request: Request, repository_id: str, revision: str) -> Reply:
    """POST /api/models/{id}/paths-info/{revision}; unknown paths are left out."""
    repository = find_repository(state, request, repository_id)
    files = repository.commits[find_commit(repository, revision)]
    paths = [path for path in request.form.get("paths", []) if path in files]
    return json_reply([tree_entry(path, files[path], has_xet=repository.has_xet) for path in paths])


def refs(state: HubState, request: Request, repository_id: str) -> Reply:
    """GET /api/models/{id}/refs."""
    repository = find_repository(state, request, repository_id)
    main = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.commit}
    return json_reply({"branches": [main], "tags": [], "converts": []})


def harnesses(state: HubState, request: Request) -> Reply:
    """GET /api/agent-harnesses: what the client asks for with telemetry on."""
    return json_reply({"standardEnvVars": [], "harnesses": {}})


_ID = r"([^/]+/[^/]+)"
ROUTES: tuple[tuple[str, str, Callable[..., Reply]], ...] = (
    ("GET", r"/api/models", search),
    ("GET", r"/api/agent-harnesses", harnesses),
    ("GET", rf"/api/models/{_ID}", model_info),
    ("GET", rf"/api/models/{_ID}/revision/([^/]+)", model_info),
    ("GET", rf"/api/models/{_ID}/tree/([^/]+)(/.*)?", tree),
    ("POST", rf"/api/models/{_ID}/paths-info/([^/]+)", paths_info),
    ("GET", rf"/api/models/{_ID}/refs", refs),
)

"""Asks a hub: search, a repository's models, a file's place and header, the account."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

import httpx2
from huggingface_hub import (
    HfApi,
    ModelInfo,
    constants,
    get_session,
    hf_hub_url,
    hf_raise_for_status,
)
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from starpad import __version__
from starpad.core.errors import ModelFileError
from starpad.core.hub_errors import HubError, HubProblem
from starpad.core.model_file import ModelHeader, parse_beginning
from starpad.core.quantization import models_of
from starpad.core.remote import Gating, RemoteFile, RemoteRepository, RepositorySummary
from starpad.core.search_query import SearchQuery, read_query
from starpad.hub import session
from starpad.hub.errors import host_of, hub_error

_SUMMARY: list[Any] = ["cardData", "downloads", "gated", "gguf", "lastModified", "likes", "tags"]
_USER_AGENT = {"user-agent": f"starpad/{__version__}"}
# The dimensions and the vocabulary's size stand in the first 64 KiB of nearly every file.
_HEADER_STEPS_BYTES = (1 << 16, 1 << 19, 1 << 22, 1 << 24)
_README_BYTES = 1 << 18
_MAX_REDIRECTS = 8
_LIMITS = None  # those of session.py, which come in where a request names none


@dataclass(frozen=True, slots=True)
class Resolved:
    """Where a file's bytes are for now, and what they are."""

    location: str = field(repr=False)
    """Signed and good for a while only: ask again before each request, never store it."""
    size_bytes: int
    sha256: str
    """64 hex digits; empty for a small file."""
    headers: Mapping[str, str] = field(repr=False)
    """To be sent along to `location`; the token is among them only if that is the hub itself."""
    commit: str = ""


class HubClient:
    """Questions to one hub, each a few requests on the caller's thread.

    `endpoint` is its address, empty for the library's own choice (HF_ENDPOINT, or Hugging Face).
    `token` is the access token that was saved for this endpoint; None asks anonymously, whatever
    the environment or another program holds. Everything raises HubError and nothing else; a
    StopSignal that watches the thread breaks a request off (as an INTERRUPTED one).
    """

    def __init__(self, endpoint: str = "", token: str | None = None) -> None:
        session.prepare()
        self.endpoint = (endpoint or constants.ENDPOINT).rstrip("/")
        self._token = token
        # False forbids what None allows: to look for a token elsewhere.
        self._api = HfApi(
            endpoint=self.endpoint,
            token=token or False,
            library_name="starpad",
            library_version=__version__,
        )

    def search(
        self, words: str, *, limit: int = 30, sort: str = "downloads"
    ) -> tuple[RepositorySummary, ...]:
        """Return repositories with GGUF files, the first `limit` in the order of `sort`.

        `words` is whatever the user typed (core/search_query.py); a repository's name or address
        finds that one alone, whatever it holds. `sort` is downloads, likes, lastModified,
        createdAt or trendingScore.
        """
        query = read_query(words, host_of(self.endpoint))
        if query.stranger:
            raise HubError(
                f"That address leads to {query.stranger}, not to a model.",
                f"Paste the address of a model's page at {host_of(self.endpoint)}.",
                problem=HubProblem.BAD_REQUEST,
            )
        if not query.repository:
            return self._search(query, limit, sort)
        try:
            return (self._summary(query.repository),)
        except HubError as error:
            if query.is_address or error.problem is not HubProblem.NOT_FOUND:
                raise
            # It may be the beginning of a name.
            found = self._search(SearchQuery(words=query.repository), limit, sort)
            if not found:
                raise
            return found

    def _search(self, query: SearchQuery, limit: int, sort: str) -> tuple[RepositorySummary, ...]:
        wanted = {"filter": "gguf", "search": query.words, "author": query.author, "sort": sort}
        parameters = {name: value for name, value in wanted.items() if value}
        # Not by list_models: it sleeps and tries again for minutes while the user waits.
        with self._told(f"The search for {query.words or query.author or 'models'}"):
            records = self._json("/api/models", {**parameters, "limit": limit, "expand": _SUMMARY})
            infos = [ModelInfo(**record) for record in records]  # type: ignore[no-untyped-call]
            return tuple(_summary_of(info) for info in infos[:limit])

    def _summary(self, repository_id: str) -> RepositorySummary:
        with self._told(repository_id):
            return _summary_of(self._api.model_info(repository_id, expand=_SUMMARY))

    def repository(self, repository_id: str, revision: str = "main") -> RemoteRepository:
        """Return what a repository holds now (or at `revision`), with its commit."""
        with self._told(repository_id):
            info = self._api.model_info(repository_id, revision=revision, files_metadata=True)
            files = [
                RemoteFile(each.rfilename, size, _sha256(each.lfs.sha256 if each.lfs else ""))
                for each in info.siblings or ()
                if isinstance(size := each.lfs.size if each.lfs else each.size, int)
            ]
            return RemoteRepository(_summary_of(info), _commit(info.sha), models_of(files))

    def header(self, repository_id: str, commit: str, file: RemoteFile) -> ModelHeader:
        """Return what the beginning of a GGUF file tells, nearly always by one small request.

        The file's size stands for that of its weights; of a split model it is the first part's.
        """
        with self._told(file.name):
            data = b""
            for end in _HEADER_STEPS_BYTES:
                end = min(end, file.size_bytes)
                data += self._read(repository_id, commit, file.path, len(data), end)
                try:
                    return parse_beginning(data, Path(file.name), file.size_bytes)
                except EOFError:
                    if len(data) < end or end == file.size_bytes:
                        break
                except ModelFileError as error:
                    raise HubError(
                        error.message, error.hint, problem=HubProblem.WRONG_FILE
                    ) from error
            raise HubError(
                f"{file.name} does not say how large its model is.",
                "Choose another file, or download it to see whether it can be loaded.",
                problem=HubProblem.WRONG_FILE,
            )

    def resolve(self, repository_id: str, commit: str, path: str) -> Resolved:
        """Return where a file's bytes are right now: one HEAD request."""
        with self._told(path.rpartition("/")[2]):
            response = self._head(self._url(repository_id, commit, path))
            headers = response.headers
            url = str(response.request.url)
            location = urljoin(url, headers.get("Location", url))
            etag = headers.get("X-Linked-ETag") or headers["ETag"]
            length = "Content-Length" if location == url else "X-Linked-Size"
            return Resolved(
                location=location,
                size_bytes=int(headers.get("X-Linked-Size") or headers[length]),
                sha256=_sha256(etag.removeprefix("W/").strip('"')),
                headers=self._headers(location),
                commit=_commit(headers["X-Repo-Commit"]),
            )

    def latest_sha256(self, repository_id: str, path: str) -> tuple[str, str]:
        """Return the newest commit and a file's SHA-256 there: another one is an update."""
        newest = self.resolve(repository_id, constants.DEFAULT_REVISION, path)
        return newest.commit, newest.sha256

    def check_access(self, repository_id: str) -> None:
        """Raise what keeps us from a repository's files, if anything does."""
        with self._told(repository_id):
            validate_repo_id(repository_id)
            # Not by auth_check: it would run under httpx2's limits instead of ours.
            self._json(f"/api/models/{repository_id}/auth-check", {})

    def account(self) -> str:
        """Return the name of the account that the token stands for."""
        with self._told("The name of your account"):
            # Not by whoami: it looks into the token files of other programs.
            return str(self._json("/api/whoami-v2", {})["name"])

    def readme(self, repository_id: str, commit: str) -> str:
        """Return the model card, its first 256 KiB at most; empty when there is none."""
        try:
            with self._told(f"The model card of {repository_id}"):
                data = self._read(repository_id, commit, "README.md", 0, _README_BYTES)
        except HubError as error:
            if error.problem is HubProblem.NOT_FOUND:
                return ""
            raise
        return data.decode("utf-8", "replace")

    def page(self, repository_id: str) -> str:
        """Return the address of a repository's page, for a browser."""
        return f"{self.endpoint}/{quote(repository_id)}"

    def _url(self, repository_id: str, revision: str, path: str) -> str:
        return hf_hub_url(repository_id, path, revision=revision, endpoint=self.endpoint)

    def _headers(self, url: str) -> dict[str, str]:
        """Return the headers for a request: the token goes to the hub and nowhere else."""
        headers = {**_USER_AGENT, "Accept-Encoding": "identity"}
        if self._token and httpx2.URL(url).origin == httpx2.URL(self.endpoint).origin:
            headers["authorization"] = f"Bearer {self._token}"
        return headers

    def _json(self, path: str, parameters: Mapping[str, Any]) -> Any:
        url = self.endpoint + path
        response = get_session().get(
            url, params=parameters, headers=self._headers(url), timeout=_LIMITS
        )
        hf_raise_for_status(response)
        return response.json()

    def _head(self, url: str) -> httpx2.Response:
        """Return the answer that describes a file: the redirect to its bytes, or the bytes' own.

        Not by get_hf_file_metadata: when a mirror passes it on to Hugging Face, it takes the
        token for the mirror along.
        """
        for _ in range(_MAX_REDIRECTS):
            headers = self._headers(url)
            response = get_session().head(
                url, headers=headers, follow_redirects=False, timeout=_LIMITS
            )
            hf_raise_for_status(response)
            if not response.has_redirect_location:
                return response
            target = urljoin(url, response.headers["Location"])
            is_elsewhere = httpx2.URL(target).origin != httpx2.URL(url).origin
            if is_elsewhere and "X-Linked-ETag" in response.headers:
                return response
            url = target
        raise httpx2.TooManyRedirects("too many redirects", request=response.request)

    def _read(self, repository_id: str, commit: str, path: str, start: int, end: int) -> bytes:
        """Return the bytes of a file from `start` up to `end`, or fewer where it ends before."""
        url = self._url(repository_id, commit, path)
        headers = {**self._headers(url), "Range": f"bytes={start}-{end - 1}"}
        # Redirected to another origin, the session leaves the token behind.
        with get_session().stream("GET", url, headers=headers, timeout=_LIMITS) as response:
            hf_raise_for_status(response)
            # A server may not know ranges and send it all.
            skipped = start if response.status_code == httpx2.codes.OK else 0
            data = b""
            for block in response.iter_raw():
                data += block
                if len(data) >= skipped + end - start:
                    break
        return data[skipped : skipped + end - start]

    @contextlib.contextmanager
    def _told(self, subject: str) -> Iterator[None]:
        """Turn whatever is raised inside into a HubError about `subject`.

        Everything: what a stranger sends can break the reading of it in any way.
        """
        try:
            yield
        except Exception as error:
            raise hub_error(error, endpoint=self.endpoint, subject=subject) from error


def _summary_of(info: ModelInfo) -> RepositorySummary:
    card: Any = info.card_data or {}
    gguf: Any = info.gguf if isinstance(info.gguf, dict) else {}
    tags = [tag for tag in info.tags or () if isinstance(tag, str)]
    tagged = next((tag for tag in tags if tag.startswith("license:")), "")
    return RepositorySummary(
        id=info.id,
        downloads=_count(info.downloads),
        likes=_count(info.likes),
        license=_first(card.get("license")) or tagged.removeprefix("license:"),
        gating=_gating(info.gated),
        updated=info.last_modified,
        architecture=_first(gguf.get("architecture")),
        parameters=_count(gguf.get("total")),
        context_tokens=_count(gguf.get("context_length")),
        base_model=_first(card.get("base_model")),
    )


def _gating(value: object) -> Gating:
    if value == "manual":
        return Gating.MANUAL
    return Gating.AUTOMATIC if value else Gating.OPEN


def _first(value: object) -> str:
    """Return a card's text; some cards hold a list of them."""
    if isinstance(value, list):
        value = next(iter(value), "")
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _sha256(text: object) -> str:
    is_hash = isinstance(text, str) and re.fullmatch(r"[0-9a-f]{64}", text)
    return str(text) if is_hash else ""


def _commit(text: object) -> str:
    if isinstance(text, str) and re.fullmatch(r"[0-9a-f]{40}", text):
        return text
    raise ValueError("no commit")

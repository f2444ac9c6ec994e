"""What the fake hub knows, and what a test can change about it at any time."""

import hashlib
import hmac
import itertools
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from .accounts import Accounts, Token
from .content import Content, Source, content_of
from .faults import Fault, FaultBook, FaultKind
from .messages import Request
from .repositories import GgufSummary, Repository


class HubState:
    """Repositories, accounts, faults and the log; any thread."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.content_endpoint = ""
        self.repositories: dict[str, Repository] = {}
        self.contents: dict[str, Content] = {}
        """Those that the content network has been asked for, by SHA-256."""
        self.accounts = Accounts()
        self.fault_book = FaultBook()
        self.requests: list[Request] = []
        self.leaked_tokens: list[Request] = []
        """Requests to the content network that carried an access token: none may."""
        self.page_size = 1000
        """The most entries in one page of search results or of a tree."""
        self.url_lifetime_s = 3600.0
        self.sign_in_interval_s = 0.05
        """How often a program may ask whether its user has approved."""
        self._key = secrets.token_bytes(16)
        self._url_numbers = itertools.count(1)

    # Repositories

    def add_repository(
        self,
        repository_id: str,
        files: Mapping[str, Source],
        *,
        license: str = "bigcode-openrail-m",  # noqa: A002 -- the hub's word
        gating: str = "open",
        downloads: int = 0,
        likes: int = 0,
        base_model: str = "",
        tags: tuple[str, ...] = (),
        gguf: GgufSummary | None = None,
        has_xet: bool = False,
    ) -> str:
        """Add a repository (with a README.md if `files` has none) and return its commit.

        `gating` is open, auto or manual. A file given as a path is streamed from there.
        """
        repository = Repository(
            repository_id, len(self.repositories), license, gating, downloads, likes, base_model,
            tags, gguf or {}, has_xet,
        )  # fmt: skip
        contents = {path: content_of(path, source) for path, source in files.items()}
        if "README.md" not in contents:
            contents["README.md"] = content_of("README.md", repository.readme())
        repository.add_commit(contents)
        self.repositories[repository_id] = repository
        return repository.commit

    def replace_file(self, repository_id: str, path: str, source: Source) -> str:
        """Add or replace a file and return the new commit; the old ones stay."""
        repository = self.repositories[repository_id]
        return repository.add_commit({**repository.files, path: content_of(path, source)})

    def remove_file(self, repository_id: str, path: str) -> str:
        """Remove a file and return the new commit."""
        repository = self.repositories[repository_id]
        files = {name: each for name, each in repository.files.items() if name != path}
        return repository.add_commit(files)

    def remove_repository(self, repository_id: str) -> None:
        """Let it be as if it had never been there."""
        del self.repositories[repository_id]

    def disable_repository(self, repository_id: str) -> None:
        """Have the hub itself withdraw it: 403 on everything."""
        self.repositories[repository_id].is_disabled = True

    def content(self, repository_id: str, path: str) -> Content:
        """Return the newest version of a file: its size and hashes."""
        return self.repositories[repository_id].files[path]

    # Accounts

    def add_account(self, name: str, token: str, *, can_read_gated: bool = True) -> None:
        """Let `token` stand for the account; an account may have several."""
        self.accounts.tokens[token] = Token(name, can_read_gated)

    def grant(self, account: str, repository_id: str) -> None:
        """Let the account read a gated repository (its licence accepted, or approved)."""
        self.accounts.grants.add((account, repository_id))

    def revoke(self, token: str) -> None:
        """Make a token invalid."""
        del self.accounts.tokens[token]

    def approve(
        self, user_code: str, account: str = "demo", *, can_read_gated: bool = True
    ) -> None:
        """Finish a sign-in as the user in the browser does."""
        self.accounts.decide(user_code, "", Token(account, can_read_gated))

    def deny(self, user_code: str) -> None:
        """Refuse a sign-in as the user in the browser."""
        self.accounts.decide(user_code, "access_denied", None)

    def expire(self, user_code: str) -> None:
        """Let a sign-in's code run out."""
        self.accounts.decide(user_code, "expired_token", None)

    # Faults and the log

    @property
    def faults(self) -> list[Fault]:
        """The faults in force; remove one, or clear the list, to end them."""
        return self.fault_book.faults

    def add_fault(self, path_pattern: str, kind: FaultKind, **options: Any) -> Fault:
        """Add a fault; `options` are the fields of Fault. It counts its own `matched` requests."""
        fault = Fault(path_pattern, kind, **options)
        self.faults.append(fault)
        return fault

    def requests_of(self, origin: str, method: str = "") -> list[Request]:
        """Return the logged requests to "hub" or "content", in the order they came."""
        return [
            each
            for each in list(self.requests)
            if each.origin == origin and method in ("", each.method)
        ]

    # Signed addresses

    def sign(self, content: Content, name: str, *, is_expired: bool = False) -> str:
        """Return an address at the content network: good for a while, each another one."""
        self.contents[content.sha256] = content
        lifetime = -1.0 if is_expired else self.url_lifetime_s
        expires = f"{time.time() + lifetime:.3f}"
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Expires": f"{self.url_lifetime_s:.0f}",
            "X-Amz-Request": str(next(self._url_numbers)),
            "X-Amz-Signature": self._signature(content.sha256, expires),
            "exp": expires,
            "response-content-disposition": f'inline; filename="{name}";',
        }
        return f"{self.content_endpoint}/{content.sha256}?{urlencode(query, quote_via=quote)}"

    def signature_problem(self, path: str) -> str:
        """Return why a signed address is not honored, or nothing."""
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        expires = query.get("exp", "0")
        expected = self._signature(parts.path.removeprefix("/"), expires)
        if not hmac.compare_digest(expected, query.get("X-Amz-Signature", "")):
            return "SignatureDoesNotMatch"
        return "Request has expired" if float(expires) < time.time() else ""

    def _signature(self, sha256: str, expires: str) -> str:
        return hmac.new(self._key, f"{sha256} {expires}".encode(), hashlib.sha256).hexdigest()

"""Requests as they came, and the answers to them."""

import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from .content import Content


@dataclass(slots=True)
class Request:
    """One request, logged when it comes and brought up to date while it is answered."""

    origin: str
    """"hub" or "content"."""
    method: str
    path: str
    """With its query."""
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes = b""
    status: int = 0
    """0 until it is answered, and for ever if the connection was dropped."""
    bytes_sent: int = 0
    """Of the answer's body, so far."""
    is_finished: bool = False

    @property
    def route(self) -> str:
        """The path without its query."""
        return urlsplit(self.path).path

    @property
    def query(self) -> dict[str, list[str]]:
        """The query's values by name."""
        return parse_qs(urlsplit(self.path).query)

    @property
    def form(self) -> dict[str, list[str]]:
        """The values of a posted form by name."""
        return parse_qs(self.body.decode())

    @property
    def token(self) -> str:
        """The access token that it carries, or empty."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass(slots=True)
class Reply:
    """An answer: a body, or the file whose bytes (or the range asked for) are the body."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    content: Content | None = None


class Refusal(Exception):  # noqa: N818 -- an answer, not a defect
    """An answer that ends the handling of a request."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def json_reply(value: object, status: int = 200, **headers: str) -> Reply:
    """Return `value` as JSON; `_` in the names of headers stands for `-`."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    named["Content-Type"] = "application/json; charset=utf-8"
    return Reply(status, named, json.dumps(value).encode())


def html_reply(text: str, status: int = 200) -> Reply:
    """Return a web page."""
    page = f"<!doctype html><html><body>{text}</body></html>"
    return Reply(status, {"Content-Type": "text/html; charset=utf-8"}, page.encode())


def refusal(status: int, message: str, code: str = "", commit: str = "") -> Refusal:
    """Return the hub's way to say no: a code and a message in headers, and as JSON."""
    reply = json_reply({"error": message}, status, X_Error_Message=message)
    if code:
        reply.headers["X-Error-Code"] = code
    if commit:
        reply.headers["X-Repo-Commit"] = commit
    return Refusal(reply)

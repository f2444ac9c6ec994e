"""What the user typed into the search for models: words, an author, a repository, an address."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

HUB_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co", "hf-mirror.com"})
"""All show the same repositories under the same paths."""

_MAX_CHARACTERS = 500
_NAME = r"[A-Za-z0-9](?:[\w.-]{0,94}[A-Za-z0-9_])?"
_REPOSITORY = re.compile(rf"({_NAME})/({_NAME})(?::\S*)?", re.ASCII)
"""`:Q4_K_M` at its end is how Ollama and llama.cpp name a quantization."""
_AUTHOR = re.compile(rf"(?<!\S)(?:author:\s*({_NAME})/?|({_NAME})/)(?!\S)", re.ASCII)
_ADDRESS = re.compile(
    r"(?P<scheme>https?://|hf://|//)?(?P<host>[^/?#]*)(?P<path>[^?#]*)\??(?P<query>[^#]*).*",
    re.IGNORECASE | re.DOTALL,
)
# First parts of a hub's addresses that are not owners of models.
_NO_OWNERS = frozenset(
    {
        "blog", "chat", "collections", "datasets", "docs", "join", "kernels", "learn", "login",
        "new", "organizations", "papers", "posts", "pricing", "settings", "spaces", "tasks",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What to look for; empty parts do not count."""

    words: str = ""
    author: str = ""
    repository: str = ""
    """As in owner/name: this one alone."""
    is_address: bool = False
    """The repository was given by its address: there is nothing else that was meant."""
    stranger: str = ""
    """A host that is no hub, or the part of a hub that has no models: nothing can be found."""


def read_query(typed: str, host: str = "") -> SearchQuery:
    """Return what `typed` asks for; addresses at `host` (as in hub.example:8080) count as a hub's.

    Understood are free words, `author/`, `author:name words`, `owner/name`, and addresses of a
    hub with or without a scheme, also of single files in a repository.
    """
    text = " ".join(typed[:_MAX_CHARACTERS].split())
    address = _ADDRESS.fullmatch(text)
    assert address is not None  # it matches everything
    if (address["scheme"] or "").lower() == "hf://":
        return _from_path(unquote(address["host"] + address["path"]).removeprefix("models/"))
    if address["host"].lower() in HUB_HOSTS | {host.lower()} - {""}:
        if address["path"].strip("/") == "models":
            wanted = parse_qs(address["query"])
            author, words = wanted.get("author", [""])[0], wanted.get("search", [""])[0]
            return SearchQuery(words=words, author=author)
        return _from_path(unquote(address["path"]))
    if address["scheme"]:
        return SearchQuery(stranger=address["host"])
    if exact := _REPOSITORY.fullmatch(text):
        return SearchQuery(repository=f"{exact[1]}/{exact[2]}")
    if author := _AUTHOR.search(text):
        rest = f"{text[: author.start()]} {text[author.end() :]}"
        return SearchQuery(words=" ".join(rest.split()), author=author[1] or author[2])
    return SearchQuery(words=text)


def _from_path(path: str) -> SearchQuery:
    """Return what a path at a hub leads to; what follows the repository names a file in it."""
    parts = [part for part in path.split("/") if part]
    if parts[:2] == ["api", "models"]:
        parts = parts[2:]
    if not parts or parts[0].lower() in _NO_OWNERS:
        return SearchQuery(stranger=parts[0] if parts else "")
    if len(parts) == 1:
        return SearchQuery(author=parts[0])
    exact = _REPOSITORY.fullmatch("/".join(parts[:2]))
    if exact is None:
        return SearchQuery(stranger="/".join(parts[:2]))
    return SearchQuery(repository=f"{exact[1]}/{exact[2]}", is_address=True)

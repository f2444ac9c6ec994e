"""A server elsewhere that holds a model: where it is, and what the user said of it."""

import ipaddress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from starpad.core.errors import StarpadError


class FimSpelling(StrEnum):
    """How a server's model writes its fill-in-the-middle tokens."""

    AUTO = "automatic"
    """By the model's name, or as the server's own tokenizer says."""
    NONE = "none"
    STARCODER = "StarCoder"
    SANTACODER = "SantaCoder"
    OPENAI = "Qwen and others"


@dataclass(frozen=True, slots=True)
class RemoteServer:
    """What is kept of a server; its key is kept elsewhere."""

    name: str
    address: str
    """As `usable_address` returns it: without a slash, or `/v1`, at its end."""
    model: str = ""
    """The id that requests name; empty takes the first that the server lists."""
    context_tokens: int = 0
    """0 takes what the server says."""
    fim: FimSpelling = FimSpelling.AUTO
    ca_file: str = ""
    """Certificates to trust besides the system's, in PEM."""
    uses_proxy: bool = False
    """Ask through the proxy that the environment names; never for this computer's own servers."""
    first_token_s: int = 60
    """How long an answer's first token may take: a server may have to load the model first."""

    @property
    def host(self) -> str:
        """Return where text goes, for the user."""
        return urlsplit(self.address).netloc

    @property
    def is_here(self) -> bool:
        """Return whether nothing leaves this computer."""
        return _is_loopback(urlsplit(self.address).hostname or "")


class ServerKind(StrEnum):
    """What answers there; the value is its name."""

    LLAMA = "llama-server"
    VLLM = "vLLM"
    TGI = "Text Generation Inference"
    OLLAMA = "Ollama"
    OPENAI = "an OpenAI-compatible server"


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a server was found to be and to have."""

    kind: ServerKind
    models: tuple[str, ...]
    model: str
    """The one that will be asked."""
    context_tokens: int
    """0 if it does not say."""
    takes_ids: bool
    """Its tokenizer can be asked, and prompts may be token ids."""
    slots: int = 1
    chat_template: str = ""
    bos_text: str = ""
    eos_text: str = ""

    @property
    def sentence(self) -> str:
        """Return all this for the user."""
        prompts = "token ids" if self.takes_ids else "text, with special tokens spelled out"
        context = f"{self.context_tokens:,} tokens" if self.context_tokens else "a context unknown"
        return f"It is {self.kind}, holds {self.model} with {context}, and takes {prompts}."


@dataclass(frozen=True, slots=True)
class RemoteOptions:
    """What is loaded when a server is connected."""

    server: RemoteServer
    key: str = field(default="", repr=False)

    @property
    def path(self) -> Path:
        """Return what stands where a model file's path would, to be shown only."""
        return Path(self.server.host, self.server.model or "model")


def usable_address(text: str) -> str:
    """Return the base address that was meant.

    Raises StarpadError, a sentence about what is wrong with it.
    """
    text = text.strip()
    if "://" not in text:
        text = f"http://{text}" if _is_loopback(text.partition(":")[0]) else f"https://{text}"
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise _wrong(text, str(error)) from error
    if parts.scheme not in ("http", "https"):
        raise _wrong(text, f"it begins with {parts.scheme}://")
    if not host or any(character.isspace() for character in text):
        raise _wrong(text, "it names no host")
    if parts.username is not None:
        raise _wrong(text, "it holds a user's name")
    path = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def warning(server: RemoteServer, *, has_key: bool) -> str:
    """Return what the user should know before text goes there; empty if nothing."""
    if server.is_here or server.address.startswith("https://"):
        return ""
    what = "Your code and the key travel" if has_key else "Your code travels"
    return f"{what} unencrypted: whoever is on the way can read it. Prefer https://."


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _wrong(text: str, why: str) -> StarpadError:
    return StarpadError(
        f"“{text[:80]}” is no address of a server: {why}.",
        "Write it as in https://gpu.example.com:8000.",
    )

"""A server's model as if it were loaded: asked what it is, held until it is let go."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from starpad.core import fim
from starpad.core.chat_format import ChatFormat
from starpad.core.engine_status import LoadedModel
from starpad.core.families import find_family
from starpad.core.load_options import EngineKind
from starpad.core.remote_server import Abilities, RemoteOptions, ServerKind
from starpad.engines import special_tokens
from starpad.engines.chat_choice import format_for, known_families
from starpad.engines.remote_dialect import (
    ROLE_TEMPLATE,
    ROLE_TOKENS,
    Dialect,
    OllamaDialect,
    OpenAiDialect,
)
from starpad.engines.session import Loaded
from starpad.engines.special_tokens import SpecialIds
from starpad.engines.text_tokens import TextTokens

if TYPE_CHECKING:
    import httpx2

    from starpad.engines.client import EngineClient

_UNKNOWN_CONTEXT_TOKENS = 4096
# Ollama takes memory for whatever is asked for.
_MOST_OLLAMA_TOKENS = 8192
_SERVERS_OWN = ChatFormat("server", "The server's own template", ROLE_TEMPLATE)
_SPECIAL_LOOKS = re.compile(r"<\|[^<>\n|]{1,60}\|>")


@dataclass(frozen=True, slots=True)
class _Asked:
    """How a server's model is talked to."""

    client: "EngineClient"
    chat: ChatFormat
    special: SpecialIds


async def hold_remote(
    options: RemoteOptions,
    on_loaded: Callable[[Loaded], None],
    on_progress: Callable[[float], None],
) -> NoReturn:
    """Connect a server's model, report it, and hold it until cancelled. Raises EngineError."""
    from starpad.engines.remote_http import open_client
    from starpad.engines.remote_probe import probe

    async with open_client(options.server, options.key) as http:
        abilities = _with_context(options, await probe(http, options.server))
        on_progress(0.5)
        asked = await _ask(options, http, abilities)
        on_loaded(Loaded(_describe(options, abilities, asked), asked.client))
        while True:  # there is no process that could end
            await asyncio.sleep(3600)


async def look(options: RemoteOptions) -> Abilities:
    """Return what a server is and has; nothing stays connected. Raises EngineError."""
    from starpad.engines.remote_http import open_client
    from starpad.engines.remote_probe import probe

    async with open_client(options.server, options.key) as http:
        return _with_context(options, await probe(http, options.server))


def _with_context(options: RemoteOptions, abilities: Abilities) -> Abilities:
    said = abilities.context_tokens or _UNKNOWN_CONTEXT_TOKENS
    if abilities.kind is ServerKind.OLLAMA:
        said = min(said, _MOST_OLLAMA_TOKENS)
    wanted = options.server.context_tokens or said
    # An engine of llama.cpp's refuses what is longer; others may not say what they hold.
    most = said if abilities.kind is ServerKind.LLAMA else max(said, wanted)
    return replace(abilities, context_tokens=min(wanted, most))


async def _ask(options: RemoteOptions, http: "httpx2.AsyncClient", abilities: Abilities) -> _Asked:
    from starpad.engines.remote_client import RemoteClient, RemoteLlamaClient

    server, key, name = options.server, options.key, abilities.model
    family = find_family(known_families(), repository=name, file_name=name)
    client: EngineClient
    if abilities.kind is ServerKind.LLAMA:
        client = RemoteLlamaClient(server, key, http, abilities)
        chat = format_for(family.id if family else "", abilities.chat_template)
    elif abilities.takes_ids and family is not None:
        client = RemoteClient(server, key, http, abilities, _dialect(abilities), None)
        chat = format_for(family.id, "")
    else:
        # Where we do not know how a conversation is written down, the server does it.
        chat = format_for(family.id, "") if family else _SERVERS_OWN
        tokens = _vocabulary(options, abilities, chat)
        ids = {text: tokens.encode(text, special=True) for text in special_tokens.names(chat)}
        client = RemoteClient(server, key, http, abilities, _dialect(abilities), tokens)
        return _Asked(client, chat, special_tokens.resolve(ids, chat))
    return _Asked(client, chat, await special_tokens.ask(client, chat))


def _vocabulary(options: RemoteOptions, abilities: Abilities, chat: ChatFormat) -> TextTokens:
    spelled = fim.spelled(options.server.fim, abilities.model)
    names = (*spelled, *chat.stop_tokens, *ROLE_TOKENS, *_SPECIAL_LOOKS.findall(chat.template))
    return TextTokens(dict.fromkeys(names))


def _dialect(abilities: Abilities) -> Dialect:
    if abilities.kind is ServerKind.OLLAMA:
        return OllamaDialect(abilities.context_tokens)
    return OpenAiDialect(knows_more=abilities.kind is ServerKind.VLLM)


def _describe(options: RemoteOptions, abilities: Abilities, asked: _Asked) -> LoadedModel:
    return LoadedModel(
        path=options.path.with_name(abilities.model.rpartition("/")[2]),
        name=abilities.model,
        quantization="",
        context_tokens=abilities.context_tokens,
        fim=asked.special.fim,
        stop_ids=asked.special.stop_ids,
        on_gpu=False,
        is_demo=False,
        kind=EngineKind.REMOTE,
        chat=asked.chat,
        chat_stop_ids=asked.special.chat_stop_ids,
        bos_text=abilities.bos_text,
        eos_text=abilities.eos_text,
        program=options.server.host,
        engine_version=abilities.kind.value,
    )

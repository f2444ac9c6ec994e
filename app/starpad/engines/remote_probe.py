"""Finds out what answers at an address: which server, which models, how it takes a prompt."""

import json
from functools import partial
from typing import Any

import httpx2

from starpad.core.errors import EngineError
from starpad.core.remote_server import Abilities, RemoteServer, ServerKind
from starpad.engines.protocol import is_web_page
from starpad.engines.remote_http import explained, read_whole, refusal

Answer = dict[str, Any]

_ALONE = {"Connection": "close"}
"""Servers that are taken for another kind may end a connection without saying so."""
_TIMEOUT = httpx2.Timeout(30, connect=10)
"""Nothing is computed for these answers."""


async def probe(http: httpx2.AsyncClient, server: RemoteServer) -> Abilities:
    """Return what the server is and has. No text of the user's is sent.

    Raises EngineError: nobody answers, the key is refused, no model is there, no such server.
    """
    listed = await _ask(http, server, "GET", "/v1/models")
    models = _models(listed)
    ask = partial(_ask, http, server, is_known=bool(models))
    props = await ask("GET", "/props")
    if "default_generation_settings" in props:
        return _llama(server, models, props)
    version = await ask("GET", "/api/version")
    if "version" in version:
        return await _ollama(http, server)
    info = await ask("GET", "/info")
    if "model_id" in info:
        limit = _number(info.get("max_total_tokens") or info.get("max_input_tokens"))
        model = str(info["model_id"])
        return Abilities(ServerKind.TGI, (model,), server.model or model, limit, takes_ids=False)
    if not models:
        raise EngineError(
            f"{server.host} answers, but not as a server of language models does.",
            "Check the address: it is the part before /v1.",
        )
    model = _choose(server, models)
    details: Answer = next((each for each in listed["data"] if each.get("id") == model), {})
    limit = _number(details.get("max_model_len") or details.get("context_length"))
    if details.get("owned_by") == "vllm":
        body = {"model": model, "prompt": "a", "add_special_tokens": False}
        has_tokenizer = "tokens" in await ask("POST", "/tokenize", body)
        return Abilities(ServerKind.VLLM, models, model, limit, takes_ids=has_tokenizer)
    return Abilities(ServerKind.OPENAI, models, model, limit, takes_ids=False)


def _llama(server: RemoteServer, models: tuple[str, ...], props: Answer) -> Abilities:
    settings = props["default_generation_settings"]
    return Abilities(
        ServerKind.LLAMA,
        models,
        _choose(server, models) if models else str(props.get("model_alias") or "model"),
        _number(settings.get("n_ctx") if isinstance(settings, dict) else 0),
        takes_ids=True,
        slots=max(1, _number(props.get("total_slots"))),
        chat_template=str(props.get("chat_template") or ""),
        bos_text=str(props.get("bos_token") or ""),
        eos_text=str(props.get("eos_token") or ""),
    )


async def _ollama(http: httpx2.AsyncClient, server: RemoteServer) -> Abilities:
    tags = await _ask(http, server, "GET", "/api/tags")
    listed = tags.get("models")
    names = [each.get("name") for each in listed or [] if isinstance(each, dict)]
    models = tuple(name for name in names if isinstance(name, str))
    if not models:
        message = f"Ollama at {server.host} has no model."
        raise EngineError(message, "Have it fetch one, for example `ollama pull starcoder2:3b`.")
    model = _choose(server, models)
    shown = await _ask(http, server, "POST", "/api/show", {"model": model})
    facts = shown.get("model_info")
    trained = next(
        (value for key, value in (facts or {}).items() if key.endswith(".context_length")), 0
    )
    return Abilities(ServerKind.OLLAMA, models, model, _number(trained), takes_ids=False)


def _models(answer: Answer) -> tuple[str, ...]:
    listed = answer.get("data")
    found = [each.get("id") for each in listed or [] if isinstance(each, dict)]
    return tuple(name for name in found if isinstance(name, str))


def _choose(server: RemoteServer, models: tuple[str, ...]) -> str:
    if server.model and server.model not in models:
        raise EngineError(
            f"{server.host} has no model “{server.model}”.",
            f"It has: {', '.join(models[:8])}.",
        )
    return server.model or models[0]


def _number(value: object) -> int:
    return value if type(value) is int and 0 < value < 1 << 30 else 0


async def _ask(
    http: httpx2.AsyncClient,
    server: RemoteServer,
    method: str,
    route: str,
    body: object = None,
    *,
    is_known: bool = False,
) -> Answer:
    """Return a JSON object; an empty one where the server has no such route.

    One that `is_known` to list models may stand behind a gateway that forbids other routes, sends
    them elsewhere, or answers them with its own page. A wrong key is a wrong key (llama-server
    lists its models without one).
    """
    try:
        async with http.stream(
            method, route, json=body, headers=_ALONE, timeout=_TIMEOUT
        ) as response:
            content = await read_whole(response, server)
    except httpx2.HTTPError as error:
        raise explained(error, server) from error
    is_elsewhere = response.status_code == 403 or 300 <= response.status_code < 400
    if response.status_code == 401 or (is_elsewhere and not is_known):
        raise refusal(server, response, content)
    if is_web_page(content) and response.is_success and not is_known:
        message = f"{server.host} answers with a web page, not as a server of language models."
        raise EngineError(message, "Check the address; a network may want you to log in first.")
    try:
        answer = json.loads(content) if response.is_success else {}
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}

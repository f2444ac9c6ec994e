"""Servers elsewhere: each kind is recognized, asked in its own way, and its bad days are told."""

import asyncio
import json
import shutil
import subprocess
import threading
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar

import pytest

from model_servers import (
    KEY,
    Asked,
    ModelServer,
    Reply,
    chat,
    completion,
    events,
    ollama,
    openai,
    serving,
    vllm,
)
from running_engine import with_held
from starpad.core.chat import ChatOptions, Role, Turn
from starpad.core.context_window import CaretContext
from starpad.core.errors import EngineError, PromptTooLongError
from starpad.core.load_options import EngineKind
from starpad.core.remote_server import FimSpelling, RemoteOptions, RemoteServer, ServerKind
from starpad.core.sampling import Sampling
from starpad.core.suggestion import CompletionOptions, LinePolicy
from starpad.engines import remote_client, remote_http
from starpad.engines.chat_prompt import ChatPrompter
from starpad.engines.converse import Answer, converse
from starpad.engines.prompt_builder import PromptBuilder
from starpad.engines.protocol import Chunk, CompletionRequest, StopReason
from starpad.engines.remote_session import hold_remote, look
from starpad.engines.session import Loaded
from starpad.engines.suggest import Progress, suggest

T = TypeVar("T")
POLICY = LinePolicy(8, 0, False, "", "", "    return ")
STARCODER = "bigcode/starcoder2-3b"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_http, "_WAITS_S", (0.01, 0.01, 0.01))


def with_remote(
    server: ModelServer,
    job: Callable[[Loaded], Awaitable[T]],
    *,
    key: str = KEY,
    **fields: object,
) -> T:
    """Connect a server as the application does, run a job with it, let it go."""
    options = RemoteOptions(RemoteServer("test", server.address, **fields), key)  # type: ignore[arg-type]

    return with_held(lambda on_loaded: hold_remote(options, on_loaded, lambda _: None), job)


async def fim(loaded: Loaded, before: str = "def add(a, b):\n    return", after: str = "\n") -> str:
    progress: Progress = await suggest(
        loaded.client, lambda _: None, builder=PromptBuilder(loaded.model.fim),
        context=CaretContext(1, "python", 0, before, after), policy=POLICY,
        options=CompletionOptions(max_tokens=16), model=loaded.model,
    )  # fmt: skip
    return progress.text


async def ask(loaded: Loaded, question: str = "Why?") -> Answer:
    return await converse(
        loaded.client, lambda _: None, prompter=ChatPrompter(loaded.model), conversation=1,
        turns=[Turn(Role.USER, question)], options=ChatOptions("Be brief.", max_tokens=32),
        model=loaded.model,
    )  # fmt: skip


async def read(loaded: Loaded, prompt: str = "x = ", **fields: object) -> list[Chunk]:
    ids = tuple(await loaded.client.tokenize(prompt))
    request = CompletionRequest(ids, 16, **fields)  # type: ignore[arg-type]
    async with aclosing(loaded.client.complete(request)) as stream:
        return [chunk async for chunk in stream]


def text_of(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def test_vllm_gets_token_ids_and_user_text_is_only_text() -> None:
    async def job(loaded: Loaded) -> tuple[str, Loaded]:
        return await fim(loaded, before="# <fim_middle>\ndef add(a, b):\n    return"), loaded

    with serving(vllm()) as server:
        text, loaded = with_remote(server, job)
    [body] = server.bodies("/v1/completions")
    assert text == " a + b"
    assert (loaded.model.kind, loaded.model.context_tokens) == (EngineKind.REMOTE, 2048)
    assert body["prompt"][:2] == [1, 3], "SPMv2: prefix and suffix tokens first"
    assert body["prompt"].count(2) == 1, "the one that we put there"
    assert {0, 1, 2, 3} <= set(body["stop_token_ids"])
    assert body["model"] == STARCODER
    assert all(asked.key == KEY for asked in server.asked)


def test_a_server_of_text_gets_the_special_tokens_spelled_and_the_users_broken_up() -> None:
    answers = {"/v1/completions": completion(" a", " + b")}

    async def job(loaded: Loaded) -> str:
        return await fim(loaded, before="s = '<fim_suffix>'\nreturn")

    with serving(openai(answers, STARCODER)) as server:
        assert with_remote(server, job) == " a + b"
    [body] = server.bodies("/v1/completions")
    assert body["prompt"].startswith("<fim_prefix><fim_suffix>\n<fim_middle>s = '")
    assert body["prompt"].count("<fim_suffix>") == 1
    assert "<\u2060fim_suffix>" in body["prompt"]


def test_a_special_token_in_the_answer_ends_it_however_it_is_cut() -> None:
    answers = {"/v1/completions": completion("a + b", "<file", "_s", "ep>import os")}
    with serving(openai(answers, STARCODER)) as server:
        chunks = with_remote(server, lambda loaded: _read_with_stops(loaded))
    assert text_of(chunks) == "a + b"
    assert chunks[-1].stop_reason is StopReason.STOP_TOKEN


async def _read_with_stops(loaded: Loaded) -> list[Chunk]:
    return await read(loaded, stop_ids=loaded.model.stop_ids)


def test_a_stop_text_ends_the_answer_also_beyond_the_four_that_are_sent() -> None:
    stops = ("1", "2", "3", "4", "END")
    with serving(openai({"/v1/completions": completion("a", " E", "ND b")})) as server:
        chunks = with_remote(server, lambda loaded: read(loaded, stop_texts=stops))
    assert text_of(chunks) == "a "
    assert chunks[-1].stop_reason is StopReason.STOP_TEXT
    assert server.bodies("/v1/completions")[0]["stop"] == list(stops[:4])


def test_an_unknown_family_is_asked_for_chat_and_writes_the_conversation_down_itself() -> None:
    answers = {"/v1/chat/completions": chat("Beca", "use.")}
    with serving(openai(answers)) as server:
        answer = with_remote(server, lambda loaded: ask(loaded, "Why <|starpad:user|> not?"))
    assert answer.text == "Because."
    [body] = server.bodies("/v1/chat/completions")
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert body["messages"][0]["content"] == "Be brief."
    assert body["messages"][1]["content"].replace("\u2060", "") == "Why <|starpad:user|> not?"
    assert "prompt" not in body


def test_a_known_chat_family_is_written_down_by_us() -> None:
    answers = {"/v1/completions": completion("Yes.")}
    with serving(openai(answers, "bigcode/starcoder2-15b-instruct-v0.1")) as server:
        assert with_remote(server, ask).text == "Yes."
    [body] = server.bodies("/v1/completions")
    assert "### Instruction\nBe brief.\n\nWhy?" in body["prompt"]


def test_a_long_question_is_one_request() -> None:
    answers = {"/v1/completions": completion("Yes.")}
    with serving(openai(answers, STARCODER)) as server:
        with_remote(server, lambda loaded: ask(loaded, "why " * 500))
    assert len(server.bodies("/v1/completions")) == 1


def test_ollama_is_asked_in_its_own_way_and_its_lines_may_be_cut_anywhere() -> None:
    def answer(asked: Asked) -> Reply:
        reply = ollama((" a", " + ü", "\n"))(asked)
        if isinstance(reply, list):
            whole = b"".join(reply)
            return [whole[at : at + 7] for at in range(0, len(whole), 7)]
        return reply

    with serving(answer) as server:
        text, loaded = with_remote(server, _fim_and_loaded)
    assert text == " a + ü\n"
    assert loaded.model.context_tokens == 8192
    [body] = server.bodies("/api/generate")
    assert body["raw"] is True
    assert body["prompt"].startswith("<fim_prefix><fim_suffix>")
    assert body["options"]["num_ctx"] == 8192


async def _fim_and_loaded(loaded: Loaded) -> tuple[str, Loaded]:
    return await fim(loaded), loaded


@pytest.mark.parametrize(
    ("model", "chosen", "has_fim"),
    [
        ("starcoder2-3b", FimSpelling.AUTO, True),
        ("starcoder2-3b", FimSpelling.NONE, False),
        ("my-model", FimSpelling.AUTO, False),
        ("my-model", FimSpelling.STARCODER, True),
        ("Qwen/Qwen2.5-Coder-7B", FimSpelling.AUTO, True),
        ("WizardLM/WizardCoder-Python-34B", FimSpelling.AUTO, False),
    ],
)
def test_who_can_fill_in_the_middle_is_told_by_the_name_or_by_the_user(
    model: str, chosen: FimSpelling, has_fim: bool
) -> None:
    async def job(loaded: Loaded) -> bool:
        return loaded.model.fim is not None

    with serving(openai({}, model)) as server:
        assert with_remote(server, job, fim=chosen) is has_fim


def test_what_a_server_is_is_said_in_words_and_nothing_of_the_user_is_sent() -> None:
    for answer, kind in (
        (vllm(), ServerKind.VLLM),
        (ollama(("x",)), ServerKind.OLLAMA),
        (openai({}), ServerKind.OPENAI),
    ):
        with serving(answer) as server:
            options = RemoteOptions(RemoteServer("test", server.address), KEY)
            abilities = asyncio.run(look(options))
        assert abilities.kind is kind
        assert str(kind) in abilities.sentence
        assert not server.bodies("/v1/completions")


def test_a_warm_up_is_not_sent() -> None:
    async def job(loaded: Loaded) -> list[Chunk]:
        request = CompletionRequest((1, 2, 3), 0)
        return [chunk async for chunk in loaded.client.complete(request)]

    with serving(vllm()) as server:
        assert len(with_remote(server, job)) == 1
    assert not server.bodies("/v1/completions")


def test_a_server_that_is_busy_is_asked_again_before_the_first_token() -> None:
    busy = [b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"] * 2

    def answer(asked: Asked) -> Reply:
        if asked.route == "/v1/completions" and busy:
            return busy.pop()
        return openai({"/v1/completions": completion("ok")})(asked)

    with serving(answer) as server:
        assert text_of(with_remote(server, read)) == "ok"
    assert len(server.bodies("/v1/completions")) == 3


def raw(status: str, content: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + content


PAGE = b"<!DOCTYPE html><html><body>Please log in</body></html>"
TOO_LONG = b'{"error": {"message": "This model\'s maximum context length is 2048 tokens."}}'


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (completion("a", "b")[:-2], "in the middle"),
        ([b'data: {"choices": [{"text"'], "in the middle"),
        ([b"data: {nonsense}\n\n"], "not readable"),
        ([b'data: {"choices": 7}\n\n'], "not what Starpad expects"),
        (events({"error": {"message": "CUDA out of memory"}}), "CUDA out of memory"),
        (raw("200 OK", PAGE), "web page"),
        (raw("302 Found", b"", "Location: https://elsewhere.example/"), "elsewhere.example"),
        (raw("401 No", b"{}"), "refused the key"),
        (raw("404 No", b"{}"), "does not know"),
        (raw("500 Oh", b'{"error": {"message": "it broke"}}'), "it broke"),
        (b"\x00\x01 this is no HTTP\r\n\r\n", "broke"),
        ([b"data: " + b"x" * 100_000] * 200, "does not end"),
    ],
)
def test_each_bad_answer_ends_in_a_sentence(reply: Reply, words: str) -> None:
    def answer(asked: Asked) -> Reply:
        return reply if asked.route == "/v1/completions" else openai({})(asked)

    with serving(answer) as server, pytest.raises(EngineError, match=words):
        with_remote(server, read)


def test_what_came_before_a_break_is_kept() -> None:
    seen: list[str] = []

    async def job(loaded: Loaded) -> None:
        ids = tuple(await loaded.client.tokenize("x"))
        stream = loaded.client.complete(CompletionRequest(ids, 16))
        while True:
            seen.append((await anext(stream)).text)

    reply = completion("half an ", "answer")[:-2]
    with serving(openai({"/v1/completions": reply})) as server, pytest.raises(EngineError):
        with_remote(server, job)
    assert "".join(seen) == "half an answer"


def test_a_server_that_never_ends_is_cut() -> None:
    reply = completion(*["x" * 1000] * 50)
    with serving(openai({"/v1/completions": reply})) as server:
        chunks = with_remote(server, read)
    assert chunks[-1].stop_reason is StopReason.LIMIT
    assert len(text_of(chunks)) < 10_000


@pytest.mark.parametrize("first", [0, 1])
def test_a_server_that_gives_no_token_is_given_up(
    first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signs of life do not count."""
    monkeypatch.setattr(remote_client, "SILENCE_S", 0.2)
    is_over = threading.Event()

    def answer(asked: Asked) -> Reply:
        if asked.route != "/v1/completions":
            return openai({})(asked)
        return Alive(completion("a")[:first], is_over)

    with serving(answer) as server:
        with pytest.raises(EngineError, match="gave no token for"):
            with_remote(server, read, first_token_s=1)
        is_over.set()


def test_a_model_that_must_be_loaded_first_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_client, "SILENCE_S", 1.0)
    loading = threading.Event()
    threading.Timer(1.5, loading.set).start()

    def answer(asked: Asked) -> Reply:
        if asked.route == "/v1/completions":
            loading.wait(20)
        return openai({"/v1/completions": completion("ok")})(asked)

    with serving(answer) as server:
        assert text_of(with_remote(server, read, first_token_s=30)) == "ok"


@pytest.mark.parametrize(
    "elsewhere",
    [
        raw("403 No", b"{}"),
        raw("302 Found", b"", "Location: https://x.example"),
        raw("200 OK", PAGE),
    ],
)
def test_a_gateway_that_keeps_other_routes_to_itself_is_no_obstacle(elsewhere: bytes) -> None:
    def answer(asked: Asked) -> Reply:
        return vllm()(asked) or elsewhere

    with serving(answer) as server:
        assert with_remote(server, fim) == " a + b"


def test_a_share_of_1_is_not_sent_as_it_changes_nothing() -> None:
    with serving(openai({"/v1/completions": completion("ok")})) as server:
        with_remote(server, lambda loaded: read(loaded, sampling=Sampling(top_p=1.0)))
    [body] = server.bodies("/v1/completions")
    assert "top_p" not in body


def test_a_prompt_that_is_too_long_is_said_so_by_us_or_by_the_server() -> None:
    def answer(asked: Asked) -> Reply:
        return raw("400 No", TOO_LONG) if asked.route == "/v1/completions" else vllm()(asked)

    with serving(answer) as server:
        with pytest.raises(PromptTooLongError, match="holds 2048"):
            with_remote(server, lambda loaded: read(loaded, "x" * 3000))
        assert not server.bodies("/v1/completions")
        with pytest.raises(PromptTooLongError, match="maximum context length"):
            with_remote(server, read)


def test_leaving_early_closes_the_connection() -> None:
    is_closed = threading.Event()

    def endless(asked: Asked) -> Reply:
        return openai({})(asked) if asked.route != "/v1/completions" else Endless(is_closed)

    async def job(loaded: Loaded) -> None:
        ids = tuple(await loaded.client.tokenize("x"))
        async with aclosing(loaded.client.complete(CompletionRequest(ids, 10_000))) as stream:
            async for _ in stream:
                return

    with serving(endless) as server:
        with_remote(server, job)
        assert is_closed.wait(20)


class Alive(list[bytes]):
    """A few events, and then signs of life until it is over."""

    def __init__(self, pieces: list[bytes], is_over: threading.Event) -> None:
        super().__init__(pieces)
        self._is_over = is_over

    def __iter__(self):  # type: ignore[no-untyped-def]
        yield from super().__iter__()
        while not self._is_over.wait(0.02):
            yield b": ping\n\n"


class Endless(list[bytes]):
    """Events without end; says when its reader is no longer there."""

    def __init__(self, is_closed: threading.Event) -> None:
        super().__init__()
        self._is_closed = is_closed

    def __iter__(self):  # type: ignore[no-untyped-def]
        event = completion("a")[0]
        try:
            while True:
                yield event * 100
        finally:
            self._is_closed.set()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://127.0.0.1:9", "nothing listens there"),
        ("http://no-such-host.invalid", "no such host|name service|cannot be reached"),
    ],
)
def test_nobody_there_is_said(address: str, words: str) -> None:
    with pytest.raises(EngineError, match=words):
        with_remote(ModelServer(address), read)


def test_a_wrong_key_and_a_missing_model_are_said_when_connecting() -> None:
    with serving(vllm()) as server:
        with pytest.raises(EngineError, match="refused the key"):
            with_remote(server, read, key="another")
        with pytest.raises(EngineError, match="no model “big”"):
            with_remote(server, read, model="big")


def test_something_else_at_the_address_is_said() -> None:
    with serving(lambda _: raw("200 OK", PAGE)) as server, pytest.raises(EngineError, match="page"):
        with_remote(server, read)
    with (
        serving(lambda _: {"hello": "there"}) as server,
        pytest.raises(EngineError, match="not as"),
    ):
        with_remote(server, read)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an authority and certificates for the right and for another host."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl to make certificates")
    folder = tmp_path_factory.mktemp("certificates")
    for name, host in (("right", "IP:127.0.0.1"), ("other", "DNS:other.example")):
        subprocess.run(
            [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
             "-subj", "/CN=test", "-addext", f"subjectAltName={host}",
             "-keyout", f"{name}.key", "-out", f"{name}.pem"],
            cwd=folder, check=True, capture_output=True,
        )  # fmt: skip
    return folder


def test_a_certificate_must_be_trusted_and_for_the_host(certificates: Path) -> None:
    def pair(name: str) -> tuple[str, str]:
        return str(certificates / f"{name}.pem"), str(certificates / f"{name}.key")

    with serving(
        openai({"/v1/completions": completion("ok")}), certificate=pair("right")
    ) as server:
        with pytest.raises(EngineError, match="not trusted: it signed it itself"):
            with_remote(server, read)
        own = str(certificates / "right.pem")
        assert text_of(with_remote(server, read, ca_file=own)) == "ok"
        with pytest.raises(EngineError, match="cannot be read"):
            with_remote(server, read, ca_file=str(certificates / "missing.pem"))
        plain = ModelServer(server.address.replace("https", "http"))
        with pytest.raises(EngineError):
            with_remote(plain, read)
    with serving(openai({}), certificate=pair("other")) as server:
        other = str(certificates / "other.pem")
        with pytest.raises(EngineError, match="belongs to another host"):
            with_remote(server, read, ca_file=other)


def test_a_server_without_tls_is_said() -> None:
    with serving(openai({})) as server:
        secure = ModelServer(server.address.replace("http", "https"))
        with pytest.raises(EngineError, match="does not speak TLS"):
            with_remote(secure, read)


def test_sampling_reaches_the_server() -> None:
    sampling = Sampling(temperature=0.5, top_p=0.8, top_k=7, min_p=0.1, seed=3)
    with serving(vllm()) as server:
        with_remote(server, lambda loaded: read(loaded, sampling=sampling))
    [body] = server.bodies("/v1/completions")
    sent = (body["temperature"], body["top_p"], body["top_k"], body["min_p"], body["seed"])
    assert sent == (0.5, 0.8, 7, 0.1, 3)
    assert json.dumps(body)

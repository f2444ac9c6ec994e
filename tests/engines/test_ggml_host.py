"""Legacy models in their own process, through the client that all engines share.

The model is made so that a token is always followed by the same one: its texts are known.
"""

import asyncio
import json
import os
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import httpx2
import pytest

from gguf_files import gguf, write
from legacy_ggml_files import (
    SPECIAL,
    Shape,
    following,
    legacy,
    noise,
    vocabulary,
    write_legacy,
)
from running_engine import KEY, ask, engine
from starpad.core import fim
from starpad.core.errors import EngineError, PromptTooLongError
from starpad.core.load_options import EngineKind
from starpad.core.sampling import Sampling
from starpad.engines.client import EngineClient
from starpad.engines.process import EngineProcess, new_log
from starpad.engines.protocol import Chunk, CompletionRequest, StopReason
from starpad.engines.spec import EngineSpec

# Each of these is 12,000 bytes of JSON.
LONG = b"\1" * 2000
TOKENS = vocabulary(added=[LONG.decode()])
ID = {text: id_ for id_, text in reversed(list(enumerate(TOKENS)))}
FIM_MIDDLE = SPECIAL.index("<fim_middle>")
END = SPECIAL.index("<|endoftext|>")
T = TypeVar("T")


def _bytes(text: str) -> list[int]:
    return [ID[bytes([byte])] for byte in text.encode()]


def _chain(*ids: int) -> dict[int, int]:
    return dict(pairwise(ids))


# The digits count up and end; "a" to "d" go round; "L" begins a llama of four bytes, "E" an END.
FOLLOWS = (
    _chain(FIM_MIDDLE, *_bytes("0123456789"), END)
    | _chain(*_bytes("abcda"))
    | _chain(*_bytes("L"), *_bytes("\N{LLAMA}"), *_bytes("."))
    | _chain(*_bytes("ENX"))
    | _chain(*_bytes("SU"), END)
    | _chain(ID[b"one"], ID[b"two"], ID[b"\n\n"], ID[b"three"])
)
SHAPE = Shape(embedding=128, context_tokens=512)


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> EngineSpec:
    """Return how to load a model whose texts are known, in a file whose name lies."""
    data = legacy(SHAPE, TOKENS, following(SHAPE, FOLLOWS, len(TOKENS)))
    file = write_legacy(tmp_path_factory.mktemp("known"), data, "model.gguf")
    return EngineSpec(file, "known", 512, threads=1, prompt_threads=2, kind=EngineKind.GGML)


@pytest.fixture(scope="module")
def url(spec: EngineSpec) -> Iterator[str]:
    """Run one process for most tests here."""
    with engine(spec) as address:
        yield address


@pytest.fixture(scope="module")
def slow_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a model that looks at all that came before, with room for a long prompt."""
    shape = Shape(layers=4, embedding=64, heads=2, context_tokens=8192)
    data = legacy(shape, TOKENS, noise())
    file = write_legacy(tmp_path_factory.mktemp("slow"), data)
    spec = EngineSpec(file, "slow", 8192, threads=1, kind=EngineKind.GGML)
    with engine(spec) as address:
        yield address


async def chunks_of(client: EngineClient, request: CompletionRequest) -> list[Chunk]:
    return [chunk async for chunk in client.complete(request)]


def complete(url: str, prompt: str | list[int], max_tokens: int = 8, **more: object) -> list[Chunk]:
    ids = _bytes(prompt) if isinstance(prompt, str) else prompt
    request = replace(CompletionRequest(tuple(ids), max_tokens), **more)  # type: ignore[arg-type]
    return ask(url, lambda client: chunks_of(client, request))


def text_of(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def post(url: str, route: str, body: object, key: str = KEY) -> httpx2.Response:
    with httpx2.Client(base_url=url, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return client.post(route, content=content, headers=headers)


def test_the_model_says_what_it_is(url: str) -> None:
    async def job(client: EngineClient) -> None:
        assert await client.health()
        properties = await client.properties()
        assert (properties.context_tokens, properties.slots) == (512, 1)
        assert properties.bos_text == properties.eos_text == "<|endoftext|>"
        assert not await client.adds_bos()

    ask(url, job)


def test_special_tokens_are_resolved_from_the_files_vocabulary(url: str) -> None:
    async def job(client: EngineClient) -> None:
        texts = fim.SPECIAL_TOKEN_TEXTS
        ids = {text: await client.tokenize(text, special=True) for text in texts}
        tokens = fim.resolve(ids)
        assert tokens is not None
        assert (tokens.prefix, tokens.middle, tokens.suffix) == (1, 2, 3)
        assert tokens.stop_ids == {0, 1, 2, 3, 4, 5}
        assert len(await client.tokenize("<fim_prefix>")) > 5
        text = "def f(\u00e9): <fim_prefix>"
        assert await client.detokenize(await client.tokenize(text)) == text

    ask(url, job)


def test_a_fill_in_the_middle_prompt_is_continued_until_the_end_of_text(url: str) -> None:
    prompt = [*_bytes("x"), FIM_MIDDLE]
    chunks = complete(url, prompt, max_tokens=40)
    assert text_of(chunks) == "0123456789"
    assert chunks[-1].stop_reason is StopReason.END_OF_TEXT
    ids = [token for chunk in chunks for token in chunk.token_ids]
    assert ids == [*_bytes("0123456789"), END]


def test_a_stop_token_ends_it_and_its_text_is_not_delivered(url: str) -> None:
    stops = frozenset(_bytes("3"))
    chunks = complete(url, [FIM_MIDDLE], 40, stop_ids=stops)
    assert (text_of(chunks), chunks[-1].stop_reason) == ("012", StopReason.STOP_TOKEN)
    ended = complete(url, [FIM_MIDDLE], 40, stop_ids=frozenset({END}))
    assert (text_of(ended), ended[-1].stop_reason) == ("0123456789", StopReason.STOP_TOKEN)
    assert ended[-1].stop_token_text == ""


@pytest.mark.parametrize("stop", ["45", "4", "3456", "45678"])
def test_a_stop_text_ends_it_and_nothing_of_it_is_delivered(url: str, stop: str) -> None:
    chunks = complete(url, [FIM_MIDDLE], 40, stop_texts=("zz", stop))
    assert text_of(chunks) == "0123456789"[: int(stop[0])]
    assert chunks[-1].stop_reason is StopReason.STOP_TEXT
    assert not any(set(chunk.text) & set(stop) for chunk in chunks)


def test_a_stop_text_that_a_token_only_contains_ends_it_too(url: str) -> None:
    chunks = complete(url, [ID[b"one"]], 9, stop_texts=("\n",))
    assert (text_of(chunks), chunks[-1].stop_reason) == ("two", StopReason.STOP_TEXT)


def test_what_only_began_like_a_stop_text_is_delivered(url: str) -> None:
    chunks = complete(url, "E", 3, stop_texts=("NXY", "NZ"))
    assert text_of(chunks) == "NXX"
    held = complete(url, "E", 1, stop_texts=("NXY",))
    assert (text_of(held), held[-1].stop_reason) == ("N", StopReason.LIMIT)
    assert [token for chunk in held for token in chunk.token_ids] == _bytes("N")


def test_what_was_held_back_comes_with_the_stop_token(url: str) -> None:
    chunks = complete(url, "S", 9, stop_texts=("UVW",), stop_ids=frozenset({END}))
    assert (chunks[-1].stop_reason, chunks[-1].stop_token_text) == (StopReason.STOP_TOKEN, "U")
    whole = complete(url, "S", 9, stop_texts=("UVW",))
    assert (text_of(whole), whole[-1].stop_reason) == ("U", StopReason.END_OF_TEXT)


def test_a_stop_token_ends_it_although_a_text_is_held_back(url: str) -> None:
    stops = frozenset(_bytes("1"))
    chunks = complete(url, [FIM_MIDDLE], 9, stop_texts=("0123456789ab",), stop_ids=stops)
    assert chunks[-1].stop_reason is StopReason.STOP_TOKEN
    assert chunks[-1].timings.generated_tokens == 2


def test_a_character_of_four_tokens_arrives_whole(url: str) -> None:
    chunks = complete(url, "L", 6)
    assert text_of(chunks) == "\N{LLAMA}.."
    assert chunks[0].text == "\N{LLAMA}"
    assert chunks[0].token_ids == tuple(_bytes("\N{LLAMA}"))
    assert text_of(complete(url, "L", 3)) == ""


def test_a_limit_ends_it_and_zero_only_reads_the_prompt(url: str) -> None:
    chunks = complete(url, "a", 5)
    assert (text_of(chunks), chunks[-1].stop_reason) == ("bcdab", StopReason.LIMIT)
    assert chunks[-1].timings.generated_tokens == 5
    read = complete(url, "abcdabcdab", 0)
    assert (text_of(read), read[-1].stop_reason) == ("", StopReason.LIMIT)
    after = complete(url, "abcdabcdabc", 1)[-1].timings
    assert (after.cached_tokens, after.evaluated_tokens) == (10, 1)


def test_the_beginning_that_two_prompts_share_is_read_once(slow_url: str) -> None:
    prompt = [222, *(10 + i % 90 for i in range(299))]  # which no other test begins with
    first = complete(slow_url, prompt, 5)
    assert first[-1].timings.evaluated_tokens == 300
    again = complete(slow_url, prompt, 5)
    assert (again[-1].timings.cached_tokens, again[-1].timings.evaluated_tokens) == (299, 1)
    assert text_of(again) == text_of(first)
    forked = complete(slow_url, [*prompt[:200], 5, 6, 7], 5)
    assert (forked[-1].timings.cached_tokens, forked[-1].timings.evaluated_tokens) == (200, 3)
    assert text_of(complete(slow_url, prompt, 5)) == text_of(first)


def test_a_seed_makes_sampling_repeatable(slow_url: str) -> None:
    def sample(seed: int) -> str:
        sampling = Sampling(1.5, top_p=1.0, top_k=0, seed=seed)
        return text_of(complete(slow_url, "abc", 16, sampling=sampling))

    assert sample(1) == sample(1)
    assert len({sample(seed) for seed in range(5)}) > 1


def test_a_prompt_that_fills_the_context_is_refused_with_both_numbers(url: str) -> None:
    for count in (512, 600):
        with pytest.raises(PromptTooLongError, match=f"{count} tokens.* 512"):
            complete(url, [9] * count)
    assert text_of(complete(url, "a", 1)) == "b"


def test_a_full_context_ends_the_answer(url: str) -> None:
    chunks = complete(url, [*[9] * 507, *_bytes("a")], 50)
    assert (text_of(chunks), chunks[-1].stop_reason) == ("bcda", StopReason.LIMIT)
    body = {"prompt": [*[9] * 507, *_bytes("a")], "n_predict": -1, "temperature": 0}
    whole = post(url, "/completion", body).json()
    assert (whole["content"], whole["stop_type"], whole["truncated"]) == ("bcda", "limit", True)


def _has_read(line: str) -> bool:
    return bool(json.loads(line.removeprefix("data: "))["prompt_progress"]["processed"])


def test_cancelling_while_a_long_prompt_is_read_frees_the_model(slow_url: str) -> None:
    prompt = tuple(10 + i % 90 for i in range(8000))
    headers = {"Authorization": f"Bearer {KEY}"}

    async def job(client: EngineClient) -> None:
        async with httpx2.AsyncClient(base_url=slow_url, headers=headers, trust_env=False) as http:
            reading = CompletionRequest(prompt, 9).body()
            async with http.stream("POST", "/completion", json=reading) as answer:
                lines = answer.aiter_lines()  # which would close the answer, were it let go
                while not (line := await anext(lines)) or not _has_read(line):
                    pass
                # Waits behind it, and leaves the queue: it begins with another token.
                waiting = CompletionRequest((200, 201), 9).body()
                async with http.stream("POST", "/completion", json=waiting):
                    pass
                assert await client.health()
        after = (await chunks_of(client, CompletionRequest(prompt, 0)))[-1].timings
        assert 0 < after.cached_tokens < len(prompt) - 1
        assert after.prompt_tokens == len(prompt)

    ask(slow_url, job)


def test_cancelling_while_it_writes_frees_the_model(slow_url: str) -> None:
    async def job(client: EngineClient) -> None:
        for _ in range(5):
            async with aclosing(client.complete(CompletionRequest((10, 11), 8000))) as stream:
                async for _chunk in stream:
                    break
        await chunks_of(client, CompletionRequest((10, 11, 12), 1))

    ask(slow_url, job)


def test_twenty_at_once_get_each_its_own_text(url: str) -> None:
    async def job(client: EngineClient) -> list[str]:
        starts = "abcd" * 5
        requests = [CompletionRequest((*[9] * n, *_bytes(s)), 12) for n, s in enumerate(starts)]
        answers = await asyncio.gather(*(chunks_of(client, one) for one in requests))
        return [text_of(chunks) for chunks in answers]

    turns = {"a": "bcda", "b": "cdab", "c": "dabc", "d": "abcd"}
    assert ask(url, job) == [turns[start] * 3 for start in "abcd" * 5]


def test_requests_are_answered_in_the_order_in_which_they_came(slow_url: str) -> None:
    async def job(client: EngineClient) -> list[int]:
        ended: list[int] = []

        async def one(number: int) -> None:
            await chunks_of(client, CompletionRequest((20 + number,), 3))
            ended.append(number)

        tasks = []
        for number in range(6):
            tasks.append(asyncio.create_task(one(number)))
            assert await client.health()  # the request has been sent before this one
        await asyncio.gather(*tasks)
        return ended

    assert ask(slow_url, job) == list(range(6))


def test_one_who_never_reads_holds_nobody_up(url: str) -> None:
    host, port = url.removeprefix("http://").split(":")
    body = json.dumps({"prompt": [ID[LONG]], "n_predict": 500, "stream": True}).encode()
    head = (
        f"POST /completion HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.socket() as mute:
        mute.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        mute.connect((host, int(port)))
        mute.sendall(head.encode() + body)
        mute.recv(1)  # it has begun, and 6 MB are more than the sockets hold
        assert text_of(complete(url, "a", 1)) == "b"


@pytest.mark.parametrize("key", ["", "wrong", "é"])
def test_without_the_key_only_the_health_is_told(url: str, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}".encode()} if key else {}
    with httpx2.Client(base_url=url, trust_env=False, headers=headers) as client:
        assert client.get("/health").status_code == 200
        for answer in (client.get("/props"), client.post("/completion", json={}), client.get("/x")):
            assert answer.status_code == 401
            assert answer.json()["error"]["type"] == "authentication_error"


def test_a_wrong_key_is_an_error_in_words(url: str) -> None:
    async def main() -> None:
        async with EngineClient(url, "wrong") as client:
            await client.tokenize("a")

    with pytest.raises(EngineError, match="refused the key"):
        asyncio.run(main())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON"),
        (b"[1]", "not a JSON object"),
        ({}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": {"a": 1}}, "prompt"),
        ({"prompt": [len(TOKENS)]}, "invalid tokens"),
        ({"prompt": [-1]}, "invalid tokens"),
        ({"prompt": ["a"]}, "invalid tokens"),
        ({"prompt": [True]}, "invalid tokens"),
        ({"prompt": [1], "n_predict": "many"}, "many"),
        ({"prompt": [1], "temperature": [1]}, "float"),
        ({"prompt": [1], "seed": 1e999}, "infinity"),
        ({"prompt": [1], "stop": 7}, "not iterable"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    url: str, body: Mapping[str, object] | bytes, words: str
) -> None:
    answer = post(url, "/completion", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert words in answer.json()["error"]["message"]
    assert text_of(complete(url, "a", 1)) == "b"


def test_other_routes_and_methods_are_refused(url: str) -> None:
    assert post(url, "/slots", {}).status_code == 404
    assert post(url, "/slots", {}).json()["error"]["type"] == "not_found_error"
    assert post(url, "/props", {}).status_code == 405
    assert post(url, "/tokenize", {"content": 7}).status_code == 400
    assert post(url, "/detokenize", {"tokens": [1 << 40]}).status_code == 400


def test_a_text_is_a_prompt_too_and_an_answer_may_come_at_once(url: str) -> None:
    whole = post(url, "/completion", {"prompt": "<fim_middle>", "temperature": 0}).json()
    assert (whole["content"], whole["stop"], whole["stop_type"]) == ("0123456789", True, "eos")
    assert whole["tokens"] == [*_bytes("0123456789"), END]
    assert whole["timings"]["predicted_n"] == 11
    stopped = {"prompt": "a", "temperature": 0, "stop": "d", "cache_prompt": False}
    assert post(url, "/completion", stopped).json()["content"] == "bc"


def test_the_events_have_llama_servers_shape(url: str) -> None:
    body = {
        "prompt": [9] * 40, "n_predict": 1, "stream": True, "return_progress": True,
        "temperature": 0, "timings_per_token": True,
    }  # fmt: skip
    answer = post(url, "/completion", body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line[6:]) for line in answer.text.split("\n") if line]
    progress = [event["prompt_progress"] for event in events if "prompt_progress" in event]
    assert [step["processed"] for step in progress][-1] == progress[0]["total"] == 40
    assert progress[0]["cache"] == progress[0]["processed"]
    token, last = events[-2:]
    assert (token["content"], token["tokens"], token["stop"]) == ("\x03", [9], False)
    assert (last["content"], last["tokens"], last["stop"], last["stop_type"]) == (
        "", [], True, "limit",
    )  # fmt: skip
    assert (last["truncated"], last["tokens_predicted"], last["tokens_cached"]) == (False, 1, 40)


def hosted(spec: EngineSpec, job: Callable[[EngineProcess], Awaitable[T]]) -> T:
    async def main() -> T:
        process = await EngineProcess.start(spec, secrets.token_hex(), new_log())
        try:
            return await job(process)
        finally:
            await process.stop()

    return asyncio.run(main())


def test_a_killed_process_is_an_error_and_says_why(spec: EngineSpec) -> None:
    async def job(process: EngineProcess) -> str:
        ready = await process.wait_ready()
        assert ready.version.startswith("ctransformers ")
        assert [device.is_gpu for device in ready.devices] == [False]
        async with EngineClient(ready.url, "") as client:
            os.kill(process.pid, signal.SIGKILL)
            report = await process.wait()
            with pytest.raises(EngineError, match="does not answer"):
                await client.tokenize("a")
            return report.sentence

    assert "killed" in hosted(spec, job)


@pytest.mark.parametrize(
    ("file_bytes", "words"),
    [
        (gguf(), "not a GGML file of 2023"),
        (legacy(Shape(), TOKENS, noise())[:-9], "truncated"),
        (legacy(Shape(), TOKENS, noise()).replace(b"model/wpe", b"model/wpX"), "no tensor"),
    ],
)
def test_what_cannot_be_loaded_fails_in_words(
    spec: EngineSpec, tmp_path: Path, file_bytes: bytes, words: str
) -> None:
    broken = replace(spec, model=write(tmp_path, file_bytes, "model.bin"))
    with pytest.raises(EngineError, match=words):
        hosted(broken, lambda process: process.wait_ready())


def test_weights_that_are_no_numbers_end_a_request_in_words(
    spec: EngineSpec, tmp_path: Path
) -> None:
    def numbers(name: str, count: int) -> list[float]:
        return [float("nan")] * count

    file = write_legacy(tmp_path, legacy(Shape(), TOKENS, numbers))
    with engine(replace(spec, model=file)) as address:
        with pytest.raises(EngineError, match="file is damaged"):
            complete(address, "abc")
        assert post(address, "/completion", {"prompt": [7]}).status_code == 500


def test_a_port_that_is_taken_is_said_so(spec: EngineSpec) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        there = replace(spec, port=taken.getsockname()[1])
        with pytest.raises(EngineError, match=r"[Aa]ddress already in use|10048"):
            hosted(there, lambda process: process.wait_ready())

"""The client against the real engine on the embedded model, and against a server of nonsense."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from typing import TypeVar

import httpx2
import pytest

from running_engine import KEY, engine
from starpad.core.errors import EngineError, PromptTooLongError
from starpad.core.paths import demo_model
from starpad.core.sampling import Sampling
from starpad.engines.client import EngineClient
from starpad.engines.protocol import Chunk, CompletionRequest, StopReason

T = TypeVar("T")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Run one real engine for all tests here."""
    with engine() as address:
        yield address


def run(url: str, job: Callable[[EngineClient], Awaitable[T]], key: str = KEY) -> T:
    async def main() -> T:
        async with EngineClient(url, key) as client:
            return await job(client)

    return asyncio.run(main())


async def prompt_of(client: EngineClient, text: str) -> tuple[int, ...]:
    return (1, 3, 2, *await client.tokenize(text))


async def chunks_of(client: EngineClient, request: CompletionRequest) -> list[Chunk]:
    return [chunk async for chunk in client.complete(request)]


def text_of(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def complete(url: str, text: str, request: CompletionRequest) -> list[Chunk]:
    async def job(client: EngineClient) -> list[Chunk]:
        return await chunks_of(client, replace(request, prompt=await prompt_of(client, text)))

    return run(url, job)


def request(max_tokens: int = 24, **changes: object) -> CompletionRequest:
    return replace(CompletionRequest((), max_tokens), **changes)  # type: ignore[arg-type]


def test_the_same_prompt_gives_the_same_text(url: str) -> None:
    first = complete(url, "def add(a, b):\n    ", request())
    assert text_of(first)
    assert text_of(complete(url, "def add(a, b):\n    ", request())) == text_of(first)
    assert text_of(complete(url, "class Point:\n    ", request())) != text_of(first)


def test_a_seed_makes_sampling_repeatable(url: str) -> None:
    def sample(seed: int) -> str:
        sampling = Sampling(temperature=1.0, seed=seed)
        return text_of(complete(url, "def add(a, b):\n    ", request(sampling=sampling)))

    assert sample(1) == sample(1)
    assert len({sample(seed) for seed in range(5)}) > 1


def test_text_arrives_in_pieces_and_only_the_last_says_why_it_ended(url: str) -> None:
    chunks = complete(url, "def add(a, b):\n    ", request(max_tokens=10))
    assert len(chunks) > 5
    assert [chunk.is_last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].stop_reason is StopReason.LIMIT
    assert chunks[-1].timings.generated_tokens == 10
    assert all(chunk.timings.prompt_tokens > 3 for chunk in chunks)


def test_a_longer_prompt_reuses_what_the_slot_holds(url: str) -> None:
    text = "def total(values):\n    result = 0\n    for value in values:\n        result"
    complete(url, text, request())
    timings = complete(url, text + " +", request())[-1].timings
    assert timings.cached_tokens > 15
    assert timings.evaluated_tokens <= 2


def test_a_prompt_is_warmed_without_text(url: str) -> None:
    text = "import os\n\n\ndef warm_words(path):\n    return"
    warmed = complete(url, text, request(max_tokens=0))
    assert text_of(warmed) == ""
    assert warmed[-1].timings.evaluated_tokens > 5
    assert complete(url, text, request())[-1].timings.evaluated_tokens == 1


def test_a_stop_token_ends_the_text_before_its_own(url: str) -> None:
    whole = complete(url, "def add(a, b):\n    ", request())
    stop = whole[5].token_ids[0]
    first = next(place for place, chunk in enumerate(whole) if stop in chunk.token_ids)
    cut = complete(url, "def add(a, b):\n    ", request(stop_ids=frozenset({stop})))
    assert cut[-1].stop_reason is StopReason.STOP_TOKEN
    assert text_of(cut) == text_of(whole[:first])


def test_a_stop_text_ends_the_text_before_its_own(url: str) -> None:
    chunks = complete(url, "def add(a, b):\n", request(200, stop_texts=("\n",)))
    assert chunks[-1].stop_reason is StopReason.STOP_TEXT
    assert "\n" not in text_of(chunks)


def test_the_models_own_end_of_text_is_noticed(url: str) -> None:
    async def job(client: EngineClient) -> Chunk:
        for seed in range(6):  # the first does it, unless another processor rounds otherwise
            sampling = Sampling(temperature=0.9, seed=seed)
            last = (await chunks_of(client, CompletionRequest((0,), 500, sampling)))[-1]
            if last.stop_reason is StopReason.END_OF_TEXT:
                break
        return last

    assert run(url, job).stop_reason is StopReason.END_OF_TEXT


def test_the_time_budget_ends_a_completion_line_break_or_not(url: str) -> None:
    chunks = complete(url, "x = [", request(900, time_budget_ms=40))
    assert chunks[-1].stop_reason is StopReason.TIME
    assert chunks[-1].timings.generated_ms >= 40
    assert all(chunk.timings.generated_ms < 40 for chunk in chunks[:-1])


def test_a_prompt_that_is_too_long_is_refused_with_the_numbers(url: str) -> None:
    with pytest.raises(PromptTooLongError, match=r"2,?000 tokens.* 1024"):
        run(url, lambda client: chunks_of(client, CompletionRequest((5,) * 2000, 4)))


@pytest.mark.parametrize(("prompt", "word"), [((99999,), "invalid tokens"), ((), "empty")])
def test_a_prompt_that_makes_no_sense_is_refused(
    url: str, prompt: tuple[int, ...], word: str
) -> None:
    with pytest.raises(EngineError, match=word):
        run(url, lambda client: chunks_of(client, CompletionRequest(prompt, 4)))


def test_a_wrong_key_is_refused_everywhere(url: str) -> None:
    jobs: list[Callable[[EngineClient], Awaitable[object]]] = [
        lambda client: client.properties(),
        lambda client: client.tokenize("x"),
        lambda client: chunks_of(client, CompletionRequest((5,), 4)),
    ]
    for job in jobs:
        with pytest.raises(EngineError, match="refused the key"):
            run(url, job, key="wrong")


def test_no_web_page_may_talk_to_the_engine(url: str) -> None:
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    for method, route in (("GET", "/health"), ("OPTIONS", "/completion"), ("GET", "/props")):
        answer = httpx2.request(method, url + route, headers=headers, trust_env=False)
        assert not answer.headers.get("Access-Control-Allow-Origin")
        assert answer.headers.get("Access-Control-Allow-Credentials") != "true"


def test_there_is_no_page_no_path_and_no_way_to_change_the_engine(url: str) -> None:
    with httpx2.Client(
        base_url=url, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False,
        limits=httpx2.Limits(max_keepalive_connections=0),
    ) as http:  # fmt: skip
        assert "<html" not in http.get("/").text.lower()
        assert str(demo_model().parent) not in http.get("/v1/models").text
        assert http.post("/props", json={}).status_code >= 400
        assert http.post("/slots/0?action=save", json={"filename": "x"}).status_code >= 400


def test_the_engine_tells_its_context_and_slots(url: str) -> None:
    properties = run(url, lambda client: client.properties())
    assert (properties.context_tokens, properties.slots) == (1024, 2)


def test_special_tokens_are_tokens_only_on_request(url: str) -> None:
    async def job(client: EngineClient) -> tuple[list[int], list[int]]:
        text = "<fim_prefix><fim_middle>"
        return await client.tokenize(text, special=True), await client.tokenize(text)

    special, plain = run(url, job)
    assert special == [1, 2]
    assert len(plain) > 4
    assert {1, 2}.isdisjoint(plain)


@pytest.mark.parametrize("text", ["", "a\r\n\tb\u00a0😀<fim_middle>\u2028é\x00", "x" * 20000])
def test_any_text_survives_the_way_into_tokens_and_back(url: str, text: str) -> None:
    ids = run(url, lambda client: client.tokenize(text))
    answer = httpx2.post(
        url + "/detokenize", json={"tokens": ids}, trust_env=False,
        headers={"Authorization": f"Bearer {KEY}"},
    )  # fmt: skip
    assert answer.json()["content"] == text


async def wait_until_idle(url: str) -> float:
    """Return how many seconds it takes until no slot is at work."""
    start = time.perf_counter()
    async with httpx2.AsyncClient(
        base_url=url, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False,
        limits=httpx2.Limits(max_keepalive_connections=0),
    ) as http:  # fmt: skip
        while any(slot["is_processing"] for slot in (await http.get("/slots")).json()):
            assert time.perf_counter() - start < 20
    return time.perf_counter() - start


def test_closing_the_stream_frees_the_slot(url: str) -> None:
    async def job(client: EngineClient) -> tuple[float, float]:
        wanted = CompletionRequest((5, 6, 7), 1000)
        received = 0
        start = time.perf_counter()
        async with aclosing(client.complete(wanted)) as chunks:
            async for _ in chunks:
                received += 1
                if received == 100:
                    break
        return time.perf_counter() - start, await wait_until_idle(url)

    hundred_s, idle_s = run(url, job)
    assert idle_s < 3 * hundred_s  # the other 900 would take nine times as long


def test_cancelling_the_task_in_the_middle_of_a_prompt_stops_it_there(url: str) -> None:
    async def job(client: EngineClient) -> Chunk:
        wanted = CompletionRequest(tuple(range(100, 1000)), 0)
        task = asyncio.create_task(chunks_of(client, wanted))
        await client.tokenize("the request is under way when this is answered")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await wait_until_idle(url)
        return (await chunks_of(client, wanted))[-1]

    timings = run(url, job).timings
    assert timings.prompt_tokens == 900
    assert timings.evaluated_tokens >= 128  # at least the last batch had not been read


def test_two_slots_stream_side_by_side(url: str) -> None:
    async def job(client: EngineClient) -> tuple[list[Chunk], list[Chunk]]:
        one, two = await prompt_of(client, "def a("), await prompt_of(client, "def b(")
        return await asyncio.gather(
            chunks_of(client, CompletionRequest(one, 30, slot=0)),
            chunks_of(client, CompletionRequest(two, 30, slot=1)),
        )

    assert all(chunks[-1].stop_reason is StopReason.LIMIT for chunks in run(url, job))


def test_a_proxy_in_the_environment_sees_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert run(url, lambda client: client.tokenize("x"))


def test_a_healthy_engine_says_so_and_a_missing_one_is_not_healthy(url: str) -> None:
    assert run(url, lambda client: client.health())
    assert not run("http://127.0.0.1:1", lambda client: client.health())


def test_nobody_at_the_port_is_an_error_that_a_restart_may_cure() -> None:
    jobs: list[Callable[[EngineClient], Awaitable[object]]] = [
        lambda client: client.tokenize("x"),
        lambda client: chunks_of(client, CompletionRequest((5,), 4)),
    ]
    for job in jobs:
        with pytest.raises(EngineError, match="does not answer") as caught:
            run("http://127.0.0.1:1", job)
        assert caught.value.retryable


def ask_a_server_that_says(
    answer: bytes, job: Callable[[EngineClient], Awaitable[object]]
) -> EngineError:
    """Run `job` against a server that gives every request the same raw answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def main() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with EngineClient(f"http://127.0.0.1:{port}", KEY) as client:
                await job(client)

    with pytest.raises(EngineError) as caught:
        asyncio.run(main())
    return caught.value


def ok(body: bytes, length: int | None = None) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize("body", [b"oops", b"[]", b"{}", b'{"tokens": 7}', b'{"tokens": ["x"]}'])
def test_an_answer_of_another_shape_is_an_error(body: bytes) -> None:
    error = ask_a_server_that_says(ok(body), lambda client: client.tokenize("x"))
    assert "not what Starpad expects" in error.message


def test_properties_of_another_shape_are_an_error() -> None:
    error = ask_a_server_that_says(ok(b'{"total_slots": 1}'), lambda client: client.properties())
    assert "not what Starpad expects" in error.message


def test_a_servers_own_words_are_passed_on() -> None:
    answer = (
        b"HTTP/1.1 503 Busy\r\nConnection: close\r\n\r\n"
        b'{"error": {"type": "unavailable_error", "message": "Loading model"}}'
    )
    error = ask_a_server_that_says(answer, lambda client: client.tokenize("x"))
    assert "Loading model" in error.message
    assert error.retryable


def test_a_refusal_without_words_gives_the_status() -> None:
    answer = b"HTTP/1.1 418 Teapot\r\nConnection: close\r\n\r\nshort and stout"
    error = ask_a_server_that_says(answer, lambda client: client.tokenize("x"))
    assert "418" in error.message


@pytest.mark.parametrize("length", [None, 9999])
def test_a_stream_that_ends_too_early_is_an_error(length: int | None) -> None:
    error = ask_a_server_that_says(
        ok(b": ping\n\n", length), lambda client: chunks_of(client, CompletionRequest((5,), 4))
    )
    assert "does not answer" in error.message


def test_a_stream_of_another_shape_is_an_error() -> None:
    error = ask_a_server_that_says(
        ok(b'data: {"content": "x"}\n\n'),
        lambda client: chunks_of(client, CompletionRequest((5,), 4)),
    )
    assert "not what Starpad expects" in error.message

"""Servers that misbehave in every way, and the client that says what happened in a sentence."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from running_engine import DEMO, KEY, ask, engine
from starpad.core.errors import EngineError
from starpad.engines import loopback, patience, protocol
from starpad.engines.client import EngineClient
from starpad.engines.process import EngineProcess, new_log
from starpad.engines.protocol import Chunk, CompletionRequest

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Job = Callable[[EngineClient], Awaitable[object]]

FIGURES = {"prompt_n": 1, "cache_n": 0, "prompt_ms": 1, "predicted_n": 1, "predicted_ms": 1}
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def event(content: str = "x", **changes: object) -> bytes:
    fields = {"content": content, "tokens": [7], "stop": False, "timings": FIGURES}
    line = json.dumps(fields | changes, ensure_ascii=False)
    return f"data: {line}\n\n".encode()


LAST = event("", tokens=[], stop=True, stop_type="limit")


async def complete(client: EngineClient) -> list[Chunk]:
    return [chunk async for chunk in client.complete(CompletionRequest((5,), 4))]


async def tokenize(client: EngineClient) -> list[int]:
    return await client.tokenize("x")


@pytest.fixture(params=["127.0.0.1", "localhost"])
def host(request: pytest.FixtureRequest) -> str:
    """Return an address for Starpad's own transport, and one for httpx2's."""
    name = str(request.param)
    assert f"http://{name}:".startswith(loopback.ADDRESS) == (name == "127.0.0.1")
    return name


def with_server(serve: Serve, job: Job, host: str = "127.0.0.1") -> object:
    """Return what `job` gets from a server that treats every connection with `serve`."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the client had enough
        finally:
            writer.close()

    async def main() -> object:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            async with EngineClient(f"http://{host}:{port}", KEY) as client:
                return await job(client)
        finally:
            server.close()

    return asyncio.run(main())


def says(*pieces: bytes) -> Serve:
    """Return a server that sends these pieces one by one, and closes."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)

    return serve


def failure(serve: Serve, job: Job, host: str = "127.0.0.1") -> EngineError:
    with pytest.raises(EngineError) as caught:
        with_server(serve, job, host)
    assert caught.value.message.endswith(".")
    return caught.value


def reply(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


PAGE = b"\xef\xbb\xbf\n<!DOCTYPE html><html><body>Welcome!</body></html>"

# What a server answers -> words of the sentence that the client makes of it.
BAD_ANSWERS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "does not answer"),
    "garbage": (b"\x00\xff\x17 this is not HTTP\r\n\r\n", "not what Starpad expects"),
    "another protocol": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "not what Starpad expects"),
    "half a head": (b"HTTP/1.1 200 OK\r\nContent-", "does not answer"),
    "a page": (reply("200 OK", PAGE), "web page"),
    "a page in one line": (reply("200 OK", b"<html><p>x"), "web page"),
    "a redirect": (reply("302 Found", b"", "Location: http://elsewhere/"), "leads elsewhere: to"),
    "the wrong key": (reply("401 Unauthorized", b"{}"), "refused the key"),
    "not found": (reply("404 Not Found", PAGE), "HTTP status 404"),
    "a deep nest": (reply("500 Oh", b"[" * 60_000), "HTTP status 500"),
    "too short a body": (reply("200 OK", b"data: {")[:-3] + b": [", "not"),
    "no chunk size": (CHUNKED + b"hello\r\n", "not what Starpad expects"),
    "an endless chunk size": (CHUNKED + b"0" * 70_000, "not"),
    "a cut chunk": (CHUNKED + b"ff\r\ndata", "does not answer"),
}


@pytest.mark.parametrize("job", [complete, tokenize])
@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_a_bad_answer_ends_in_a_sentence(name: str, job: Job, host: str) -> None:
    answer, words = BAD_ANSWERS[name]
    assert words in failure(says(answer), job, host).message


# What an event stream holds -> words of the sentence.
BAD_EVENTS: dict[str, tuple[bytes, str]] = {
    "cut in the middle": (event() + b'data: {"content": "x', "does not answer"),
    "an end without a last": (event() + b"data: [DONE]\n\n", "does not answer"),
    "no JSON": (b"data: hello\n\n", "not readable"),
    "no UTF-8": (b'data: {"content": "\xff\xfe"}\n\n', "not readable"),
    "a deep nest": (b"data: " + b"[" * 60_000 + b"\n\n", "not readable"),
    "another shape": (b'data: {"choices": []}\n\n', "not what Starpad expects"),
    "a number without end": (event(timings=FIGURES | {"prompt_n": float("inf")}), "not what"),
    "an error": (b'error: {"message": "GPU fell off"}\n\n', "reports: GPU fell off"),
    "an error in data": (event() + b'data: {"error": "lost"}\n\n', "reports: lost"),
}


@pytest.mark.parametrize("name", BAD_EVENTS)
def test_a_bad_event_ends_in_a_sentence(name: str, host: str) -> None:
    content, words = BAD_EVENTS[name]
    assert words in failure(says(STREAM + content), complete, host).message


@pytest.mark.parametrize("head", [STREAM, CHUNKED])
def test_text_cut_within_its_characters_arrives_whole(head: bytes, host: str) -> None:
    content = event("häß 😀\u2028") + event("é") + LAST
    if head is CHUNKED:  # a chunk for each byte, and each chunk in two pieces
        bytes_ = [b"1\r\n" + content[at : at + 1] + b"\r\n" for at in range(len(content))]
        content = b"".join(bytes_) + b"0\r\n\r\n"
    pieces = [content[at : at + 3] for at in range(0, len(content), 3)]
    chunks = with_server(says(head, *pieces), complete, host)
    assert isinstance(chunks, list)
    assert "".join(chunk.text for chunk in chunks) == "häß 😀\u2028é"


def test_half_a_pair_of_utf_16_becomes_a_replacement_character() -> None:
    content = event("MARK").replace(b"MARK", b"a\\ud83d") + LAST
    chunks = with_server(says(STREAM + content), complete)
    assert isinstance(chunks, list)
    assert chunks[0].text == "a\ufffd"


def endless(start: bytes, piece: bytes) -> Serve:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()

    return serve


@pytest.mark.parametrize(
    ("start", "piece", "job"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-Again: and again\r\n", complete),
        (STREAM, b"x" * 1000, complete),
        (STREAM, b"x" * 1000, tokenize),
        (CHUNKED, b"3e8\r\n" + b"x" * 1000 + b"\r\n", complete),
        (b"HTTP/1.1 500 Oh\r\n\r\n", b"x" * 1000, complete),
    ],
    ids=["head", "line", "body", "chunked line", "refusal"],
)
def test_what_never_ends_is_given_up(
    start: bytes, piece: bytes, job: Job, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "MOST_BYTES", 1 << 20)
    monkeypatch.setattr("starpad.engines.client.MOST_BYTES", 1 << 20)
    message = failure(endless(start, piece), job, host).message
    assert "does not end" in message or "not what Starpad expects" in message


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()  # to the end of the request's connection
    await reader.read()


def pings(start: bytes) -> Serve:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while not writer.is_closing():
            writer.write(b":\n\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    return serve


@pytest.mark.parametrize("job", [complete, tokenize])
def test_an_engine_that_says_nothing_is_given_up(
    job: Job, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "QUIET_S", 0.2)
    error = failure(silence, job, host)
    assert "did not answer for 0 s" in error.message
    assert error.retryable


@pytest.mark.parametrize("start", [STREAM, STREAM + event()])
def test_pings_are_no_sign_of_life(
    start: bytes, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "QUIET_S", 0.3)
    assert "did not answer" in failure(pings(start), complete, host).message


def test_an_engine_that_says_something_now_and_then_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "QUIET_S", 1.0)

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM)
        for _ in range(15):
            writer.write(event("", prompt_progress={}))
            await writer.drain()
            await asyncio.sleep(0.1)
        writer.write(event() + LAST)

    chunks = with_server(serve, complete)
    assert isinstance(chunks, list)
    assert len(chunks) == 2


class FakeHost:
    """A process whose processor time grows as it is told."""

    def __init__(self, per_look_s: float) -> None:
        self.per_look_s = per_look_s
        self.total_s = 0.0
        self.ends: list[float] = []

    def processor_s(self) -> float:
        self.total_s += self.per_look_s
        return self.total_s

    def end_hung(self, quiet_s: float) -> None:
        self.ends.append(quiet_s)


@pytest.mark.parametrize(("per_look_s", "longest_s"), [(0.0, 60.0), (5.0, 1.0)])
def test_a_silent_engine_is_ended_at_once_if_it_rests_and_later_if_it_computes(
    per_look_s: float, longest_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "QUIET_S", 0.2)
    monkeypatch.setattr(patience, "LONGEST_S", longest_s)
    host = FakeHost(per_look_s)

    async def job(client: EngineClient) -> object:
        client._host = host
        return await complete(client)

    error = failure(silence, job)
    assert "ended" in error.hint
    (quiet_s,) = host.ends
    assert quiet_s >= (1.0 if per_look_s else 0.19)


@pytest.mark.skipif(not hasattr(asyncio, "PidfdChildWatcher"), reason="needs Linux' SIGSTOP")
def test_the_real_engine_stopped_in_its_tracks_is_ended_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import signal

    import psutil

    monkeypatch.setattr(patience, "QUIET_S", 0.5)

    async def main() -> str:
        process = await EngineProcess.start(DEMO, KEY, new_log())
        try:
            ready = await process.wait_ready()
            async with EngineClient(ready.url, KEY, process) as client:
                psutil.Process(process.pid).send_signal(signal.SIGSTOP)
                with pytest.raises(EngineError, match="did not answer for"):
                    await complete(client)
                return (await process.wait()).sentence
        finally:
            await process.stop()

    sentence = asyncio.run(main())
    assert sentence.startswith("The engine did not answer for")
    assert sentence.endswith("and was ended.")


def test_fifty_requests_at_once_all_get_their_answer() -> None:
    async def one(client: EngineClient, number: int) -> list[int]:
        request = CompletionRequest((300 + number, 400, 500), 6, slot=-1)
        chunks = [chunk async for chunk in client.complete(request)]
        assert chunks[-1].is_last
        return [token for chunk in chunks for token in chunk.token_ids]

    async def job(client: EngineClient) -> tuple[list[list[int]], list[list[int]]]:
        alone = [await one(client, number) for number in range(50)]
        return alone, await asyncio.gather(*(one(client, number) for number in range(50)))

    with engine(replace(DEMO, context_tokens=256)) as url:
        alone, together = ask(url, job)
    assert together == alone


def test_clients_that_never_read_do_not_keep_others_waiting() -> None:
    body = json.dumps(CompletionRequest(tuple(range(100, 900)), 900, slot=1).body()).encode()
    head = f"POST /completion HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
    request = head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body

    async def job(client: EngineClient) -> list[Chunk]:
        port = int(client._http.base_url.port or 0)
        writers = [(await asyncio.open_connection("127.0.0.1", port))[1] for _ in range(4)]
        for writer in writers:
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(request)
            await writer.drain()
        try:
            return await complete(client)
        finally:
            for writer in writers:
                writer.close()

    with engine() as url:
        assert ask(url, job)[-1].is_last


def test_a_ping_in_the_very_moment_of_giving_up_does_not_prolong_the_wait() -> None:
    async def main() -> None:
        with patience.Patience() as waiting:
            waiting._since_s = waiting._worked_s = waiting._since_s - patience.QUIET_S

            async def ping() -> bytes:
                waiting._look()
                return b":\n\n"

            with pytest.raises(EngineError, match="did not answer for 60 s"):
                await waiting.wait_for(ping())

    asyncio.run(main())

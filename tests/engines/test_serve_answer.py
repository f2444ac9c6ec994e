"""Answers to clients that read slowly or not at all."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from starpad.core.errors import EngineError
from starpad.engines import serve_answer
from starpad.engines.protocol import StopReason
from starpad.engines.serve_answer import Answer
from starpad.engines.serve_generate import Progress
from starpad.engines.serve_journal import Record
from starpad.engines.serve_writers import OpenAiWriter


class Client:
    """One that never goes away; it may refuse to read."""

    def __init__(self, *, reads: bool = True) -> None:
        self.sent: list[dict[str, Any]] = []
        self._reads = reads

    async def receive(self) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def send(self, message: Any) -> None:
        if not self._reads and self.sent:
            await asyncio.Event().wait()
        self.sent.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


def answer(source: AsyncGenerator[Progress, None], record: Record, client: Client) -> None:
    writer = OpenAiWriter("m", is_chat=False, has_usage=False)
    response = Answer(source, writer, record, is_stream=True)
    asyncio.run(response({"type": "http"}, client.receive, client.send))


def test_a_client_that_never_reads_is_dropped_and_frees_the_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serve_answer, "_SLOW_S", 0.05)
    closed = []

    async def endless() -> AsyncGenerator[Progress, None]:
        try:
            while True:
                yield Progress(text="x")
                await asyncio.sleep(0)
        finally:
            closed.append(True)

    record = Record("slow", "/v1/completions")
    answer(endless(), record, Client(reads=False))
    assert closed == [True]
    assert record.status == 499
    assert record.notes == ["the client did not read its answer"]


def test_who_waits_gets_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve_answer, "_PING_S", 0.01)
    client = Client()

    async def late() -> AsyncGenerator[Progress, None]:
        while b": waiting" not in client.body:
            await asyncio.sleep(0)
        yield Progress(text="x", stop_reason=StopReason.LIMIT)

    answer(late(), Record("c", "/"), client)
    assert client.body.startswith(b": waiting")
    assert client.body.endswith(b"data: [DONE]\n\n")


def test_an_error_before_the_first_piece_has_a_status_of_its_own() -> None:
    client = Client()

    async def failing() -> AsyncGenerator[Progress, None]:
        raise EngineError("It is broken.")
        yield Progress()

    answer(failing(), Record("c", "/"), client)
    assert client.sent[0]["status"] == 503
    assert b"It is broken." in client.body


def test_an_error_in_the_middle_is_an_event_and_the_end() -> None:
    client, record = Client(), Record("c", "/")

    async def failing() -> AsyncGenerator[Progress, None]:
        yield Progress(text="x")
        raise EngineError("It is broken.")

    answer(failing(), record, client)
    assert client.sent[0]["status"] == 200
    assert b"It is broken." in client.body
    assert b"[DONE]" not in client.body
    assert client.sent[-1]["more_body"] is False
    assert record.status == 503


def test_a_bug_is_told_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    client = Client()

    async def failing() -> AsyncGenerator[Progress, None]:
        raise ZeroDivisionError
        yield Progress()

    answer(failing(), Record("c", "/"), client)
    assert client.sent[0]["status"] == 500
    assert b"An error in Starpad" in client.body
    assert "a request failed" in caplog.text

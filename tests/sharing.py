"""A model that is shared with other programs, for tests: the gateway on a loop of its own."""

import asyncio
import http.client
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starpad.core.serving import Activity, LogEntry
from starpad.engines.caret_priority import EngineNews
from starpad.engines.serve_gateway import Gateway, address_of, listen
from starpad.engines.serve_protocol import Upstream

KEY = "sk-for-the-tests"
LIMIT_S = 60


@dataclass
class Share:
    """A running gateway, and what it reported."""

    address: str
    gateway: Gateway
    loop: asyncio.AbstractEventLoop
    reports: list[LogEntry | Activity] = field(default_factory=list)
    told: threading.Condition = field(default_factory=threading.Condition)

    def tell(self, report: LogEntry | Activity) -> None:
        with self.told:
            self.reports.append(report)
            self.told.notify_all()

    def entry(self, status: int) -> LogEntry:
        """Return the newest entry with a status; it is told just after the answer."""

        def find() -> LogEntry | None:
            return next((each for each in reversed(self.entries) if each.status == status), None)

        with self.told:
            found = self.told.wait_for(find, LIMIT_S)
        assert found is not None
        return found

    @property
    def port(self) -> int:
        return int(self.address.rsplit(":", 1)[1])

    @property
    def entries(self) -> list[LogEntry]:
        return [each for each in self.reports if isinstance(each, LogEntry)]

    def set_model(self, upstream: Upstream | None, reason: str = "") -> None:
        async def change() -> None:
            self.gateway.set_model(upstream, reason)

        asyncio.run_coroutine_threadsafe(change(), self.loop).result(LIMIT_S)

    def hear(self, news: EngineNews) -> None:
        async def take() -> None:
            self.gateway.hear(news)

        asyncio.run_coroutine_threadsafe(take(), self.loop).result(LIMIT_S)

    def ask(
        self,
        route: str,
        body: object = None,
        *,
        headers: dict[str, str] | None = None,
        method: str = "",
    ) -> tuple[int, Any]:
        """Return an answer's status and its JSON, or its text where it is no JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        try:
            known = {"Authorization": f"Bearer {KEY}", "User-Agent": "the tests"}
            data = None if body is None else json.dumps(body).encode()
            method = method or ("GET" if body is None else "POST")
            connection.request(method, route, data, known | (headers or {}))
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text

    def events(self, route: str, body: dict[str, Any]) -> list[Any]:
        """Return the events of a streamed answer; "[DONE]" as that text."""
        status, text = self.ask(route, body | {"stream": True})
        assert status == 200, text
        assert isinstance(text, str), text
        lines = [line for line in text.split("\n") if line.startswith("data: ")]
        values = [line.removeprefix("data: ") for line in lines]
        return [value if value == "[DONE]" else json.loads(value) for value in values]


@contextmanager
def sharing(
    upstream: Upstream | None, *, origins: Sequence[str] = (), key: str = KEY
) -> Iterator[Share]:
    """Run a gateway on a free port."""
    listener = listen(0)
    loop = asyncio.new_event_loop()
    started = threading.Event()
    shares: list[Share] = []

    async def main() -> None:
        gateway = Gateway(key, origins, lambda report: shares[0].tell(report))
        shares.append(Share(address_of(listener), gateway, loop))
        gateway.set_model(upstream)
        await gateway.serve(listener, started.set)

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()), name="gateway")
    thread.start()
    try:
        assert started.wait(LIMIT_S)
        yield shares[0]
    finally:
        loop.call_soon_threadsafe(shares[0].gateway.stop)
        thread.join()
        listener.close()
        loop.close()

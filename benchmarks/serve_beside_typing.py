"""How long a suggestion takes while other programs use the model: its time to first token.

Types into a file, one suggestion for each character: alone, while two programs have answers
streamed without end, and while two programs send long prompts without end, all through the
process that Starpad serves them with. Prints medians and their ratio to the median alone, and
whether every program got exactly the text that it gets when nobody else asks.

    python benchmarks/serve_beside_typing.py [MODEL] [--prompt-tokens 1500] [--keys 30]
"""

import argparse
import asyncio
import inspect
import itertools
import json
import statistics
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from chat_beside_typing import CONTEXT_TOKENS, Typist, ignore
from starpad.core import paths
from starpad.core.load_options import LoadOptions
from starpad.engines.process import new_log
from starpad.engines.serve_protocol import NewModel, ServeConfig, Upstream, order_line
from starpad.engines.session import Loaded, hold_model, prepare

KEY = "sk-benchmark"
MARK_TOKENS = 24
Ask = Callable[[dict[str, Any]], Awaitable[str]]


@asynccontextmanager
async def served(loaded: Loaded) -> AsyncIterator[str]:
    """Serve the model as the app does: another process, told of the caret; give its address."""
    process = await asyncio.create_subprocess_exec(
        *paths.host_command("serve-host"),
        env=paths.host_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    orders, reports = process.stdin, process.stdout
    assert orders is not None
    assert reports is not None
    orders.write(order_line(ServeConfig(0, KEY)))
    upstream = Upstream(loaded.client.base_url, loaded.client.key, loaded.model)
    orders.write(order_line(NewModel(upstream)))
    loaded.client.caret.listener = lambda news: orders.write(order_line(news))
    address = json.loads(await reports.readline())["address"]

    async def read_on() -> None:
        while await reports.readline():
            pass

    reading = asyncio.create_task(read_on())
    try:
        yield address
    finally:
        loaded.client.caret.listener = None
        orders.close()
        await process.wait()
        await reading


async def completed(address: str, body: dict[str, Any]) -> str:
    """Return a streamed completion's text, read as any program would."""
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 20)
    data = json.dumps(body | {"stream": True}).encode()
    head = f"POST /v1/completions HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n"
    head += f"Authorization: Bearer {KEY}\r\nContent-Length: {len(data)}\r\n\r\n"
    try:
        writer.write(head.encode() + data)
        status = await reader.readline()
        if b" 200 " not in status:
            raise RuntimeError((await reader.read()).decode())
        text = ""
        while line := await reader.readline():
            if line.startswith(b"data: {"):
                event = json.loads(line[6:])
                if "error" in event:
                    raise RuntimeError(event["error"]["message"])
                text += event["choices"][0]["text"]
        return text
    finally:
        writer.close()


class Programs:
    """Two programs that ask without end; each marks its prompts, and knows the right answers."""

    def __init__(self, address: str, prompt_tokens: int) -> None:
        self.address = address
        self.prompt_characters = prompt_tokens * 3
        self.expected: dict[str, str] = {}
        self.asked = self.wrong = 0
        self.begun = asyncio.Event()

    async def learn(self) -> None:
        """Ask alone what will be asked later beside others."""
        for name in "ab":
            for number in range(3):
                prompt = self.mark(name, number)
                self.expected[prompt] = await completed(self.address, self.body(prompt))

    def mark(self, name: str, number: int) -> str:
        return f"def {name}_{number}({name}, items):\n    # {name * 5} number {number}\n    "

    def body(self, prompt: str) -> dict[str, Any]:
        return {"prompt": prompt, "max_tokens": MARK_TOKENS, "temperature": 0}

    async def stream(self) -> None:
        """Have text streamed without end."""
        await asyncio.gather(*(self._stream(name) for name in "ab"))

    async def _stream(self, name: str) -> None:
        for number in itertools.count():
            prompt = self.mark(name, number % 3)
            text = await completed(self.address, self.body(prompt))
            self.asked += 1
            self.wrong += text != self.expected[prompt]
            self.begun.set()

    async def read(self) -> None:
        """Send long prompts, each of them new, without end."""
        await asyncio.gather(*(self._read(name) for name in "ab"))

    async def _read(self, name: str) -> None:
        source = inspect.getsource(argparse)
        for number in itertools.count():
            self.begun.set()
            prompt = f"# {name} {number}\n" + source[: self.prompt_characters]
            await completed(self.address, {"prompt": prompt, "max_tokens": 1, "temperature": 0})
            self.asked += 1


async def beside(work: Awaitable[None], typist: Typist, begun: asyncio.Event) -> list[float]:
    begun.clear()
    task = asyncio.ensure_future(work)
    await begun.wait()
    times = await typist.first_token_times()
    if task.done():
        task.result()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return times


async def run(path: Path, prompt_tokens: int, keys: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[Loaded] = loop.create_future()
    options = LoadOptions(path, CONTEXT_TOKENS)
    holding = asyncio.create_task(hold_model(prepare(options), new_log(), ready.set_result, ignore))
    either: set[asyncio.Future[Any]] = {holding, ready}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    loaded = ready.result()
    typist = Typist(loaded, keys)
    tokens = min(prompt_tokens, loaded.model.context_tokens // 2)
    async with served(loaded) as address:
        programs = Programs(address, tokens)
        await programs.learn()
        alone = await typist.first_token_times()
        streamed = await beside(programs.stream(), typist, programs.begun)
        answers, programs.asked = programs.asked, 0
        read = await beside(programs.read(), typist, programs.begun)
    reference = statistics.median(alone)
    print(f"{loaded.model.name}; milliseconds to a suggestion's first token")
    print(f"{'while':44} {'median':>8} {'p90':>8} {'max':>8} {'ratio':>6}")
    for name, times in (
        ("nobody else asks", alone),
        (f"two programs have text streamed ({answers} answers)", streamed),
        (f"two programs send {tokens} tokens ({programs.asked} read)", read),
    ):
        tenth = statistics.quantiles(times, n=10)[-1]
        median = statistics.median(times)
        ratio = median / reference
        print(f"{name:44} {median:8.1f} {tenth:8.1f} {max(times):8.1f} {ratio:6.2f}")
    print(f"answers that differ from those given alone: {programs.wrong} of {answers}")
    holding.cancel()
    with suppress(asyncio.CancelledError):
        await holding


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", type=Path, default=paths.demo_model())
    parser.add_argument("--prompt-tokens", type=int, default=1500)
    parser.add_argument("--keys", type=int, default=30)
    options = parser.parse_args()
    asyncio.run(run(options.model, options.prompt_tokens, options.keys))


if __name__ == "__main__":
    main()

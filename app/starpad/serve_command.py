"""`starpad serve MODEL`: lets other programs use a model, without a window."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starpad.core import paths
from starpad.core.chosen_pack import BOX, chosen_pack, folder_of
from starpad.core.errors import EngineError, FileError, StarpadError
from starpad.core.load_options import LoadOptions
from starpad.core.serve_key import FILE_NAME, KeyFile, is_key, read_key
from starpad.core.serving import KEY_VARIABLE, Activity, LogEntry
from starpad.core.settings import Settings

if TYPE_CHECKING:
    import socket

    from starpad.engines.serve_gateway import Gateway
    from starpad.engines.session import Loaded

_DEMO = "demo"
_SIGNAL_S = 0.5
_LEAST_PORT, _MOST_PORT = 1, 65_535


def run(argv: Sequence[str]) -> int:
    """Serve the model that the arguments name until Ctrl+C or SIGTERM; 1 if that fails."""
    arguments = _parser().parse_args(argv)
    try:
        return asyncio.run(_serve(arguments))
    except StarpadError as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:  # before there was anything to end
        return 0


async def _serve(arguments: argparse.Namespace) -> int:
    # 300 ms: not for --help
    from starpad.engines import session
    from starpad.engines.process import new_log
    from starpad.engines.serve_gateway import Gateway, listen

    key, place = _key(arguments.key_file)
    options = _options(arguments)
    prepared = session.prepare(options)
    with closing(listen(arguments.port)) as listener:  # before minutes of loading
        gateway = Gateway(key, arguments.origin, _report)
        _say(f"Loading {prepared.spec.name}…")
        loop = asyncio.get_running_loop()
        loaded: asyncio.Future[session.Loaded] = loop.create_future()
        holding = asyncio.create_task(
            session.hold_model(prepared, new_log(), loaded.set_result, lambda _fraction: None)
        )
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            _on_signal(loop, number, stopped)
        stopping = asyncio.create_task(stopped.wait())
        try:
            either: set[asyncio.Future[Any]] = {loaded, holding, stopping}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if loaded.done() and not stopping.done():
                await _answer(gateway, listener, loaded.result(), place, holding, stopping)
            if holding.done():
                # A terminal's Ctrl+C goes to both processes, and the engine may be the quicker.
                await asyncio.wait((stopping,), timeout=_SIGNAL_S)
                if not stopping.done():
                    raise EngineError(holding.result().sentence)
        finally:
            holding.cancel()
            stopping.cancel()
            await asyncio.gather(holding, stopping, return_exceptions=True)
    _say("Stopped.")
    return 0


async def _answer(
    gateway: "Gateway",
    listener: "socket.socket",
    loaded: "Loaded",
    place: str,
    holding: asyncio.Task[Any],
    stopping: asyncio.Task[Any],
) -> None:
    """Answer programs until it is stopped, or the engine has ended."""
    from starpad.engines.serve_gateway import address_of
    from starpad.engines.serve_protocol import Upstream

    client, model = loaded.client, loaded.model
    gateway.set_model(Upstream(client.base_url, client.key, model))

    def on_started() -> None:
        context = f"{model.context_tokens:,}"
        _print(
            f"{model.name} is served at {address_of(listener)}, with {context} tokens of context"
        )
        _print(f"The key is in {place}")
        _print("Ctrl+C ends it")

    serving = asyncio.create_task(gateway.serve(listener, on_started))
    either: set[asyncio.Future[Any]] = {serving, holding, stopping}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    gateway.stop()
    await serving  # which raises the signals anew that it took for itself


def _on_signal(loop: asyncio.AbstractEventLoop, number: int, stopped: asyncio.Event) -> None:
    try:
        loop.add_signal_handler(number, stopped.set)
    except NotImplementedError:  # Windows
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))


def _options(arguments: argparse.Namespace) -> LoadOptions:
    given = {
        "context_tokens": arguments.context,
        "threads": arguments.threads,
        "gpu_layers": arguments.gpu_layers,
    }
    path = paths.demo_model() if arguments.model == _DEMO else Path(arguments.model).absolute()
    name = arguments.engine_pack
    options = LoadOptions(path, pack=chosen_pack() if name is None else folder_of(name))
    return replace(options, **{field: v for field, v in given.items() if v is not None})


def _key(file: Path | None) -> tuple[str, str]:
    """Return the key and where it is. Raises FileError."""
    if file is not None:
        return read_key(file), str(file)
    key = os.environ.get(KEY_VARIABLE, "")
    if key:
        if not is_key(key):
            message = f"The variable {KEY_VARIABLE} holds no key."
            raise FileError(message, "Write one word of letters, digits and signs into it.")
        return key, f"the variable {KEY_VARIABLE}"
    kept = KeyFile(paths.data_folder() / FILE_NAME)
    return kept.key(), str(kept.path)


def _report(report: LogEntry | Activity) -> None:
    """Print a line for each request."""
    if isinstance(report, Activity):
        return
    at = datetime.now().strftime("%H:%M:%S")
    times = f" x{report.count}" if report.count > 1 else ""
    line = (
        f"{at} {report.status}{times} {report.route} {report.prompt_tokens}+"
        f"{report.generated_tokens} tokens{' streamed' if report.is_streamed else ''} "
        f"{report.took_ms:.0f} ms  {report.client}"
    )
    _say(f"{line}  ({report.note})" if report.note else line)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="starpad serve",
        description="Lets other programs of this computer use a model: OpenAI's HTTP interface "
        "(/v1/completions with suffix, /v1/chat/completions) and llama.cpp's /infill, on "
        "127.0.0.1 alone and with a key.",
    )
    parser.add_argument(
        "model", metavar="MODEL", help=f"a model file; `{_DEMO}` for the one in the box"
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=Settings().serve_port,
        metavar="N",
        help=f"where to listen ({Settings().serve_port})",
    )
    parser.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help=f"a file with the key; else the variable {KEY_VARIABLE}, else the key that "
        "Starpad's window uses, too",
    )
    parser.add_argument("--context", type=_positive, metavar="N", help="tokens of context")
    parser.add_argument("--threads", type=_positive, metavar="N", help="threads of the processor")
    parser.add_argument(
        "--gpu-layers", type=int, metavar="N", help="layers on the GPU; -1 chooses, 0 uses none"
    )
    parser.add_argument(
        "--engine-pack",
        metavar="NAME",
        help=f"a build of the engine, as `starpad engine list` names it; `{BOX}` for Starpad's own",
    )
    parser.add_argument(
        "--origin",
        action="append",
        default=[],
        metavar="O",
        help="a web page's origin that may ask, as in http://localhost:3000; may be repeated",
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("not positive")
    return number


def _port(text: str) -> int:
    number = int(text)
    if not _LEAST_PORT <= number <= _MOST_PORT:
        raise ValueError("no port")
    return number


_positive.__name__, _port.__name__ = "positive number", "port"  # argparse names them


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()

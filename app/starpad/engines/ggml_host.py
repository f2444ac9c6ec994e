"""The process for GGML files of 2023: holds one model behind llama-server's routes, on loopback.

Started by `engines.process`, as `engines.llama_host` is. One line on stdin says what to load, one
line on stdout says that it is ready or why not, stderr is the log. It ends when its stdin does.
"""

import asyncio
import json
import os
import platform
import socket
import sys
from importlib import metadata
from typing import Any, TextIO

from starpad.core.child_process import die_with_parent, protected_stdout
from starpad.core.engine_status import Device
from starpad.core.errors import StarpadError
from starpad.core.legacy_ggml import read_tokens
from starpad.core.model_file import read_header
from starpad.engines.spec import KEY_VARIABLE, EngineReady, EngineSpec

_WAITING = 128
"""Connections that the system accepts for us."""


def run() -> int:
    """Load the model, serve it until stdin ends, return the exit code."""
    answers = protected_stdout()
    spec = EngineSpec.from_json(sys.stdin.buffer.readline())
    key = os.environ.pop(KEY_VARIABLE)
    die_with_parent()
    try:
        with socket.create_server(("127.0.0.1", spec.port), backlog=_WAITING) as listener:
            app, devices = _load(spec, key)
            asyncio.run(_serve(app, listener, devices, answers))
    except Exception as error:  # whatever the library or the system throws is the answer
        reason = error.message if isinstance(error, StarpadError) else str(error)
        print(json.dumps({"event": "failed", "reason": reason}), file=answers)
        return 1
    return 0


def _load(spec: EngineSpec, key: str) -> tuple[Any, tuple[Device, ...]]:
    """Return the application and the devices that it uses."""
    from starpad.engines import ggml_model
    from starpad.engines.ggml_app import make_app
    from starpad.engines.ggml_generation import Generator
    from starpad.engines.ggml_tokens import TokenTexts

    header = read_header(spec.model)
    if not header.is_legacy_ggml:
        raise ValueError(f"{spec.model.name} is not a GGML file of 2023")
    tokens = TokenTexts(read_tokens(spec.model))
    model, gpu, layers = ggml_model.load(spec, header)
    # Said in llama.cpp's words, in which the log is looked through for it.
    sys.stderr.write(f"offloaded {layers}/{header.layers + 1} layers to GPU\nmodel loaded\n")
    devices = [Device("CPU", platform.processor() or platform.machine(), False, 0, 0)]
    if gpu is not None and layers:
        devices.insert(0, Device(gpu.name, "CUDA", True, gpu.memory_bytes, gpu.memory_free_bytes))
    return make_app(Generator(model, tokens, spec.name), tokens, spec, key), tuple(devices)


async def _serve(
    app: Any, listener: socket.socket, devices: tuple[Device, ...], answers: TextIO
) -> None:
    import uvicorn

    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():  # uvicorn has no event for it
        await asyncio.sleep(0.001)
    if server.started:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        version = f"ctransformers {metadata.version('ctransformers')}"
        print(EngineReady(url, version, devices).to_json(), file=answers)
    await serving

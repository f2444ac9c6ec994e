"""The process that serves the loaded model to other programs; the model is in another one.

Started by `services.serving`. Its orders come as lines on stdin, its reports go as lines to
stdout. What floods or stalls it never reaches the window. It ends when its stdin does.
"""

import asyncio
import os
import socket
import sys
import threading
from typing import BinaryIO, TextIO

from starpad.core.child_process import ask_for_death_signal, protected_stdout
from starpad.core.errors import StarpadError
from starpad.engines.caret_priority import EngineNews
from starpad.engines.serve_gateway import Gateway, address_of, listen
from starpad.engines.serve_protocol import (
    Failed,
    NewKey,
    NewModel,
    Report,
    ServeConfig,
    Started,
    read_order,
    report_line,
)


def run() -> int:
    """Serve until stdin ends; return the exit code."""
    reports, orders = protected_stdout(), sys.stdin.buffer
    ask_for_death_signal()
    config = read_order(orders.readline())
    assert isinstance(config, ServeConfig)
    try:
        with listen(config.port) as listener:
            asyncio.run(_Host(config, reports).serve(orders, listener))
    except StarpadError as error:
        reports.write(f"{report_line(Failed(error.message, error.hint))}\n")
        return 1
    return 0


class _Host:
    """The gateway between two pipes."""

    def __init__(self, config: ServeConfig, reports: TextIO) -> None:
        self._reports = reports
        self._gateway = Gateway(config.key, config.origins, self._tell)

    async def serve(self, orders: BinaryIO, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        reader = threading.Thread(
            target=self._read, args=(orders, loop), name="orders", daemon=True
        )

        def on_started() -> None:
            self._tell(Started(address_of(listener)))
            reader.start()

        await self._gateway.serve(listener, on_started)

    def _read(self, orders: BinaryIO, loop: asyncio.AbstractEventLoop) -> None:
        """Pass orders on to the loop; the end of them is the end of this process."""
        try:
            for line in orders:
                loop.call_soon_threadsafe(self._obey, line)
        finally:
            os._exit(0)

    def _obey(self, line: bytes) -> None:
        match read_order(line):
            case NewKey(key):
                self._gateway.set_key(key)
            case NewModel(upstream, reason):
                self._gateway.set_model(upstream, reason)
            case EngineNews() as news:
                self._gateway.hear(news)

    def _tell(self, report: Report) -> None:
        self._reports.write(f"{report_line(report)}\n")

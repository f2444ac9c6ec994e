"""Sends the bytes of a file, as asked for or as broken as the faults want it."""

import re
import socket
import struct
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from .content import Content
from .faults import Fault, FaultKind
from .messages import Reply, Request

_BLOCK_BYTES = 1 << 20
_RATE_BLOCKS_PER_SECOND = 50


class ConnectionCut(Exception):  # noqa: N818 -- planned
    """The connection ends here, because a fault says so or because the hub closes."""


def hang_up(connection: socket.socket, *, with_reset: bool) -> ConnectionCut:
    """Prepare the connection's end; the caller raises what comes back."""
    if with_reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return ConnectionCut()


@dataclass(slots=True)
class Plan:
    """Which bytes go out under which headers."""

    status: int
    headers: dict[str, str]
    start: int = 0
    end: int = 0
    extra_bytes: int = 0
    is_chunked: bool = False


def plan(reply: Reply, content: Content, request: Request, faults: list[Fault]) -> Plan:
    """Return what a server answers that has `faults`."""
    found = {fault.kind: fault for fault in faults}
    size = content.size_bytes
    asked = None if FaultKind.IGNORE_RANGE in found else _range(request, size)
    headers = {"Accept-Ranges": "bytes", **reply.headers}
    if asked is not None and (FaultKind.REFUSE_RANGE in found or asked[0] >= asked[1]):
        return Plan(416, {**headers, "Content-Range": f"bytes */{size}", "Content-Length": "0"})
    start, end = asked or (0, size)
    if asked is not None:
        if fault := found.get(FaultKind.SHIFTED_RANGE):
            start = min(start + fault.count_bytes, end - 1)
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        if fault := found.get(FaultKind.LYING_RANGE):
            shift = min(start, fault.count_bytes)
            start, end = start - shift, end - shift
    result = Plan(206 if asked is not None else reply.status, headers, start, end)
    if fault := found.get(FaultKind.SHORT_LENGTH):
        result.end = max(start, end - fault.count_bytes)
    if fault := found.get(FaultKind.OVERSIZED):
        result.extra_bytes = fault.count_bytes
    if FaultKind.CHUNKED in found:
        result.is_chunked = True
        headers["Transfer-Encoding"] = "chunked"
    else:
        headers["Content-Length"] = str(result.end - result.start + result.extra_bytes)
    return result


def _range(request: Request, size: int) -> tuple[int, int] | None:
    """Return the start and the end of the one range asked for; None for the whole file."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
    if match is None or not any(match.groups()):
        return None
    if not match[1]:
        return max(0, size - int(match[2])), size
    return int(match[1]), min(int(match[2]) + 1, size) if match[2] else size


class BodySender:
    """Sends one planned body over a connection; `closing` ends every wait."""

    def __init__(
        self,
        connection: socket.socket,
        request: Request,
        faults: list[Fault],
        closing: threading.Event,
    ) -> None:
        self._connection = connection
        self._request = request
        self._closing = closing
        self._cut = _of_kind(faults, FaultKind.CUT)
        self._stalls = [fault for fault in faults if fault.kind is FaultKind.STALL]
        self._flips = [fault.offset for fault in faults if fault.kind is FaultKind.FLIP]
        rate = _of_kind(faults, FaultKind.RATE)
        self._rate = rate.bytes_per_second if rate else 0
        self._is_chunked = False
        self._began = time.monotonic()
        self._paced_bytes = 0

    def send(self, content: Content, plan: Plan) -> None:
        """Send it all; raises ConnectionCut, or OSError when the client goes away."""
        self._is_chunked = plan.is_chunked
        total = plan.end - plan.start + plan.extra_bytes
        position = plan.start
        for part, first, last in content.parts(plan.start, plan.end):
            if isinstance(part, Path):
                with part.open("rb", buffering=0) as file:
                    while first < last:
                        count = min(self._step(total), last - first)
                        if self._is_chunked or self._flips:
                            file.seek(first)
                            self._send_bytes(memoryview(file.read(count)), position)
                        else:
                            self._count(self._connection.sendfile(file, first, count))
                        first, position = first + count, position + count
            else:
                while first < last:
                    count = min(self._step(total), last - first)
                    self._send_bytes(part[first : first + count], position)
                    first, position = first + count, position + count
        if plan.extra_bytes:
            self._send_bytes(memoryview(bytes(plan.extra_bytes)), position)
        self._step(total)
        if self._is_chunked:
            self._connection.sendall(b"0\r\n\r\n")

    def _step(self, total: int) -> int:
        """Do what is due at this point of the body; return how far it is to the next one."""
        sent = self._request.bytes_sent
        step = _BLOCK_BYTES
        if self._cut is not None:
            cut_at = self._cut.after_bytes + (total if self._cut.after_bytes < 0 else 0)
            if sent >= cut_at:
                raise hang_up(self._connection, with_reset=self._cut.with_reset)
            step = min(step, cut_at - sent)
        for stall in list(self._stalls):
            if sent >= stall.after_bytes:
                self._stalls.remove(stall)
                self._wait(stall.seconds)
            else:
                step = min(step, stall.after_bytes - sent)
        if self._rate:
            step = min(step, max(1, self._rate // _RATE_BLOCKS_PER_SECOND))
            self._wait(self._began + self._paced_bytes / self._rate - time.monotonic())
            self._paced_bytes += step
        return step

    def _wait(self, seconds: float) -> None:
        if seconds > 0 and self._closing.wait(seconds):
            raise ConnectionCut

    def _send_bytes(self, data: memoryview, position: int) -> None:
        """Send a block that starts at `position` of the file."""
        for offset in self._flips:
            if position <= offset < position + len(data):
                changed = bytearray(data)
                changed[offset - position] ^= 0xFF
                data = memoryview(changed)
        if self._is_chunked:
            self._connection.sendall(b"%x\r\n" % len(data) + data + b"\r\n")
        else:
            self._connection.sendall(data)
        self._count(len(data))

    def _count(self, sent: int) -> None:
        self._request.bytes_sent += sent


def _of_kind(faults: list[Fault], kind: FaultKind) -> Fault | None:
    return next((fault for fault in faults if fault.kind is kind), None)

"""A web server on loopback: logs each request, lets the faults strike, and sends the answer."""

import itertools
import socket
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from .faults import Fault, FaultBook, FaultKind, Stage
from .messages import Refusal, Reply, Request, html_reply
from .sending import BodySender, ConnectionCut, hang_up, plan

_POLL_S = 0.02
_JOIN_S = 10.0
_BODY_LIMIT_BYTES = 1 << 20
_LOGIN_PAGE = "<h1>Welcome to the hotel's network</h1><form>Room: <input name=room></form>"


class Site(ThreadingHTTPServer):
    """One origin; `route` makes the answer to a request."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        name: str,
        port: int,
        route: Callable[[Request], Reply],
        faults: FaultBook,
        log: list[Request],
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.name = name
        self.route = route
        self.faults = faults
        self.log = log
        self.closing = threading.Event()
        self.failures: list[BaseException] = []
        self.request_numbers = itertools.count(1)
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(
            target=self.serve_forever, args=(_POLL_S,), name=f"fakehub-{name}", daemon=True
        )

    @property
    def address(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop; whatever stalls or hangs ends at once."""
        self.closing.set()
        self.shutdown()
        self._thread.join(_JOIN_S)
        with self._lock:
            open_connections = dict(self._connections)
            for connection in open_connections:
                _shut_down(connection)
        for thread in open_connections.values():
            thread.join(_JOIN_S)
        self.server_close()

    def drop_connections(self) -> None:
        """Hang up on every client, as when a server goes away."""
        with self._lock:
            for connection in self._connections:
                _shut_down(connection)

    def process_request_thread(self, request: object, client_address: object) -> None:
        connection = cast("socket.socket", request)
        with self._lock:
            self._connections[connection] = threading.current_thread()
            if self.closing.is_set():
                _shut_down(connection)
        super().process_request_thread(connection, client_address)

    def shutdown_request(self, request: object) -> None:
        """Close a connection, unless `stop` is just looking at it."""
        connection = cast("socket.socket", request)
        with self._lock:
            self._connections.pop(connection, None)
            # Without the `shutdown` of the base class, which would turn a reset into a farewell.
            connection.close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep what went wrong here; clients that go away are no defect."""
        error = sys.exception() if sys.version_info >= (3, 12) else sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError):
            self.failures.append(error)


def _shut_down(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the client was faster


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        site = cast("Site", self.server)
        request = self._read()
        site.log.append(request)
        try:
            reply = self._answer(site, request)
            self._send(site, request, reply)
        except ConnectionCut:
            self.close_connection = True
        finally:
            request.is_finished = True

    do_HEAD = do_POST = do_CONNECT = do_GET  # noqa: N815 -- their names in http.server

    def _read(self) -> Request:
        headers = {name.lower(): value for name, value in self.headers.items()}
        length = min(int(headers.get("content-length", "0")), _BODY_LIMIT_BYTES)
        body = self.rfile.read(length)
        site = cast("Site", self.server)
        return Request(site.name, self.command, self.path, headers, body)

    def _answer(self, site: Site, request: Request) -> Reply:
        for fault in site.faults.take(Stage.ANSWER, site.name, request.method, request.path):
            if reply := self._fault_answer(site, request, fault):
                return reply
        try:
            return site.route(request)
        except Refusal as refusal:
            return refusal.reply

    def _fault_answer(self, site: Site, request: Request, fault: Fault) -> Reply | None:
        """Do what a fault wants before the answer; None if the usual answer follows."""
        if fault.kind is FaultKind.DELAY:
            if site.closing.wait(fault.seconds):
                raise ConnectionCut
            return None
        if fault.kind is FaultKind.HANG:
            site.closing.wait(fault.seconds or None)
            raise ConnectionCut
        if fault.kind is FaultKind.DROP:
            raise hang_up(self.connection, with_reset=fault.with_reset)
        if fault.kind is FaultKind.HTML:
            return html_reply(_LOGIN_PAGE)
        if fault.kind is FaultKind.REDIRECT:
            location = fault.location or request.path
            status = fault.status if 300 <= fault.status < 400 else 302
            return Reply(status, {"Location": location, **fault.headers})
        return Reply(fault.status, dict(fault.headers), fault.text.encode())

    def _send(self, site: Site, request: Request, reply: Reply) -> None:
        if reply.content is None:
            reply.headers["Content-Length"] = str(len(reply.body))
            self._send_head(site, request, reply.status, reply.headers)
            if request.method != "HEAD":
                # As the status: before the client can see it.
                request.bytes_sent = len(reply.body)
                self.wfile.write(reply.body)
            return
        faults = []
        if request.method == "GET":
            faults = site.faults.take(Stage.BODY, site.name, request.method, request.path)
        planned = plan(reply, reply.content, request, faults)
        self._send_head(site, request, planned.status, planned.headers)
        if request.method == "GET" and planned.status < 400:
            sender = BodySender(self.connection, request, faults, site.closing)
            sender.send(reply.content, planned)

    def _send_head(
        self, site: Site, request: Request, status: int, headers: dict[str, str]
    ) -> None:
        self.send_response(status)
        self.send_header("X-Request-Id", f"Root=1-{next(site.request_numbers):08x}")
        for name, value in headers.items():
            self.send_header(name, value)
        # Before the client can see it: a test may look as soon as the client is done.
        request.status = status
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- its name there
        """Say nothing: `requests` is the log."""

"""GitHub's list of releases as a server on this machine, for tests."""

import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Self

REPOSITORY = "someone/starpad"
PATH = f"/repos/{REPOSITORY}/releases/latest"
PAGE = f"https://github.com/{REPOSITORY}/releases/tag/v0.2.0"
RELEASE = {
    "tag_name": "v0.2.0",
    "html_url": PAGE,
    "published_at": "2027-01-31T09:00:00Z",
    "body": "# News\n\n- **Faster** suggestions\n- a [page](https://github.com/someone/starpad)\n",
    "assets": [{"browser_download_url": "https://github.com/someone/starpad/starpad.deb"}],
}


class ReleaseServer:
    """Answers each request with `status`, `body` and `headers`; keeps what was asked."""

    def __init__(
        self, body: object = RELEASE, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.status = status
        self.headers = {"Content-Type": "application/json", **(headers or {})}
        self.asked: list[tuple[str, dict[str, str]]] = []
        """Path and headers of each request."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                is_moved = outer.status in (301, 302) and self.path == "/moved"
                self.send_response(200 if is_moved else outer.status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

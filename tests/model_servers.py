"""Small servers on loopback that speak as vLLM, Ollama and plain OpenAI servers do, or badly.

Each is a real server on a real socket; what it says is made from what it is asked, so that a test
knows the answer. `asked` keeps the requests.
"""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "a key for the tests"
STARCODER_IDS = {"<|endoftext|>": 0, "<fim_prefix>": 1, "<fim_middle>": 2, "<fim_suffix>": 3}
Reply = dict[str, Any] | bytes | list[bytes] | None


@dataclass
class Asked:
    """One request that came."""

    method: str
    route: str
    key: str
    body: Any


@dataclass
class ModelServer:
    """What a test sees of a server."""

    address: str
    asked: list[Asked] = field(default_factory=list)

    def bodies(self, route: str) -> list[Any]:
        """Return what was sent to a route."""
        return [each.body for each in self.asked if each.route == route]


Answer = Callable[[Asked], Reply]
"""JSON for an object, a stream for a list of pieces, raw bytes of the socket; None is a 404."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self._answer(json.loads(self.rfile.read(length) or b"null"))

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, body: Any) -> None:
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        asked = Asked(self.command, self.path, given, body)
        self.server.asked.append(asked)
        if self.server.key and given != self.server.key:
            self._send(401, b'{"error": {"message": "Unauthorized"}}')
            return
        reply = self.server.answer(asked)
        if reply is None:
            self._send(404, b'{"detail": "Not Found"}')
        elif isinstance(reply, bytes):
            self.wfile.write(reply)
            self.close_connection = True
        elif isinstance(reply, dict):
            self._send(200, json.dumps(reply).encode())
        else:
            self._stream(reply)

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, pieces: list[bytes]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(piece)
            self.wfile.flush()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer: Answer, key: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer, self.key = answer, key
        self.asked: list[Asked] = []

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that left."""


@contextmanager
def serving(
    answer: Answer, *, key: str = KEY, certificate: tuple[str, str] | None = None
) -> Iterator[ModelServer]:
    """Run a server whose answers `answer` makes; it refuses every other key."""
    server = _Server(answer, key)
    scheme = "http"
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="model-server")
    thread.start()
    try:
        yield ModelServer(f"{scheme}://127.0.0.1:{server.server_port}", server.asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def events(*values: object) -> list[bytes]:
    """Return server-sent events, and what ends them."""
    lines = [f"data: {json.dumps(value)}\n\n".encode() for value in values]
    return [*lines, b"data: [DONE]\n\n"]


def completion(*texts: str, reason: str = "stop") -> list[bytes]:
    """Return a completion as OpenAI streams it."""
    pieces = [{"choices": [{"text": text, "finish_reason": None}]} for text in texts]
    return events(*pieces, {"choices": [{"text": "", "finish_reason": reason}]})


def chat(*texts: str) -> list[bytes]:
    """Return a chat answer as OpenAI streams it."""
    pieces = [{"choices": [{"delta": {"content": t}, "finish_reason": None}]} for t in texts]
    first = {"choices": [{"delta": {"role": "assistant"}, "finish_reason": None}]}
    return events(first, *pieces, {"choices": [{"delta": {}, "finish_reason": "stop"}]})


def vllm(texts: tuple[str, ...] = (" a", " + b"), model: str = "bigcode/starcoder2-3b") -> Answer:
    """Answer as vLLM does; its tokenizer knows StarCoder's special tokens and single bytes."""

    def answer(asked: Asked) -> Reply:
        match asked.route:
            case "/v1/models":
                return {"data": [{"id": model, "owned_by": "vllm", "max_model_len": 2048}]}
            case "/tokenize":
                return {"tokens": byte_ids(asked.body["prompt"]), "max_model_len": 2048}
            case "/v1/completions":
                pieces = [
                    {"choices": [{"text": text, "token_ids": byte_ids(text)[:1]}]} for text in texts
                ]
                end = {"choices": [{"text": "", "finish_reason": "stop"}]}
                return events(*pieces, end, {"choices": [], "usage": {"completion_tokens": 2}})
        return None

    return answer


def byte_ids(text: str) -> list[int]:
    """Return ids as a tokenizer gives them that takes special tokens' names for the tokens."""
    ids: list[int] = []
    while text:
        name = next((name for name in STARCODER_IDS if text.startswith(name)), "")
        if name:
            ids.append(STARCODER_IDS[name])
            text = text[len(name) :]
        else:
            ids += [100 + byte for byte in text[0].encode()]
            text = text[1:]
    return ids


def openai(answers: dict[str, list[bytes]], model: str = "gpt-nano") -> Answer:
    """Answer as a server that speaks OpenAI's API and no more."""

    def answer(asked: Asked) -> Reply:
        if asked.route == "/v1/models":
            return {"object": "list", "data": [{"id": model}]}
        return answers.get(asked.route)

    return answer


def ollama(texts: tuple[str, ...], model: str = "starcoder2:3b") -> Answer:
    """Answer as Ollama does: lines of JSON."""

    def answer(asked: Asked) -> Reply:
        match asked.route:
            case "/v1/models":
                return {"data": [{"id": model, "owned_by": "library"}]}
            case "/api/version":
                return {"version": "0.30.0"}
            case "/api/tags":
                return {"models": [{"name": model}]}
            case "/api/show":
                return {"model_info": {"starcoder2.context_length": 16384}}
            case "/api/generate":
                lines = [{"response": text, "done": False} for text in texts]
                lines.append({"response": "", "done": True, "done_reason": "stop"})
                return [json.dumps(line).encode() + b"\n" for line in lines]
        return None

    return answer

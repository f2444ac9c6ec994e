"""HTTP to a server that somebody else runs: certificates, proxy, bad moments, all in words."""

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from starpad.core.errors import EngineError, PromptTooLongError
from starpad.core.remote_server import RemoteServer

SILENCE_S = 60.0
"""Within an answer: as long as an engine of ours may say nothing."""
_CONNECT_S = 10
_WAITS_S = (0.5, 1.5, 4.0)
"""Before each further attempt, as long as no token has come."""
_LONGEST_WAIT_S = 15.0
_BUSY = frozenset({429, 502, 503})
_MOST_BYTES = 1 << 22
# llama-server's words, vLLM's and OpenAI's, TGI's, and Starpad's own.
_TOO_LONG = re.compile(
    r"available context size|maximum context length|`inputs` tokens|context holds", re.IGNORECASE
)


def open_client(server: RemoteServer, key: str) -> httpx2.AsyncClient:
    """Return a client for the server. Raises EngineError for certificates that cannot be read.

    Redirects are not followed: the key and the text go where the user said, and nowhere else.
    """
    headers = {"Accept-Encoding": "identity"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    asks_proxy = server.uses_proxy and not server.is_here
    return httpx2.AsyncClient(
        base_url=server.address,
        headers=headers,
        timeout=httpx2.Timeout(max(SILENCE_S, server.first_token_s), connect=_CONNECT_S),
        trust_env=asks_proxy,
        # A proxy may be reached by TLS though the server is not.
        verify=_trust(server) if asks_proxy or server.address.startswith("https:") else False,
    )


def _trust(server: RemoteServer) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if server.ca_file:
        try:
            context.load_verify_locations(server.ca_file)
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "strerror", None) or "it is no certificate in PEM"
            message = f"The certificates in {server.ca_file} cannot be read: {reason}."
            raise EngineError(message, "Choose another file in the server's settings.") from error
    return context


@asynccontextmanager
async def answered(
    http: httpx2.AsyncClient,
    server: RemoteServer,
    route: str,
    body: object = None,
    *,
    method: str = "POST",
) -> AsyncIterator[httpx2.Response]:
    """Give a successful answer whose content is not read yet; try again while the server is busy.

    Raises EngineError.
    """
    response = await _send(http, server, method, route, body)
    try:
        if not response.is_success:
            content = await read_whole(response, server)
            raise refusal(server, response, content)
        yield response
    except httpx2.HTTPError as error:
        raise explained(error, server) from error
    finally:
        await response.aclose()


async def _send(
    http: httpx2.AsyncClient, server: RemoteServer, method: str, route: str, body: object
) -> httpx2.Response:
    for wait_s in (*_WAITS_S, None):
        request = http.build_request(method, route, json=body)
        try:
            response = await http.send(request, stream=True)
        except httpx2.HTTPError as error:
            if wait_s is None or not _is_passing(error):
                raise explained(error, server) from error
        else:
            if wait_s is None or response.status_code not in _BUSY:
                return response
            wait_s = _wanted_wait_s(response, wait_s)
            await response.aclose()
        await asyncio.sleep(wait_s)
    raise AssertionError("the last attempt returns or raises")


def _is_passing(error: httpx2.HTTPError) -> bool:
    """Return whether another attempt may go better: nobody listened, or a kept connection ended."""
    kinds = (httpx2.ConnectError, httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError)
    return isinstance(error, kinds) and not any(word in str(error) for word in ("SSL", "certif"))


def _wanted_wait_s(response: httpx2.Response, usual_s: float) -> float:
    try:
        wanted_s = float(response.headers.get("retry-after", usual_s))
    except ValueError:
        return usual_s
    return min(max(wanted_s, usual_s), _LONGEST_WAIT_S)


async def read_whole(response: httpx2.Response, server: RemoteServer) -> bytes:
    """Return an answer's content. Raises EngineError when it does not end."""
    pieces, size_bytes = [], 0
    async for piece in response.aiter_raw():
        pieces.append(piece)
        size_bytes += len(piece)
        if size_bytes > _MOST_BYTES:
            raise EngineError(f"The answer of {server.host} does not end.")
    return b"".join(pieces)


def explained(error: httpx2.HTTPError, server: RemoteServer) -> EngineError:
    """Return what a failed connection means to the user."""
    host, text = server.host, str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate" in text.lower():
        return _untrusted(text, host)
    if isinstance(error, httpx2.ConnectError) and "ssl" in text.lower():
        message = f"{host} does not speak TLS as https:// needs it."
        return EngineError(message, "Try http://, or ask who runs it for the right port.")
    if isinstance(error, httpx2.TimeoutException):
        what = "takes no connection" if isinstance(error, httpx2.ConnectTimeout) else "says nothing"
        message = f"{host} {what}."
        return EngineError(message, "Check that it runs and can be reached.", retryable=True)
    if isinstance(error, httpx2.ConnectError):
        message = f"{host} cannot be reached: {_reason(text)}."
        return EngineError(message, "Check the address, and that the server runs.", retryable=True)
    message = f"The connection to {host} broke."
    return EngineError(message, "Ask again.", retryable=True)


def _untrusted(text: str, host: str) -> EngineError:
    reasons = {
        "self-signed": "it signed it itself",
        "self signed": "it signed it itself",
        "expired": "it has expired",
        "mismatch": "it belongs to another host",
        "not valid for": "it belongs to another host",
        "unable to get local issuer": "nobody known here has signed it",
    }
    reason = next((words for mark, words in reasons.items() if mark in text.lower()), "")
    message = f"The certificate of {host} is not trusted{f': {reason}' if reason else ''}."
    return EngineError(
        message, "Name the file of your own authority's certificates in the server's settings."
    )


def _reason(text: str) -> str:
    known = {
        "name or service not known": "there is no such host",
        "nodename nor servname": "there is no such host",
        "getaddrinfo failed": "there is no such host",
        "name resolution": "the name service does not answer",
        "refused": "nothing listens there",
        "attempts failed": "nothing listens there",
        "unreachable": "the network does not lead there",
    }
    return next((words for mark, words in known.items() if mark in text.lower()), text[:200])


def refusal(server: RemoteServer, response: httpx2.Response, content: bytes) -> EngineError:
    """Return what an unsuccessful answer means to the user."""
    status, host = response.status_code, server.host
    if status in (401, 403):
        message = f"{host} refused the key."
        return EngineError(message, "Correct it in the server's settings.")
    if 300 <= status < 400:
        place = response.headers.get("location", "nowhere")[:200]
        message = f"{host} sends requests elsewhere: to {place}."
        return EngineError(message, "If you trust that address, use it instead.")
    if status == 404:
        message = f"{host} does not know what Starpad asks for (404)."
        return EngineError(message, "Check the address and the model's name.")
    said = " ".join(_said(content).split())[:300]
    if _TOO_LONG.search(said):
        return PromptTooLongError(f"The prompt is too long for {host}: {said}", "Shorten it.")
    message = f"{host} refused the request: {said or f'HTTP status {status}'}"
    return EngineError(message, retryable=status >= 500)


def _said(content: bytes) -> str:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    found = answer.get("error", answer) if isinstance(answer, dict) else {}
    if isinstance(found, dict):
        found = found.get("message") or found.get("detail") or ""
    return str(found)

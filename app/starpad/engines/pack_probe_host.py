"""The process in which an engine pack is tried: if it dies there, nothing else does.

Started by `engines.pack_probe`. It loads the demonstration model as `engines.llama_host` would and
has it say a few tokens; one line on stdout says what came of it, stderr is the log.
"""

import http.client
import json
import os
import secrets
from dataclasses import asdict
from urllib.parse import urlsplit

from starpad.core.child_process import die_with_parent, protected_stdout
from starpad.core.errors import EngineError
from starpad.core.paths import demo_model
from starpad.engines.llama_host import devices_of, serve
from starpad.engines.pack_import import import_engine
from starpad.engines.spec import EngineSpec

_PROMPT = "def add(a, b):\n    return"
_TOKENS = 8
_ANSWER_S = 30.0


def run() -> int:
    """Try the pack that the environment names; return the exit code."""
    answers = protected_stdout()
    die_with_parent()
    try:
        xllamacpp, pack = import_engine()
        devices = devices_of(xllamacpp)
        key = secrets.token_urlsafe(32)
        spec = EngineSpec(demo_model(), "probe", context_tokens=512, threads=1, slots=1)
        server, _ = serve(xllamacpp, spec, key, devices)
        answer = {
            "version": xllamacpp.__version__,
            "pack": pack,
            "devices": [asdict(device) for device in devices],
            "tokens": _few_tokens(server.listening_address, key),
        }
    except Exception as error:  # whatever a foreign build throws is the answer
        answer = {"problem": str(error) or type(error).__name__}
    print(json.dumps(answer), file=answers, flush=True)
    # No destructors: a GPU driver's may take long, and nothing is left to be saved.
    os._exit(0)


def _few_tokens(address: str, key: str) -> list[int]:
    """Return the likeliest tokens after a few words, asked for as the app does."""
    place = urlsplit(address)
    connection = http.client.HTTPConnection(
        place.hostname or "", place.port or 0, timeout=_ANSWER_S
    )
    body = {"prompt": _PROMPT, "n_predict": _TOKENS, "temperature": 0, "return_tokens": True}
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request("POST", "/completion", json.dumps(body), headers)
    answer = json.loads(connection.getresponse().read())
    tokens = [int(token) for token in answer.get("tokens", ())]
    if not tokens:
        raise EngineError("It loads a model, but says nothing.")
    return tokens

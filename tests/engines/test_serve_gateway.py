"""The door for other programs, with the real engine behind it and real sockets before it."""

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import openai
import psutil
import pytest

from every_engine import RunningEngine, running
from sharing import KEY, Share, sharing
from starpad.core.client_snippets import Program, Shared, snippet
from starpad.core.serving import Activity
from starpad.engines.caret_priority import EngineNews
from starpad.engines.client import EngineClient
from starpad.engines.converse import CHAT_SLOT
from starpad.engines.protocol import CompletionRequest
from starpad.engines.serve_protocol import Upstream

CODE, REST = "def add(a, b):\n    return ", "\n\nprint(add(1, 2))\n"
QUESTION = [{"role": "user", "content": "Write a loop."}]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    with running("llama", tmp_path_factory.mktemp("model")) as engine:
        yield engine


def upstream_of(engine: RunningEngine) -> Upstream:
    return Upstream(engine.client.base_url, engine.client.key, engine.model)


@pytest.fixture(scope="module")
def running_share(engine: RunningEngine) -> Iterator[Share]:
    with sharing(upstream_of(engine), origins=["http://localhost:3000"]) as share:
        yield share


@pytest.fixture
def share(running_share: Share) -> Share:
    running_share.reports.clear()
    return running_share


async def completed(client: EngineClient, request: CompletionRequest) -> str:
    return "".join([chunk.text async for chunk in client.complete(request)])


def body(prompt: str = CODE, **more: object) -> dict[str, Any]:
    return {"prompt": prompt, "max_tokens": 12, "temperature": 0, **more}


# -- OpenAI's interface ---------------------------------------------------------------------------


def test_the_model_is_listed_by_its_name(share: Share, engine: RunningEngine) -> None:
    status, models = share.ask("/v1/models")
    assert status == 200
    assert [model["id"] for model in models["data"]] == [engine.model.name]
    assert share.ask(f"/v1/models/{engine.model.name}")[0] == 200
    assert share.ask("/v1/models/another")[0] == 404


def test_a_streamed_completion_is_the_same_as_a_whole_one(share: Share) -> None:
    _, whole = share.ask("/v1/completions", body(suffix=REST))
    options = {"include_usage": True}
    *events, usage, done = share.events(
        "/v1/completions", body(suffix=REST, stream_options=options)
    )
    assert done == "[DONE]"
    text = "".join(event["choices"][0]["text"] for event in events)
    assert text == whole["choices"][0]["text"] != ""
    assert events[-1]["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"]
    assert usage["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"] == 12
    assert usage["usage"]["prompt_tokens"] == whole["usage"]["prompt_tokens"]


def test_the_reason_why_an_answer_ended_is_right(share: Share) -> None:
    _, cut = share.ask("/v1/completions", body(max_tokens=3))
    assert cut["choices"][0]["finish_reason"] == "length"
    first = cut["choices"][0]["text"]
    _, stopped = share.ask("/v1/completions", body(stop=[first[-1]]))
    assert stopped["choices"][0]["finish_reason"] == "stop"
    assert first.startswith(stopped["choices"][0]["text"])
    assert first[-1] not in stopped["choices"][0]["text"]


def test_the_same_seed_gives_the_same_text(share: Share) -> None:
    request = body(temperature=1.0, seed=7)
    first, second = (share.ask("/v1/completions", request)[1] for _ in range(2))
    assert first["choices"][0]["text"] == second["choices"][0]["text"]
    _, other = share.ask("/v1/completions", body(temperature=1.0, seed=8))
    assert other["choices"][0]["text"] != first["choices"][0]["text"]


def test_a_chat_is_streamed_and_its_next_turn_reads_little(share: Share) -> None:
    request = {"messages": QUESTION, "max_tokens": 20, "temperature": 0}
    events = share.events("/v1/chat/completions", request)
    assert events[0]["choices"][0]["delta"]["role"] == "assistant"
    answer = "".join(event["choices"][0]["delta"].get("content", "") for event in events[:-1])
    assert answer
    more = {"role": "user", "content": "Again."}
    messages = [*QUESTION, {"role": "assistant", "content": answer}, more]
    _, second = share.ask("/v1/chat/completions", request | {"messages": messages})
    usage = second["usage"]
    read = usage["prompt_tokens"] - usage["prompt_tokens_details"]["cached_tokens"]
    assert read < usage["prompt_tokens"] / 2


def test_a_system_message_and_tools_do_no_harm(share: Share) -> None:
    messages = [{"role": "system", "content": "Be brief."}, *QUESTION]
    request = {"messages": messages, "max_tokens": 4, "tools": [{"type": "function"}]}
    status, answer = share.ask("/v1/chat/completions", request)
    assert status == 200
    assert answer["choices"][0]["message"]["role"] == "assistant"
    assert share.entry(200).note == "ignored: tools"


@pytest.mark.parametrize("is_chat", [True, False])
def test_what_does_not_fit_is_refused_as_openai_does(share: Share, is_chat: bool) -> None:
    long = "word " * 2000
    if is_chat:
        request: dict[str, Any] = {"messages": [{"role": "user", "content": long}]}
    else:
        request = body(long)
    route = "/v1/chat/completions" if is_chat else "/v1/completions"
    status, answer = share.ask(route, request | {"stream": True})
    assert status == 400
    assert answer["error"]["code"] == "context_length_exceeded"


def test_a_conversation_is_never_shortened_in_silence(share: Share) -> None:
    turn = [
        {"role": "user", "content": "word " * 150},
        {"role": "assistant", "content": "word " * 150},
    ]
    request = {"messages": [*turn * 4, *QUESTION], "max_tokens": 4}
    status, answer = share.ask("/v1/chat/completions", request)
    assert status == 400
    assert answer["error"]["code"] == "context_length_exceeded"
    assert share.ask("/v1/chat/completions", request | {"messages": QUESTION})[0] == 200


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"5", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_refused(share: Share, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", share.port)) as client:
        head = (
            f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n"
        )
        client.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(data) + data)
        assert client.recv(100).startswith(b"HTTP/1.1 400 ")


# -- llama.cpp's ----------------------------------------------------------------------------------


def test_infill_answers_in_llama_servers_shape(share: Share) -> None:
    request = {
        "input_prefix": "import os\n",
        "input_suffix": REST,
        "input_extra": [{"filename": "a.py", "text": "x = 1\n", "time": [1, 2]}],
        "prompt": CODE,
        "n_predict": 8,
        "n_indent": 4,
        "samplers": ["top_k", "top_p", "infill"],
        "t_max_prompt_ms": 500,
        "t_max_predict_ms": 1000,
        "cache_prompt": True,
        "stream": False,
    }
    _, whole = share.ask("/infill", request)
    assert whole["content"]
    assert (whole["stop"], whole["truncated"], whole["tokens_predicted"]) == (True, False, 8)
    assert whole["timings"]["prompt_n"] > 0
    _, again = share.ask("/infill", request)
    assert again["content"] == whole["content"]
    assert again["timings"]["prompt_n"] < whole["timings"]["prompt_n"]
    fields = ["content", "timings/predicted_n", "truncated", "nothing"]
    _, chosen = share.ask("/infill", request | {"response_fields": fields})
    assert chosen == {"content": whole["content"], "timings/predicted_n": 8, "truncated": False}
    events = share.events("/infill", request)
    assert "".join(event["content"] for event in events) == whole["content"]
    assert [event["stop"] for event in events[-2:]] == [False, True]


def test_an_infill_of_no_tokens_only_reads(share: Share) -> None:
    extra = [{"filename": "a.py", "text": "x = 1\n" * 20}]
    warm = {"input_extra": extra, "prompt": "", "n_predict": 0, "samplers": []}
    _, answer = share.ask("/infill", warm)
    assert (answer["content"], answer["tokens_predicted"]) == ("", 0)
    _, then = share.ask("/infill", {"input_extra": extra, "prompt": CODE, "n_predict": 2})
    assert then["timings"]["cache_n"] > answer["tokens_evaluated"] // 2


def test_the_fields_have_llama_servers_names(share: Share, engine: RunningEngine) -> None:
    async def ask_engine() -> Any:
        request = {"prompt": "def f", "n_predict": 3, "stream": False}
        return await engine.client._ask("POST", "/completion", request)

    _, ours = share.ask("/completion", {"prompt": "def f", "n_predict": 3})
    theirs = engine.run(ask_engine())
    assert set(ours) <= set(theirs)
    assert set(ours["timings"]) <= set(theirs["timings"])
    _, props = share.ask("/props")
    assert props["default_generation_settings"]["n_ctx"] == engine.model.context_tokens


# -- who may ask ----------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ["/v1/models", "/props", "/nothing", "/v1/models/x"])
@pytest.mark.parametrize("given", ["", "Bearer wrong", "Bearer ", f"Basic {KEY}", f"Bearer {KEY}x"])
def test_without_the_key_nothing_is_told(share: Share, route: str, given: str) -> None:
    status, answer = share.ask(route, headers={"Authorization": given})
    assert status == 401
    assert answer["error"]["code"] == "invalid_api_key"


def test_without_the_key_nothing_is_generated(share: Share) -> None:
    for route in ("/v1/completions", "/v1/chat/completions", "/infill", "/completion"):
        assert share.ask(route, body(), headers={"Authorization": "Bearer no"})[0] == 401


def test_health_is_for_everybody(share: Share) -> None:
    assert share.ask("/health", headers={"Authorization": ""}) == (200, {"status": "ok"})


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:3001", ""])
def test_web_pages_are_refused_even_with_the_key(share: Share, origin: str) -> None:
    status, answer = share.ask("/v1/completions", body(), headers={"Origin": origin})
    assert (status, answer["error"]["code"]) == (403, "origin_not_allowed")


def test_a_listed_web_page_may_ask(share: Share) -> None:
    origin = {"Origin": "http://localhost:3000"}
    wanted = {"Access-Control-Request-Method": "POST", "Authorization": ""}
    assert share.ask("/v1/completions", headers=origin | wanted, method="OPTIONS")[0] == 204
    assert share.ask("/v1/completions", body(), headers=origin)[0] == 200
    assert share.ask("/v1/models", headers=origin | {"Authorization": ""})[0] == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8012", "192.168.1.5", "localhost.x"]
)
def test_other_host_names_are_refused(share: Share, host: str) -> None:
    assert share.ask("/v1/models", headers={"Host": host})[0] == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8012"])
def test_this_computers_own_names_are_good(share: Share, host: str) -> None:
    assert share.ask("/v1/models", headers={"Host": host})[0] == 200


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="Linux tells who listens where")
def test_nobody_listens_for_other_computers(share: Share) -> None:
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    lines += Path("/proc/net/tcp6").read_text().splitlines()[1:]
    listening = [line.split()[1] for line in lines if line.split()[3] == "0A"]
    ours = [place for place in listening if place.endswith(f":{share.port:04X}")]
    assert ours == [f"0100007F:{share.port:04X}"]


# -- what is told ---------------------------------------------------------------------------------


def test_the_log_tells_who_asked_and_nothing_of_what(share: Share, engine: RunningEngine) -> None:
    secret = "A_SECRET_OF_MINE"
    answer = share.ask("/v1/completions", body(f"# {secret}\n"))[1]["choices"][0]["text"]
    share.ask("/v1/completions", body(f"{secret} " * 2000))
    share.ask("/v1/chat/completions", {"messages": [{"role": "user", "content": [secret]}]})
    share.entry(400)
    good = next(entry for entry in share.entries if entry.status == 200)
    assert (good.client, good.route, good.status) == ("the tests", "/v1/completions", 200)
    assert good.model == engine.model.name
    assert good.generated_tokens == 12
    assert good.prompt_tokens > 0
    assert good.took_ms > 0
    assert secret not in str(share.reports)
    assert answer not in str(share.reports)


def test_equal_refusals_are_told_together(share: Share) -> None:
    for _ in range(50):
        share.ask("/v1/models", headers={"Authorization": "Bearer no"})
    share.ask("/v1/completions", body())
    refused = [entry for entry in share.entries if entry.is_refused]
    assert len(refused) < 10


def test_refusals_of_many_names_are_told_together_too(share: Share) -> None:
    for number in range(100):
        headers = {"Authorization": "", "User-Agent": f"program {number}"}
        share.ask("/v1/models", headers=headers)
    assert len(share.entries) < 40


# -- several at once ------------------------------------------------------------------------------


def test_nobody_gets_anothers_text(share: Share) -> None:
    prompts = [f"def f{number}(x{number}):\n    # {number} " for number in range(50)]
    alone = [share.ask("/v1/completions", body(prompt))[1] for prompt in prompts]
    with ThreadPoolExecutor(50) as pool:
        together = list(pool.map(lambda p: share.ask("/v1/completions", body(p)), prompts))
    assert [status for status, _ in together] == [200] * 50
    texts = [answer["choices"][0]["text"] for _, answer in together]
    assert texts == [answer["choices"][0]["text"] for answer in alone]
    assert len(set(texts)) > 10
    waiting = [each.waiting for each in share.reports if isinstance(each, Activity)]
    assert max(waiting) > 5
    assert max(each.active for each in share.reports if isinstance(each, Activity)) == 1


def test_a_client_that_goes_away_frees_the_model(share: Share) -> None:
    for seed in range(20):  # an answer may have ended by itself before
        _leave_early(share, seed)
        share.ask("/v1/completions", body())
        if any(entry.status == 499 for entry in share.entries):
            break
    assert share.entry(499).generated_tokens < 900


def _leave_early(share: Share, seed: int) -> None:
    with socket.create_connection(("127.0.0.1", share.port)) as client:
        wanted = body(max_tokens=900, temperature=1.0, stream=True, seed=seed)
        data = json.dumps(wanted).encode()
        head = (
            f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n"
        )
        client.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(data) + data)
        assert client.recv(20).startswith(b"HTTP/1.1 200 OK")


def test_a_client_that_never_reads_does_not_keep_the_model(share: Share) -> None:
    clients = [socket.create_connection(("127.0.0.1", share.port)) for _ in range(3)]
    data = json.dumps(body(max_tokens=900, stream=True)).encode()
    head = f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n"
    for client in clients:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        client.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(data) + data)
    assert share.ask("/v1/completions", body())[0] == 200
    for client in clients:
        client.close()


def test_too_many_at_once_are_told_to_come_back(share: Share) -> None:
    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(lambda _: share.ask("/v1/completions", body()), range(200)))
    statuses = {status for status, _ in answers}
    assert statuses <= {200, 429}
    assert sum(status == 200 for status, _ in answers) >= 100


# -- the engine -----------------------------------------------------------------------------------


def test_without_a_model_a_sentence_says_so(engine: RunningEngine) -> None:
    with sharing(None) as share:
        status, answer = share.ask("/v1/completions", body())
        assert (status, answer["error"]["code"]) == (503, "no_model")
        assert "No model is loaded" in answer["error"]["message"]
        assert share.ask("/v1/models")[1]["data"] == []
        assert share.ask("/health")[0] == 503
        share.set_model(upstream_of(engine))
        assert share.ask("/v1/completions", body())[0] == 200
        share.set_model(None, "It is somewhere else.")
        assert share.ask("/infill", body())[1]["error"]["message"] == "It is somewhere else."


def test_an_engine_that_dies_ends_the_stream_with_an_error(tmp_path: Path) -> None:
    others = set(psutil.Process().children())
    with running("llama", tmp_path) as engine, sharing(upstream_of(engine)) as share:
        request = body(max_tokens=900, temperature=1.0, seed=1)
        with socket.create_connection(("127.0.0.1", share.port)) as client:
            data = json.dumps(request | {"stream": True}).encode()
            head = (
                f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}"
            )
            client.sendall(f"{head}\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
            received = client.recv(2000)
            (process,) = set(psutil.Process().children()) - others
            process.kill()
            while more := client.recv(65536):
                received += more
                if b"0\r\n\r\n" in more:
                    break
        assert b'"error"' in received
        assert b"does not answer" in received
        status, answer = share.ask("/v1/completions", request)
        assert status == 503
        assert "does not answer" in answer["error"]["message"]


def test_the_caret_goes_first(share: Share, engine: RunningEngine) -> None:
    long = body("x = 1\n" * 100)
    share.hear(EngineNews.CARET)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(share.ask, "/v1/completions", long)
        _, unfinished = wait([answer], timeout=0.3)
        share.hear(EngineNews.REST)
        assert unfinished
        assert answer.result()[0] == 200
    _, again = share.ask("/v1/completions", long)
    assert again["usage"]["prompt_tokens_details"]["cached_tokens"] > 300


def test_the_editors_chat_goes_first_and_leaves_nothing_in_the_slot(
    share: Share, engine: RunningEngine
) -> None:
    long = body("x = 1\n" * 100)
    share.ask("/v1/completions", long)
    share.hear(EngineNews.CHAT)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(share.ask, "/v1/completions", long)
        _, unfinished = wait([answer], timeout=0.3)
        assert unfinished
        chat = CompletionRequest(tuple(range(100, 200)), max_tokens=1, slot=CHAT_SLOT)
        engine.run(completed(engine.client, chat))
        share.hear(EngineNews.CHAT_OVER)
        status, later = answer.result()
    assert status == 200
    assert later["usage"]["prompt_tokens_details"]["cached_tokens"] == 0


@pytest.mark.parametrize("kind", ["ggml", "external"])
def test_other_engines_are_served_alike(kind: str, tmp_path: Path) -> None:
    with running(kind, tmp_path) as engine, sharing(upstream_of(engine)) as share:
        _, whole = share.ask("/v1/completions", body(suffix=REST))
        *events, _ = share.events("/v1/completions", body(suffix=REST))
        text = "".join(event["choices"][0]["text"] for event in events)
        assert text == whole["choices"][0]["text"]
        assert whole["usage"]["prompt_tokens"] > 3
        status, chat = share.ask("/v1/chat/completions", {"messages": QUESTION, "max_tokens": 4})
        assert (status, chat["object"]) == (200, "chat.completion")
        assert (
            share.ask("/infill", {"prompt": CODE, "input_suffix": REST, "n_predict": 4})[0] == 200
        )


# -- real programs --------------------------------------------------------------------------------


def test_the_openai_package_gets_streamed_answers(share: Share) -> None:
    with openai.OpenAI(base_url=f"{share.address}/v1", api_key=KEY, max_retries=0) as client:
        name = client.models.list().data[0].id
        stream = client.completions.create(
            model=name, prompt=CODE, suffix=REST, max_tokens=8, temperature=0, stream=True
        )
        pieces = [chunk.choices[0].text for chunk in stream]
        assert len(pieces) > 2
        assert "".join(pieces)
        chat = client.chat.completions.create(
            model=name,
            messages=[{"role": "user", "content": "Write a loop."}],
            max_tokens=8,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(chat)
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.completion_tokens == 8
        with pytest.raises(openai.BadRequestError) as refusal:
            client.completions.create(model=name, prompt="word " * 2000)
        assert refusal.value.code == "context_length_exceeded"


def test_the_openai_package_is_refused_without_the_key(share: Share) -> None:
    with (
        openai.OpenAI(base_url=f"{share.address}/v1", api_key="no", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.models.list()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_curl_gets_a_streamed_answer_with_our_snippet(share: Share, engine: RunningEngine) -> None:
    shared = Shared(share.address, KEY, engine.model.name, engine.model.context_tokens, True)
    command = snippet(Program.CURL, shared).text
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.count("data: {") > 3
    assert done.stdout.rstrip().endswith("data: [DONE]")

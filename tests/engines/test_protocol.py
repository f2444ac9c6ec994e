"""Requests and chunks as llama-server writes them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starpad.core.errors import EngineError
from starpad.core.sampling import Sampling
from starpad.engines.protocol import (
    Candidate,
    Chunk,
    CompletionRequest,
    EventDecoder,
    StopReason,
    Timings,
    read_chunk,
)

REQUEST = CompletionRequest((1, 3, 2), max_tokens=8)


def event(**changes: object) -> dict[str, Any]:
    timings = {
        "cache_n": 10, "prompt_n": 1, "prompt_ms": 2.0, "predicted_n": 12, "predicted_ms": 20.0,
    }  # fmt: skip
    return {"content": " a", "tokens": [288], "stop": False, "timings": timings} | changes


def chunk_of(data: dict[str, Any], request: CompletionRequest = REQUEST) -> Chunk:
    chunk = read_chunk(data, request)
    assert chunk is not None
    return chunk


def decode(*pieces: bytes) -> list[dict[str, Any]]:
    decoder = EventDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)]


def test_a_request_pins_its_slot_and_asks_for_ids_and_figures() -> None:
    body = CompletionRequest((5,), 9, Sampling(seed=7), stop_texts=("\n",), slot=1).body()
    assert (body["prompt"], body["n_predict"], body["id_slot"]) == ((5,), 9, 1)
    assert (body["stop"], body["seed"], body["temperature"]) == (("\n",), 7, 0.0)
    switches = "stream return_progress return_tokens timings_per_token cache_prompt"
    assert all(body[switch] is True for switch in switches.split())


def test_timings_are_the_servers_figures() -> None:
    timings = chunk_of(event()).timings
    assert timings == Timings(1, 10, 2.0, 12, 20.0)
    assert timings.prompt_tokens == 11
    assert timings.tokens_per_second == 550  # eleven tokens after the first, in 20 ms


@pytest.mark.parametrize(("tokens", "ms"), [(0, 0.0), (1, 0.001), (5, 0.0)])
def test_there_is_no_speed_before_the_second_token(tokens: int, ms: float) -> None:
    assert Timings(1, 0, 1.0, tokens, ms).tokens_per_second == 0


def test_a_chunk_in_the_middle_is_not_the_last() -> None:
    chunk = chunk_of(event())
    assert (chunk.text, chunk.token_ids) == (" a", (288,))
    assert not chunk.is_last


@pytest.mark.parametrize(
    ("stop_type", "reason"),
    [
        ("eos", StopReason.END_OF_TEXT),
        ("word", StopReason.STOP_TEXT),
        ("limit", StopReason.LIMIT),
        ("none", StopReason.LIMIT),
    ],
)
def test_the_servers_end_has_a_reason(stop_type: str, reason: StopReason) -> None:
    last = event(stop=True, stop_type=stop_type, content="", tokens=[])
    assert chunk_of(last).stop_reason is reason


def test_a_stop_tokens_text_is_never_delivered() -> None:
    request = CompletionRequest((1,), 8, stop_ids=frozenset({288}))
    chunk = chunk_of(event(), request)
    assert (chunk.text, chunk.token_ids, chunk.stop_reason) == ("", (), StopReason.STOP_TOKEN)


@pytest.mark.parametrize(("budget_ms", "is_last"), [(0, False), (20, True), (20.1, False)])
def test_the_time_budget_ends_a_completion_with_its_text(budget_ms: float, is_last: bool) -> None:
    chunk = chunk_of(event(), CompletionRequest((1,), 8, time_budget_ms=budget_ms))
    assert chunk.is_last is is_last
    assert chunk.text == " a"


def test_a_request_for_no_tokens_gets_no_text() -> None:
    assert chunk_of(event(), CompletionRequest((1,), 0)).text == ""


def test_news_of_the_prompts_evaluation_is_no_chunk() -> None:
    news = event(content="", tokens=[0], prompt_progress={"total": 400, "processed": 128})
    assert read_chunk(news, CompletionRequest((1,), 8, stop_ids=frozenset({0}))) is None


@pytest.mark.parametrize("missing", ["timings", "content", "tokens", "stop"])
def test_an_event_that_is_no_chunk_is_an_error(missing: str) -> None:
    broken = event()
    del broken[missing]
    with pytest.raises(KeyError):
        read_chunk(broken, REQUEST)


def test_events_may_come_without_blank_lines_and_with_either_line_end() -> None:
    assert decode(b'data: {"a": 1}\ndata:{"a": 2}\r\n\r\ndata: {"a": 3}\n') == [
        {"a": 1},
        {"a": 2},
        {"a": 3},
    ]


def test_pings_other_fields_and_the_end_mark_are_skipped() -> None:
    assert decode(b': ping\n\nid: 7\nevent: x\nretry: 1\ndata: [DONE]\n\n:\ndata: {"a": 1}\n') == [
        {"a": 1}
    ]


def test_an_unfinished_line_waits() -> None:
    assert decode(b'data: {"a"', b": 1}") == []
    assert decode(b'data: {"a"', b": 1}", b"\n") == [{"a": 1}]


@pytest.mark.parametrize(
    "line",
    [
        b'data: {"error": {"code": 500, "message": "slot lost"}}\n',
        b'error: {"code": 500, "message": "slot lost"}\n',
        b'data: {"error": "slot lost"}\n',
    ],
)
def test_an_error_event_is_raised_with_the_servers_words(line: bytes) -> None:
    with pytest.raises(EngineError, match="slot lost"):
        decode(line)


@pytest.mark.parametrize("line", [b"data: {oops\n", b"data: 7\n", b'data: "text"\n', b"data:\n"])
def test_nonsense_is_an_error_not_a_crash(line: bytes) -> None:
    with pytest.raises(EngineError, match="not readable"):
        decode(line)


@given(st.lists(st.text(), max_size=4), st.data())
def test_no_text_and_no_cut_disturbs_the_decoder(texts: list[str], data: st.DataObject) -> None:
    stream = b"".join(
        b"data: " + json.dumps({"content": text}, ensure_ascii=False).encode(errors="replace")
        + b"\n\n" for text in texts
    )  # fmt: skip
    cut = data.draw(st.integers(0, len(stream)))
    received = [event["content"] for event in decode(stream[:cut], stream[cut:])]
    assert received == [text.encode(errors="replace").decode() for text in texts]


def test_line_separators_in_generated_text_do_not_cut_an_event() -> None:
    text = "a\u2028b\u0085c\x0bd\x1ce"
    raw = json.dumps({"content": text}, ensure_ascii=False).encode()
    assert decode(b"data: " + raw + b"\n")[0]["content"] == text


PLACE = {
    "id": 288, "logprob": -0.5,
    "top_logprobs": [
        {"id": 288, "bytes": [32, 97], "logprob": -0.5},
        {"id": 123, "bytes": [175], "logprob": -1.5},
    ],
}  # fmt: skip


def test_candidates_are_told_with_their_texts_also_where_a_stop_token_comes() -> None:
    for stops in (frozenset[int](), frozenset({288})):
        request = CompletionRequest((1,), 8, stop_ids=stops, candidates=2)
        chunk = chunk_of(event(completion_probabilities=[PLACE]), request)
        assert chunk.candidates == (Candidate(288, " a", -0.5), Candidate(123, "\ufffd", -1.5))
    assert chunk_of(event(completion_probabilities=[PLACE])).candidates == ()


def test_an_engine_that_tells_no_probabilities_is_no_error() -> None:
    chunk = chunk_of(event(), CompletionRequest((1,), 8, candidates=2))
    assert (chunk.log_probabilities, chunk.candidates) == ((), ())

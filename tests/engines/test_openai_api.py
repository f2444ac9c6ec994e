"""What OpenAI's requests ask for, and the shapes of answers."""

from typing import Any

import pytest

from starpad.engines.openai_api import (
    AnswerShape,
    ApiError,
    models_list,
    read_chat,
    read_completion,
)


def test_a_completion_is_short_unless_it_says_otherwise() -> None:
    assert read_completion({"prompt": "x"}).max_tokens == 16
    assert read_completion({"prompt": "x", "max_tokens": 0}).max_tokens == 0


def test_a_chat_answer_may_take_all_the_room_there_is() -> None:
    assert read_chat({}).max_tokens is None
    assert read_chat({"max_tokens": -1}).max_tokens is None
    assert read_chat({"max_tokens": 5}).max_tokens == 5
    assert read_chat({"max_tokens": 5, "max_completion_tokens": 7}).max_tokens == 7


def test_sampling_is_openais_unless_llama_cpps_fields_are_given() -> None:
    usual = read_completion({}).sampling
    assert (usual.temperature, usual.top_p, usual.top_k, usual.seed) == (1.0, 1.0, 0, -1)
    given = read_completion(
        {"temperature": 0, "top_p": 0.5, "top_k": 9, "min_p": 0.1, "seed": 2**40 + 3}
    ).sampling
    assert (given.temperature, given.top_p, given.top_k, given.min_p) == (0.0, 0.5, 9, 0.1)
    assert given.seed == (2**40 + 3) % 2**31


def test_stops_are_one_text_or_several() -> None:
    assert read_completion({"stop": "\n"}).stop_texts == ("\n",)
    assert read_completion({"stop": ["a", "", "b"]}).stop_texts == ("a", "b")
    assert read_completion({"stop": None}).stop_texts == ()


@pytest.mark.parametrize(
    "body",
    [
        {"n": 2},
        {"best_of": 3},
        {"echo": True},
        {"logprobs": 5},
        {"temperature": 3},
        {"temperature": "hot"},
        {"temperature": float("nan")},
        {"top_p": -1},
        {"max_tokens": "many"},
        {"max_tokens": -2},
        {"max_tokens": 1.5},
        {"max_tokens": True},
        {"stop": 5},
        {"stop": ["a", 5]},
        {"stop": ["x"] * 100},
        {"seed": "x"},
    ],
)
def test_what_cannot_be_is_refused_in_words(body: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as refusal:
        read_completion(body)
    assert refusal.value.status == 400
    assert refusal.value.message.endswith(".")
    assert refusal.value.body()["error"]["type"] == "invalid_request_error"


def test_what_is_ignored_is_named() -> None:
    wanted = read_chat(
        {
            "tools": [{"type": "function"}],
            "tool_choice": "auto",
            "response_format": {"type": "json"},
        }
    )
    assert wanted.ignored == ("tools", "response_format")


def test_a_chat_stream_says_first_who_speaks() -> None:
    shape = AnswerShape("m", is_chat=True)
    first = shape.first()
    assert first is not None
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert shape.part("x")["choices"][0]["delta"] == {"content": "x"}
    assert shape.last("stop")["choices"][0]["finish_reason"] == "stop"
    assert first["id"] == shape.last("stop")["id"]


def test_the_figures_of_a_stream_have_no_choice_beside_them() -> None:
    usage = AnswerShape("m", is_chat=False).usage(10, 4, 3)
    assert usage["choices"] == []
    assert usage["usage"]["total_tokens"] == 13
    assert usage["usage"]["prompt_tokens_details"] == {"cached_tokens": 4}


def test_without_a_model_the_list_is_empty() -> None:
    assert models_list("", 0, 0) == []
    assert models_list("m", 10, 5)[0]["id"] == "m"

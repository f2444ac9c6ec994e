"""Conversations of other programs become our turns."""

import pytest

from starpad.core.chat import Role, Turn
from starpad.engines.openai_api import ApiError
from starpad.engines.serve_chat import read_turns


def test_roles_become_ours() -> None:
    turns = read_turns(
        [
            {"role": "developer", "content": "brief"},
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "hello"},
            {"role": "user", "content": "and?"},
        ]
    )
    assert [turn.role for turn in turns] == [Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.USER]


def test_parts_of_text_are_joined() -> None:
    content = [{"type": "text", "text": "a"}, {"type": "input_text", "text": "b"}, "c"]
    assert read_turns([{"role": "user", "content": content}]) == [Turn(Role.USER, "abc")]


def test_tools_become_text() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "ls", "arguments": '{"a": 1}'}}
    turns = read_turns(
        [
            {"role": "user", "content": "look"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "1", "content": "x.py"},
        ]
    )
    assert turns[1] == Turn(Role.ASSISTANT, '[called ls with {"a": 1}]')
    assert turns[2] == Turn(Role.USER, "Result of 1:\nx.py")


def test_an_image_is_refused_in_words() -> None:
    content = [{"type": "image_url", "image_url": {"url": "data:"}}]
    with pytest.raises(ApiError, match="reads text only"):
        read_turns([{"role": "user", "content": content}])


@pytest.mark.parametrize(
    "messages",
    [
        None,
        [],
        "hi",
        ["hi"],
        [{"content": "hi"}],
        [{"role": "king", "content": "hi"}],
        [{"role": ["user"], "content": "hi"}],
        [{"role": "user", "content": 5}],
        [{"role": "user", "content": [5]}],
        [{"role": "system", "content": "only this"}],
        [{"role": "user", "content": "  "}],
    ],
)
def test_other_messages_are_refused(messages: object) -> None:
    with pytest.raises(ApiError) as refusal:
        read_turns(messages)
    assert refusal.value.status == 400

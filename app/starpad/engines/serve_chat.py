"""Conversations of other programs: from OpenAI's messages to our turns, and to a prompt."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starpad.core.chat import Role, Turn
from starpad.core.errors import PromptTooLongError
from starpad.engines.chat_memory import PromptMemory
from starpad.engines.openai_api import ApiError
from starpad.engines.serve_model import ServedModel
from starpad.engines.serve_prompts import check_room, too_long

_ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "tool": Role.USER,
    "function": Role.USER,
}
_TEXT_PARTS = ("text", "input_text", "output_text", "refusal")
_LEAST_ANSWER_TOKENS = 64
"""Room that is left for an answer, whatever it may be long at most."""


@dataclass(frozen=True, slots=True)
class ChatStart:
    """A conversation's prompt, and what takes the answer for the next one."""

    ids: tuple[int, ...]
    memory: PromptMemory


def read_turns(messages: object) -> list[Turn]:
    """Return the turns of a request's messages. Raises ApiError.

    StarCoder knows neither tools nor their results: both become text.
    """
    if not isinstance(messages, list) or not messages:
        raise ApiError(400, '"messages" must be a list with one message at least.')
    turns = [_turn(message) for message in messages]
    if not any(turn.role is not Role.SYSTEM and turn.text.strip() for turn in turns):
        raise ApiError(400, '"messages" holds no question.')
    return turns


async def chat_prompt(
    served: ServedModel, turns: Sequence[Turn], max_tokens: int | None
) -> ChatStart:
    """Return the prompt for a conversation; all of it, or ApiError if it does not fit.

    Raises ChatTemplateError and EngineError, too.
    """
    conversation = served.new_conversation()
    room = min(_LEAST_ANSWER_TOKENS, max_tokens or _LEAST_ANSWER_TOKENS)
    try:
        async with served.prompting:
            prompt = await served.prompter.build(served, conversation, turns, room)
    except PromptTooLongError as error:
        raise ApiError(400, str(error), code="context_length_exceeded") from error
    if prompt.left_out_messages:
        served.prompter.forget(conversation)
        raise too_long(served.model.context_tokens, "more, with its instructions")
    check_room(served, len(prompt.ids))
    return ChatStart(prompt.ids, prompt.memory)


def _turn(message: object) -> Turn:
    if not isinstance(message, dict):
        raise ApiError(400, "A message must be an object.")
    role = message.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise ApiError(400, f"A message's role must be one of {', '.join(_ROLES)}.")
    text = _content(message.get("content"))
    if role in ("tool", "function"):
        name = message.get("name") or message.get("tool_call_id") or role
        text = f"Result of {name}:\n{text}"
    calls = message.get("tool_calls")
    if role == "assistant" and isinstance(calls, list):
        text = "\n".join(filter(None, (text, *map(_call, calls))))
    return Turn(_ROLES[role], text)


def _content(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise ApiError(400, "A message's content must be a text or a list of parts.")
    return "".join(_part(part) for part in value)


def _part(part: object) -> str:
    if isinstance(part, str):
        return part
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(part, dict) or kind not in _TEXT_PARTS:
        raise ApiError(400, f"StarCoder reads text only: a {str(kind)[:30]} cannot be sent.")
    text = part.get("refusal" if kind == "refusal" else "text")
    return text if isinstance(text, str) else ""


def _call(call: Any) -> str:
    """Return a tool call as text."""
    function: Mapping[str, Any] = call.get("function") or {} if isinstance(call, dict) else {}
    arguments = function.get("arguments", "")
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments)
    return f"[called {function.get('name', 'a tool')} with {arguments}]"

"""From turns to a prompt's text, in which is known what the template wrote and what a message."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starpad.core.chat import Role, Turn
from starpad.core.engine_status import LoadedModel
from starpad.core.errors import ChatTemplateError

if TYPE_CHECKING:
    from starpad.engines.chat_template import ChatTemplate, Message

# Halves of a surrogate pair: no message holds one, after `sendable`.
_BEGIN, _BEGIN_ANSWER, _END = "\ud800", "\ud801", "\ud805"
_MARKS = re.compile(f"([{_BEGIN}{_BEGIN_ANSWER}{_END}])")
_SURROGATES = re.compile("[\ud800-\udfff]")
# Templates of models that think aloud keep of an answer only what follows.
_END_OF_THOUGHT = "</think>"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a prompt's text. In a message nothing is a special token."""

    text: str
    is_template: bool
    is_answer: bool = False


class ChatText:
    """Writes the turns of conversations down in a model's format."""

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        self._template: ChatTemplate | None = None

    def pieces(self, system: str, turns: Sequence[Turn]) -> list[Piece]:
        """Return the prompt for `turns`; an answer at their end is to be continued.

        Raises ChatTemplateError.
        """
        chat = self._model.chat
        if chat.problem:
            raise ChatTemplateError(chat.problem, "Choose another model for chat.")
        if self._template is None:
            from starpad.engines.chat_template import ChatTemplate  # 40 ms for Jinja

            self._template = ChatTemplate(chat.template, self._model.bos_text, self._model.eos_text)
        messages = _messages(system, turns, has_system=chat.has_system)
        is_continued = messages[-1]["role"] == Role.ASSISTANT
        text = self._template.render(messages, add_generation_prompt=not is_continued)
        if is_continued:
            text = text[: text.rfind(_END) + 1]
        return _without_double_spaces(_split(text))


def _messages(system: str, turns: Sequence[Turn], *, has_system: bool) -> "list[Message]":
    """Return marked messages; of several in a row by the same speaker one is made."""
    joined: list[tuple[Role, str]] = []
    for turn in turns:
        text = sendable(turn.text).rstrip()
        if joined and joined[-1][0] is turn.role:
            joined[-1] = (turn.role, f"{joined[-1][1]}\n\n{text}")
        else:
            joined.append((turn.role, text))
    if system and has_system:
        joined.insert(0, (Role.SYSTEM, system))
    elif system:
        place = next((i for i, (role, _) in enumerate(joined) if role is Role.USER), None)
        if place is not None:
            joined[place] = (Role.USER, f"{system}\n\n{joined[place][1]}")
    return [{"role": str(role), "content": _marked(role, text)} for role, text in joined]


def sendable(text: str) -> str:
    """Return `text` without halves of surrogate pairs, which UTF-8 cannot spell."""
    return _SURROGATES.sub("\ufffd", text)


def _marked(role: Role, text: str) -> str:
    begin = _BEGIN_ANSWER if role is Role.ASSISTANT else _BEGIN
    return f"{begin}{text.replace(_END_OF_THOUGHT, _END_OF_THOUGHT + begin)}{_END}"


@dataclass(frozen=True, slots=True)
class _Part:
    text: str
    begin: str
    """The mark before it; empty in what the template wrote."""


def _split(text: str) -> list[_Part]:
    """Cut a rendered prompt at its marks. What may be a message's text is one.

    A template may have cut off a mark together with a part of a message.
    """
    parts: list[_Part] = []
    begin = ""
    for each in _MARKS.split(text):
        if each == _END:
            if not begin and parts:
                parts[-1] = _Part(parts[-1].text, _BEGIN)
            begin = ""
        elif each in (_BEGIN, _BEGIN_ANSWER):
            begin = begin or each
        elif each:
            parts.append(_Part(each, begin))
    return parts


def _without_double_spaces(parts: Sequence[_Part]) -> list[Piece]:
    """Drop a template's space before an answer that came with its own."""

    def pieces() -> Iterator[Piece]:
        for part, following in zip(parts, (*parts[1:], _Part("", "")), strict=True):
            text = part.text
            is_doubled = following.begin == _BEGIN_ANSWER and following.text[0].isspace()
            if is_doubled and not part.begin:
                text = text.removesuffix(" ")
            yield Piece(text, not part.begin, part.begin == _BEGIN_ANSWER)

    return list(pieces())

"""The prompts of one loaded model's conversations: fitted to the window, as token ids."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from starpad.core.chat import Role, Turn
from starpad.core.engine_status import LoadedModel
from starpad.core.errors import PromptTooLongError
from starpad.engines.chat_memory import BREAK, PromptMemory, special
from starpad.engines.chat_text import ChatText, Piece, sendable

_LEAST_ANSWER_TOKENS = 256
"""An answer's room shrinks down to this, or a quarter of a small window, before a question is
refused."""
_USUAL_CHARACTERS = 6
"""Of a token, at most, in almost all text: more than this is not even tried."""
_MOST_CHARACTERS = 32
"""Of a token, in the emptiest text: a longer question is refused unseen."""
_SAMPLE_CHARACTERS = 20_000
_MESSAGE_TOKENS = 8
"""About what a template writes around a message."""

# What special tokens look like; whether one is in this vocabulary, the engine says.
_CANDIDATES = re.compile(r"<\|[^<>\n]{1,60}\|>|<[^<>\s]{1,60}>|\[/?[A-Z_]{2,30}\]")


class Tokenizer(Protocol):
    """What is needed of an engine's client."""

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """Return the ids of a text; with `special`, names of special tokens become those."""
        ...


@dataclass(frozen=True, slots=True)
class ChatPrompt:
    """A prompt that fits the context window, with room for an answer."""

    ids: tuple[int, ...]
    max_tokens: int
    """For the answer: what was asked for, or what there is room for."""
    left_out_messages: int
    known_tokens: int
    """How many of `ids` the engine should still hold."""
    memory: PromptMemory
    """Takes the answer's chunks, for the next prompt."""


Exchange = tuple[Turn, ...]
"""A question and what follows it up to the next."""


class ChatPrompter:
    """Makes the prompts for one loaded model; used on the inference thread only."""

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        self._text = ChatText(model)
        self._memory = PromptMemory()
        self._starts: dict[int, tuple[int, str]] = {}
        """Where a conversation's prompts begin: the exchange's number and its question."""
        self._specials: dict[str, int | None] = {}
        self._line_break: list[int] | None = None
        self._stubborn: set[str] = set()
        """Special tokens that the tokenizer sees in plain text, too."""

    async def build(
        self, tokenizer: Tokenizer, conversation: int, turns: Sequence[Turn], max_tokens: int
    ) -> ChatPrompt:
        """Return the prompt for the last of `turns`, a question or an answer to be continued.

        A SYSTEM turn comes first, if any. Whole exchanges are left out, the oldest first, and
        then so many at once that the next prompts begin at the same place and find their
        beginning in the engine's cache. Raises PromptTooLongError when not even the last
        exchange fits, ChatTemplateError, EngineError.
        """
        prompt, start, exchanges = await self._fit(tokenizer, conversation, turns, max_tokens)
        if start:
            self._starts[conversation] = (start, exchanges[start][0].text)
        else:
            self._starts.pop(conversation, None)
        self._memory = prompt.memory
        return prompt

    def forget(self, conversation: int) -> None:
        """Begin the conversation's next prompt at its first message again, if that fits."""
        self._starts.pop(conversation, None)

    async def measure(
        self, tokenizer: Tokenizer, conversation: int, turns: Sequence[Turn], max_tokens: int
    ) -> ChatPrompt:
        """Return what `build` would, and change nothing of the prompts to come."""
        prompt, _, _ = await self._fit(tokenizer, conversation, turns, max_tokens)
        return prompt

    async def _fit(
        self, tokenizer: Tokenizer, conversation: int, turns: Sequence[Turn], max_tokens: int
    ) -> tuple[ChatPrompt, int, list[Exchange]]:
        system, exchanges = _exchanges(turns)
        context = self._model.context_tokens - 1  # the engine stops one token before the end
        wanted = max(1, min(max_tokens, context // 2))
        least = min(wanted, _LEAST_ANSWER_TOKENS, max(1, context // 4))
        start = self._known_start(conversation, exchanges)
        while True:
            is_last = start >= len(exchanges) - 1
            kept = exchanges[start:]
            most_characters = context * (_MOST_CHARACTERS if is_last else _USUAL_CHARACTERS)
            characters = len(system) + sum(_characters(exchange) for exchange in kept)
            if characters <= most_characters:
                memory = await self._encode(tokenizer, system, kept)
                room = context - (least if is_last else wanted)
                if len(memory.ids) <= room:
                    break
                if is_last:
                    raise _too_long(f"{len(memory.ids):,}", room)
            elif is_last:
                sample = kept[0][-1].text[:_SAMPLE_CHARACTERS] if kept else system
                rate = len(await tokenizer.tokenize(sendable(sample))) / max(1, len(sample))
                raise _too_long(f"about {int(characters * rate):,}", context - least)
            start = await self._later_start(tokenizer, system, exchanges, start, context - wanted)
        left_out = sum(len(exchange) for exchange in exchanges[:start])
        answer_tokens = max(1, min(max_tokens, context - len(memory.ids)))
        ids, known = tuple(memory.ids), memory.held_tokens
        return ChatPrompt(ids, answer_tokens, left_out, known, memory), start, exchanges

    def _known_start(self, conversation: int, exchanges: Sequence[Exchange]) -> int:
        start, question = self._starts.get(conversation, (0, ""))
        is_there = start < len(exchanges) and exchanges[start][0].text == question
        return start if is_there else 0

    async def _later_start(
        self,
        tokenizer: Tokenizer,
        system: str,
        exchanges: Sequence[Exchange],
        start: int,
        room: int,
    ) -> int:
        """Return a start from which about half of the room is taken."""
        taken = await self._count(tokenizer, system)
        later = len(exchanges)
        while later > start + 1:
            for turn in exchanges[later - 1]:
                if len(turn.text) > room * _USUAL_CHARACTERS:
                    taken = room
                else:
                    taken += await self._count(tokenizer, turn.text) + _MESSAGE_TOKENS
            if taken > room // 2:
                break
            later -= 1
        return min(max(later, start + 1), len(exchanges) - 1)

    async def _count(self, tokenizer: Tokenizer, text: str) -> int:
        return len(await tokenizer.tokenize(sendable(text))) if text else 0

    async def _encode(
        self, tokenizer: Tokenizer, system: str, exchanges: Sequence[Exchange]
    ) -> PromptMemory:
        turns = [turn for exchange in exchanges for turn in exchange]
        if not turns:
            return PromptMemory()
        tokenize = partial(self._tokenize, tokenizer)
        await self._memory.settle(tokenize)
        key = await self._key(tokenizer, self._text.pieces(system, turns))
        return await self._memory.continued(key, tokenize)

    async def _tokenize(self, tokenizer: Tokenizer, text: str, is_inside: bool) -> list[int]:
        """Return the ids of text, without the space that some vocabularies put before each text.

        That space belongs to a text's beginning, not between an answer and what follows it.
        """
        if not is_inside:
            return await tokenizer.tokenize(text)
        if self._line_break is None:
            self._line_break = await tokenizer.tokenize("\n")
        count = len(self._line_break)
        if count > 1:
            ids = await tokenizer.tokenize(f"\n{text}")
            if ids[:count] == self._line_break:
                return ids[count:]
        return await tokenizer.tokenize(text)

    async def _key(self, tokenizer: Tokenizer, pieces: Sequence[Piece]) -> str:
        """Return the key of a prompt: special tokens only where the template wrote them."""
        names = dict.fromkeys(
            (self._model.bos_text, self._model.eos_text, *self._model.chat.stop_tokens)
        )
        for piece in pieces:
            if piece.is_template:
                names.update(dict.fromkeys(_CANDIDATES.findall(piece.text)))
        await self._learn(tokenizer, [name for name in names if name])
        key = self._beginning(pieces)
        for piece in pieces:
            text = piece.text
            text = self._template_key(text) if piece.is_template else self._message_key(text)
            # The model may have begun its answer without the space that the template writes.
            if piece.is_answer and key.endswith(" ") and self._memory.begins(key[:-1] + text[0]):
                key = key[:-1]
            key += text
        return key

    def _beginning(self, pieces: Sequence[Piece]) -> str:
        """Return the token that texts of this model begin with, if the template leaves it out."""
        model = self._model
        first = pieces[0].text if pieces and pieces[0].is_template else ""
        token = self._specials.get(model.bos_text)
        is_missing = model.adds_bos and not first.startswith(model.bos_text)
        return special(token) if is_missing and token is not None else ""

    async def _learn(self, tokenizer: Tokenizer, names: Sequence[str]) -> None:
        for name in names:
            if name not in self._specials:
                found = await tokenizer.tokenize(name, special=True)
                plain = await tokenizer.tokenize(name)
                is_special = len(found) == 1 and len(name) > 1
                self._specials[name] = found[0] if is_special else None
                if is_special and plain == found:
                    self._stubborn.add(name)

    def _template_key(self, text: str) -> str:
        known = {name: token for name, token in self._specials.items() if token is not None}
        return _replaced(text, {name: special(token) for name, token in known.items()})

    def _message_key(self, text: str) -> str:
        return _replaced(text, {name: name[0] + BREAK + name[1:] for name in self._stubborn})


def _exchanges(turns: Sequence[Turn]) -> tuple[str, list[Exchange]]:
    """Return the instructions, and the turns in exchanges; empty ones are left out."""
    instructions = (sendable(turn.text).rstrip() for turn in turns if _is_system(turn))
    system = "\n\n".join(filter(None, instructions))
    exchanges: list[Exchange] = []
    last = Role.ASSISTANT
    for turn in turns:
        if _is_system(turn) or not turn.text.strip():
            continue
        if turn.role is Role.USER and last is Role.ASSISTANT:
            exchanges.append((turn,))
        elif exchanges:
            exchanges[-1] += (turn,)
        else:
            exchanges.append((turn,))
        last = turn.role
    return system, exchanges


def _is_system(turn: Turn) -> bool:
    return turn.role is Role.SYSTEM


def _characters(exchange: Exchange) -> int:
    return sum(len(turn.text) for turn in exchange)


def _replaced(text: str, spellings: dict[str, str]) -> str:
    """Return `text` with each name respelled, where two begin together the longer one."""
    if not spellings:
        return text
    names = sorted(spellings, key=len, reverse=True)
    pattern = "|".join(map(re.escape, names))
    return re.sub(pattern, lambda match: spellings[match[0]], text)


def _too_long(tokens: str, room: int) -> PromptTooLongError:
    return PromptTooLongError(
        f"The question takes {tokens} tokens with its instructions, and there is room for "
        f"{room:,} beside an answer.",
        "Shorten it, or load the model with a larger context.",
    )

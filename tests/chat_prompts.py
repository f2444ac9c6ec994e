"""Prompts for tests, of a vocabulary in which every character is a token."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from starpad.core.chat import Role, Turn
from starpad.core.chat_format import ChatFormat
from starpad.core.engine_status import LoadedModel
from starpad.engines.chat_prompt import ChatPrompt, ChatPrompter


def user(text: str) -> Turn:
    return Turn(Role.USER, text)


def assistant(text: str) -> Turn:
    return Turn(Role.ASSISTANT, text)


def system(text: str) -> Turn:
    return Turn(Role.SYSTEM, text)


class Stubborn:
    """A vocabulary in which <|im_end|> is a token of the user's own: it is seen in any text."""

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        ids: list[int] = []
        while text:
            if text.startswith("<|im_end|>"):
                ids, text = [*ids, 9], text[10:]
            elif special and text.startswith("<|im_start|>"):
                ids, text = [*ids, 8], text[12:]
            else:
                ids, text = [*ids, 100 + ord(text[0])], text[1:]
        return ids


class SpaceBefore:
    """A vocabulary that puts a space (1) before each text, as SentencePiece does."""

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        names = {"<s>": 2, "</s>": 3}
        if special and text in names:
            return [names[text]]
        return [1, *(100 + ord(character) for character in text)] if text else []


def fake_model(chat: ChatFormat, context_tokens: int = 1000) -> LoadedModel:
    return LoadedModel(
        Path("x"), "x", "", context_tokens, None, frozenset(), False, False, chat=chat
    )


def build(
    prompter: ChatPrompter, turns: Sequence[Turn], max_tokens: int = 10, conversation: int = 1
) -> ChatPrompt:
    return asyncio.run(prompter.build(Stubborn(), conversation, turns, max_tokens))


def texts(prompt: ChatPrompt) -> str:
    return bytes(i - 100 for i in prompt.ids if i > 99).decode()

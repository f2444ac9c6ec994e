"""Has the model change code by an instruction: prompt in the way it was trained for, stream."""

import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum

from starpad.core import instruction as rules
from starpad.core.chat import Role, Turn
from starpad.core.engine_status import LoadedModel
from starpad.core.errors import EngineError, PromptTooLongError
from starpad.core.fim import build_prompt
from starpad.core.instruction import COMMIT_TOKENS, Instruction
from starpad.core.rewrite import Rewrite
from starpad.core.sampling import Sampling
from starpad.core.suggestion import is_finished, trim
from starpad.engines.chat_prompt import ChatPrompter
from starpad.engines.client import EngineClient
from starpad.engines.converse import CHAT_SLOT
from starpad.engines.protocol import CompletionRequest, StopReason
from starpad.engines.suggest import figures_of

_FRAME_S = 0.033
"""Text on screen changes at most this often, however fast tokens come."""
_SPARE_TOKENS = 192
_LEAST_TOKENS = 48
_CONVERSATION = 0
"""No conversation of the user's has this number."""


class Asking(StrEnum):
    """In which of the ways it was trained for a model is asked."""

    CHAT = "chat"
    COMMIT = "commit"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class _Prompt:
    way: Asking
    ids: tuple[int, ...]
    code_tokens: int
    stop_ids: frozenset[int]
    stop_texts: tuple[str, ...] = ()


async def rewrite(
    client: EngineClient,
    emit: Callable[[object], None],
    *,
    instruction: Instruction,
    model: LoadedModel,
    sampling: Sampling,
    so_far: str = "",
) -> Rewrite:
    """Stream the changed code, emitting Rewrites at most one in 33 ms; return all of it.

    `so_far` is the `raw` of an answer that was cut, to be gone on with. Leaving early stops the
    engine. Raises PromptTooLongError, ChatTemplateError, EngineError.
    """
    with client.caret.chatting():
        client.caret.is_slot_lent = True  # chat's cache is gone from its slot
        return await _rewrite(client, emit, instruction, model, sampling, so_far)


async def read_ahead(
    client: EngineClient,
    _emit: Callable[[object], None],
    *,
    instruction: Instruction,
    model: LoadedModel,
) -> int:
    """Have the engine read the prompt as far as it is known; return how many tokens it read.

    Called while the instruction is being typed, so that the answer begins at once. Raises what
    `rewrite` raises.
    """
    await client.caret.give_way()
    prompt = await _prompt(client, instruction, model, "")
    client.caret.is_slot_lent = True
    request = CompletionRequest(prompt=prompt.ids, max_tokens=0, slot=CHAT_SLOT)
    read = 0
    async with aclosing(client.complete(request)) as stream:
        async for chunk in stream:
            read = chunk.timings.evaluated_tokens
    return read


async def _rewrite(
    client: EngineClient,
    emit: Callable[[object], None],
    instruction: Instruction,
    model: LoadedModel,
    sampling: Sampling,
    so_far: str,
) -> Rewrite:
    started = time.perf_counter()
    prompt = await _prompt(client, instruction, model, so_far)
    room = model.context_tokens - 1 - len(prompt.ids)
    request = CompletionRequest(
        prompt=prompt.ids,
        max_tokens=max(1, min(room, 2 * prompt.code_tokens + _SPARE_TOKENS)),
        sampling=sampling,
        stop_texts=prompt.stop_texts,
        stop_ids=prompt.stop_ids,
        slot=CHAT_SLOT,
    )
    policy = rules.gap_policy(instruction)
    text, first_ms, emitted = so_far, 0.0, 0.0
    reason: StopReason | None = None
    figures = figures_of(len(prompt.ids), None, 0.0)

    def so_much(*, is_final: bool) -> Rewrite:
        if prompt.way is Asking.CHAT:
            code = rules.code_in(text, is_final=is_final)
        elif prompt.way is Asking.GAP:
            code = trim(text, policy)
        else:
            code = text.strip("\n")
        return Rewrite(text, code, figures, is_cut=reason is StopReason.LIMIT)

    async with aclosing(client.complete(request)) as stream:
        async for chunk in stream:
            now = time.perf_counter()
            first_ms = first_ms or (now - started) * 1000
            text += chunk.text
            reason = chunk.stop_reason
            figures = figures_of(len(prompt.ids), chunk.timings, first_ms)
            if now - emitted >= _FRAME_S:
                emitted = now
                emit(so_much(is_final=False))
            if prompt.way is Asking.GAP and is_finished(text, policy):
                break
    return so_much(is_final=True)


async def _prompt(
    client: EngineClient, instruction: Instruction, model: LoadedModel, so_far: str
) -> _Prompt:
    """Return the prompt in the way that suits the model. Raises PromptTooLongError."""
    code = await client.tokenize(instruction.code)
    stops = model.chat_stop_ids or model.stop_ids
    is_trained = not model.chat.problem and not model.chat.is_base
    if not is_trained and len(ids := await _commit_tokens(client)) == len(COMMIT_TOKENS):
        words = await client.tokenize(instruction.words)
        more = await client.tokenize(so_far)
        before, message, after = ids
        prompt = (before, *code, message, *words, after, *more)
        found = _Prompt(Asking.COMMIT, prompt, len(code), model.stop_ids)
    elif not is_trained and model.fim is not None:
        found = await _gap_prompt(client, instruction, model, so_far, len(code))
    elif model.chat.problem:
        raise EngineError(
            "This model cannot be told what to change.",
            "Choose a StarCoder model, or one that was trained to chat.",
        )
    else:
        turns = [Turn(Role.USER, rules.question(instruction))]
        if so_far:
            turns.append(Turn(Role.ASSISTANT, so_far))
        most = 2 * len(code) + _SPARE_TOKENS
        chat = await ChatPrompter(model).build(client, _CONVERSATION, turns, most)
        found = _Prompt(Asking.CHAT, chat.ids, len(code), stops, model.chat.stop_texts)
    room = model.context_tokens - max(_LEAST_TOKENS, len(code) // 2)
    if len(found.ids) > room:
        raise PromptTooLongError(
            f"This code is too long for the model: with the instruction it takes "
            f"{len(found.ids):,} tokens, and {max(0, room):,} leave room for the answer.",
            "Select less, or load the model with a larger context.",
        )
    return found


async def _gap_prompt(
    client: EngineClient,
    instruction: Instruction,
    model: LoadedModel,
    so_far: str,
    code_tokens: int,
) -> _Prompt:
    prefix = await client.tokenize(rules.gap_before(instruction) + so_far)
    suffix = await client.tokenize(instruction.after)
    answer_tokens = 2 * code_tokens + _SPARE_TOKENS
    room = max(_LEAST_TOKENS, model.context_tokens - answer_tokens - len(COMMIT_TOKENS) - 1)
    least = len(
        await client.tokenize(rules.gap_before(instruction).removeprefix(instruction.before))
    )
    suffix = suffix[: max(0, min(room // 4, room - least))]
    # What is far above goes first; the old code and the instruction must stay.
    prefix = prefix[-max(least + 1, room - len(suffix)) :]
    ids = build_prompt(model.fim, prefix, suffix)
    stops = model.fim.stop_ids if model.fim is not None else model.stop_ids
    return _Prompt(Asking.GAP, ids, code_tokens, stops)


async def _commit_tokens(client: EngineClient) -> list[int]:
    """Return the ids of the tokens for commits; fewer if the model does not know them all."""
    answers = [await client.tokenize(text, special=True) for text in COMMIT_TOKENS]
    return [ids[0] for ids in answers if len(ids) == 1]

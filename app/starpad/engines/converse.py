"""One answer in a conversation: prompt, reading it without getting in the caret's way, stream."""

import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from starpad.core.chat import AnswerFigures, ChatOptions, MessageState, Role, Turn
from starpad.core.engine_status import LoadedModel
from starpad.core.fim import SPECIAL_TOKEN_TEXTS
from starpad.engines.answer import Answer, PromptReady
from starpad.engines.chat_prompt import ChatPrompt, ChatPrompter
from starpad.engines.client import EngineClient
from starpad.engines.prompt_steps import read_in_steps
from starpad.engines.protocol import Chunk, CompletionRequest, StopReason

CHAT_SLOT = 1
"""Chat's own slot in the engine: completion's cache is in slot 0."""
_FRAME_S = 0.033
"""Text on screen changes at most this often, however fast tokens come."""


async def converse(
    client: EngineClient,
    emit: Callable[[object], None],
    *,
    prompter: ChatPrompter,
    conversation: int,
    turns: Sequence[Turn],
    options: ChatOptions,
    model: LoadedModel,
) -> Answer:
    """Answer the last of `turns`, or go on with it if it is an answer; return all of the answer.

    Emits one PromptReady, then Answers that grow, at most one in 33 ms. The one that is returned
    is COMPLETE, or CUT at the most tokens or the window's end. Leaving early closes the
    connection, which stops the engine. Raises PromptTooLongError, ChatTemplateError, EngineError.
    """
    with client.caret.chatting():
        turns = _with_system(turns, options)
        return await _converse(client, emit, prompter, conversation, turns, options, model)


async def _converse(
    client: EngineClient,
    emit: Callable[[object], None],
    prompter: ChatPrompter,
    conversation: int,
    turns: Sequence[Turn],
    options: ChatOptions,
    model: LoadedModel,
) -> Answer:
    started = time.perf_counter()
    prompt = await prompter.build(client, conversation, turns, options.max_tokens)
    emit(_ready(prompt, model))
    request = CompletionRequest(
        prompt=prompt.ids,
        max_tokens=prompt.max_tokens,
        sampling=options.sampling,
        stop_texts=model.chat.stop_texts,
        stop_ids=model.chat_stop_ids,
        slot=CHAT_SLOT,
    )
    known_tokens = 0 if client.caret.is_slot_lent else prompt.known_tokens
    client.caret.is_slot_lent = False
    read_tokens = await read_in_steps(client, request, known_tokens, prompt.memory)
    answer = Answer(
        "",
        AnswerFigures(prompt_tokens=len(prompt.ids), left_out_messages=prompt.left_out_messages),
    )
    emitted = 0.0
    prompt.memory.held_tokens = len(prompt.ids)
    async with aclosing(client.complete(request)) as stream:
        async for chunk in stream:
            now = time.perf_counter()
            answer = _grown(answer, chunk, read_tokens, (now - started) * 1000)
            if chunk.stop_token_text:
                answer = replace(answer, text=answer.text + held_back(chunk, model))
            if chunk.stop_reason in (StopReason.STOP_TEXT, StopReason.END_OF_TEXT):
                prompt.memory.end_inside_token()
            elif not chunk.is_last or chunk.text:
                prompt.memory.add(chunk.text, chunk.token_ids, chunk.timings.generated_tokens)
            if now - emitted >= _FRAME_S and chunk.text:
                emitted = now
                emit(answer)
    return _ended(answer)


async def measure(
    client: EngineClient,
    emit: Callable[[object], None],
    *,
    prompter: ChatPrompter,
    conversation: int,
    turns: Sequence[Turn],
    options: ChatOptions,
    model: LoadedModel,
) -> PromptReady:
    """Return how `turns` would fill the window, without having the model read or write anything.

    Raises what `converse` raises before it generates.
    """
    turns = _with_system(turns, options)
    return _ready(await prompter.measure(client, conversation, turns, options.max_tokens), model)


def _with_system(turns: Sequence[Turn], options: ChatOptions) -> list[Turn]:
    return [Turn(Role.SYSTEM, options.system_prompt.strip()), *turns]


def _ready(prompt: ChatPrompt, model: LoadedModel) -> PromptReady:
    return PromptReady(
        len(prompt.ids), model.context_tokens, prompt.left_out_messages, prompt.max_tokens
    )


def _grown(answer: Answer, chunk: Chunk, read_tokens: int, elapsed_ms: float) -> Answer:
    timings, figures = chunk.timings, answer.figures
    return Answer(
        answer.text + chunk.text,
        replace(
            figures,
            evaluated_tokens=read_tokens + timings.evaluated_tokens,
            tokens=timings.generated_tokens,
            tokens_per_second=timings.tokens_per_second,
            time_to_first_token_ms=figures.time_to_first_token_ms or elapsed_ms,
            stop_reason=str(chunk.stop_reason or ""),
        ),
    )


def held_back(chunk: Chunk, model: LoadedModel) -> str:
    """Return what came with a stop token, less its own name, which some vocabularies spell."""
    text = chunk.stop_token_text
    names = (*model.chat.stop_tokens, *SPECIAL_TOKEN_TEXTS)
    return text.removesuffix(next(filter(text.endswith, names), ""))


def _ended(answer: Answer) -> Answer:
    is_cut = answer.figures.stop_reason == StopReason.LIMIT
    state = MessageState.CUT if is_cut else MessageState.COMPLETE
    return Answer(answer.text.rstrip(), answer.figures, state)

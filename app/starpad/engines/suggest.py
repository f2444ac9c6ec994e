"""One suggestion: prompt, stream, stop as early as more tokens could not change it."""

import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from starpad.core.context_window import CaretContext
from starpad.core.engine_status import LoadedModel
from starpad.core.load_options import EngineKind
from starpad.core.prompt import Prompt
from starpad.core.prompt_budget import prompt_tokens
from starpad.core.suggestion import CompletionOptions, Figures, LinePolicy, is_finished
from starpad.engines import alternatives
from starpad.engines.client import EngineClient
from starpad.engines.healing import healed, without_beginning
from starpad.engines.prompt_builder import PromptBuilder
from starpad.engines.protocol import CompletionRequest, Timings

SLOT = 0
"""Completion's own slot in the engine: chat must not evict its cache."""
_FRAME_S = 0.033
"""Text on screen changes at most this often, however fast tokens come."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The raw text generated so far and what it cost."""

    text: str
    figures: Figures
    prompt: Prompt | None = None
    """Only with the last of a request's, for whoever wants to look at it."""


async def suggest(
    client: EngineClient,
    emit: Callable[[object], None],
    *,
    builder: PromptBuilder,
    context: CaretContext,
    policy: LinePolicy,
    options: CompletionOptions,
    model: LoadedModel,
    alternative: int = 0,
) -> Progress:
    """Stream a suggestion for `context`, emitting Progress; return all of it.

    `alternative` 0 is the likeliest answer. 1 is the one that begins with the second likeliest
    first token, 2 with the third, and so on (see `engines.alternatives`): the same each time, and
    after the likeliest one no prompt has to be read. The text is empty where there is no such
    alternative that differs; after that one there are no further ones. Two answers can begin
    differently and still be trimmed to the same text: who cycles through them passes over what it
    has.

    Leaving early closes the connection, which stops the engine. Raises EngineError.
    """
    with client.caret.claim():
        return await _suggest(client, emit, builder, context, policy, options, model, alternative)


async def _suggest(
    client: EngineClient,
    emit: Callable[[object], None],
    builder: PromptBuilder,
    context: CaretContext,
    policy: LinePolicy,
    options: CompletionOptions,
    model: LoadedModel,
    alternative: int,
) -> Progress:
    started = time.perf_counter()
    budget = prompt_tokens(
        options.budget_tokens, model.context_tokens, options.max_tokens, model.fim
    )
    prompt = await builder.build(client, context, budget, options.order, options.shares)
    beginning = ""
    if options.heals and client.follows_grammars and model.kind is not EngineKind.GGML:
        separator = model.fim.middle if model.fim else None
        prompt, beginning = await healed(client, prompt, context.before, separator)
    request = CompletionRequest(
        prompt=prompt.ids,
        max_tokens=options.max_tokens,
        sampling=options.sampling,
        # Not where the beginning would be one.
        stop_texts=("\n",) if policy.max_lines == 1 and "\n" not in beginning else (),
        stop_ids=model.fim.stop_ids if model.fim else model.stop_ids,
        time_budget_ms=options.time_budget_ms,
        slot=SLOT,
        beginning=beginning,
    )
    text, first_token_ms, emitted = "", 0.0, 0.0
    progress = Progress("", _figures(len(prompt.ids), None, 0.0))
    chunks = alternatives.complete(client, request, alternative)
    async with aclosing(without_beginning(chunks, beginning)) as stream:
        async for chunk in stream:
            now = time.perf_counter()
            if chunk.text and not first_token_ms:
                first_token_ms = (now - started) * 1000
            text += chunk.text
            if chunk.timings is not None:
                progress = Progress(text, _figures(len(prompt.ids), chunk.timings, first_token_ms))
            else:
                progress = Progress(text, progress.figures)
            if now - emitted >= _FRAME_S:
                emitted = now
                emit(progress)
            if is_finished(text, policy):
                break
    return replace(progress, prompt=prompt)


def _figures(prompt_tokens: int, timings: Timings | None, first_token_ms: float) -> Figures:
    if timings is None:
        return Figures(prompt_tokens, 0, 0, 0.0, first_token_ms)
    return Figures(
        prompt_tokens,
        timings.evaluated_tokens,
        timings.generated_tokens,
        timings.tokens_per_second,
        first_token_ms,
    )

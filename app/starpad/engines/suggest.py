"""One suggestion: prompt, stream, stop as early as more tokens could not change it."""

import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from starpad.core.confidence import Confidence
from starpad.core.context_window import CaretContext
from starpad.core.engine_status import LoadedModel
from starpad.core.prompt import Prompt
from starpad.core.suggestion import CompletionOptions, Figures, LinePolicy, is_finished, trim
from starpad.core.trimming import without_half_line
from starpad.engines import alternatives
from starpad.engines.caret_prompt import caret_prompt
from starpad.engines.client import EngineClient
from starpad.engines.healing import without_beginning
from starpad.engines.prompt_builder import PromptBuilder
from starpad.engines.protocol import CompletionRequest, StopReason, Timings

SLOT = 0
"""Completion's own slot in the engine: chat must not evict its cache."""
_ENOUGH_TOKENS = 8
"""To know that a model is guessing."""
_FRAME_S = 0.033
"""Text on screen changes at most this often, however fast tokens come."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The raw text generated so far and what it cost."""

    text: str
    figures: Figures
    prompt: Prompt | None = None
    """Only with the last of a request's, for whoever wants to look at it."""
    is_unsure: bool = False
    """Whether there was something to show, and the model not sure enough of it."""


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
    asked = await caret_prompt(client, builder, context, options, model)
    prompt, beginning = asked.prompt, asked.beginning
    builder.latest_ids = prompt.ids
    # Other answers are less likely than the likeliest, and asked for all the same.
    least = 0.0 if alternative else options.least_probability
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
        candidates=1 if least and client.tells_candidates else 0,
    )
    text, first_token_ms, emitted, shown = "", 0.0, 0.0, ""
    confidence = Confidence()
    progress = Progress("", figures_of(len(prompt.ids), None, 0.0))
    chunks = alternatives.complete(client, request, alternative)
    async with aclosing(without_beginning(chunks, beginning)) as stream:
        async for chunk in stream:
            now = time.perf_counter()
            if chunk.text and not first_token_ms:
                first_token_ms = (now - started) * 1000
            confidence.add(len(text), chunk.log_probabilities)
            text += chunk.text
            if chunk.timings is not None:
                progress = Progress(
                    text, figures_of(len(prompt.ids), chunk.timings, first_token_ms)
                )
            else:
                progress = Progress(text, progress.figures)
            is_sure = _is_sure(confidence, text, policy, least)
            # What changes nothing on the screen, as a blank, must not hold up what does by a frame.
            if is_sure and now - emitted >= _FRAME_S and (new := trim(text, policy)) != shown:
                emitted, shown = now, new
                emit(progress)
            if is_finished(text, policy):
                break
            if chunk.stop_reason in (StopReason.LIMIT, StopReason.TIME) and policy.max_lines > 1:
                progress = replace(progress, text=without_half_line(text))
            if not is_sure and confidence.count >= _ENOUGH_TOKENS:
                break
    if not _is_sure(confidence, progress.text, policy, least):
        progress = replace(progress, text="", is_unsure=True)
    return replace(progress, prompt=prompt)


def _is_sure(confidence: Confidence, text: str, policy: LinePolicy, least: float) -> bool:
    """Return whether the model is sure enough of what would be shown of `text`."""
    if not least:
        return True
    blanks = len(text) - len(text.lstrip(" \t")) if policy.strips_indent else 0
    found = confidence.of(blanks + len(trim(text, policy)))
    return found is None or found >= least


def figures_of(prompt_tokens: int, timings: Timings | None, first_token_ms: float) -> Figures:
    """Return what a request has cost so far; `timings` None: the engine has said nothing yet."""
    if timings is None:
        return Figures(prompt_tokens, 0, 0, 0.0, first_token_ms)
    return Figures(
        prompt_tokens,
        timings.evaluated_tokens,
        timings.generated_tokens,
        timings.tokens_per_second,
        first_token_ms,
    )

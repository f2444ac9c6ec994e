"""Other answers to the same prompt: each begins with another of the likeliest first tokens.

A higher temperature would change a word somewhere or nothing at all, differently each time. What
begins otherwise is another answer, the same one each time, and costs one decoding step: the
prompt is in the engine's cache, and the first token is appended to it.
"""

import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from starpad.engines.client import EngineClient
from starpad.engines.protocol import Candidate, Chunk, CompletionRequest, StopReason

_CANDIDATES = 16
"""Enough for three that differ in more than blanks."""
_LEAST_LOG_RATIO = math.log(1 / 50)
"""What is so much less likely than the likeliest is no alternative but a mistake."""
_SEEDED_TEMPERATURE = 0.8


async def complete(
    client: EngineClient, request: CompletionRequest, alternative: int
) -> AsyncGenerator[Chunk, None]:
    """Yield the completion's chunks as `client.complete` does; 0 is the likeliest answer.

    Nothing comes if there is no such alternative. An engine that tells no candidates is asked at a
    higher temperature, with `alternative` as the seed. Raises EngineError.
    """
    if not alternative:
        chunks = client.complete(request)
    elif not client.tells_candidates:
        chunks = client.complete(_seeded(request, alternative))
    else:
        chunks = _alternative(client, request, alternative)
    async with aclosing(chunks):
        async for chunk in chunks:
            yield chunk


async def _alternative(
    client: EngineClient, request: CompletionRequest, alternative: int
) -> AsyncGenerator[Chunk, None]:
    first = await _first(client, request)
    if first is None:
        chunks, read = client.complete(_seeded(request, alternative)), 0
    else:
        found = others(first.candidates, request)[alternative - 1 : alternative]
        if not found:
            return
        candidate, read = found[0], first.timings.evaluated_tokens
        is_last = request.max_tokens == 1
        yield replace(
            first,
            text=candidate.text,
            token_ids=(candidate.token,),
            stop_reason=StopReason.LIMIT if is_last else None,
            log_probabilities=(candidate.log_probability,),
        )
        if is_last:
            return
        prompt = (*request.prompt, candidate.token)
        chunks = client.complete(replace(request, prompt=prompt, max_tokens=request.max_tokens - 1))
    async with aclosing(chunks):
        async for chunk in chunks:
            timings = chunk.timings
            if first is not None:
                timings = replace(
                    timings,
                    evaluated_tokens=timings.evaluated_tokens + read,
                    generated_tokens=timings.generated_tokens + 1,
                )
            yield replace(chunk, timings=timings)


async def _first(client: EngineClient, request: CompletionRequest) -> Chunk | None:
    """Return what stands to choose from for the first token; None if the engine does not tell."""
    asked = replace(request, max_tokens=1, candidates=_CANDIDATES, stop_texts=())
    async with aclosing(client.complete(asked)) as chunks:
        async for chunk in chunks:
            if chunk.candidates:
                return chunk
    return None


def _seeded(request: CompletionRequest, alternative: int) -> CompletionRequest:
    sampling = replace(request.sampling, temperature=_SEEDED_TEMPERATURE, seed=alternative)
    return replace(request, sampling=sampling)


def others(candidates: Sequence[Candidate], request: CompletionRequest) -> tuple[Candidate, ...]:
    """Return the candidates with which answers begin that differ from the likeliest one's.

    `candidates` has the likeliest first. Left out is what ends the answer, parts of characters,
    what differs from a likelier one in blanks only, and what is hardly ever right.
    """
    if not candidates:
        return ()
    likeliest = candidates[0]
    found = {likeliest.text.strip(): likeliest}
    for candidate in candidates[1:]:
        text = candidate.text
        if (
            candidate.log_probability >= likeliest.log_probability + _LEAST_LOG_RATIO
            and candidate.token not in request.stop_ids
            and text
            and "\ufffd" not in text
            and not any(text.lstrip(" \t").startswith(stop) for stop in request.stop_texts)
        ):
            found.setdefault(text.strip(), candidate)
    return tuple(found.values())[1:]

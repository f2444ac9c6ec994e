"""Other answers to the same prompt: each begins with another of the likeliest first tokens.

A higher temperature would change a word somewhere or nothing at all, differently each time. What
begins otherwise is another answer, the same one each time, and costs one decoding step: the
prompt is in the engine's cache, and the first token is appended to it. Where the first token is
certain, the answers part at the likeliest other token of the first line.
"""

import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from starpad.engines.client import EngineClient
from starpad.engines.protocol import Candidate, Chunk, CompletionRequest, StopReason, Timings

_CANDIDATES = 200
"""Enough for three that differ in more than blanks, also where they must begin with a text."""
_LONGEST_STEM = 8
"""Tokens of the likeliest answer that are looked through for a better place to leave it."""
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


@dataclass(frozen=True, slots=True)
class _Branch:
    """Where an answer leaves the likeliest one."""

    before: Chunk
    """What both have in common; empty at the beginning."""
    candidate: Candidate


async def _alternative(
    client: EngineClient, request: CompletionRequest, alternative: int
) -> AsyncGenerator[Chunk, None]:
    branches, timings = await _branches(client, request, alternative)
    if timings is None:
        async with aclosing(client.complete(_seeded(request, alternative))) as chunks:
            async for chunk in chunks:
                yield chunk
    elif len(branches) >= alternative:
        branch = branches[alternative - 1]
        head = _joined(branch, timings)
        count = len(head.token_ids)
        if count >= request.max_tokens:
            yield replace(head, stop_reason=StopReason.LIMIT)
            return
        yield head
        rest = replace(
            request,
            prompt=(*request.prompt, *head.token_ids),
            max_tokens=request.max_tokens - count,
            beginning=request.beginning[len(head.text) :],
        )
        async with aclosing(client.complete(rest)) as chunks:
            async for chunk in chunks:
                spent = replace(
                    chunk.timings,
                    evaluated_tokens=chunk.timings.evaluated_tokens + timings.evaluated_tokens,
                    generated_tokens=chunk.timings.generated_tokens + count,
                )
                yield replace(chunk, timings=spent)


async def _branches(
    client: EngineClient, request: CompletionRequest, wanted: int
) -> tuple[list[_Branch], Timings | None]:
    """Return where to leave the likeliest answer, the best first, and what it cost to know.

    At its first token, if there are as many as are wanted; if not, then also where it is least
    sure later in its first line. No costs if the engine does not tell.
    """
    asked = replace(
        request, max_tokens=min(request.max_tokens, _LONGEST_STEM), candidates=_CANDIDATES
    )
    found: list[_Branch] = []
    later: list[_Branch] = []
    timings: Timings | None = None
    stem = Chunk("", (), Timings(0, 0, 0.0, 0, 0.0))
    async with aclosing(client.complete(asked)) as chunks:
        async for chunk in chunks:
            if not chunk.candidates:
                break
            timings = chunk.timings
            here = replace(asked, beginning=asked.beginning[len(stem.text) :])
            for candidate in others(chunk.candidates, here):
                (later if stem.token_ids else found).append(_Branch(stem, candidate))
            stem = Chunk(
                stem.text + chunk.text,
                stem.token_ids + chunk.token_ids,
                chunk.timings,
                log_probabilities=stem.log_probabilities + chunk.log_probabilities,
            )
            if len(found) >= wanted or "\n" in stem.text.removeprefix(asked.beginning).lstrip():
                break
    return found + sorted(later, key=lambda branch: -branch.candidate.log_probability), timings


def _joined(branch: _Branch, timings: Timings) -> Chunk:
    before, candidate = branch.before, branch.candidate
    return Chunk(
        before.text + candidate.text,
        (*before.token_ids, candidate.token),
        timings,
        log_probabilities=(*before.log_probabilities, candidate.log_probability),
    )


def _seeded(request: CompletionRequest, alternative: int) -> CompletionRequest:
    sampling = replace(request.sampling, temperature=_SEEDED_TEMPERATURE, seed=alternative)
    return replace(request, sampling=sampling)


def others(candidates: Sequence[Candidate], request: CompletionRequest) -> tuple[Candidate, ...]:
    """Return the candidates with which answers begin that differ from the likeliest one's.

    `candidates` has the likeliest first. Left out is what ends the answer, parts of characters,
    what differs from a likelier one in blanks only, and what is hardly ever right.
    """
    wanted = request.beginning
    candidates = [
        candidate
        for candidate in candidates
        if candidate.text.startswith(wanted)
        or (candidate.text and wanted.startswith(candidate.text))
    ]
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

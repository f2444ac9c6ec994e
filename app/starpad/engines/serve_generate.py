"""One request's text from the model, in its turn, without getting in the caret's way."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from starpad.engines.chat_memory import PromptMemory
from starpad.engines.converse import held_back
from starpad.engines.prompt_steps import read_in_steps
from starpad.engines.protocol import Chunk, CompletionRequest, StopReason
from starpad.engines.serve_model import ServedModel
from starpad.engines.serve_priority import SlotTakenError


@dataclass(slots=True)
class Progress:
    """What has come so far."""

    text: str = ""
    """The newest piece."""
    token_ids: tuple[int, ...] = ()
    """As far as the engine tells them, of the newest piece."""
    prompt_tokens: int = 0
    evaluated_tokens: int = 0
    """Of the prompt; the slot still held the others."""
    prompt_ms: float = 0.0
    generated_tokens: int = 0
    generated_ms: float = 0.0
    stop_reason: StopReason | None = None

    @property
    def cached_tokens(self) -> int:
        """Return how much of the prompt had not to be read."""
        return max(0, self.prompt_tokens - self.evaluated_tokens)

    @property
    def finish_reason(self) -> str:
        """Return why it ended, in OpenAI's words."""
        is_cut = self.stop_reason in (StopReason.LIMIT, StopReason.TIME)
        return "length" if is_cut else "stop"


@dataclass(slots=True)
class _Answer:
    """What of an answer the next prompt of its conversation may need."""

    memory: PromptMemory | None
    chunks: list[Chunk] = field(default_factory=list)

    def keep(self, length: int) -> None:
        """Put all at once into the memory: meanwhile another prompt may have looked at it."""
        if self.memory is None:
            return
        self.memory.held_tokens = length
        for chunk in self.chunks:
            if chunk.stop_reason in (StopReason.STOP_TEXT, StopReason.END_OF_TEXT):
                self.memory.end_inside_token()
            elif not chunk.is_last or chunk.text:
                tokens = chunk.timings.generated_tokens
                self.memory.add(chunk.text, chunk.token_ids, tokens)


async def generate(
    served: ServedModel, request: CompletionRequest, memory: PromptMemory | None = None
) -> AsyncGenerator[Progress, None]:
    """Yield the answer as it comes, the last time with `stop_reason`. It has the turn.

    A long prompt is read in steps, between which the caret goes first. `memory` takes the
    answer of a conversation. Closing this stops the engine. Raises EngineError.
    """
    progress, answer = Progress(prompt_tokens=len(request.prompt)), _Answer(memory)
    position = PromptMemory()
    held: list[int] = []
    try:
        read = await _read_prompt(served, request, position)
        position.held_tokens = len(request.prompt)
        async with aclosing(served.client.complete(request)) as stream:
            async for chunk in stream:
                answer.chunks.append(chunk)
                held.extend(chunk.token_ids)
                timings = chunk.timings
                progress = Progress(
                    text=_text(chunk, served),
                    token_ids=chunk.token_ids,
                    prompt_tokens=len(request.prompt),
                    evaluated_tokens=read + timings.evaluated_tokens,
                    prompt_ms=timings.prompt_ms,
                    generated_tokens=timings.generated_tokens if request.max_tokens else 0,
                    generated_ms=timings.generated_ms,
                    stop_reason=chunk.stop_reason,
                )
                yield progress
        answer.keep(len(request.prompt))
    finally:
        is_exact = len(held) == progress.generated_tokens
        beginning = request.prompt[: position.held_tokens]
        served.held = (*beginning, *held) if is_exact else beginning


async def _read_prompt(
    served: ServedModel, request: CompletionRequest, position: PromptMemory
) -> int:
    """Have most of a prompt read, from its beginning again if the chat has used the slot."""
    known = min(served.known_tokens(request.prompt), len(request.prompt) - 1)
    while True:
        try:
            return await read_in_steps(served.client, request, known, position)
        except SlotTakenError:
            known = position.held_tokens = 0


def _text(chunk: Chunk, served: ServedModel) -> str:
    return chunk.text + (held_back(chunk, served.model) if chunk.stop_token_text else "")

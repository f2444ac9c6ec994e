"""Has the engine read the prompt at a caret before anything is asked there."""

from collections.abc import Callable

from starpad.core.context_window import CaretContext
from starpad.core.engine_status import LoadedModel
from starpad.core.suggestion import CompletionOptions
from starpad.engines.caret_prompt import caret_prompt
from starpad.engines.client import EngineClient
from starpad.engines.prompt_builder import PromptBuilder
from starpad.engines.prompt_steps import read_beginning
from starpad.engines.protocol import CompletionRequest
from starpad.engines.suggest import SLOT

_STEP_MS = 130
"""The next key gives it up, and with the pause after that key a step is over, too."""
_LEAST_TOKENS, _MOST_TOKENS = 32, 512
"""In one step; fewer at a time take as long as these, see `engines.prompt_steps`."""


async def warm_up(
    client: EngineClient,
    _emit: Callable[[object], None],
    *,
    builder: PromptBuilder,
    context: CaretContext,
    options: CompletionOptions,
    model: LoadedModel,
) -> int:
    """Read the prompt in small steps; return how many tokens the engine did not hold.

    Gives up where chat begins to speak: its answer is waited for, this is not. Cancelling stops
    the engine after the present step. Raises EngineError.
    """
    if not client.reads_prompts_in_steps:
        return 0
    ids = (await caret_prompt(client, builder, context, options, model)).prompt.ids
    # A first step that ended earlier would make the engine drop the rest of what it holds.
    position, step, read = _common(builder.latest_ids, ids), _LEAST_TOKENS, 0
    builder.latest_ids = ids[:position]
    while position < len(ids):
        await client.caret.give_way()
        if client.caret.is_chatting:
            break
        position = min(len(ids), position + step)
        tokens, took_ms = await read_beginning(
            client, CompletionRequest(ids[:position], 0, slot=SLOT)
        )
        builder.latest_ids = ids[:position]
        read += tokens
        wanted = int(tokens * min(2.0, _STEP_MS / max(took_ms, 0.1)))
        step = max(_LEAST_TOKENS, min(_MOST_TOKENS, wanted))
    return read


def _common(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """Return how many tokens both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    shorter = min(len(one), len(other))
    return next((index for index, (a, b) in pairs if a != b), shorter)

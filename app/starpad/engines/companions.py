"""What is loaded beside a model, a draft model and adapters: whether it fits, what it takes."""

import contextlib
from pathlib import Path

from starpad.core import gguf
from starpad.core.errors import ModelFileError
from starpad.core.load_options import LoadOptions, Speculation
from starpad.core.memory_fit import MemoryNeed, estimate
from starpad.core.model_file import ModelHeader, read_header
from starpad.engines.spec import SLOTS

_ANOTHER_DRAFT = "Choose a smaller model of the same series to guess ahead."
_ANOTHER_ADAPTER = "Take it off in the model's load settings, or choose another file."
_TOKENS = "tokenizer.ggml.tokens"


def require_companions(header: ModelHeader, options: LoadOptions) -> None:
    """Raise ModelFileError, which names the file, for one that cannot be used with the model.

    llama.cpp would load the model with a draft that does not fit, and leave the draft unused
    without a word to anybody.
    """
    for adapter in options.lora:
        _require_adapter(adapter.path, header)
    if options.speculation is Speculation.DRAFT and options.draft_model is not None:
        draft = read_header(options.draft_model)
        if draft.vocabulary_tokens != header.vocabulary_tokens or _tokens_of(
            options.draft_model
        ) != _tokens_of(options.path):
            message = (
                f"{draft.path.name} cannot guess for {header.path.name}: its vocabulary differs."
            )
            raise ModelFileError(message, _ANOTHER_DRAFT)


def companion_bytes(options: LoadOptions, need: MemoryNeed) -> int:
    """Return what is loaded beside the model: adapters, and a draft model with its context."""
    companions = 0
    with contextlib.suppress(OSError, ModelFileError):  # loading will say so
        companions = sum(adapter.path.stat().st_size for adapter in options.lora)
        if options.speculation is Speculation.DRAFT and options.draft_model is not None:
            draft = estimate(read_header(options.draft_model), need.context_tokens, SLOTS)
            companions += draft.weights_bytes + draft.kv_bytes
    return companions


def draft_share(header: ModelHeader, options: LoadOptions) -> float:
    """Return the draft model's part of all weights that are read for a token; 0 without one."""
    if options.speculation is not Speculation.DRAFT or options.draft_model is None:
        return 0.0
    draft_bytes = read_header(options.draft_model).tensor_data_bytes
    return draft_bytes / max(1, draft_bytes + header.tensor_data_bytes)


def _tokens_of(path: Path) -> bytes:
    with path.open("rb") as file:  # its header was read a moment ago
        return gguf.digest_texts(file, _TOKENS)


def _require_adapter(path: Path, header: ModelHeader) -> None:
    try:
        with path.open("rb") as file:
            metadata = gguf.read(file).metadata
    except FileNotFoundError as error:
        raise ModelFileError(f"The adapter {path} does not exist.", _ANOTHER_ADAPTER) from error
    except (OSError, EOFError, gguf.CorruptGgufError) as error:
        message = f"The adapter {path.name} cannot be used: it is no whole, readable GGUF file."
        raise ModelFileError(message, _ANOTHER_ADAPTER) from error
    if metadata.get("general.type") != "adapter" or metadata.get("adapter.type") != "lora":
        message = f"{path.name} is no LoRA adapter."
        raise ModelFileError(message, _ANOTHER_ADAPTER)
    made_for = metadata.get("general.architecture")
    if made_for != header.architecture:
        message = f"The adapter {path.name} is made for a {made_for} model, not for this one."
        raise ModelFileError(message, _ANOTHER_ADAPTER)

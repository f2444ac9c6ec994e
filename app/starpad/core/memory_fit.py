"""Whether a model fits into memory, reckoned from its header before anything is loaded."""

from dataclasses import dataclass

from starpad.core.model_file import ModelHeader

# Python, llama.cpp's code, its server threads and small buffers, with some room.
_HOST_BYTES = 100 << 20
_BYTES_PER_ACTIVATION = 4
# Buffers of embedding size that llama.cpp holds for each token of a batch: the residual, its
# norm, the attention's results, and a feed-forward layer of four times the embedding.
_EMBEDDINGS_PER_TOKEN = 8


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """The bytes that a loaded model takes: its weights, its cache, the work on one batch."""

    weights_bytes: int
    kv_bytes: int
    compute_bytes: int

    @property
    def total_bytes(self) -> int:
        """Return the sum."""
        return self.weights_bytes + self.kv_bytes + self.compute_bytes


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a model fits, and a sentence with the numbers."""

    is_enough: bool
    sentence: str


def estimate(
    header: ModelHeader,
    context_tokens: int,
    slots: int,
    kv_bytes_per_value: int = 2,
    batch_tokens: int = 128,
) -> MemoryNeed:
    """Return the need of a model with `context_tokens` for each of `slots`, in bytes.

    The weights count in full although they are mapped: they are all read for every token, and
    llama.cpp copies many of them into an order that the processor likes. Attention's own scores
    do not count: flash attention never holds them. Compared with StarCoder-shaped models of
    0.3 to 0.4 GB in contexts of 4,096 to 16,384: within a tenth of what the process took.
    """
    per_token = header.layers * header.kv_heads * (header.key_values + header.value_values)
    activations = header.vocabulary_tokens + header.embedding * _EMBEDDINGS_PER_TOKEN
    return MemoryNeed(
        weights_bytes=header.tensor_data_bytes,
        kv_bytes=per_token * context_tokens * slots * kv_bytes_per_value,
        compute_bytes=_HOST_BYTES + activations * batch_tokens * _BYTES_PER_ACTIVATION,
    )


def fits(need: MemoryNeed, free_bytes: int) -> Fit:
    """Return whether `need` fits into `free_bytes`, with a sentence for the user."""
    parts = (
        f"{_gb(need.weights_bytes)} for its weights, {_gb(need.kv_bytes)} for its context, "
        f"{_gb(need.compute_bytes)} for work"
    )
    is_enough = need.total_bytes <= free_bytes
    return Fit(
        is_enough,
        f"The model needs {_gb(need.total_bytes)} of memory ({parts}), "
        f"and {'' if is_enough else 'only '}{_gb(free_bytes)} are free.",
    )


def _gb(count_bytes: int) -> str:
    return f"{count_bytes / 1e9:,.1f} GB"

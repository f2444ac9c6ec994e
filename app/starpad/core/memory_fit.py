"""Whether a model fits into memory, reckoned from its header before anything is loaded."""

from dataclasses import dataclass
from enum import StrEnum

from starpad.core.load_options import KvType
from starpad.core.model_file import ModelHeader

# What the engine's process takes beside weights and context, fitted to its peak for models of four
# embeddings and two vocabularies, in bytes; benchmarks/memory_fit.py compares.
# Python, llama.cpp's code, the server's threads (38 on two cores; more cores, more threads):
_HOST_BYTES = 40_000_000
# A token's text in both directions, its type, its merges:
_BYTES_PER_VOCABULARY_TOKEN = 430
# The mask of what a token may look at, and the server's own copy of a prompt:
_BYTES_PER_CONTEXT_TOKEN = 300
# Buffers of embedding size for each token of a batch, 4 bytes a number: the residual, its norm,
# queries, keys, values, and a feed-forward layer of four times the embedding, in and out.
_EMBEDDINGS_PER_BATCH_TOKEN = 12
_BYTES_PER_ACTIVATION = 4

# The engine for GGML files of 2023 keeps 4 bytes for each number of a context, and computes
# attention in one buffer of a fixed size, the feed-forward layers in another. Measured in its
# process with generated files of four shapes, the context full.
GGML_SCRATCH_BYTES = 256 << 20
GGML_BATCH_TOKENS = 32
"""That it reads at once. More are not faster (9 ms for each with half a billion F16 weights on two
cores, 128 as well), and a request would be cancelled later."""
_GGML_BYTES_PER_VALUE = 4
_GGML_HOST_BYTES = 39_000_000
# A token's text in two maps of the library's, and in ours with its id:
_GGML_BYTES_PER_VOCABULARY_TOKEN = 310
_GGML_EMBEDDINGS_PER_BATCH_TOKEN = 25 + 3

# llama.cpp leaves this much of a GPU's memory free when it chooses the layers to put there.
_GPU_MARGIN_BYTES = 1 << 30
# Beside a model that takes nearly everything, other programs should be able to grow by this much,
_ROOM_BYTES = 1_000_000_000
# and the estimate may be wrong by this part of itself.
_DOUBT = 0.1


class Verdict(StrEnum):
    """How a model fits."""

    FITS = "fits"
    TIGHT = "tight"
    DOES_NOT_FIT = "does not fit"


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """The bytes that a loaded model takes: its weights, its cache, the work on one batch."""

    weights_bytes: int
    kv_bytes: int
    compute_bytes: int
    """With all that the engine takes without a model."""
    context_tokens: int = 0
    """Of one slot."""
    slots: int = 1
    kv_type: KvType = KvType.F16
    """As it will be: F16 where the model cannot use the one that was asked for."""
    is_ggml: bool = False
    """The engine for GGML files of 2023 keeps its context in numbers of 32 bits."""

    @property
    def total_bytes(self) -> int:
        """Return the sum."""
        return self.weights_bytes + self.kv_bytes + self.compute_bytes


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a model fits, a sentence with the numbers, and the same for a table's cell."""

    verdict: Verdict
    sentence: str
    short: str

    @property
    def is_enough(self) -> bool:
        """Return whether the model can be loaded."""
        return self.verdict is not Verdict.DOES_NOT_FIT


def usable_kv_type(header: ModelHeader, wanted: KvType) -> KvType:
    """Return `wanted` if the model's heads can be cut into its blocks, else F16."""
    sizes = (header.key_values, header.value_values)
    return wanted if not any(size % wanted.block_values for size in sizes) else KvType.F16


def estimate(
    header: ModelHeader,
    context_tokens: int,
    slots: int,
    kv_type: KvType = KvType.F16,
    batch_tokens: int = 128,
) -> MemoryNeed:
    """Return the need of a model with `context_tokens` for each of `slots`, in bytes.

    It is what the engine's process takes at its peak, both contexts full; the memory for them is
    taken when the model is loaded. The context is bounded by what the model was trained for.
    Weights count once: they are read into memory, not mapped. A header whose table of tensors was
    not seen has the file's size in its place. Attention's own scores do not count: flash attention
    never holds them. Not counted either: a file in which *all* tensors have 4 bits (llama.cpp's
    own quantizer gives the embedding 6) and that shares the embedding with the output needs the
    embedding twice, 5 % of a 3B model.
    """
    context_tokens = min(context_tokens, header.context_tokens or context_tokens)
    if header.is_legacy_ggml:
        return _estimate_ggml(header, context_tokens, min(batch_tokens, GGML_BATCH_TOKENS))
    kv_type = usable_kv_type(header, kv_type)
    per_token = header.layers * header.kv_heads * (header.key_values + header.value_values)
    batch_values = header.embedding * _EMBEDDINGS_PER_BATCH_TOKEN * batch_tokens
    return MemoryNeed(
        weights_bytes=header.tensor_data_bytes,
        kv_bytes=int(per_token * context_tokens * slots * kv_type.bytes_per_value),
        compute_bytes=_HOST_BYTES
        + header.vocabulary_tokens * _BYTES_PER_VOCABULARY_TOKEN
        + context_tokens * slots * _BYTES_PER_CONTEXT_TOKEN
        + batch_values * _BYTES_PER_ACTIVATION,
        context_tokens=context_tokens,
        slots=slots,
        kv_type=kv_type,
    )


def ggml_context_bytes(header: ModelHeader, context_tokens: int) -> int:
    """Return what the engine for GGML files of 2023 keeps of a context: every head's, in F32."""
    per_token = header.layers * header.heads * (header.key_values + header.value_values)
    return per_token * context_tokens * _GGML_BYTES_PER_VALUE


def _estimate_ggml(header: ModelHeader, context_tokens: int, batch_tokens: int) -> MemoryNeed:
    """Return the need of a GGML file of 2023. Its engine holds one context, not one for each slot.

    It asks the system for the file's whole context, but what is never used stays without memory.
    """
    attention = 4 * (
        context_tokens * header.embedding
        + context_tokens * batch_tokens * header.heads
        + header.embedding * batch_tokens * 21
    )
    batch_values = header.embedding * _GGML_EMBEDDINGS_PER_BATCH_TOKEN + header.vocabulary_tokens
    return MemoryNeed(
        weights_bytes=header.tensor_data_bytes,
        kv_bytes=ggml_context_bytes(header, context_tokens),
        compute_bytes=_GGML_HOST_BYTES
        + header.vocabulary_tokens * _GGML_BYTES_PER_VOCABULARY_TOKEN
        + min(attention, GGML_SCRATCH_BYTES)
        + batch_values * batch_tokens * _BYTES_PER_ACTIVATION,
        context_tokens=context_tokens,
        is_ggml=True,
    )


def fits(need: MemoryNeed, free_bytes: int, gpu_free_bytes: int = 0) -> Fit:
    """Return how `need` fits into `free_bytes` of memory and a GPU's own free memory.

    `gpu_free_bytes` is 0 without a GPU, and where it shares the processor's memory.
    """
    movable = need.weights_bytes + need.kv_bytes
    on_gpu = min(movable, max(0, gpu_free_bytes - _GPU_MARGIN_BYTES))
    in_memory = need.total_bytes - on_gpu
    verdict = _verdict(in_memory, free_bytes)
    only = "" if verdict is not Verdict.DOES_NOT_FIT else "only "
    sentence = (
        f"The model needs {_size(need.total_bytes)} of memory "
        f"({_size(need.weights_bytes)} for its weights, {_size(need.kv_bytes)} for {_context(need)}"
        f", {_size(need.compute_bytes)} for work)"
    )
    if not on_gpu:
        sentence += f", and {only}{_size(free_bytes)} are free."
        return Fit(verdict, sentence, _short(in_memory, free_bytes, "free"))
    share = "Its weights and context go" if on_gpu == movable else f"{_size(on_gpu)} of it go"
    sentence += (
        f". {share} to the GPU, which has {_size(gpu_free_bytes)} free; "
        f"the other {_size(in_memory)} go to the memory, where {only}{_size(free_bytes)} are free."
    )
    if on_gpu == movable and verdict is not Verdict.DOES_NOT_FIT:
        return Fit(verdict, sentence, _short(on_gpu, gpu_free_bytes, "free on the GPU"))
    return Fit(verdict, sentence, _short(in_memory, free_bytes, "free beside the GPU"))


def _verdict(need_bytes: int, free_bytes: int) -> Verdict:
    left = free_bytes - need_bytes
    if left < 0:
        return Verdict.DOES_NOT_FIT
    # A model of 50 MB takes nobody's room: never ask for more than the model itself is large.
    room = min(need_bytes, max(_ROOM_BYTES, int(need_bytes * _DOUBT)))
    return Verdict.TIGHT if left < room else Verdict.FITS


def _context(need: MemoryNeed) -> str:
    if not need.context_tokens:
        return "its context"
    many = "a context" if need.slots == 1 else f"{need.slots} contexts"
    kept = "f32, for every head" if need.is_ggml else need.kv_type
    return f"{many} of {need.context_tokens:,} tokens in {kept}"


def _short(need_bytes: int, free_bytes: int, where: str) -> str:
    need, free = _size(need_bytes), _size(free_bytes)
    if need[-2:] == free[-2:]:
        need = need[:-3]
    return f"needs {need} of {free} {where}"


def _size(count_bytes: int) -> str:
    if count_bytes < 950_000_000:
        return f"{count_bytes / 1e6:,.0f} MB"
    return f"{count_bytes / 1e9:,.1f} GB"

"""One legacy model as the routes use it: what it has read so far, and how much it reads at once."""

import mmap
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from starpad.core.memory_fit import GGML_BATCH_TOKENS, GGML_SCRATCH_BYTES, ggml_context_bytes
from starpad.core.model_file import ModelHeader
from starpad.engines.ggml_library import Gpu, NativeModel, cpu_build, cuda_build
from starpad.engines.spec import EngineSpec

if TYPE_CHECKING:
    from array import array

# The library computes a layer in a fixed buffer and reads beyond it when that is too small (seen:
# a segmentation fault with 128 tokens at place 4,224 of a 15.5B model). A part is left free.
_SCRATCH_BYTES = int(GGML_SCRATCH_BYTES * 0.97)
# What CUDA, the layers' results and the display need of a GPU's memory.
_GPU_MARGIN_BYTES = 1 << 30


class GgmlModel:
    """A loaded model. One thread at a time may use it."""

    def __init__(self, native: NativeModel, header: ModelHeader, spec: EngineSpec) -> None:
        self._native = native
        self._width, self._heads = header.embedding, header.heads
        self._threads = spec.threads
        self._prompt_threads = spec.prompt_threads or spec.threads
        self._most = min(spec.batch_tokens or GGML_BATCH_TOKENS, GGML_BATCH_TOKENS)
        self._held: list[int] = []
        self.context_tokens = min(spec.context_tokens or header.context_tokens, self._room(header))

    def _room(self, header: ModelHeader) -> int:
        """Return how long a context can be at all before one token overflows the scratch buffer."""
        fixed, growing = self._costs(1)
        return min(header.context_tokens, (_SCRATCH_BYTES - fixed) // growing)

    def _costs(self, tokens: int) -> tuple[int, int]:
        """Return the scratch bytes for a batch, and those for each token of the context behind.

        Of embedding size: 21 intermediate results for each token of a batch, and for each of the
        context the values in another order. For each pair of them and each head, a score.
        """
        return 4 * 21 * self._width * tokens, 4 * (self._width + self._heads * tokens)

    def batch_at(self, position: int) -> int:
        """Return how many tokens can be read at once from a place in the context on."""
        tokens = self._most
        while tokens > 1:
            fixed, growing = self._costs(tokens)
            if fixed + growing * (position + tokens) <= _SCRATCH_BYTES:
                break
            tokens -= max(1, tokens // 8)
        return tokens

    def keep(self, prompt: Sequence[int], *, is_reuse_wanted: bool = True) -> int:
        """Forget what the prompt does not begin with; return how many of its tokens are held.

        The last one is read again in any case: what follows it is not kept.
        """
        held = 0
        if is_reuse_wanted:
            for known, wanted in zip(self._held, prompt[:-1], strict=False):
                if known != wanted:
                    break
                held += 1
        del self._held[held:]
        return held

    def read(self, tokens: Sequence[int]) -> None:
        """Read a batch behind what is held. Raises GgmlError."""
        threads = self._threads if len(tokens) == 1 else self._prompt_threads
        position = len(self._held)
        self._native.evaluate(tokens, position, threads)
        self._held += tokens

    def logits(self) -> "array[float]":
        """Return how likely each token is to follow what was read last."""
        return self._native.logits()


def load(spec: EngineSpec, header: ModelHeader) -> tuple[GgmlModel, Gpu | None, int]:
    """Return the model, the GPU that was found, and the layers that are there.

    Raises GgmlError, MemoryError; OSError where the library itself cannot be loaded.
    """
    _require_memory(header)
    cuda = cuda_build() if spec.gpu_layers else None
    layers = _gpu_layers(header, spec.gpu_layers, cuda[1]) if cuda else 0
    build = cuda[0] if cuda and layers else cpu_build()
    native = NativeModel(build, spec.model, layers)
    return GgmlModel(native, header, spec), cuda[1] if cuda else None, layers


def _gpu_layers(header: ModelHeader, wanted: int, gpu: Gpu) -> int:
    """Return how many layers go to the GPU: as many as wanted, or as fit."""
    if wanted > 0:
        return min(wanted, header.layers)
    free = gpu.memory_free_bytes - _GPU_MARGIN_BYTES
    return max(0, min(header.layers, free * header.layers // max(1, header.tensor_data_bytes)))


def _require_memory(header: ModelHeader) -> None:
    """Raise MemoryError where the system would refuse the library, which then aborts.

    It asks for everything at once, the file's whole context included.
    """
    size = header.tensor_data_bytes + ggml_context_bytes(header, header.context_tokens)
    try:
        if sys.platform == "win32":
            mmap.mmap(-1, size).close()
        else:
            mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANON).close()
    except (OSError, ValueError) as error:
        gigabytes = f"{size / 1e9:,.1f} GB"
        message = f"the system does not give the {gigabytes} that it asks for, its whole context"
        raise MemoryError(f"{message} of {header.context_tokens:,} tokens included") from error

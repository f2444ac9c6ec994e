"""Where an engine put a model, from its own log: the layers on a GPU, the bytes in each place."""

import asyncio
import re
from collections.abc import Iterable

from starpad.core.engine_status import Placement

LOG_LEVEL = 4
"""llama.cpp's "trace": the least that says what went where. It writes no prompt and no text."""

_MIB = 1 << 20
_LOADER = re.compile(r"llama_model_loader: loaded meta data")
_LAYERS = re.compile(r"print_info: n_layer\s+= (\d+)")
_OFFLOADED = re.compile(r"offloaded (\d+)/(\d+) layers to GPU")
_WEIGHTS = re.compile(r"load_tensors:\s+(\S+) (?:model )?buffer size =\s+([\d.]+) MiB")
_LOADED = re.compile(r"model loaded\s*$")
_DRAFT = re.compile(r"loading draft model")


class PlacementReader:
    """Reads a log as it comes: a ring of last lines would have lost what a long load began with.

    The same words come once for each model that is read. Fitting a model onto a GPU reads it
    before it is loaded, so that the last time counts; a draft model's come after it, and do not.
    """

    def __init__(self) -> None:
        self.placement = Placement()
        self.has_loaded = asyncio.Event()
        """Set when the engine has written that the model is loaded: no more will come."""
        self._is_over = False

    def feed(self, lines: Iterable[str]) -> None:
        """Take the next lines of the log."""
        for line in lines:
            if not self._is_over:
                self._read(line)

    def _read(self, line: str) -> None:
        known = self.placement
        if _LOADER.search(line):
            self.placement = Placement()
        elif found := _LAYERS.search(line):
            self.placement = Placement(int(found[1]) + 1, 0, known.weights_bytes)
        elif found := _OFFLOADED.search(line):
            self.placement = Placement(int(found[2]), int(found[1]), known.weights_bytes)
        elif found := _WEIGHTS.search(line):
            weights = dict(known.weights_bytes)
            weights[found[1]] = weights.get(found[1], 0) + round(float(found[2]) * _MIB)
            self.placement = Placement(known.layers, known.gpu_layers, tuple(weights.items()))
        elif _LOADED.search(line) or _DRAFT.search(line):
            self._is_over = True
            self.has_loaded.set()

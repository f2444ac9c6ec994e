"""ctransformers' native library: which of its builds this computer can run, and its functions.

Its Python package is never imported: that takes 0.2 s for the Hub's client, and finding out the
processor's abilities its way 1.1 s more. Its C functions are what 0.2.27, the last release, has.
"""

import ctypes
import importlib.util
import platform
import subprocess
import sys
from array import array
from collections.abc import Sequence
from ctypes import c_bool, c_char_p, c_int, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MODEL_TYPE = b"gpt_bigcode"
_FILE_NAMES = {"win32": "ctransformers.dll", "darwin": "libctransformers.dylib"}
# What each build was compiled for; a processor without it stops at an illegal instruction.
_AVX2, _AVX = frozenset({"avx2", "fma", "f16c"}), frozenset({"avx", "f16c"})
# IsProcessorFeaturePresent's numbers. Every processor with AVX2 has FMA and F16C, too.
_WINDOWS_FEATURES = {39: {"avx", "f16c"}, 40: {"avx2", "fma", "f16c"}}


class GgmlError(Exception):
    """The library cannot do what it is asked for; the text is for the user."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """The graphics processor that the CUDA build can use."""

    name: str
    memory_bytes: int
    memory_free_bytes: int


class _Config(ctypes.Structure):
    _fields_ = (
        ("context_length", c_int),
        ("gpu_layers", c_int),
        ("mmap", c_bool),
        ("mlock", c_bool),
    )


class NativeModel:
    """One loaded file. Calls let go of the interpreter; one thread at a time may make them."""

    def __init__(self, build: Path, file: Path, gpu_layers: int) -> None:
        """Load `file`, which must have been checked: the library aborts at many a fault.

        Raises GgmlError, OSError where the build cannot be loaded.
        """
        self._library = ctypes.CDLL(str(build))
        _declare(self._library)
        # The library opens files by the system's narrow names, which are not UTF-8 on Windows.
        name = str(file).encode("mbcs" if sys.platform == "win32" else sys.getfilesystemencoding())
        config = _Config(-1, gpu_layers, mmap=False, mlock=False)
        self._handle = self._library.ctransformers_llm_create(name, _MODEL_TYPE, config)
        if not self._handle:
            raise GgmlError("the engine's library cannot read the file")

    def evaluate(self, tokens: Sequence[int], position: int, threads: int) -> None:
        """Read tokens at a position of the context, as one batch. Raises GgmlError."""
        count = len(tokens)
        ids = (c_int * count)(*tokens)
        if not self._library.ctransformers_llm_batch_eval(
            self._handle, ids, count, position, count, threads
        ):
            raise GgmlError("the engine's library cannot evaluate the prompt")

    def logits(self) -> "array[float]":
        """Return how likely each token is to be next, as logarithms, unnormalized."""
        count = self._library.ctransformers_llm_logits_size(self._handle)
        address = self._library.ctransformers_llm_logits_data(self._handle)
        values = array("f")
        values.frombytes(ctypes.string_at(address, count * values.itemsize))
        return values


def _declare(library: Any) -> None:
    for name, result, arguments in (
        ("create", c_void_p, [c_char_p, c_char_p, _Config]),
        (
            "batch_eval",
            c_bool,
            [c_void_p, ctypes.POINTER(c_int), c_int, c_int, c_int, c_int],
        ),
        ("logits_data", c_void_p, [c_void_p]),
        ("logits_size", c_int, [c_void_p]),
    ):
        function = getattr(library, f"ctransformers_llm_{name}")
        function.restype, function.argtypes = result, arguments


def cpu_build() -> Path:
    """Return the fastest build that this processor can run. Raises GgmlError if there is none."""
    if platform.machine().lower() in ("x86_64", "amd64", "i386", "i686", "x86"):
        flags = _cpu_flags()
        name = "avx2" if flags >= _AVX2 else "avx" if flags >= _AVX else "basic"
    else:
        name = "basic"  # which macOS has for Apple silicon, too
        if sys.platform != "darwin":
            raise GgmlError(
                "ctransformers, which opens GGML files of 2023, has no build for this processor"
            )
    return _build(name)


def cuda_build() -> tuple[Path, Gpu] | None:
    """Return the CUDA build and its GPU, None where either is not there or cannot be loaded.

    The GPU is asked before the build is: without a driver its first call ends the process.
    """
    try:
        build = _build("cuda")
    except GgmlError:
        return None
    runtime = _cuda_runtime()
    gpu = _first_gpu(runtime) if runtime is not None else None
    if gpu is None:
        return None
    try:
        ctypes.CDLL(str(build))
    except OSError:
        return None
    return build, gpu


def _build(name: str) -> Path:
    package = importlib.util.find_spec("ctransformers")
    places = (package.submodule_search_locations if package else None) or []
    for place in places:
        path = Path(place, "lib", name, _FILE_NAMES.get(sys.platform, "libctransformers.so"))
        if path.is_file():
            return path
    raise GgmlError("ctransformers, which opens GGML files of 2023, is not installed")


def _cpu_flags() -> frozenset[str]:
    if sys.platform == "linux":
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
        flags = next((line for line in lines if line.startswith("flags")), "")
        return frozenset(flags.partition(":")[2].split())
    if sys.platform == "win32":
        present = ctypes.windll.kernel32.IsProcessorFeaturePresent
        found = (flags for number, flags in _WINDOWS_FEATURES.items() if present(number))
        return frozenset().union(*found)
    names = ["machdep.cpu.features", "machdep.cpu.leaf7_features"]
    answer = subprocess.run(["/usr/sbin/sysctl", "-n", *names], capture_output=True, check=False)
    words = answer.stdout.decode("ascii", "replace").lower().split()
    return frozenset({"avx1.0": "avx"}.get(word, word) for word in words)


def _cuda_runtime() -> Any | None:
    """Return CUDA 12's run-time library: NVIDIA's Python package's, or the system's."""
    names = ("cudart64_12.dll",) if sys.platform == "win32" else ("libcudart.so.12",)
    package = importlib.util.find_spec("nvidia")
    places = (package.submodule_search_locations if package else None) or []
    for place in places:
        # The build needs both, and finds those that are loaded already.
        for part in ("cuda_runtime", "cublas"):
            for file in sorted(Path(place, part).glob("*/*12*")):
                _try_to_load(str(file))
    return next((found for name in names if (found := _try_to_load(name)) is not None), None)


def _try_to_load(name: str) -> Any | None:
    try:
        return ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return None


def _first_gpu(runtime: Any) -> Gpu | None:
    count, free, total = c_int(), ctypes.c_size_t(), ctypes.c_size_t()
    if runtime.cudaGetDeviceCount(ctypes.byref(count)) or count.value < 1:
        return None
    if runtime.cudaMemGetInfo(ctypes.byref(free), ctypes.byref(total)):
        return None
    return Gpu("CUDA0", total.value, free.value)

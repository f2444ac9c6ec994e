"""What a llama-server computes on, from what `--list-devices` prints."""

import re
import sys

from starpad.core.engine_status import Device

_LINE = re.compile(
    r"^\s+(?P<name>\w+): (?P<description>.+) "
    r"\((?P<total>\d+) MiB, (?P<free>\d+) MiB free\)\s*$"
)
_MIB = 1 << 20
# What takes its memory from the processor's, as their drivers call them: programs that play a
# GPU, and GPUs inside a processor. None of it is memory of its own that a model could go to.
_SHARED = re.compile(
    r"llvmpipe|lavapipe|softpipe|SwiftShader|Basic Render|U?HD Graphics|Iris|"
    r"Intel\(R\) Graphics|Arc\(TM\) Graphics|AMD Radeon(\(TM\))? Graphics|Radeon \d{3}M|"
    r"Apple|Tegra|Orin|Adreno|Mali",
    re.IGNORECASE,
)


def read_devices(text: str) -> tuple[Device, ...]:
    """Return the devices of a listing; none that are of the processor are in it.

    Also what accelerates the processor (BLAS) is listed; it holds no layers.
    """
    found = (_LINE.match(line) for line in text.splitlines())
    return tuple(_device(match) for match in found if match)


def _device(match: re.Match[str]) -> Device:
    is_shared = sys.platform == "darwin" or _SHARED.search(match["description"]) is not None
    total = int(match["total"]) * _MIB
    return Device(
        name=match["name"],
        description=match["description"],
        is_gpu=match["name"] != "BLAS" and total > 0,
        memory_bytes=total,
        memory_free_bytes=0 if is_shared else int(match["free"]) * _MIB,
    )

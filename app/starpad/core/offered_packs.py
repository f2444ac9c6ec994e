"""Which engine packs there are, and which of them fit a computer (resources/engine_packs.json)."""

import functools
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starpad.core.errors import EngineError
from starpad.core.gpu_machine import Machine, Vendor
from starpad.core.paths import resource

FILE_NAME = "engine_packs.json"
_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True, slots=True)
class PackWheel:
    """One file of a pack, for one system; without a hash it is not downloaded by us."""

    system: str
    """As `Machine.system`."""
    architecture: str
    """`x86_64` or `aarch64`."""
    url: str = ""
    size_bytes: int = 0
    sha256: str = ""

    @property
    def is_known(self) -> bool:
        """Whether it can be downloaded and checked."""
        return bool(self.url and self.sha256 and self.size_bytes)

    @property
    def host(self) -> str:
        """Return where it is downloaded from."""
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True, slots=True)
class OfferedPack:
    """A build of the engine that its authors publish."""

    name: str
    title: str
    vendors: tuple[Vendor, ...]
    covers: str
    """Which cards, in words."""
    needs: str
    """What must be installed, in sentences."""
    page: str
    """Where its files are listed."""
    wheels: tuple[PackWheel, ...]


@dataclass(frozen=True, slots=True)
class PackOffer:
    """A pack with the file for one computer, and whether and why it is for it."""

    pack: OfferedPack
    wheel: PackWheel
    reason: str
    is_recommended: bool = False


@functools.cache
def load(path: Path | None = None) -> tuple[OfferedPack, ...]:
    """Return the packs of the table that ships with Starpad, best first.

    Raises EngineError when it is missing or damaged.
    """
    try:
        path = path or resource(FILE_NAME)
        values = json.loads(path.read_bytes())
        return tuple(_pack(entry) for entry in values["packs"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = "Starpad's own list of engine packs is missing or damaged."
        raise EngineError(message, "Install Starpad again.") from error


def offered_for(
    machine: Machine, packs: Sequence[OfferedPack] | None = None, *, architecture: str = ""
) -> list[PackOffer]:
    """Return the packs that run on this system: those for its graphics cards first, best first.

    `architecture` is this processor's unless another is given. Raises what `load` raises.
    """
    architecture = architecture or processor_architecture()
    offers = []
    for pack in load() if packs is None else packs:
        for wheel in pack.wheels:
            if (wheel.system, wheel.architecture) == (machine.system, architecture):
                vendor = next((each for each in machine.vendors if each in pack.vendors), None)
                reason = _reason(machine, pack, vendor)
                offers.append(PackOffer(pack, wheel, reason, is_recommended=vendor is not None))
    return sorted(offers, key=lambda offer: not offer.is_recommended)


def processor_architecture() -> str:
    """Return this processor's, by the name that the table uses."""
    name = platform.machine().lower()
    return _ARCHITECTURES.get(name, name)


def _reason(machine: Machine, pack: OfferedPack, vendor: Vendor | None) -> str:
    if vendor is None:
        makers = " or ".join(pack.vendors)
        if machine.is_known:
            return f"No graphics card of {makers} was found in this computer."
        return f"Starpad cannot tell whether this computer has a graphics card of {makers}."
    is_there = {
        Vendor.NVIDIA: machine.has_nvidia_driver,
        Vendor.AMD: machine.has_amd_driver,
        Vendor.INTEL: machine.has_intel_driver,
        Vendor.APPLE: True,
    }[vendor]
    if is_there:
        return f"This computer has an {vendor} graphics card and its driver."
    return f"This computer has an {vendor} graphics card; its driver is still missing."


def _pack(entry: dict[str, Any]) -> OfferedPack:
    return OfferedPack(
        name=entry["name"],
        title=entry["title"],
        vendors=tuple(map(Vendor, entry["vendors"])),
        covers=entry["covers"],
        needs=entry["needs"],
        page=entry["page"],
        wheels=tuple(_wheel(wheel) for wheel in entry["wheels"]),
    )


def _wheel(values: dict[str, Any]) -> PackWheel:
    url = values["url"] or ""
    if url and not url.startswith("https://"):
        raise ValueError(f"{url} is not secure")
    return PackWheel(
        values["system"],
        values["architecture"],
        url,
        values["size_bytes"] or 0,
        values["sha256"] or "",
    )

"""What graphics hardware and drivers this computer has, found by looking, without loading any."""

import contextlib
import platform
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Vendor(StrEnum):
    """Who made a GPU that can compute."""

    NVIDIA = "NVIDIA"
    AMD = "AMD"
    INTEL = "Intel"
    APPLE = "Apple"


@dataclass(frozen=True, slots=True)
class Machine:
    """One computer, as far as GPUs are concerned."""

    system: str
    """`linux`, `darwin` or `win32`."""
    is_known: bool = True
    """Whether its GPUs could be listed at all."""
    vendors: tuple[Vendor, ...] = ()
    has_nvidia_driver: bool = False
    has_amd_driver: bool = False
    has_intel_driver: bool = False
    has_vulkan: bool = False
    """The library that programs find Vulkan drivers with."""
    has_vulkan_driver: bool = False
    distributions: tuple[str, ...] = ()
    """Of Linux, the own name first, then those that it is like, as os-release calls them."""


_PCI_VENDORS = {"0x10de": Vendor.NVIDIA, "0x1002": Vendor.AMD, "0x8086": Vendor.INTEL}
_WINDOWS_DISPLAYS = r"SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"


def look_at_machine(root: Path = Path("/")) -> Machine:
    """Return what this computer has; reads a few small files and may take as long as they do.

    On Linux everything is looked up under `root`.
    """
    if sys.platform == "linux":
        return look_at_linux(root)
    if sys.platform == "darwin":
        is_apple = platform.machine() == "arm64"
        # Which GPU an older Mac has only its own slow program tells.
        return Machine("darwin", is_known=is_apple, vendors=(Vendor.APPLE,) if is_apple else ())
    if sys.platform == "win32":
        return _windows()
    return Machine(sys.platform, is_known=False)


def look_at_linux(root: Path) -> Machine:
    """Return what the files of a Linux system under `root` tell."""
    drivers = _names(root, "sys/class/drm/card*/device/driver")
    return Machine(
        system="linux",
        vendors=_linux_vendors(root),
        has_nvidia_driver=(root / "proc/driver/nvidia/version").exists(),
        has_amd_driver="amdgpu" in drivers or (root / "dev/kfd").exists(),
        has_intel_driver=bool({"i915", "xe"} & drivers),
        has_vulkan=any(
            any(root.glob(f"{folder}/libvulkan.so.1"))
            for folder in ("usr/lib", "usr/lib64", "usr/lib/*-linux-gnu", "usr/local/lib")
        ),
        has_vulkan_driver=any(
            any((root / folder).glob("vulkan/icd.d/*.json"))
            for folder in ("usr/share", "usr/local/share", "etc")
        ),
        distributions=_distributions(root),
    )


def _linux_vendors(root: Path) -> tuple[Vendor, ...]:
    """Return the makers of graphics cards, also of those that no driver has taken up."""
    found: list[Vendor] = []
    for device in sorted(root.glob("sys/bus/pci/devices/*")):
        # 0x03 is a display's class; the card of a virtual machine has another maker.
        if _text(device / "class").startswith("0x03"):
            vendor = _PCI_VENDORS.get(_text(device / "vendor"))
            if vendor is not None and vendor not in found:
                found.append(vendor)
    for path in sorted(root.glob("sys/class/drm/card*/device/vendor")):
        vendor = _PCI_VENDORS.get(_text(path))
        if vendor is not None and vendor not in found:
            found.append(vendor)
    if Vendor.NVIDIA not in found and (root / "dev/nvidia0").exists():
        found.append(Vendor.NVIDIA)  # a container hides the bus and shows the device
    return tuple(found)


def _distributions(root: Path) -> tuple[str, ...]:
    values: dict[str, str] = {}
    for line in _text(root / "etc/os-release").splitlines():
        name, _, value = line.partition("=")
        values[name] = value.strip("\"'")
    return tuple(f"{values.get('ID', '')} {values.get('ID_LIKE', '')}".split())


def _names(root: Path, pattern: str) -> set[str]:
    """Return the names of what links point to."""
    names: set[str] = set()
    for link in root.glob(pattern):
        with contextlib.suppress(OSError):
            names.add(link.readlink().name)
    return names


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _windows() -> Machine:
    if sys.platform != "win32":
        raise AssertionError
    system = Path(r"C:\Windows\System32")
    vendors, is_known = _windows_vendors()
    return Machine(
        "win32",
        is_known=is_known,
        vendors=vendors,
        has_nvidia_driver=(system / "nvcuda.dll").exists(),
        has_amd_driver=(system / "amdvlk64.dll").exists(),
        has_intel_driver=Vendor.INTEL in vendors,
        has_vulkan=(system / "vulkan-1.dll").exists(),
        has_vulkan_driver=(system / "vulkan-1.dll").exists(),  # drivers bring it
    )


def _windows_vendors() -> tuple[tuple[Vendor, ...], bool]:
    """Return the makers of the displays in the registry, and whether it could be read."""
    found: list[Vendor] = []
    if sys.platform == "win32":
        import winreg

        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _WINDOWS_DISPLAYS) as displays:
                for index in range(winreg.QueryInfoKey(displays)[0]):
                    name = winreg.EnumKey(displays, index)
                    with (
                        contextlib.suppress(OSError),
                        winreg.OpenKey(displays, name) as display,
                    ):
                        value = str(winreg.QueryValueEx(display, "MatchingDeviceId")[0]).lower()
                        for number, vendor in _PCI_VENDORS.items():
                            if f"ven_{number[2:]}" in value and vendor not in found:
                                found.append(vendor)
        except OSError:
            return (), False
    return tuple(found), True

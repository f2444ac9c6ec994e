"""Why a model is not on a GPU, and what to do about it on this machine, in plain sentences."""

import re
from dataclasses import dataclass
from pathlib import Path

from starpad.core.engine_status import Device, LoadedModel
from starpad.core.errors import EngineError
from starpad.core.gpu_machine import Machine, Vendor
from starpad.core.load_options import EngineKind
from starpad.core.offered_packs import offered_for

_SOFTWARE = re.compile(r"llvmpipe|lavapipe|softpipe|SwiftShader|Basic Render", re.IGNORECASE)
RELEASES = "https://github.com/ggml-org/llama.cpp/releases"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do; `command` is for a terminal, `page` an address to open."""

    text: str
    command: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """What is so, and what to do about it in order; no steps where there is nothing to do."""

    reason: str
    steps: tuple[Step, ...] = ()
    is_problem: bool = True
    """False where the model is where it should be."""


def is_software(device: Device) -> bool:
    """Whether a device is a program that plays a GPU on the processor."""
    return _SOFTWARE.search(device.description) is not None


def advise(machine: Machine, model: LoadedModel | None) -> Advice:
    """Return why the loaded model is or is not on a GPU, and what to do."""
    if model is None:
        return Advice("No model is loaded, so that no engine can say what it computes on.")
    if model.kind is EngineKind.REMOTE:
        return Advice(
            "The model runs on another machine, which alone knows what it computes on.",
            is_problem=False,
        )
    gpus = [device for device in model.devices if device.is_gpu]
    if model.placement.gpu_layers:
        return _on_gpu(model, gpus)
    real = [device for device in gpus if not is_software(device)]
    if real:
        return _unused(model, real)
    if model.kind is EngineKind.GGML:
        return _legacy(machine)
    return _unseen(machine, model, has_software=bool(gpus))


def _on_gpu(model: LoadedModel, gpus: list[Device]) -> Advice:
    there, total = model.placement.gpu_layers, model.placement.layers
    if gpus and all(is_software(device) for device in gpus):
        step = Step("Set the layers on the GPU to 0 in this model's load settings, and load it.")
        reason = f"{gpus[0].description} is no graphics card but a program on the processor."
        return Advice(f"{reason} The model is faster without it.", (step,))
    if there >= total:
        return Advice(f"All {total} layers are on the GPU.", is_problem=False)
    reason = f"{there} of {total} layers are on the GPU; the others are on the processor."
    if model.gpu_layers >= 0:
        step = Step("Raise the layers on the GPU in this model's load settings, and load it.")
        return Advice(f"{reason} So it was asked for.", (step,))
    return Advice(f"{reason} No more fit into its memory.", _room_steps())


def _unused(model: LoadedModel, gpus: list[Device]) -> Advice:
    """Return why the engine sees a GPU and leaves it alone."""
    names = " and ".join(device.description for device in gpus)
    if model.gpu_layers == 0:
        step = Step("Set them to Automatic in this model's load settings, and load it.")
        return Advice(f"The engine sees {names}, but 0 layers on the GPU were asked for.", (step,))
    if model.device and model.device not in {device.name for device in gpus}:
        step = Step("Choose another device in this model's load settings, and load it.")
        return Advice(f"The engine sees {names}, but was to use {model.device} only.", (step,))
    free = max(device.memory_free_bytes for device in gpus)
    if free and free < model.need_bytes:
        reason = (
            f"The engine sees {names}, but too little of its memory was free: "
            f"{_size(free)} for a model that needs {_size(model.need_bytes)}."
        )
        return Advice(reason, _room_steps())
    step = Step("Ask for a number of layers in this model's load settings, and load it.")
    return Advice(f"The engine sees {names}, but put no layer there.", (step, *_room_steps()))


def _room_steps() -> tuple[Step, ...]:
    return (
        Step("Close other programs that use the graphics card."),
        Step("Or load a smaller quantization, or a smaller context window."),
    )


def _legacy(machine: Machine) -> Advice:
    reason = "Files of 2023 are run by an engine that computes on the processor only here."
    if not machine.vendors and machine.is_known:
        return Advice(reason)
    step = Step("Take the same model as a GGUF file, which the other engines can put on a GPU.")
    return Advice(reason, (step,))


def _unseen(machine: Machine, model: LoadedModel, *, has_software: bool) -> Advice:
    """Return why the engine sees no GPU."""
    if not machine.vendors:
        reason = (
            "No graphics card that can compute was found in this computer."
            if machine.is_known
            else "Starpad cannot tell which graphics card this computer has."
        )
        if has_software:
            reason += " What the engine sees is a program on the processor, which gains nothing."
        return Advice(reason, () if machine.is_known else _server_steps(machine, None))
    vendor = machine.vendors[0]
    driver = _driver_steps(machine, vendor)
    if model.kind is EngineKind.LLAMA:
        return _pack(machine, model, driver) if model.pack else _box(machine, vendor, driver)
    if driver:
        return Advice(f"The driver of the {vendor} graphics card is missing.", driver)
    vulkan = _vulkan_steps(machine, vendor)
    if vulkan:
        reason = "Your llama-server sees no GPU: what it needs to find one by Vulkan is missing."
        return Advice(reason, vulkan)
    reason = (
        f"Your llama-server does not see the {vendor} graphics card: it was built for the "
        "processor only, or for another maker's card."
    )
    return Advice(reason, _server_steps(machine, vendor))


def _box(machine: Machine, vendor: Vendor, driver: tuple[Step, ...]) -> Advice:
    if vendor is Vendor.APPLE:
        reason = "The engine in the box uses Metal, but this Mac showed it no GPU."
        return Advice(reason, (Step("Update macOS. In a virtual machine there is no Metal."),))
    reason = (
        "The engine in the box computes on the processor only. Your "
        f"{vendor} graphics card can be used by an engine that was built for it."
    )
    packs = _pack_steps(machine)
    instead = (Step("Or use a llama-server of your own instead:"),) if packs else ()
    return Advice(reason, (*driver, *packs, *instead, *_server_steps(machine, vendor)))


def _pack(machine: Machine, model: LoadedModel, driver: tuple[Step, ...]) -> Advice:
    name = Path(model.pack).name
    if driver:
        return Advice(
            f"The engine pack {name} sees no graphics card: its driver is missing.", driver
        )
    reason = (
        f"The engine pack {name} sees no graphics card: it was built for the processor or for "
        "other cards, or the driver is too old."
    )
    return Advice(reason, (*_vulkan_steps(machine, machine.vendors[0]), *_pack_steps(machine)))


def _pack_steps(machine: Machine) -> tuple[Step, ...]:
    """Return the engine packs for this computer as a thing to do; nothing if there are none."""
    try:
        titles = [each.pack.title for each in offered_for(machine) if each.is_recommended]
    except EngineError:
        return ()
    if not titles:
        return ()
    return (Step(f"Install an engine pack on the page Engine packs: {' or '.join(titles)}."),)


def _driver_steps(machine: Machine, vendor: Vendor) -> tuple[Step, ...]:
    has_driver = {
        Vendor.NVIDIA: machine.has_nvidia_driver,
        Vendor.AMD: machine.has_amd_driver,
        Vendor.INTEL: machine.has_intel_driver,
        Vendor.APPLE: True,
    }[vendor]
    if has_driver:
        return ()
    if machine.system == "win32":
        page = {
            Vendor.NVIDIA: "https://www.nvidia.com/drivers",
            Vendor.AMD: "https://www.amd.com/support",
        }.get(vendor, "https://www.intel.com/content/www/us/en/support.html")
        return (Step(f"Install the driver from {vendor}'s page.", page=page),)
    if vendor is not Vendor.NVIDIA:
        text = f"Update the system: Linux itself has the driver for {vendor}'s cards."
        return (Step(text),)
    text, command = _NVIDIA_DRIVERS.get(_family(machine), ("", ""))
    if command:
        return (Step(f"Install the NVIDIA driver{text}, and start the computer anew.", command),)
    return (Step("Install the NVIDIA driver.", page="https://www.nvidia.com/drivers"),)


_NVIDIA_DRIVERS = {
    "ubuntu": ("", "sudo ubuntu-drivers install"),
    "debian": (" (from non-free)", "sudo apt install nvidia-driver"),
    "fedora": (" (from RPM Fusion)", "sudo dnf install akmod-nvidia"),
    "arch": ("", "sudo pacman -S nvidia-open"),
}
_VULKAN_LOADERS = {
    "ubuntu": "sudo apt install libvulkan1",
    "debian": "sudo apt install libvulkan1",
    "fedora": "sudo dnf install vulkan-loader",
    "arch": "sudo pacman -S vulkan-icd-loader",
}
_VULKAN_DRIVERS = {
    "ubuntu": "mesa-vulkan-drivers",
    "debian": "mesa-vulkan-drivers",
    "fedora": "mesa-vulkan-drivers",
}
_ARCH_DRIVERS = {Vendor.AMD: "vulkan-radeon", Vendor.INTEL: "vulkan-intel"}


def _vulkan_steps(machine: Machine, vendor: Vendor) -> tuple[Step, ...]:
    """Return what is missing of Vulkan on Linux; NVIDIA's driver brings its part of it."""
    is_own = vendor is Vendor.NVIDIA
    if machine.system != "linux" or (machine.has_vulkan and (is_own or machine.has_vulkan_driver)):
        return ()
    family = _family(machine)
    command = _VULKAN_LOADERS.get(family, "")
    if is_own:
        return (Step("Install what programs find Vulkan with.", command),)
    driver = _ARCH_DRIVERS[vendor] if family == "arch" else _VULKAN_DRIVERS.get(family, "")
    text = "Install Vulkan: what programs find it with, and the driver of your card for it."
    return (Step(text, f"{command} {driver}".strip()),)


def _server_steps(machine: Machine, vendor: Vendor | None) -> tuple[Step, ...]:
    """Return how to get a llama-server for a card, and what to do with it."""
    choose = Step("Choose it below as your own llama-server, and load the model again.")
    if machine.system == "win32":
        get = Step("Install llama.cpp, built for Vulkan.", "winget install llama.cpp")
        return (get, choose)
    if machine.system == "darwin":
        return (Step("Install llama.cpp with Homebrew.", "brew install llama.cpp"), choose)
    kind = {
        Vendor.NVIDIA: "Vulkan, or CUDA, which is faster",
        Vendor.AMD: "Vulkan or ROCm",
        Vendor.INTEL: "Vulkan or SYCL",
    }.get(vendor or Vendor.APPLE, "Vulkan")
    text = f"Get llama.cpp built for {kind}: from your distribution, or from its releases"
    get = Step(f"{text} (for Linux they have Vulkan).", page=RELEASES)
    vulkan = _vulkan_steps(machine, vendor) if vendor is not None else ()
    return (*vulkan, get, choose)


def _family(machine: Machine) -> str:
    known = ("ubuntu", "debian", "fedora", "arch")
    return next((name for name in machine.distributions if name in known), "")


def _size(count_bytes: int) -> str:
    return f"{count_bytes / 1e9:,.1f} GB"

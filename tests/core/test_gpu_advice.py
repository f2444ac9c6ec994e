"""Why a model is not on a GPU: every case of machine and engine has its sentence and its steps."""

from dataclasses import replace
from pathlib import Path

import pytest

from starpad.core.engine_status import Device, LoadedModel, Placement
from starpad.core.gpu_advice import Advice, advise, is_software
from starpad.core.gpu_machine import Machine, Vendor, look_at_linux, look_at_machine
from starpad.core.load_options import EngineKind

GB = 1_000_000_000
CPU = Device("CPU", "A processor", False, 16 * GB, 0)
H100 = Device("CUDA0", "NVIDIA H100", True, 80 * GB, 79 * GB)
LLVMPIPE = Device("Vulkan0", "llvmpipe (LLVM 15.0.6, 256 bits)", True, 2 * GB, 0)
MODEL = LoadedModel(
    Path("/m.gguf"), "m", "Q8_0", 4096, None, frozenset(), on_gpu=False, is_demo=False,
    need_bytes=5 * GB, devices=(CPU,), placement=Placement(41, 0),
)  # fmt: skip
UBUNTU = Machine(
    "linux", vendors=(Vendor.NVIDIA,), has_nvidia_driver=True, has_vulkan=True,
    has_vulkan_driver=True, distributions=("ubuntu", "debian"),
)  # fmt: skip
EXTERNAL = replace(MODEL, kind=EngineKind.EXTERNAL, program="/usr/bin/llama-server")


def commands(advice: Advice) -> list[str]:
    return [step.command for step in advice.steps if step.command]


def pages(advice: Advice) -> list[str]:
    return [step.page for step in advice.steps if step.page]


def test_without_a_model_nobody_can_say() -> None:
    assert "No model is loaded" in advise(UBUNTU, None).reason


def test_another_machines_gpu_is_its_own_matter() -> None:
    advice = advise(UBUNTU, replace(MODEL, kind=EngineKind.REMOTE))
    assert (advice.is_problem, advice.steps) == (False, ())


def test_all_layers_there_is_no_problem() -> None:
    model = replace(MODEL, devices=(H100, CPU), placement=Placement(41, 41))
    assert advise(UBUNTU, model) == Advice("All 41 layers are on the GPU.", is_problem=False)


@pytest.mark.parametrize(("asked", "words"), [(20, "asked for"), (-1, "No more fit")])
def test_some_layers_there_says_how_many_and_why(asked: int, words: str) -> None:
    model = replace(MODEL, devices=(H100,), placement=Placement(41, 20), gpu_layers=asked)
    advice = advise(UBUNTU, model)
    assert "20 of 41 layers" in advice.reason
    assert words in advice.reason
    assert advice.steps


def test_a_program_that_plays_a_gpu_is_named_as_one() -> None:
    assert is_software(LLVMPIPE)
    assert not is_software(H100)
    on_it = replace(MODEL, devices=(LLVMPIPE,), placement=Placement(41, 41))
    assert "no graphics card" in advise(UBUNTU, on_it).reason
    beside = replace(EXTERNAL, devices=(LLVMPIPE, CPU))
    advice = advise(Machine("linux"), beside)
    assert "No graphics card" in advice.reason
    assert "gains nothing" in advice.reason


def test_a_gpu_that_was_not_to_be_used() -> None:
    seen = replace(EXTERNAL, devices=(H100, CPU))
    assert "0 layers on the GPU were asked" in advise(UBUNTU, replace(seen, gpu_layers=0)).reason
    other = advise(UBUNTU, replace(seen, device="CUDA1"))
    assert "was to use CUDA1 only" in other.reason
    small = replace(seen, devices=(replace(H100, memory_free_bytes=1 * GB),))
    assert "1.0 GB for a model that needs 5.0 GB" in advise(UBUNTU, small).reason
    assert "put no layer there" in advise(UBUNTU, seen).reason


def test_the_engine_in_the_box_names_the_card_and_the_way_to_it() -> None:
    advice = advise(UBUNTU, MODEL)
    assert "processor only" in advice.reason
    assert "NVIDIA graphics card" in advice.reason
    assert pages(advice) == ["https://github.com/ggml-org/llama.cpp/releases"]
    assert "below" in advice.steps[-1].text
    assert commands(advice) == []


def test_an_engine_pack_for_the_card_is_the_first_way() -> None:
    with_driver = Machine("linux", vendors=(Vendor.NVIDIA,), has_nvidia_driver=True)
    assert "CUDA 12.8" in advise(with_driver, MODEL).steps[0].text
    assert "Engine packs" in advise(with_driver, MODEL).steps[0].text
    apple = Machine("darwin", vendors=(Vendor.APPLE,))
    assert not any("Engine packs" in step.text for step in advise(apple, MODEL).steps)


def test_a_pack_that_sees_no_card_is_named() -> None:
    packed = replace(MODEL, pack="/data/engines/cu128")
    there = Machine("linux", vendors=(Vendor.NVIDIA,), has_nvidia_driver=True, has_vulkan=True)
    assert "The engine pack cu128 sees no graphics card" in advise(there, packed).reason
    without_driver = replace(there, has_nvidia_driver=False, distributions=("debian",))
    advice = advise(without_driver, packed)
    assert "driver is missing" in advice.reason
    assert commands(advice) == ["sudo apt install nvidia-driver"]


@pytest.mark.parametrize(
    ("distribution", "command"),
    [
        ("ubuntu", "sudo ubuntu-drivers install"),
        ("debian", "sudo apt install nvidia-driver"),
        ("fedora", "sudo dnf install akmod-nvidia"),
        ("arch", "sudo pacman -S nvidia-open"),
    ],
)
def test_a_missing_driver_comes_first(distribution: str, command: str) -> None:
    machine = replace(UBUNTU, has_nvidia_driver=False, distributions=(distribution,))
    assert commands(advise(machine, MODEL))[0] == command
    assert "driver of the NVIDIA graphics card is missing" in advise(machine, EXTERNAL).reason


def test_an_unknown_distribution_gets_the_makers_page() -> None:
    machine = replace(UBUNTU, has_nvidia_driver=False, distributions=("nixos",))
    assert pages(advise(machine, EXTERNAL)) == ["https://www.nvidia.com/drivers"]


@pytest.mark.parametrize(
    ("vendor", "command"),
    [(Vendor.AMD, "vulkan-radeon"), (Vendor.INTEL, "vulkan-intel")],
)
def test_vulkan_is_missing(vendor: Vendor, command: str) -> None:
    machine = Machine(
        "linux", vendors=(vendor,), has_amd_driver=True, has_intel_driver=True,
        distributions=("arch",),
    )  # fmt: skip
    assert command in commands(advise(machine, EXTERNAL))[0]
    debian = replace(machine, distributions=("debian",))
    assert commands(advise(debian, MODEL)) == ["sudo apt install libvulkan1 mesa-vulkan-drivers"]


def test_nvidias_driver_brings_its_part_of_vulkan() -> None:
    machine = replace(UBUNTU, has_vulkan=False, has_vulkan_driver=False)
    assert commands(advise(machine, EXTERNAL)) == ["sudo apt install libvulkan1"]
    assert commands(advise(replace(machine, has_vulkan=True), EXTERNAL)) == []


def test_the_drivers_of_amd_and_intel_are_linuxs_own() -> None:
    machine = Machine("linux", vendors=(Vendor.AMD,))
    assert "Update the system" in advise(machine, EXTERNAL).steps[0].text


def test_a_llama_server_for_something_else() -> None:
    advice = advise(UBUNTU, EXTERNAL)
    assert "built for the processor only" in advice.reason
    assert pages(advice)


def test_windows_and_macs() -> None:
    windows = Machine("win32", vendors=(Vendor.AMD,), has_amd_driver=True)
    assert commands(advise(windows, MODEL)) == ["winget install llama.cpp"]
    bare = replace(windows, has_amd_driver=False)
    assert pages(advise(bare, EXTERNAL)) == ["https://www.amd.com/support"]
    apple = Machine("darwin", vendors=(Vendor.APPLE,))
    assert "Metal" in advise(apple, MODEL).reason
    intel = advise(Machine("darwin", is_known=False), MODEL)
    assert "cannot tell" in intel.reason
    assert commands(intel) == ["brew install llama.cpp"]


def test_files_of_2023() -> None:
    legacy = replace(MODEL, kind=EngineKind.GGML)
    assert "GGUF" in advise(UBUNTU, legacy).steps[0].text
    assert advise(Machine("linux"), legacy).steps == ()


def test_no_card_at_all_is_said_without_steps() -> None:
    advice = advise(Machine("linux"), MODEL)
    assert "No graphics card" in advice.reason
    assert advice.steps == ()


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_a_linux_system_is_read_from_its_files(tmp_path: Path) -> None:
    assert look_at_linux(tmp_path) == Machine("linux")
    for number, (kind, vendor) in enumerate(
        [("0x030000", "0x10de"), ("0x030200", "0x1002"), ("0x020000", "0x8086"),
         ("0x030000", "0x1af4")]
    ):  # fmt: skip
        put(tmp_path / f"sys/bus/pci/devices/{number}/class", kind)
        put(tmp_path / f"sys/bus/pci/devices/{number}/vendor", vendor)
    put(tmp_path / "sys/class/drm/card1/device/vendor", "0x1002\n")
    driver = tmp_path / "sys/bus/pci/drivers/amdgpu"
    driver.mkdir(parents=True)
    (tmp_path / "sys/class/drm/card1/device/driver").symlink_to(driver)
    put(tmp_path / "proc/driver/nvidia/version", "NVRM")
    put(tmp_path / "usr/lib/x86_64-linux-gnu/libvulkan.so.1", "")
    put(tmp_path / "usr/share/vulkan/icd.d/radeon.json", "{}")
    put(tmp_path / "etc/os-release", 'ID=linuxmint\nID_LIKE="ubuntu debian"\n')
    assert look_at_linux(tmp_path) == Machine(
        "linux", vendors=(Vendor.NVIDIA, Vendor.AMD), has_nvidia_driver=True, has_amd_driver=True,
        has_vulkan=True, has_vulkan_driver=True, distributions=("linuxmint", "ubuntu", "debian"),
    )  # fmt: skip


def test_a_containers_nvidia_card_is_found_by_its_device(tmp_path: Path) -> None:
    put(tmp_path / "dev/nvidia0", "")
    assert look_at_linux(tmp_path).vendors == (Vendor.NVIDIA,)


def test_this_computer_can_be_looked_at() -> None:
    assert advise(look_at_machine(), MODEL).reason

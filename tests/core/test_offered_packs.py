"""The table that ships is whole, and each computer is offered what fits it, best first."""

import json
from pathlib import Path

import pytest

from starpad.core import engine_pack, offered_packs
from starpad.core.errors import EngineError
from starpad.core.gpu_machine import Machine, Vendor
from starpad.core.offered_packs import offered_for
from starpad.core.paths import resource


def machine(*vendors: Vendor, system: str = "linux", **values: bool) -> Machine:
    return Machine(system, vendors=vendors, **values)


def names(of: Machine, architecture: str = "x86_64", *, recommended: bool = True) -> list[str]:
    offers = offered_for(of, architecture=architecture)
    return [offer.pack.name for offer in offers if offer.is_recommended or not recommended]


def test_the_table_names_the_version_that_is_pinned() -> None:
    table = json.loads(resource(offered_packs.FILE_NAME).read_bytes())
    lock = Path(__file__).parents[2] / "requirements.lock"
    assert f"xllamacpp=={table['xllamacpp']} " in lock.read_text()


def test_every_pack_can_be_installed_under_its_name() -> None:
    for pack in offered_packs.load():
        engine_pack.require_name(pack.name)
        assert pack.page.startswith("https://")
        for wheel in pack.wheels:
            assert wheel.is_known or not (wheel.url or wheel.sha256 or wheel.size_bytes)


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (machine(Vendor.NVIDIA), ["cu128", "cu132", "vulkan"]),
        (machine(Vendor.AMD), ["vulkan", "rocm-7.2.4", "rocm-6.4.1"]),
        (machine(Vendor.INTEL), ["vulkan"]),
        (machine(Vendor.INTEL, Vendor.NVIDIA), ["cu128", "cu132", "vulkan"]),
        (machine(Vendor.AMD, system="win32"), ["vulkan"]),
        (machine(Vendor.APPLE, system="darwin"), []),
        (machine(), []),
    ],
)
def test_a_computer_is_offered_what_fits_its_cards(of: Machine, expected: list[str]) -> None:
    assert names(of) == expected


def test_another_processor_gets_its_own_files_only() -> None:
    assert names(machine(Vendor.NVIDIA), "aarch64") == ["cu128", "cu132"]
    assert names(machine(Vendor.AMD), "aarch64") == []


def test_the_others_of_this_system_follow() -> None:
    shown = names(machine(Vendor.INTEL), recommended=False)
    assert shown == ["vulkan", "cu128", "cu132", "rocm-7.2.4", "rocm-6.4.1"]


def test_reasons_say_what_was_found() -> None:
    def reason(of: Machine) -> str:
        return offered_for(of, architecture="x86_64")[0].reason

    assert "and its driver" in reason(machine(Vendor.NVIDIA, has_nvidia_driver=True))
    assert "driver is still missing" in reason(machine(Vendor.NVIDIA))
    assert "No graphics card of NVIDIA" in reason(machine())
    assert "cannot tell" in reason(Machine("linux", is_known=False))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"packs": [{"name": "x"}]}',
        '{"packs": [3]}',
    ],
)
def test_a_damaged_table_is_an_error_in_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.json"
    path.write_text(text)
    with pytest.raises(EngineError, match="missing or damaged"):
        offered_packs.load(path)


def test_an_address_without_encryption_is_refused(tmp_path: Path) -> None:
    text = resource(offered_packs.FILE_NAME).read_text()
    path = tmp_path / "table.json"
    path.write_text(text.replace('"url": null', '"url": "http://example.org/x.whl"'))
    with pytest.raises(EngineError):
        offered_packs.load(path)

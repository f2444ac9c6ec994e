"""A pack is tried in a process of its own; whatever is wrong with it becomes a sentence."""

import shutil
from pathlib import Path

import pytest

from engine_packs import (
    ABORTS,
    RAISES,
    SLEEPS,
    broken_pack,
    linked_pack,
    truncated_pack,
    write_real_wheel,
)
from starpad.core.errors import EngineError
from starpad.engines.pack_probe import probe
from starpad.hub.pack_install import install_wheel


def test_a_real_wheel_becomes_a_pack_that_says_the_same_as_the_box(tmp_path: Path) -> None:
    wheel = write_real_wheel(tmp_path / "xllamacpp.whl")
    pack = install_wheel(wheel, tmp_path / "engines", "copy", built_for="", source="")
    report = probe(pack.folder)
    assert report == probe(None)
    assert report.version == pack.version
    assert len(report.tokens) == 8
    assert [device.name for device in report.devices if not device.is_gpu] == ["CPU"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (RAISES, "the build was bad"),
        (ABORTS, "SIGABRT"),
        ("import os; os.kill(os.getpid(), 4)", "lacks instructions"),
        ("raise SystemExit(3)", "exit code 3"),
        ("raise ImportError('libcudart.so.12: cannot open shared object file')", "libcudart.so.12"),
        ("print('{}'); import ctypes", "__version__|get_device_info"),
    ],
)
def test_a_pack_that_fails_is_explained(tmp_path: Path, code: str, words: str) -> None:
    pack = broken_pack(tmp_path, "bad", code)
    with pytest.raises(EngineError, match=words) as raised:
        probe(pack.folder)
    assert raised.value.message.endswith(".")


def test_a_library_that_was_cut_off_is_explained(tmp_path: Path) -> None:
    pack = truncated_pack(tmp_path, "cut")
    with pytest.raises(EngineError, match=r"damaged|SIGBUS"):
        probe(pack.folder)


def test_a_missing_library_does_not_become_that_of_the_box(tmp_path: Path) -> None:
    pack = linked_pack(tmp_path, "half")
    next((pack.folder / "xllamacpp").glob("xllamacpp*.so")).unlink()
    with pytest.raises(EngineError, match="cannot be started"):
        probe(pack.folder)


def test_a_pack_that_is_not_there_does_not_become_the_box(tmp_path: Path) -> None:
    pack = linked_pack(tmp_path, "gone")
    shutil.rmtree(pack.folder)
    with pytest.raises(EngineError, match="not there any more"):
        probe(pack.folder)


def test_a_pack_that_hangs_is_given_up(tmp_path: Path) -> None:
    pack = broken_pack(tmp_path, "slow", SLEEPS)
    with pytest.raises(EngineError, match="did not answer within 1 seconds"):
        probe(pack.folder, timeout_s=1)


def test_a_probe_can_be_stopped(tmp_path: Path) -> None:
    pack = broken_pack(tmp_path, "slow", SLEEPS)
    with pytest.raises(EngineError, match="not tried to the end"):
        probe(pack.folder, is_stopped=lambda: True)

"""A wheel becomes a pack as a whole or not at all, and nothing leaves its folder."""

import hashlib
import os
import signal
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from filelock import FileLock

from engine_packs import FAKE_FILES, LIBRARY, write_wheel
from starpad.core import engine_pack
from starpad.core.errors import EngineError
from starpad.core.paths import host_environment
from starpad.hub import pack_install
from starpad.hub.install import Stopped
from starpad.hub.session import StopSignal


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    return tmp_path / "data" / "engines"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return write_wheel(tmp_path / "xllamacpp-2099.1.1-cp310-abi3-linux_x86_64.whl")


def install(wheel: Path, packs: Path, **values: str) -> engine_pack.InstalledPack:
    return pack_install.install_wheel(
        wheel, packs, "mine", built_for="tests", source="a file", **values
    )


def assert_nothing_is_there(packs: Path) -> None:
    assert engine_pack.installed(packs) == []
    assert [path.name for path in packs.glob("*") if path.name != ".lock"] == []


def test_a_wheel_becomes_a_pack_that_says_where_it_came_from(wheel: Path, packs: Path) -> None:
    pack = install(wheel, packs)
    assert engine_pack.installed(packs) == [pack]
    assert pack.version == "2099.1.1"
    assert pack.folder == packs / "mine"
    assert pack.sha256 == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert (pack.built_for, pack.source) == ("tests", "a file")
    assert pack.size_bytes == sum(map(len, FAKE_FILES.values()))
    for name, data in FAKE_FILES.items():
        assert (pack.folder / name).read_bytes() == data


def test_progress_ends_with_all_bytes(wheel: Path, packs: Path) -> None:
    seen: list[tuple[int, int]] = []
    pack_install.install_wheel(
        wheel, packs, "mine", built_for="", source="",
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    total = sum(map(len, FAKE_FILES.values()))
    assert seen[-1] == (total, total)
    assert seen == sorted(seen)


def test_a_known_hash_must_be_right(wheel: Path, packs: Path) -> None:
    with pytest.raises(EngineError, match="SHA-256"):
        install(wheel, packs, sha256="0" * 64)
    assert_nothing_is_there(packs)
    install(wheel, packs, sha256=hashlib.sha256(wheel.read_bytes()).hexdigest())


@pytest.mark.parametrize(
    "name", ["../escaped.py", "/escaped.py", "xllamacpp/../../escaped.py", "sitecustomize.py"]
)
def test_a_wheel_with_a_file_elsewhere_is_refused(tmp_path: Path, packs: Path, name: str) -> None:
    wheel = write_wheel(tmp_path / "w.whl", {**FAKE_FILES, name: b"x"})
    with pytest.raises(EngineError, match="not a build of the engine"):
        install(wheel, packs)
    assert_nothing_is_there(packs)
    assert not list(tmp_path.rglob("escaped.py"))


def test_a_wheel_with_a_link_is_refused(tmp_path: Path, packs: Path) -> None:
    wheel = write_wheel(tmp_path / "w.whl")
    with zipfile.ZipFile(wheel, "a") as archive:
        link = zipfile.ZipInfo("xllamacpp/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(EngineError, match="not a build of the engine"):
        install(wheel, packs)
    assert_nothing_is_there(packs)


def test_a_bomb_is_refused_before_it_is_unpacked(
    wheel: Path, packs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_install, "MAX_UNPACKED_BYTES", 100)
    with pytest.raises(EngineError, match="more than a pack can be"):
        install(wheel, packs)
    assert_nothing_is_there(packs)


def test_two_files_of_one_name_are_refused(tmp_path: Path, packs: Path) -> None:
    wheel = write_wheel(tmp_path / "w.whl", {**FAKE_FILES, "xllamacpp/__INIT__.py": b""})
    with pytest.raises(EngineError, match="no usable wheel"):
        install(wheel, packs)


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (LIBRARY, "another system or another Python"),
        ("xllamacpp/__init__.py", "not a build of the engine"),
        ("xllamacpp-2099.1.1.dist-info/METADATA", "does not say what it is"),
    ],
)
def test_a_wheel_without_what_makes_it_one_is_refused(
    tmp_path: Path, packs: Path, missing: str, words: str
) -> None:
    files = {name: data for name, data in FAKE_FILES.items() if name != missing}
    with pytest.raises(EngineError, match=words):
        install(write_wheel(tmp_path / "w.whl", files), packs)
    assert_nothing_is_there(packs)


def test_a_wheel_that_was_cut_off_is_refused(wheel: Path, packs: Path) -> None:
    wheel.write_bytes(wheel.read_bytes()[:-30])
    with pytest.raises(EngineError, match="no whole wheel"):
        install(wheel, packs)
    assert_nothing_is_there(packs)


def test_a_wheel_with_a_wrong_byte_is_refused(wheel: Path, packs: Path) -> None:
    data = bytearray(wheel.read_bytes())
    data[data.index(b"not a library")] ^= 1
    wheel.write_bytes(data)
    with pytest.raises(EngineError, match="no whole wheel"):
        install(wheel, packs)
    assert_nothing_is_there(packs)


def test_a_missing_wheel_is_an_error_in_words(tmp_path: Path, packs: Path) -> None:
    with pytest.raises(EngineError, match="could not be installed"):
        install(tmp_path / "none.whl", packs)


def test_too_little_space_is_said_before(
    wheel: Path, packs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_install, "_SPARE_BYTES", 1 << 62)
    with pytest.raises(EngineError, match="free on the disk"):
        install(wheel, packs)
    assert_nothing_is_there(packs)


def test_a_stopped_install_leaves_nothing(wheel: Path, packs: Path) -> None:
    stop = StopSignal()
    with pytest.raises(Stopped):
        pack_install.install_wheel(
            wheel, packs, "mine", built_for="", source="", stop=stop,
            progress=lambda done, total: stop.stop(),
        )  # fmt: skip
    assert_nothing_is_there(packs)


def test_a_second_install_takes_the_place_of_the_first(
    tmp_path: Path, wheel: Path, packs: Path
) -> None:
    install(wheel, packs)
    newer = write_wheel(tmp_path / "n.whl", {**FAKE_FILES, "xllamacpp/new.py": b"1"})
    pack = install(newer, packs)
    assert engine_pack.installed(packs) == [pack]
    assert (pack.folder / "xllamacpp" / "new.py").exists()


def test_a_failed_second_install_leaves_the_first(tmp_path: Path, wheel: Path, packs: Path) -> None:
    pack = install(wheel, packs)
    bad = write_wheel(tmp_path / "b.whl", {"other/file": b""})
    with pytest.raises(EngineError):
        install(bad, packs)
    assert engine_pack.installed(packs) == [pack]


_KILLED = """
import os, signal, sys
from pathlib import Path
from starpad.hub.pack_install import install_wheel
def die(done, total):
    os.kill(os.getpid(), signal.SIGKILL)
install_wheel(Path(sys.argv[1]), Path(sys.argv[2]), "mine", built_for="", source="", progress=die)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_install_leaves_no_pack_and_is_cleared_away_later(
    wheel: Path, packs: Path
) -> None:
    code = subprocess.run(
        [sys.executable, "-c", _KILLED, wheel, packs], env=host_environment(), check=False
    ).returncode
    assert code == -signal.SIGKILL
    assert engine_pack.installed(packs) == []
    assert list(packs.glob(".installing-*"))
    pack = install(wheel, packs)
    assert engine_pack.installed(packs) == [pack]
    assert not list(packs.glob(".installing-*"))


def test_another_window_that_installs_is_waited_for(wheel: Path, packs: Path) -> None:
    packs.mkdir(parents=True)
    with FileLock(packs / ".lock"), pytest.raises(EngineError, match="Another Starpad window"):
        install(wheel, packs)


def test_a_removed_pack_is_gone(wheel: Path, packs: Path) -> None:
    install(wheel, packs)
    pack_install.remove(packs, "mine")
    assert_nothing_is_there(packs)
    pack_install.remove(packs, "mine")


def test_nothing_outside_can_be_removed(tmp_path: Path, packs: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(EngineError):
        pack_install.remove(packs, "..")
    assert (tmp_path / "data").exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_said(wheel: Path, packs: Path) -> None:
    packs.mkdir(parents=True)
    packs.chmod(0o500)
    with pytest.raises(EngineError, match="rights"):
        install(wheel, packs)

"""Moving the models folder: to the same disk or another, interrupted anywhere, nothing is lost."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock

from gguf_files import gguf
from model_folders import MODEL, Computer, downloaded, write
from starpad.core.hub_errors import HubError, HubProblem
from starpad.core.installed_model import ModelSource
from starpad.hub import model_files
from starpad.hub.install import Stopped
from starpad.hub.session import StopSignal

BIG = gguf(data_bytes=5_000_000)


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    computer = Computer(tmp_path / "disk")
    folder = computer.models / "o" / "r"
    downloaded(folder / "a.gguf", BIG)
    downloaded(folder / "b.gguf")
    write(folder / "c.gguf.part", b"GGUF half of it")
    write(folder / "c.gguf.part.json", b"{}")
    write(folder / "c.gguf.part.lock", b"")
    write(computer.models / "imported" / "d.gguf", gguf(data_bytes=421))
    return computer


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return tmp_path / "other disk" / "models"


@pytest.fixture
def on_another_disk(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no name move out of the old folder, as the system does between two disks."""
    rename = os.replace

    def replace(source: Path, target: Path) -> None:
        if source.is_relative_to(computer.models) != target.is_relative_to(computer.models):
            raise OSError(errno.EXDEV, "Invalid cross-device link", str(source))
        rename(source, target)

    monkeypatch.setattr(os, "replace", replace)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def move(
    old: Path, new: Path, progress: Callable[[int, int], object] = lambda done, total: None
) -> None:
    model_files.move_folder(old, new, progress=progress, stop=StopSignal())


def test_on_the_same_disk_all_is_there_at_once(computer: Computer, new: Path) -> None:
    before = contents(computer.models)
    inode = (computer.models / "o" / "r" / "a.gguf").stat().st_ino
    move(computer.models, new)
    assert contents(new) == before
    assert (new / "o" / "r" / "a.gguf").stat().st_ino == inode, "not a byte was copied"
    assert not computer.models.exists()


@pytest.mark.usefixtures("on_another_disk")
def test_to_another_disk_all_is_copied_and_then_deleted(computer: Computer, new: Path) -> None:
    before = contents(computer.models)
    times = (computer.models / "o" / "r" / "a.gguf").stat().st_mtime_ns
    steps: list[tuple[int, int]] = []
    move(computer.models, new, lambda done, total: steps.append((done, total)))
    assert contents(new) == before
    assert not computer.models.exists()
    assert steps[-1][0] == steps[-1][1] == sum(map(len, before.values()))
    assert (new / "o" / "r" / "a.gguf").stat().st_mtime_ns == times


def test_to_a_real_other_disk(computer: Computer, tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other disk here")
    new = memory / f"starpad-test-{os.getpid()}"
    before = contents(computer.models)
    try:
        move(computer.models, new / "models")
        assert contents(new / "models") == before
        assert not computer.models.exists()
    finally:
        shutil.rmtree(new)


def test_the_library_knows_everything_in_the_new_place(computer: Computer, new: Path) -> None:
    computer.records.change(computer.models / "o" / "r" / "a.gguf", context_tokens=4096)
    before = [(model.path.name, model.source, model.verified_at) for model in computer.scan()]
    move(computer.models, new)
    computer.records.moved(computer.models, new)
    computer.models = new
    assert [(one.path.name, one.source, one.verified_at) for one in computer.scan()] == before
    assert (("d.gguf", ModelSource.IMPORTED, None)) in before
    assert computer.records.get(new / "o" / "r" / "a.gguf").context_tokens == 4096


def test_a_rename_that_fails_is_undone(
    computer: Computer, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(computer.models)
    rename = os.replace

    def refuse(source: Path, target: Path) -> None:  # as Windows does with a loaded model
        if source == computer.models / "o" / "r" / "b.gguf":
            raise PermissionError(errno.EACCES, "The file is in use", str(source))
        rename(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(HubError, match=r"b\.gguf") as caught:
        move(computer.models, new)
    assert caught.value.problem is HubProblem.NO_PERMISSION
    assert contents(computer.models) == before
    assert contents(new) == {}


@pytest.mark.usefixtures("on_another_disk")
@pytest.mark.parametrize("step", [1, 3, 6])
def test_stopped_anywhere_the_old_folder_is_whole_and_the_next_call_goes_on(
    step: int, computer: Computer, new: Path
) -> None:
    before = contents(computer.models)
    stop, steps = StopSignal(), []

    def progress(done: int, total: int) -> None:
        steps.append(done)
        if len(steps) == step:
            stop.stop()

    with pytest.raises(Stopped):
        model_files.move_folder(computer.models, new, progress=progress, stop=stop)
    assert contents(computer.models) == before
    assert not [path for path in new.rglob("*.part") if path.name != "c.gguf.part"]
    move(computer.models, new)
    assert contents(new) == before
    assert not computer.models.exists()


@pytest.mark.usefixtures("on_another_disk")
def test_killed_while_the_old_files_are_deleted_the_next_call_ends_it(
    computer: Computer, new: Path
) -> None:
    before = contents(computer.models)
    shutil.copytree(computer.models, new)
    (computer.models / "o" / "r" / "a.gguf").unlink()
    for path in new.rglob("*.gguf"):  # times that a disk keeps less exactly
        os.utime(path, (1, 1))
    move(computer.models, new)
    assert contents(new) == before
    assert not computer.models.exists()


def test_another_file_in_the_new_place_is_never_overwritten(computer: Computer, new: Path) -> None:
    before = contents(computer.models)
    for data in (b"mine", bytes([MODEL[0] ^ 1]) + MODEL[1:]):  # also of the same size
        mine = write(new / "o" / "r" / "b.gguf", data)
        with pytest.raises(HubError, match="is another file"):
            move(computer.models, new)
        assert mine.read_bytes() == data
    assert contents(computer.models) == before


def test_a_folder_cannot_be_moved_into_itself(computer: Computer) -> None:
    before = contents(computer.models)
    for new in (computer.models, computer.models / "o", computer.models.parent):
        with pytest.raises(HubError, match="one lies in the other"):
            move(computer.models, new)
    assert contents(computer.models) == before


@pytest.mark.usefixtures("on_another_disk")
def test_without_room_on_the_other_disk_nothing_is_touched(
    computer: Computer, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(computer.models)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1_000_000))
    with pytest.raises(HubError) as caught:
        move(computer.models, new)
    assert caught.value.problem is HubProblem.DISK_FULL
    assert contents(computer.models) == before


def test_while_another_window_downloads_the_folder_stays(computer: Computer, new: Path) -> None:
    before = contents(computer.models)
    with (
        FileLock(computer.models / "o" / "r" / "c.gguf.part.lock"),
        pytest.raises(HubError, match="another Starpad window") as caught,
    ):
        move(computer.models, new)
    assert caught.value.problem is HubProblem.IN_USE
    assert contents(computer.models) == before
    move(computer.models, new)
    assert contents(new) == before


@pytest.mark.usefixtures("on_another_disk")
def test_a_link_stays_a_link(computer: Computer, new: Path) -> None:
    target = write(computer.elsewhere / "e.gguf")
    (computer.models / "link.gguf").symlink_to("../elsewhere/e.gguf")
    (computer.models / "broken.gguf").symlink_to("nowhere")
    move(computer.models, new)
    assert (new / "link.gguf").resolve() == target
    assert (new / "broken.gguf").is_symlink()


def test_a_folder_that_was_never_made_moves_at_once(tmp_path: Path) -> None:
    move(tmp_path / "none", tmp_path / "new")
    assert (tmp_path / "new").is_dir()


def test_a_new_place_that_cannot_be_made_says_so(computer: Computer, tmp_path: Path) -> None:
    write(tmp_path / "file")
    with pytest.raises(HubError, match="file") as caught:
        move(computer.models, tmp_path / "file" / "models")
    assert caught.value.problem is HubProblem.FOLDER_GONE
    assert computer.models.exists()

"""What is done to models on this computer: nothing is lost, and the user hears what came of it."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Slot
from pytestqt.qtbot import QtBot

from downloading import REPOSITORY, model
from fakehub import FakeHub, FaultKind
from gguf_files import STARCODER, gguf
from model_folders import FAMILIES, MODEL, Computer, downloaded, write
from starpad.core import origin
from starpad.core.errors import StarpadError
from starpad.core.installed_model import InstalledModel
from starpad.hub import local_models
from starpad.services.background import BackgroundJobs
from starpad.services.hub_account import HubAccount
from starpad.services.library_work import LibraryWork, Work
from starpad.services.model_library import ModelLibrary

BIG = gguf(data_bytes=3_000_000)


class Window(QObject):
    """The services as the application has them, and what the user hears."""

    def __init__(self, computer: Computer, data: Path) -> None:
        super().__init__()
        self.jobs = BackgroundJobs()
        self.account = HubAccount(self.jobs, data / "tokens")
        self.library = ModelLibrary(self.jobs, data, computer.models, FAMILIES)
        self.work = LibraryWork(self.jobs, self.account, self.library)
        self.shown: list[Work | None] = []
        self.told: list[tuple[Path, str]] = []
        self.failed: list[StarpadError] = []
        self.imported: list[Path] = []
        self.moved: list[tuple[Path, Path]] = []
        self.work.changed.connect(self._on_changed)
        self.work.told.connect(self._on_told)
        self.work.failed.connect(self._on_failed)
        self.library.failed.connect(self._on_failed)
        self.work.imported.connect(self._on_imported)
        self.work.folder_moved.connect(self._on_folder_moved)

    @property
    def is_idle(self) -> bool:
        return bool(self.shown) and self.shown[-1] is None

    @property
    def names(self) -> list[str]:
        return sorted(each.path.name for each in self.library.models)

    def find(self, path: Path) -> InstalledModel:
        found = self.library.find(path)
        assert found is not None
        return found

    @Slot(object)
    def _on_changed(self, work: Work | None) -> None:
        self.shown.append(work)

    @Slot(object, str)
    def _on_told(self, path: Path, sentence: str) -> None:
        self.told.append((path, sentence))

    @Slot(object)
    def _on_failed(self, error: StarpadError) -> None:
        self.failed.append(error)

    @Slot(object)
    def _on_imported(self, path: Path) -> None:
        self.imported.append(path)

    @Slot(object, object)
    def _on_folder_moved(self, now: Path, before: Path) -> None:
        self.moved.append((now, before))


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Computer:
    computer = Computer(tmp_path)
    computer.models.mkdir()
    monkeypatch.setattr(local_models, "usual_places", lambda: computer.places)
    return computer


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def window(qtbot: QtBot, computer: Computer, data: Path) -> Iterator[Window]:
    window = Window(computer, data)
    yield window
    window.jobs.shutdown()


@pytest.fixture
def trash(home: Path) -> Path:
    return home / "Trash" / "files"


def _scan(window: Window, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.library.changed):
        window.library.refresh()


def _do(window: Window, action: Callable[[], object], qtbot: QtBot) -> None:
    """Do a work to its end, and to that of the look through the library which follows."""
    window.shown.clear()
    with qtbot.waitSignal(window.library.changed):
        action()
    qtbot.waitUntil(lambda: window.is_idle and not window.library._scan_job)


def _verify(window: Window, path: Path, qtbot: QtBot) -> None:
    _do(window, lambda: window.work.verify(window.find(path)), qtbot)


def test_an_intact_download_is_told_to_be_and_shown_as_verified(
    window: Window, computer: Computer, qtbot: QtBot
) -> None:
    path = downloaded(computer.models / "o" / "r" / "a.gguf", BIG)
    _scan(window, qtbot)
    before = window.find(path).verified_at
    _verify(window, path, qtbot)
    [(told, sentence)] = window.told
    assert told == path
    assert "intact" in sentence
    after = window.find(path).verified_at
    assert before is not None
    assert after is not None
    assert after > before
    fractions = [work.fraction for work in window.shown if work and work.fraction is not None]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)


@pytest.mark.parametrize("is_download", [True, False])
def test_a_flipped_byte_is_found_each_time_and_the_model_is_no_longer_shown_as_verified(
    is_download: bool, window: Window, computer: Computer, qtbot: QtBot
) -> None:
    make = downloaded if is_download else write
    path = make(computer.models / "o" / "r" / "a.gguf", BIG)
    _scan(window, qtbot)
    _verify(window, path, qtbot)
    assert ("is intact" if is_download else "was not known") in window.told[0][1]
    path.write_bytes(BIG[:-9] + b"\x01" + BIG[-8:])
    _scan(window, qtbot)
    for count in (1, 2):
        _verify(window, path, qtbot)
        assert len(window.failed) == count
        assert "a.gguf is damaged" in str(window.failed[-1])
        assert window.find(path).verified_at is None
    path.write_bytes(BIG)
    _verify(window, path, qtbot)
    assert "intact" in window.told[-1][1]
    assert window.find(path).verified_at is not None
    assert len(window.told) == 2


def test_a_check_can_be_stopped_and_only_one_work_is_done_at_a_time(
    window: Window, computer: Computer, qtbot: QtBot
) -> None:
    path = write(computer.models / "o" / "r" / "a.gguf", BIG)
    os.truncate(path, 3_000_000_000)  # takes no space, but seconds to read
    _scan(window, qtbot)
    window.work.verify(window.find(path))
    window.work.verify(window.find(path))
    assert ["not done yet" in str(error) for error in window.failed] == [True]
    qtbot.waitUntil(lambda: len(window.shown) > 2)
    start = time.perf_counter()
    _do(window, window.work.stop, qtbot)
    assert time.perf_counter() - start < 1
    assert window.told == []
    assert len(window.failed) == 1
    window.work.stop()


def test_what_cannot_be_noted_does_not_make_an_intact_model_look_damaged(
    window: Window, computer: Computer, data: Path, qtbot: QtBot
) -> None:
    path = downloaded(computer.models / "o" / "r" / "a.gguf")
    _scan(window, qtbot)
    (data / "models.json").mkdir(parents=True)
    _verify(window, path, qtbot)
    [error] = window.failed
    assert "is intact, but" in str(error)


def _from_hub(computer: Computer, hub: FakeHub, name: str) -> Path:
    path = computer.models / REPOSITORY / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(MODEL)
    content = hub.content(REPOSITORY, name)
    commit = hub.repositories[REPOSITORY].commit
    origin.write(path, origin.Origin(hub.endpoint, REPOSITORY, commit, name, len(MODEL),
                                     content.sha256, "", "", ""))  # fmt: skip
    return path


def test_an_update_is_found_in_any_part_and_a_hub_that_is_gone_is_told(
    window: Window, computer: Computer, qtbot: QtBot
) -> None:
    parts = [f"a-0000{number}-of-00002.gguf" for number in (1, 2)]
    with FakeHub() as hub:
        hub.add_repository(REPOSITORY, {name: model(20_000, i) for i, name in enumerate(parts)})
        first, _ = (_from_hub(computer, hub, name) for name in parts)
        other = write(computer.models / "imported" / "b.gguf", gguf(data_bytes=421))
        _scan(window, qtbot)
        found = window.find(first)
        _do(window, lambda: window.work.check_update(found), qtbot)
        hub.replace_file(REPOSITORY, parts[1], model(20_000, 9))
        _do(window, lambda: window.work.check_update(found), qtbot)
        window.work.check_update(window.find(other))
        assert [sentence.partition(":")[0] for _, sentence in window.told] == [
            "It is up to date.",
            f"Another version is in {REPOSITORY}",
            "Nobody knows which repository it comes from.",
        ]
        hub.add_fault("", FaultKind.HANG)
        window.work.check_update(found)
        qtbot.waitUntil(lambda: hub.faults[0].matched == 1)
        _do(window, window.work.stop, qtbot)
        assert window.failed == []
    _do(window, lambda: window.work.check_update(found), qtbot)
    assert len(window.failed) == 1
    assert len(window.told) == 3


@pytest.mark.parametrize("copy", [True, False])
def test_of_several_files_the_good_ones_are_taken_and_the_bad_ones_are_named(
    copy: bool, window: Window, computer: Computer, qtbot: QtBot
) -> None:
    folder = computer.elsewhere
    good = [write(folder / f"good-{i}.gguf", gguf(data_bytes=420 + i)) for i in (1, 2)]
    bad = write(folder / "page.gguf", b"<!doctype html><title>Sign in</title>")
    files = [good[0], bad, folder / "gone.gguf", good[1], good[1]]
    take = window.work.copy_in if copy else window.work.use_in_place
    _do(window, lambda: take(files), qtbot)
    assert window.names == ["good-1.gguf", "good-2.gguf"]
    place = computer.models / "imported" if copy else folder
    assert window.imported == [place / "good-2.gguf"]
    [error] = window.failed
    assert error.message.startswith("2 of 4 models could not be added. ")
    assert "page.gguf is a web page" in error.message
    assert "gone.gguf does not exist" in error.message
    _do(window, lambda: take([bad]), qtbot)
    assert window.failed[-1].message.startswith("page.gguf is a web page")
    assert all(path.exists() for path in (*good, bad))
    leftovers = [path.name for path in computer.models.rglob("*.part")]
    assert leftovers == []


def test_all_parts_of_a_split_model_dropped_together_are_one_model(
    window: Window, computer: Computer, qtbot: QtBot
) -> None:
    parts = [computer.elsewhere / f"a-0000{number}-of-00002.gguf" for number in (1, 2)]
    for number, part in enumerate(parts):
        split = {"split.no": number, "split.count": 2}
        write(part, gguf({**STARCODER, **split}, data_bytes=420 + number))
    _do(window, lambda: window.work.copy_in(parts[::-1]), qtbot)
    assert window.failed == []
    assert window.imported == [computer.models / "imported" / parts[0].name]
    assert window.names == [parts[0].name]
    parts[0].unlink()
    _do(window, lambda: window.work.use_in_place(parts[1:]), qtbot)
    assert "Choose the first part" in str(window.failed[0])


def test_a_deleted_model_is_in_the_trash_with_all_that_belongs_to_it(
    window: Window, computer: Computer, trash: Path, qtbot: QtBot
) -> None:
    folder = computer.models / "o" / "r"
    parts = [downloaded(folder / f"a-0000{n}-of-00002.gguf", gguf(data_bytes=420 + n))
             for n in (1, 2)]  # fmt: skip
    other = downloaded(computer.models / "o" / "kept" / "b.gguf", gguf(data_bytes=500))
    window.library.records.change(parts[0], context_tokens=1024)
    _scan(window, qtbot)
    _do(window, lambda: window.work.delete(window.find(parts[0])), qtbot)
    assert window.failed == []
    assert sorted(path.name for path in trash.iterdir()) == sorted(
        name for part in parts for name in (part.name, f"{part.name}.json")
    )
    assert not folder.exists()
    assert window.names == [other.name]
    assert window.library.records.get(parts[0]).context_tokens is None


def test_without_a_trash_nothing_is_deleted(
    window: Window, computer: Computer, home: Path, qtbot: QtBot
) -> None:
    path = downloaded(computer.models / "o" / "r" / "a.gguf")
    _scan(window, qtbot)
    (home / "Trash").write_text("no folder, so nothing can be put into it")
    _do(window, lambda: window.work.delete(window.find(path)), qtbot)
    [error] = window.failed
    assert "could not be moved to the trash" in str(error)
    assert path.read_bytes() == MODEL
    assert origin.read(path) is not None
    assert window.names == [path.name]


def test_deleting_what_is_not_ours_only_forgets_it(
    window: Window, computer: Computer, trash: Path, qtbot: QtBot
) -> None:
    link = write(computer.elsewhere / "c.gguf")
    theirs = write(computer.lm_studio / "o" / "r" / "d.gguf", gguf(data_bytes=430))
    window.library.records.add_link(link)
    _scan(window, qtbot)
    for path in (link, theirs):
        model = window.find(path)
        with qtbot.waitSignal(window.library.changed):
            window.work.delete(model)
        assert path.exists()
    assert window.names == [theirs.name]
    assert not trash.exists()


def test_a_work_under_way_at_shutdown_is_not_heard_of_again(
    window: Window, computer: Computer, qtbot: QtBot
) -> None:
    path = write(computer.models / "o" / "r" / "a.gguf", BIG)
    os.truncate(path, 3_000_000_000)
    _scan(window, qtbot)
    window.work.verify(window.find(path))
    qtbot.waitUntil(lambda: len(window.shown) > 2)
    start = time.perf_counter()
    window.jobs.shutdown()
    assert time.perf_counter() - start < 1
    count = len(window.shown)
    qtbot.wait(30)
    assert window.told == []
    assert window.failed == []
    assert len(window.shown) <= count + 1

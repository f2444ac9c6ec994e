"""What is on this computer, how it is loaded, and how fast it will be."""

import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject, Slot
from pytestqt.qtbot import QtBot

from gguf_files import gguf
from model_folders import FAMILIES, HASH, MODEL, Computer, downloaded, write
from starpad.core.errors import StarpadError
from starpad.core.installed_model import ModelSource
from starpad.core.load_options import KvType, LoadOptions
from starpad.core.settings import Settings
from starpad.hub import local_models
from starpad.services import model_library
from starpad.services.background import BackgroundJobs
from starpad.services.model_library import ModelLibrary, usual_options, with_choices

USUAL = LoadOptions(Path("a.gguf"), context_tokens=4096, threads=2, kv_type=KvType.Q8_0)


class Listener(QObject):
    """Keeps what the library says."""

    def __init__(self, library: ModelLibrary) -> None:
        super().__init__()
        self.changes = 0
        self.failed: list[StarpadError] = []
        self.reported: list[StarpadError] = []
        self.copies: list[tuple[object, object]] = []
        library.changed.connect(self._on_changed)
        library.failed.connect(self._on_failed)
        library.reported.connect(self._on_reported)
        library.copy_found.connect(self._on_copy_found)

    @Slot()
    def _on_changed(self) -> None:
        self.changes += 1

    @Slot(object)
    def _on_failed(self, error: StarpadError) -> None:
        self.failed.append(error)

    @Slot(object)
    def _on_reported(self, error: StarpadError) -> None:
        self.reported.append(error)

    @Slot(object, object)
    def _on_copy_found(self, question: object, path: object) -> None:
        self.copies.append((question, path))


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Computer:
    computer = Computer(tmp_path)
    monkeypatch.setattr(local_models, "usual_places", lambda: computer.places)
    return computer


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[BackgroundJobs]:
    jobs = BackgroundJobs()
    yield jobs
    jobs.shutdown()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def library(jobs: BackgroundJobs, computer: Computer, data: Path) -> ModelLibrary:
    return ModelLibrary(jobs, data, computer.models, FAMILIES)


@pytest.fixture
def listener(library: ModelLibrary) -> Listener:
    return Listener(library)


def _scan(library: ModelLibrary, qtbot: QtBot) -> None:
    with qtbot.waitSignal(library.changed):
        library.refresh()


def _refuse_to_write(data: Path) -> None:
    """Let the records' folder be a file: nothing can be written there, by root either."""
    data.write_text("not a folder")


def test_models_of_all_places_are_found_with_their_source(
    library: ModelLibrary, computer: Computer, qtbot: QtBot
) -> None:
    ours = downloaded(computer.models / "o" / "starcoder2-3b-GGUF" / "starcoder2-3b.Q4_K_M.gguf")
    theirs = write(computer.lm_studio / "o" / "r" / "b.gguf", gguf(data_bytes=421))
    link = write(computer.elsewhere / "c.gguf", gguf(data_bytes=422))
    broken = write(computer.models / "imported" / "d.gguf", b"<!doctype html>")
    library.keep(lambda: library.records.add_link(link))
    _scan(library, qtbot)
    by_path = {model.path: model for model in library.models}
    assert set(by_path) == {ours, theirs, link, broken}
    assert by_path[ours].source is ModelSource.DOWNLOADED
    assert by_path[ours].family_id
    assert by_path[theirs].source is ModelSource.LM_STUDIO
    assert "web page" in by_path[broken].problem
    assert library.find(ours) is by_path[ours]
    assert library.find(Path("nowhere.gguf")) is None
    assert broken not in [model.path for model in library.by_use()]


def test_the_latest_used_is_first_and_the_never_used_last(
    library: ModelLibrary, computer: Computer, listener: Listener, qtbot: QtBot
) -> None:
    paths = [
        write(computer.models / "imported" / f"{name}.gguf", gguf(data_bytes=420 + number))
        for number, name in enumerate("abcd")
    ]
    _scan(library, qtbot)
    for path in (paths[3], paths[1], paths[3]):
        library.note_use(path)
    assert [model.path.stem for model in library.by_use()] == ["d", "b", "a", "c"]
    assert listener.changes == 4
    library.note_use(computer.elsewhere / "gone.gguf")
    assert [model.path.stem for model in library.by_use()] == ["d", "b", "a", "c"]


def test_asking_again_while_looking_looks_once_more_and_never_twice_at_a_time(
    library: ModelLibrary,
    computer: Computer,
    listener: Listener,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_go_on, running, most = threading.Event(), [], []
    scan = local_models.scan

    def slow(*args: Any, **options: Any) -> object:
        running.append(1)
        most.append(len(running))
        may_go_on.wait(10)
        found = scan(*args, **options)
        running.pop()
        return found

    monkeypatch.setattr(local_models, "scan", slow)
    library.refresh()
    qtbot.waitUntil(lambda: bool(most))
    model = downloaded(computer.models / "o" / "r" / "a.gguf")
    library.folder = computer.models
    for _ in range(5):
        library.refresh()
    may_go_on.set()
    qtbot.waitUntil(lambda: listener.changes == 2)
    qtbot.wait(50)
    assert most == [1, 1]
    assert [each.path for each in library.models] == [model]


def test_a_scan_that_goes_wrong_is_told_and_the_next_one_works(
    library: ModelLibrary,
    listener: Listener,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(local_models, "scan", lambda *_args, **_options: 1 / 0)
        with qtbot.waitSignal(library.failed):
            library.refresh()
    assert listener.changes == 0
    _scan(library, qtbot)


def test_what_was_chosen_for_one_model_is_for_that_one(
    library: ModelLibrary, computer: Computer
) -> None:
    one, other = Path("/m/one.gguf"), Path("/m/other.gguf")
    library.records.change(one, context_tokens=16384, kv_type="q4_0", gpu_layers=0)
    assert library.options_for(one, USUAL) == LoadOptions(one, 16384, 2, KvType.Q4_0, 0)
    assert library.options_for(other, USUAL) == LoadOptions(other, 4096, 2, KvType.Q8_0, -1)
    library.records.change(one, context_tokens=None, kv_type=None)
    assert library.options_for(one, USUAL) == LoadOptions(one, 4096, 2, KvType.Q8_0, 0)
    settings = Settings(context_tokens=2048, engine_threads=3, kv_type=KvType.Q4_0)
    assert usual_options(settings, one) == LoadOptions(one, 2048, 3, KvType.Q4_0)


@pytest.mark.parametrize(
    "garbage",
    [
        {"context_tokens": -1, "threads": -2, "gpu_layers": -2, "kv_type": "q3_7"},
        {"context_tokens": 0, "threads": 10**6, "gpu_layers": 10**9, "kv_type": ""},
        {"context_tokens": 10**12, "threads": 2.5, "gpu_layers": "all", "kv_type": 8},
        {"context_tokens": True, "threads": [], "gpu_layers": None, "kv_type": ["f16"]},
        {"context_tokens": "4096", "threads": {}, "unknown": 1},
        {},
    ],
)
def test_garbage_is_no_choice(
    garbage: dict[str, object], library: ModelLibrary, data: Path
) -> None:
    assert with_choices(USUAL, garbage) == USUAL
    path = data / "models.json"
    path.parent.mkdir()
    content = {"version": 1, "models": {"/m/a.gguf": garbage}, "links": [], "folders": []}
    path.write_text(json.dumps(content))
    options = library.options_for(Path("/m/a.gguf"), USUAL)
    assert asdict(options) == {**asdict(USUAL), "path": Path("/m/a.gguf")}


def test_a_record_that_is_garbage_is_reported_once_and_kept(
    library: ModelLibrary, listener: Listener, data: Path, qtbot: QtBot
) -> None:
    data.mkdir()
    (data / "models.json").write_bytes(b"\x00 garbage")
    (data / "model-headers.json").write_bytes(b"[")
    _scan(library, qtbot)
    _scan(library, qtbot)
    [error] = listener.reported
    assert "models.json.damaged" in str(error)
    assert (data / "models.json.damaged").read_bytes() == b"\x00 garbage"
    assert listener.failed == []


def test_records_that_cannot_be_written_are_told_and_nothing_else_suffers(
    library: ModelLibrary, computer: Computer, listener: Listener, data: Path, qtbot: QtBot
) -> None:
    model = downloaded(computer.models / "o" / "r" / "a.gguf")
    _refuse_to_write(data)
    _scan(library, qtbot)
    library.note_use(model)
    [error] = listener.failed
    assert "could not be saved" in str(error)
    library.note_speed(model, 20.0)
    qtbot.wait(50)
    assert len(listener.failed) == 1, "a suggestion tells of it no second time"
    assert [each.path for each in library.by_use()] == [model]


def _noted(
    library: ModelLibrary, jobs: BackgroundJobs, qtbot: QtBot, path: Path, at: float
) -> None:
    with qtbot.waitSignal(jobs.job_ended):
        library.note_speed(path, at)


def test_speed_is_expected_from_what_has_run_here(
    library: ModelLibrary,
    computer: Computer,
    jobs: BackgroundJobs,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model_library, "_LARGE_BYTES", 100_000)
    monkeypatch.setattr(model_library, "_SHARE_OF_CORES", 3)
    folder = computer.models / "imported"
    small, middle, large = (
        write(folder / f"{size}.gguf", gguf(data_bytes=size)) for size in (5_000, 200_000, 900_000)
    )
    _scan(library, qtbot)
    size = {path: path.stat().st_size for path in (small, middle, large)}
    assert library.expected_speed(500_000) is None
    _noted(library, jobs, qtbot, small, 100.0)
    expected = 100 * size[small] * 3 / 1_000_000
    assert library.expected_speed(1_000_000) == pytest.approx(expected)
    assert library.expected_speed(0) is None
    _noted(library, jobs, qtbot, large, 10.0)
    assert library.expected_speed(450_000) == pytest.approx(10 * size[large] / 450_000)
    _noted(library, jobs, qtbot, middle, 30.0)
    assert library.expected_speed(size[middle]) == pytest.approx(30)
    assert library.expected_speed(size[large]) == pytest.approx(10)
    again = ModelLibrary(jobs, library.records._store.path.parent, computer.models, FAMILIES)
    _scan(again, qtbot)
    assert again.expected_speed(size[large]) == pytest.approx(10)


def test_a_benchmark_tells_more_than_what_suggestions_were_like(
    library: ModelLibrary, computer: Computer, jobs: BackgroundJobs, qtbot: QtBot
) -> None:
    folder = computer.models / "imported"
    near, far = (
        write(folder / f"{size}.gguf", gguf(data_bytes=size)) for size in (400_000, 600_000)
    )
    _scan(library, qtbot)
    size = {path: path.stat().st_size for path in (near, far)}
    _noted(library, jobs, qtbot, near, 100.0)
    with qtbot.waitSignal(jobs.job_ended):
        library.note_benchmark(far, 10.0)
    assert library.expected_speed(460_000) == pytest.approx(100 * size[near] / 460_000)
    assert library.expected_speed(480_000) == pytest.approx(10 * size[far] / 480_000)
    _noted(library, jobs, qtbot, far, 90.0)
    assert library.expected_speed(size[far]) == pytest.approx(10)
    with qtbot.waitSignal(jobs.job_ended):
        library.note_benchmark(far, 0.0)
    assert library.expected_speed(size[far]) == pytest.approx(10), "nothing measured, nothing known"


def test_nonsense_is_no_speed(
    library: ModelLibrary, computer: Computer, jobs: BackgroundJobs, qtbot: QtBot
) -> None:
    model = downloaded(computer.models / "o" / "r" / "a.gguf")
    _scan(library, qtbot)
    for speed in (0.0, -1.0, float("nan"), float("inf")):
        _noted(library, jobs, qtbot, model, speed)
        assert library.expected_speed(1000) is None


def test_a_copy_is_found_in_our_folder_in_the_hugging_face_cache_and_nowhere_else(
    library: ModelLibrary, computer: Computer, listener: Listener, qtbot: QtBot
) -> None:
    for question in ("nowhere", "cache", "ours"):
        if question == "cache":
            cached = computer.cached("a.gguf")
        elif question == "ours":
            ours = downloaded(computer.models / "o" / "r" / "a.gguf")
        with qtbot.waitSignal(library.copy_found):
            library.find_copy(question, HASH)
    assert listener.copies == [("nowhere", None), ("cache", cached), ("ours", ours)]
    ours.write_bytes(MODEL[:-1])
    cached.unlink()
    with qtbot.waitSignal(library.copy_found):
        library.find_copy("changed since", HASH)
    assert listener.copies[-1] == ("changed since", None)


def test_each_question_for_a_copy_is_answered_also_when_looking_goes_wrong(
    library: ModelLibrary, listener: Listener, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_models, "find_by_sha256", lambda *_args, **_options: 1 / 0)
    for number in range(3):
        library.find_copy(number, HASH)
    qtbot.waitUntil(lambda: len(listener.copies) == 3)
    assert sorted(listener.copies, key=str) == [(0, None), (1, None), (2, None)]


def test_five_hundred_models_never_hold_up_the_window(
    library: ModelLibrary, computer: Computer, jobs: BackgroundJobs, qtbot: QtBot
) -> None:
    first = downloaded(computer.models / "owner" / "repo-0" / "a.gguf")
    for number in range(1, 500):
        folder = computer.models / "owner" / f"repo-{number}"
        folder.mkdir()
        os.link(first, folder / "b.gguf") if number == 1 else write(folder / "a.gguf")
    start = time.perf_counter()
    library.refresh()
    library.note_speed(first, 20.0)
    assert time.perf_counter() - start < 1
    qtbot.waitUntil(lambda: bool(library.models), timeout=20_000)
    assert len(library.models) == 499, "a second name for the same bytes is no second model"
    start = time.perf_counter()
    for size in range(1, 41):
        library.expected_speed(size * 1000)
    library.by_use()
    assert time.perf_counter() - start < 1

"""Importing and verifying model files: nothing is overwritten, a flipped byte is found."""

import errno
import hashlib
import os
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock

from gguf_files import STARCODER, gguf
from model_folders import HASH, MODEL, NOW, Computer, downloaded, write
from starpad.core import origin
from starpad.core.errors import ModelFileError
from starpad.core.hub_errors import HubError, HubProblem
from starpad.core.installed_model import ModelSource
from starpad.hub import model_files
from starpad.hub.install import Stopped
from starpad.hub.session import StopSignal

BIG = gguf(data_bytes=5_000_000)


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    return Computer(tmp_path / "disk")


class Meter:
    """Takes progress, and stops the work after so many steps."""

    def __init__(self, stop_after: int = -1) -> None:
        self.steps: list[tuple[int, int]] = []
        self.stop = StopSignal()
        self._stop_after = stop_after

    def __call__(self, done_bytes: int, total_bytes: int) -> None:
        self.steps.append((done_bytes, total_bytes))
        if len(self.steps) == self._stop_after:
            self.stop.stop()


def import_model(
    file: Path, computer: Computer, *, copy: bool = True, meter: Meter | None = None
) -> Path:
    meter = meter or Meter()
    folder = computer.models
    return model_files.import_model(file, folder, copy=copy, stop=meter.stop, progress=meter)


def verify(model: Path, expected_sha256: str = "", meter: Meter | None = None) -> str:
    meter = meter or Meter()
    return model_files.verify(
        model, expected_sha256=expected_sha256, progress=meter, stop=meter.stop
    )


def test_a_copy_is_whole_and_listed_as_imported(computer: Computer) -> None:
    file = write(computer.elsewhere / "mine.gguf", BIG)
    meter = Meter()
    path = import_model(file, computer, meter=meter)
    assert path == computer.models / "imported" / "mine.gguf"
    assert path.read_bytes() == BIG
    assert meter.steps[-1] == (len(BIG), len(BIG))
    assert len(meter.steps) > 3
    assert file.exists()
    [model] = computer.scan()
    assert (model.source, model.is_ours) == (ModelSource.IMPORTED, True)


def test_used_in_place_nothing_is_written(computer: Computer) -> None:
    file = write(computer.elsewhere / "mine.gguf")
    assert import_model(file, computer, copy=False) == file
    assert not computer.models.exists()


def test_all_parts_of_a_model_are_copied(computer: Computer) -> None:
    first = computer.elsewhere / "a-00001-of-00002.gguf"
    write(first, gguf({**STARCODER, "split.no": 0, "split.count": 2}))
    write(computer.elsewhere / "a-00002-of-00002.gguf", b"GGUF second")
    path = import_model(first, computer)
    assert path.with_name("a-00002-of-00002.gguf").read_bytes() == b"GGUF second"
    assert [model.path for model in computer.scan()] == [path]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (MODEL[:-1], "truncated"),
        (b"<html>", "web page"),
        (b"tjgg" + bytes(50), "legacy GGML"),
        (b"", "empty"),
    ],
)
@pytest.mark.parametrize("copy", [True, False])
def test_what_cannot_be_loaded_is_refused(
    data: bytes, sentence: str, copy: bool, computer: Computer
) -> None:
    with pytest.raises(ModelFileError, match=sentence):
        import_model(write(computer.elsewhere / "x.gguf", data), computer, copy=copy)
    assert not computer.models.exists()


def test_an_import_never_overwrites_another_model(computer: Computer) -> None:
    first = import_model(write(computer.elsewhere / "a" / "x.gguf"), computer)
    second = import_model(write(computer.elsewhere / "b" / "x.gguf", BIG), computer)
    assert first.read_bytes() == MODEL
    assert second == computer.models / "imported" / "2" / "x.gguf"
    assert second.read_bytes() == BIG
    assert len(computer.scan()) == 2


def test_what_is_here_already_is_not_copied_again(computer: Computer) -> None:
    file = write(computer.elsewhere / "x.gguf")
    path = import_model(file, computer)
    meter = Meter()
    assert import_model(file, computer, meter=meter) == path
    assert import_model(path, computer, meter=meter) == path
    assert meter.steps == []


def test_of_a_link_the_file_itself_is_copied(computer: Computer) -> None:
    path = import_model(computer.cached("x.gguf"), computer)
    assert not path.is_symlink()
    assert path.read_bytes() == MODEL


def test_a_stopped_import_leaves_nothing_behind(computer: Computer) -> None:
    file = write(computer.elsewhere / "x.gguf", BIG)
    with pytest.raises(Stopped):
        import_model(file, computer, meter=Meter(stop_after=2))
    assert [path.suffix for path in computer.models.rglob("*") if path.is_file()] in ([], [".lock"])
    assert import_model(file, computer).read_bytes() == BIG


def test_a_full_disk_is_seen_before_the_first_byte(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(computer.elsewhere / "x.gguf")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=300_000_000))
    with pytest.raises(HubError, match=r"0\.3 GB are free") as caught:
        import_model(file, computer)
    assert caught.value.problem is HubProblem.DISK_FULL
    assert not list(computer.models.rglob("*.gguf*"))


def test_a_disk_that_fills_meanwhile_leaves_nothing_behind(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HubError) as caught:
        import_model(write(computer.elsewhere / "x.gguf"), computer)
    assert caught.value.problem is HubProblem.DISK_FULL
    assert not list(computer.models.rglob("*.gguf*"))


def test_a_file_that_grows_while_it_is_copied_is_not_taken(computer: Computer) -> None:
    file = write(computer.elsewhere / "x.gguf", BIG)

    def grow(done_bytes: int, total_bytes: int) -> None:
        with file.open("ab") as stream:
            stream.write(b"more")

    with pytest.raises(HubError, match="was changed while it was copied"):
        model_files.import_model(file, computer.models, copy=True, stop=StopSignal(), progress=grow)
    assert not list(computer.models.rglob("*.gguf*"))


def test_a_disk_that_fails_says_so(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, *args: object) -> str:
        raise OSError(errno.EIO, "Input/output error", str(path))

    path = write(computer.models / "a.gguf")
    monkeypatch.setattr(model_files, "sha256_of", fail)
    with pytest.raises(HubError, match="Input/output error") as caught:
        verify(path)
    assert "Check the disk" in caught.value.hint


def test_two_windows_do_not_import_at_the_same_time(computer: Computer) -> None:
    file = write(computer.elsewhere / "x.gguf")
    folder = computer.models / "imported"
    folder.mkdir(parents=True)
    with (
        FileLock(folder / "import.lock"),
        pytest.raises(HubError, match="Another Starpad window") as caught,
    ):
        import_model(file, computer)
    assert caught.value.problem is HubProblem.IN_USE
    assert import_model(file, computer).exists()


def test_an_intact_download_is_verified_and_the_date_kept(computer: Computer) -> None:
    path = downloaded(computer.models / "o" / "r" / "a.gguf", BIG)
    meter = Meter()
    sha256 = verify(path, meter=meter)
    assert sha256 == hashlib.sha256(BIG).hexdigest()
    assert meter.steps[-1] == (len(BIG), len(BIG))
    later = NOW + timedelta(days=3)
    model_files.note_verified(path, sha256, computer.records, later)
    assert computer.scan()[0].verified_at == later
    known = origin.read(path)
    assert known is not None
    assert known.verified_at == later.isoformat()


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize("at", [0, 4_000, len(BIG) // 2, len(BIG) - 1])
def test_a_flipped_byte_is_always_found(at: int, computer: Computer) -> None:
    path = downloaded(computer.models / "o" / "r" / "a.gguf", BIG)
    path.write_bytes(_flip(BIG, at))
    with pytest.raises(HubError, match=r"a\.gguf is damaged or was changed") as caught:
        verify(path)
    assert caught.value.problem is HubProblem.CHECKSUM
    assert "download it again" in caught.value.hint


def test_a_file_that_is_too_short_is_not_even_read(computer: Computer) -> None:
    path = downloaded(computer.models / "o" / "r" / "a.gguf")
    path.write_bytes(MODEL[:-1])
    meter = Meter()
    with pytest.raises(HubError, match=f"{len(MODEL) - 1:,} of {len(MODEL):,} bytes"):
        verify(path, meter=meter)
    assert meter.steps == []


def test_every_part_is_verified_against_its_own_origin(computer: Computer) -> None:
    parts = [computer.models / "o" / "r" / f"a-0000{n}-of-00002.gguf" for n in (1, 2)]
    for part in parts:
        downloaded(part)
    both = verify(parts[0])
    assert both == hashlib.sha256(HASH.encode() * 2).hexdigest()
    parts[1].write_bytes(_flip(MODEL, 100))
    with pytest.raises(HubError, match=r"a-00002-of-00002\.gguf is damaged"):
        verify(parts[0])
    parts[1].unlink()
    with pytest.raises(HubError) as caught:
        verify(parts[0])
    assert caught.value.problem is HubProblem.FOLDER_GONE


def test_a_file_of_the_hugging_face_cache_is_compared_with_its_blobs_name(
    computer: Computer,
) -> None:
    path = computer.cached("a.gguf")
    assert verify(path) == HASH
    path.resolve().write_bytes(_flip(MODEL, 7))
    with pytest.raises(HubError, match="announced"):
        verify(path, expected_sha256=hashlib.sha256(_flip(MODEL, 7)).hexdigest())


def test_without_anything_to_compare_with_the_hash_is_learned(computer: Computer) -> None:
    path = write(computer.elsewhere / "a.gguf")
    computer.records.add_link(path)
    model_files.note_verified(path, verify(path), computer.records, NOW)
    assert computer.scan()[0].verified_at == NOW
    path.write_bytes(_flip(MODEL, 50))
    with pytest.raises(HubError, match="had before"):
        verify(path, expected_sha256=computer.records.get(path).sha256)


def test_an_origin_without_a_hash_leaves_the_expected_one_to_count(computer: Computer) -> None:
    path = downloaded(computer.models / "o" / "r" / "a.gguf")
    known = origin.read(path)
    assert known is not None
    origin.write(path, replace(known, sha256=""))
    assert verify(path, HASH) == HASH
    with pytest.raises(HubError, match="had before"):
        verify(path, "0" * 64)


def test_verifying_can_be_stopped(computer: Computer) -> None:
    path = write(computer.models / "a.gguf", BIG)
    meter = Meter(stop_after=1)
    with pytest.raises(Stopped):
        verify(path, meter=meter)
    assert len(meter.steps) == 1


def test_a_model_that_is_gone_says_so(computer: Computer) -> None:
    with pytest.raises(HubError, match="does not exist any more") as caught:
        verify(computer.models / "a.gguf")
    assert caught.value.problem is HubProblem.FOLDER_GONE

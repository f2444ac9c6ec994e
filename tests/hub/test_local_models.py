"""Finding models: ours and those of other programs, each once, none that is not whole."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from gguf_files import STARCODER, gguf
from legacy_ggml_files import Shape, legacy, noise, vocabulary
from model_folders import HASH, MODEL, NOW, Computer, downloaded, write
from starpad.core import origin
from starpad.core.installed_model import ModelSource
from starpad.hub import header_cache, local_models
from starpad.hub.header_cache import HeaderCache

LEGACY = legacy(Shape(), vocabulary(), noise())


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    return Computer(tmp_path / "disk")


def test_on_an_empty_computer_there_is_nothing_and_nothing_is_made(computer: Computer) -> None:
    computer.records.add_folder(computer.elsewhere)
    assert computer.scan() == []
    assert computer.notes == []
    assert not computer.models.exists()


def test_a_download_of_ours_is_listed_with_all_that_is_known(computer: Computer) -> None:
    path = downloaded(computer.models / "somebody" / "starcoder2-3b-GGUF" / "starcoder2-3b.gguf")
    [model] = computer.scan()
    assert model.path == path
    assert model.source is ModelSource.DOWNLOADED
    assert model.is_ours
    assert model.problem == ""
    assert (model.name, model.family_id) == ("StarCoder2 3B", "starcoder2-3b")
    assert (model.quantization, model.architecture) == ("Q4_K_M", "starcoder2")
    assert (model.context_tokens, model.disk_bytes) == (16_384, len(MODEL))
    assert model.license == "bigcode-openrail-m"
    assert model.origin == origin.read(path)
    assert model.verified_at == NOW


def test_a_verification_that_the_file_has_outlived_does_not_count(computer: Computer) -> None:
    path = downloaded(computer.models / "o" / "r" / "a.gguf")
    write(path, MODEL + b"\x00")
    assert computer.scan()[0].verified_at is None
    computer.records.verified(path, HASH, NOW)
    assert computer.scan()[0].verified_at == NOW


def test_nothing_that_is_still_arriving_is_listed(computer: Computer) -> None:
    folder = computer.models / "o" / "r"
    for name in ("a.gguf.part", "a.gguf.part.json", "a.gguf.part.lock", "a.gguf.json", "README.md"):
        write(folder / name)
    for name in ("b-00001-of-00002.gguf", "b-00002-of-00002.gguf.part"):
        write(folder / name)
    # An update of parts: old ones may lie beside new ones until it is through.
    for name in ("c-00001-of-00002.gguf", "c-00002-of-00002.gguf"):
        write(folder / name)
    write(folder / "c-00001-of-00002.gguf.part.json")
    assert computer.scan() == []


def test_a_model_in_parts_is_one_model_and_only_when_all_are_there(computer: Computer) -> None:
    parts = [computer.models / "o" / "r" / f"a-0000{n}-of-00003.gguf" for n in (1, 2, 3)]
    first = gguf({**STARCODER, "split.no": 0, "split.count": 3})
    write(parts[0], first)
    for part in parts[1:]:
        write(part, b"GGUF" + bytes(1000))
    [model] = computer.scan()
    assert model.path == parts[0]
    assert model.disk_bytes == len(first) + 2008
    assert model.problem == ""
    parts[1].unlink()
    assert computer.scan() == []
    assert "some of its parts are missing" in computer.notes[0]


def test_the_renamed_first_of_several_parts_is_not_usable(computer: Computer) -> None:
    write(computer.models / "a.gguf", gguf({**STARCODER, "split.no": 0, "split.count": 2}))
    [model] = computer.scan()
    assert "first of 2 parts, but was renamed" in model.problem


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("cut.gguf", MODEL[:-1], "truncated"),
        ("page.gguf", b"<!DOCTYPE html>", "web page"),
        ("empty.gguf", b"", "empty"),
        ("zeros.gguf", bytes(5000), "zeros only"),
        ("starcoder.ggmlv3.q4_0.bin", b"tjgg" + bytes(100), "GGML file of 2023"),
    ],
)
def test_a_file_of_ours_that_cannot_be_loaded_says_why(
    name: str, data: bytes, problem: str, computer: Computer
) -> None:
    write(computer.models / "o" / "r" / name, data)
    [model] = computer.scan()
    assert problem in model.problem
    assert model.header is None
    assert model.disk_bytes == len(data)


def test_other_files_are_no_models(computer: Computer) -> None:
    for name in ("pytorch_model.bin", "notes.txt", "mmproj-a.gguf", "ggml-vocab-starcoder.gguf"):
        write(computer.models / name)
    (computer.models / "folder.gguf").mkdir()
    write(computer.models / ".hidden" / "a.gguf")
    assert computer.scan() == []


def test_a_legacy_file_is_a_model_and_other_bin_files_are_none(computer: Computer) -> None:
    path = write(computer.models / "o" / "r" / "starcoder.ggmlv3.f16.bin", LEGACY)
    write(computer.models / "o" / "r" / "pytorch_model.bin", b"PK\x03\x04" + bytes(100))
    [model] = computer.scan()
    assert (model.path, model.problem) == (path, "")
    assert (model.architecture, model.quantization, model.context_tokens) == (
        "gpt_bigcode", "F16", 512,
    )  # fmt: skip
    assert computer.scan()[0].architecture == "gpt_bigcode"


def test_a_file_that_somebody_put_into_our_folder_is_imported(computer: Computer) -> None:
    write(computer.models / "mine.Q5_0.gguf", gguf({**STARCODER, "general.file_type": 9999}))
    [model] = computer.scan()
    assert (model.source, model.is_ours) == (ModelSource.IMPORTED, True)
    assert model.name == "mine.Q5_0"
    assert model.quantization == "Q5_0", "the name tells what the header does not"
    assert model.license == ""


def test_links_and_folders_of_the_user_are_used_in_place(computer: Computer) -> None:
    link = write(computer.elsewhere / "starcoder.Q4_0.gguf")
    inside = write(computer.elsewhere / "folder" / "b.gguf")
    computer.records.add_link(link)
    computer.records.add_link(computer.elsewhere / "gone.gguf")
    computer.records.add_folder(computer.elsewhere / "folder")
    models = {model.path: model for model in computer.scan()}
    assert models[link].source is ModelSource.IMPORTED
    assert models[inside].source is ModelSource.FOLDER
    assert len(models) == 2
    assert not any(model.is_ours for model in models.values())


def test_a_folder_that_holds_itself_does_not_hang(computer: Computer) -> None:
    write(computer.models / "o" / "a.gguf")
    (computer.models / "o" / "again").symlink_to(computer.models, target_is_directory=True)
    assert len(computer.scan()) == 1


def test_a_folder_that_may_not_be_read_is_noted_and_passed_over(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(computer.models / "a.gguf")
    locked = write(computer.models / "locked" / "b.gguf").parent
    list_folder = os.scandir

    def refuse(path: str) -> object:  # chmod would not stop an administrator
        if path == str(locked):
            raise PermissionError(13, "Permission denied", path)
        return list_folder(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert len(computer.scan()) == 1
    assert computer.notes == [f"{locked} cannot be looked into: Permission denied."]


def test_the_demonstration_model_comes_last(computer: Computer, demo_model: Path) -> None:
    computer.places = replace(computer.places, demo=demo_model)
    write(computer.models / "a.gguf")
    last = computer.scan()[-1]
    assert (last.path, last.source) == (demo_model, ModelSource.DEMO)
    assert (last.license, last.family_id, last.is_ours) == ("apache-2.0", "", False)


def test_known_headers_are_not_read_again_also_after_a_restart(
    computer: Computer, demo_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = demo_model.read_bytes()[:280_000]
    for number in range(50):
        path = write(computer.models / "o" / f"r{number}" / "a.gguf", head)
        os.truncate(path, demo_model.stat().st_size)
    first = computer.scan()
    assert [model.problem for model in first] == [""] * 50
    monkeypatch.setattr(header_cache, "read_whole_header", None)
    computer.headers = HeaderCache(computer.header_file)
    start = time.perf_counter()
    assert computer.scan() == first
    assert time.perf_counter() - start < 1


def test_a_known_header_is_read_anew_when_the_file_changes(computer: Computer) -> None:
    path = write(computer.models / "a.gguf")
    computer.scan()
    write(path, gguf({**STARCODER, "starcoder2.context_length": 4096}))
    assert computer.scan()[0].context_tokens == 4096


def test_garbage_in_the_header_cache_costs_nothing(computer: Computer) -> None:
    write(computer.models / "a.gguf")
    good = computer.scan()
    text = computer.header_file.read_text()
    for damaged in ("{", text.replace("16384", '"many"'), text.replace('"layers": 30,', "")):
        computer.header_file.write_text(damaged)
        computer.headers = HeaderCache(computer.header_file)
        assert computer.scan() == good


def test_headers_that_an_earlier_version_kept_are_read_again(computer: Computer) -> None:
    write(computer.models / "a.gguf")
    good = computer.scan()
    kept = json.loads(computer.header_file.read_text())
    for header in kept["headers"].values():
        del header["chat_template"]
    computer.header_file.write_text(json.dumps(kept))
    computer.headers = HeaderCache(computer.header_file)
    assert computer.scan() == good
    assert '"chat_template"' in computer.header_file.read_text()


def test_a_file_that_is_here_is_found_by_its_hash(computer: Computer) -> None:
    assert computer.find() is None
    cached = computer.cached("a.gguf")
    assert computer.find() == cached
    linked = write(computer.elsewhere / "b.gguf")
    computer.records.verified(linked, HASH, NOW)
    assert computer.find() == linked
    ours = downloaded(computer.models / "o" / "r" / "c.gguf")
    assert computer.find() == ours
    assert computer.find("0" * 64) is None


def test_a_file_that_has_changed_is_not_found_by_its_old_hash(computer: Computer) -> None:
    write(downloaded(computer.models / "o" / "r" / "c.gguf"), MODEL + b"\x00")
    linked = write(computer.elsewhere / "b.gguf")
    computer.records.verified(linked, HASH, NOW)
    write(linked, MODEL[:-1])
    computer.cached("a.gguf").unlink()
    assert computer.find() is None


def test_headers_that_cannot_be_kept_are_read_again(computer: Computer) -> None:
    computer.header_file.mkdir(parents=True)
    path = write(computer.models / "a.gguf")
    assert [model.path for model in computer.scan()] == [path]
    assert computer.scan()[0].context_tokens == 16_384


def test_a_folder_with_too_many_folders_is_given_up_with_a_word(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_models, "_MAX_FOLDERS", 2)
    computer.records.add_folder(computer.elsewhere)
    for name in ("a/a.gguf", "b/b.gguf", "c/c.gguf"):
        write(computer.elsewhere / name, gguf(data_bytes=420 + ord(name[0])))
    assert [model.path.name for model in computer.scan()] == ["a.gguf"]
    assert "holds too many folders" in computer.notes[0]

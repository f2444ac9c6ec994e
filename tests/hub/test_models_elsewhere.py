"""Models of other programs: found in place, each once, whatever state their folders are in."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from fakehub import FakeHub
from gguf_files import gguf
from model_folders import HASH, MODEL, Computer, downloaded, write
from starpad.core.installed_model import ModelSource
from starpad.hub.local_models import usual_places


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    return Computer(tmp_path / "disk")


def test_lm_studios_models_are_found_with_their_repository(computer: Computer) -> None:
    write(computer.lm_studio / "bartowski" / "starcoder2-15b-instruct-v0.1-GGUF" / "x.gguf")
    [model] = computer.scan()
    assert model.source is ModelSource.LM_STUDIO
    assert model.family_id == "starcoder2-15b-instruct-v0.1"
    assert model.license == "bigcode-openrail-m"
    assert not model.is_ours


def test_in_a_folder_shared_with_lm_studio_only_our_downloads_are_ours(computer: Computer) -> None:
    computer.places = replace(computer.places, lm_studio=(computer.models,))
    downloaded(computer.models / "o" / "r" / "a.gguf")
    write(computer.models / "o" / "r" / "b.gguf")
    found = [(model.path.name, model.source, model.is_ours) for model in computer.scan()]
    assert found == [
        ("a.gguf", ModelSource.DOWNLOADED, True),
        ("b.gguf", ModelSource.LM_STUDIO, False),
    ]


def test_the_hugging_face_cache_is_read_in_place(computer: Computer) -> None:
    path = computer.cached("sub/starcoder2-3b.Q4_K_M.gguf")
    before = sorted(computer.cache.rglob("*"))
    [model] = computer.scan()
    assert model.path == path
    assert model.source is ModelSource.HUGGING_FACE_CACHE
    assert model.family_id == "starcoder2-3b"
    assert model.origin is not None
    assert model.origin.repository == "owner/starcoder2-3b-GGUF"
    assert (model.origin.commit, model.origin.sha256) == ("c" * 40, HASH)
    assert model.origin.file == "sub/starcoder2-3b.Q4_K_M.gguf"
    assert not model.is_ours
    assert sorted(computer.cache.rglob("*")) == before


def test_what_the_real_library_has_put_into_its_cache_is_found(computer: Computer) -> None:
    from huggingface_hub import hf_hub_download

    with FakeHub() as hub:
        commit = hub.add_repository("o/starcoder2-7b-GGUF", {"starcoder2-7b.Q4_K_M.gguf": MODEL})
        path = hf_hub_download(
            "o/starcoder2-7b-GGUF",
            "starcoder2-7b.Q4_K_M.gguf",
            endpoint=hub.endpoint,
            cache_dir=computer.cache,
            token=False,
        )
    [model] = computer.scan()
    assert str(model.path) == path
    assert model.family_id == "starcoder2-7b"
    assert model.origin is not None
    assert (model.origin.commit, model.origin.sha256) == (commit, HASH)
    assert computer.find() == model.path


def test_a_file_in_two_commits_is_listed_once_under_the_current_one(computer: Computer) -> None:
    computer.cached("a.gguf", commit="1" * 40)
    computer.cached("a.gguf", commit="2" * 40)
    repository = computer.cache / "models--owner--starcoder2-3b-GGUF"
    write(repository / "refs" / "main", b"2" * 40)
    [model] = computer.scan()
    assert model.path.parent.name == "2" * 40


def test_a_broken_link_in_the_cache_costs_only_itself(computer: Computer) -> None:
    whole = computer.cached("whole.gguf")
    broken = computer.cached("broken.gguf", gguf(data_bytes=421))
    broken.resolve().unlink()
    write(computer.cache / "models--x--y" / "snapshots", b"not a folder")
    write(computer.cache / "datasets--x--y" / "snapshots" / "c" / "a.gguf")
    write(computer.cache / "models--x--z" / "snapshots" / "c" / "model.safetensors")
    write(computer.cache / "models--x--z" / "blobs" / ("d" * 64 + ".incomplete"))
    assert [model.path for model in computer.scan()] == [whole]


def test_a_cache_without_links_as_on_windows_is_read_too(computer: Computer) -> None:
    write(computer.cache / "models--o--starcoder2-3b-GGUF" / "snapshots" / ("c" * 40) / "a.gguf")
    [model] = computer.scan()
    assert model.family_id == "starcoder2-3b"
    assert model.origin is None


def test_one_file_with_several_names_is_one_model_and_ours_goes_first(computer: Computer) -> None:
    ours = downloaded(computer.models / "o" / "r" / "a.gguf")
    for place in (computer.lm_studio / "o" / "r", computer.elsewhere):
        place.mkdir(parents=True)
    (computer.lm_studio / "o" / "r" / "b.gguf").symlink_to(ours)
    os.link(ours, computer.elsewhere / "c.gguf")
    computer.records.add_folder(computer.elsewhere)
    computer.records.add_folder(computer.models)
    assert [model.path for model in computer.scan()] == [ours]


def test_the_places_of_other_programs_follow_the_environment(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert usual_places().hugging_face == (home / "huggingface" / "hub",)
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert usual_places().hugging_face == (home / ".cache" / "huggingface" / "hub",)
    monkeypatch.setenv("HF_HOME", "~/hf")
    assert usual_places().hugging_face == (home / "hf" / "hub",)
    monkeypatch.setenv("HUGGINGFACE_HUB_CACHE", "$HOME/old")
    assert usual_places().hugging_face == (home / "old",)
    monkeypatch.setenv("HF_HUB_CACHE", str(home / "new"))
    assert usual_places().hugging_face == (home / "new",)
    assert home / ".lmstudio" / "models" in usual_places().lm_studio

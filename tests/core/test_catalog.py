"""The catalog: complete, honest, and a clear message when its file is damaged."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from starpad.core import paths
from starpad.core.catalog import Ability, Series, by_series, load
from starpad.core.errors import ModelFileError


def test_the_starcoder_families_are_all_there() -> None:
    ids = [family.id for family in load()]
    assert {
        "starcoderbase-1b", "starcoderbase-3b", "starcoderbase-7b", "starcoderbase", "starcoder",
        "starcoder2-3b", "starcoder2-7b", "starcoder2-15b", "tiny_starcoder_py",
        "starcoder2-15b-instruct-v0.1", "starcoderplus", "starcoder2-7b-instruct", "starchat-beta",
        "starchat2-15b-v0.1", "wizardcoder-15b-v1.0", "octocoder",
    } == set(ids)  # fmt: skip
    assert ids[0] == "starcoder2-3b", "the best first choice comes first"


def test_it_says_that_starcoder2_15b_is_weak_at_filling_in() -> None:
    family = next(family for family in load() if family.id == "starcoder2-15b")
    assert any("Weak at filling in" in warning for warning in family.warnings)


def test_only_the_tuned_models_are_for_chat() -> None:
    chat = {family.id for family in load() if Ability.CHAT in family.abilities}
    assert chat == {
        "starcoder2-15b-instruct-v0.1", "starcoder2-7b-instruct", "starchat2-15b-v0.1",
        "wizardcoder-15b-v1.0", "starchat-beta", "octocoder",
    }  # fmt: skip


def test_the_originals_of_the_first_series_are_gated_and_of_the_second_open() -> None:
    gated = {family.id: family.is_gated for family in load()}
    assert gated["starcoder"]
    assert gated["starcoderbase-1b"]
    assert not gated["starcoder2-7b"]
    assert not gated["tiny_starcoder_py"]


def test_context_is_8192_in_the_first_series_and_16384_in_the_second() -> None:
    for family in load():
        assert family.context_tokens == (16_384 if "2-" in family.id else 8_192), family.id


def test_every_page_is_on_the_hub_and_every_license_has_an_address() -> None:
    for family in load():
        assert family.license.url.startswith("https://")
        assert "not legal advice" in family.license.summary
        for repository in family.repositories:
            assert repository.url == f"https://huggingface.co/{repository.id}"


def test_families_are_grouped_by_series_and_none_is_lost() -> None:
    families = load()
    groups = by_series(families)
    assert list(groups) == [Series.STARCODER2, Series.STARCODER, Series.CHAT]
    assert [family.id for family in groups[Series.STARCODER2]] == [
        "starcoder2-3b", "starcoder2-7b", "starcoder2-15b",
    ]  # fmt: skip
    assert sum(len(group) for group in groups.values()) == len(families)
    for family in groups[Series.CHAT]:
        assert Ability.CHAT in family.abilities, family.id


def test_every_family_says_what_it_was_trained_on() -> None:
    for family in load():
        if family.series is not Series.CHAT:
            stack = "The Stack v2" if "2-" in family.id else "The Stack v1.2"
            assert stack in family.training_data, family.id
            assert "opted out" in family.training_data, family.id
        else:
            assert "tuned on" in family.training_data, family.id


def test_files_of_the_old_format_say_that_they_are_slower_and_what_replaces_them() -> None:
    legacy = [family for family in load() if not family.gguf_repository]
    assert [family.id for family in legacy] == ["octocoder"]
    assert "older engine" in legacy[0].warnings[0]
    for family in load():
        for repository in family.repositories:
            assert repository.is_legacy_ggml == repository.id.endswith("GGML"), repository.id
            assert repository.is_legacy_ggml == ("older engine" in repository.note)
            assert not repository.is_legacy_ggml or family.gguf_repository in repository.note
    assert load()[0].gguf_repository == load()[0].repositories[0].id


def test_of_a_repository_with_several_models_only_the_familys_files_count() -> None:
    family = next(family for family in load() if family.id == "starcoderbase-1b")
    shared = next(one for one in family.repositories if one.id == "TabbyML/models")
    assert shared.holds("starcoderbase-1B.Q8_0.gguf")
    assert not shared.holds("starcoderbase-7B.Q8_0.gguf")
    assert not shared.holds("starcoderbase-1Bx/README.md")
    assert family.repositories[0].holds("sub/anything.gguf")


def test_a_repository_belongs_to_one_family_unless_it_says_which_files() -> None:
    seen: dict[str, str] = {}
    for family in load():
        for repository in family.repositories:
            if repository.file_pattern == "*":
                assert repository.id.lower() not in seen, repository.id
                seen[repository.id.lower()] = family.id


def test_no_size_and_no_hash_is_typed_by_hand() -> None:
    text = paths.resource("catalog/families.json").read_text()
    for word in ("sha256", "bytes", " GB", "GiB", ".gguf"):
        assert word not in text


def _content() -> Any:
    return json.loads(paths.resource("catalog/families.json").read_text())


def _family(**values: object) -> Callable[[Any], object]:
    return lambda content: content["families"][0].update(values)


DAMAGES: dict[str, Callable[[Any], object]] = {
    "another version": lambda content: content.update(version=2),
    "no version": lambda content: content.pop("version"),
    "no families": lambda content: content.pop("families"),
    "families not a list": lambda content: content.update(families=[3]),
    "the same family twice": lambda content: content["families"].append(content["families"][0]),
    "no name": lambda content: content["families"][0].pop("name"),
    "an empty name": _family(name=" "),
    "a name that is a number": _family(name=3),
    "an unknown ability": _family(abilities=["telepathy"]),
    "no ability": _family(abilities=[]),
    "abilities as a text": _family(abilities="chat"),
    "no context": _family(context_tokens=0),
    "context as a text": _family(context_tokens="8192"),
    "an unknown license": _family(license="mine"),
    "no license": _family(license=""),
    "an unknown series": _family(series="StarCoder3"),
    "no names": _family(names=[]),
    "no word on the training data": _family(training_data=""),
    "a file pattern that is a number": _family(repositories=[{"id": "a/b", "file_pattern": 3}]),
    "legacy as a text": _family(repositories=[{"id": "a/b", "is_legacy_ggml": "no"}]),
    "gated as a text": _family(is_gated="no"),
    "a repository elsewhere": _family(repositories=[{"id": "https://example.com/x"}]),
    "a repository that climbs": _family(repositories=[{"id": "../x"}]),
    "a repository without an owner": _family(repositories=[{"id": "starcoder"}]),
    "repositories as texts": _family(repositories=["a/b"]),
    "warnings without text": _family(warnings=[None]),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_catalog_is_refused_with_the_way_out(damage: str, tmp_path: Path) -> None:
    content = _content()
    DAMAGES[damage](content)
    path = tmp_path / "families.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ModelFileError, match="cannot be read") as caught:
        load(path)
    assert "Install Starpad again" in caught.value.hint
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("text", ["", "[]", "\x00", '{"a":' * 100_000])
def test_a_catalog_that_is_no_catalog_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "families.json"
    path.write_text(text)
    with pytest.raises(ModelFileError):
        load(path)


def test_a_missing_catalog_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError):
        load(tmp_path / "families.json")

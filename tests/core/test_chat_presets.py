"""Presets: three that stay as they are, and the user's own in a file that nothing spoils."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from starpad.core.chat import ChatOptions
from starpad.core.chat_presets import BUILT_IN, NAME_CHARACTERS, Presets
from starpad.core.errors import FileError, StarpadError
from starpad.core.sampling import Sampling

OWN = ChatOptions("Be brief.", 256, Sampling(temperature=0.5, seed=7))
BUILT_IN_NAMES = ["Precise", "Balanced", "Creative"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "presets.json"


def _names(presets: Presets) -> list[str]:
    return [preset.name for preset in presets.all()]


def test_three_are_there_at_first_and_no_file(path: Path) -> None:
    presets = Presets(path)
    assert _names(presets) == BUILT_IN_NAMES
    assert not path.exists()
    assert presets.problems == []


def test_no_built_in_one_lets_a_small_model_loop() -> None:
    temperatures = [preset.options.sampling.temperature for preset in BUILT_IN]
    assert temperatures == sorted(temperatures)
    for preset in BUILT_IN:
        assert preset.options.sampling.temperature > 0
        assert 1 < preset.options.sampling.repeat_penalty <= 1.1
        assert preset.options.preset == preset.name


def test_a_new_conversation_is_balanced() -> None:
    balanced = Presets(Path()).find("balanced")
    assert balanced is not None
    assert balanced.options.sampling == ChatOptions().sampling


def test_a_built_in_one_leaves_instructions_and_length_alone() -> None:
    changed = BUILT_IN[0].applied_to(OWN)
    assert (changed.system_prompt, changed.max_tokens) == ("Be brief.", 256)
    assert changed.sampling == BUILT_IN[0].options.sampling
    assert changed.preset == "Precise"


def test_what_was_saved_is_there_again_with_everything(path: Path) -> None:
    saved = Presets(path).save("  My \n own ", OWN)
    found = Presets(path).find("MY OWN")
    assert found == saved
    assert saved.options == replace(OWN, preset="My own")
    assert saved.applied_to(ChatOptions()) == saved.options
    assert not saved.is_built_in


def test_the_users_stand_behind_the_built_in_ones_by_name(path: Path) -> None:
    presets = Presets(path)
    for name in ("zebra", "Apple", "Ärger"):
        presets.save(name, OWN)
    assert _names(presets) == [*BUILT_IN_NAMES, "Apple", "zebra", "Ärger"]


def test_a_name_is_there_once_however_it_is_capitalized(path: Path) -> None:
    presets = Presets(path)
    presets.save("Straße", OWN)
    presets.save("STRASSE", replace(OWN, max_tokens=99))
    assert _names(presets) == [*BUILT_IN_NAMES, "STRASSE"]
    assert presets.all()[-1].options.max_tokens == 99


@pytest.mark.parametrize("name", ["Precise", " balanced ", "CREATIVE"])
def test_a_built_in_one_is_neither_overwritten_nor_deleted(path: Path, name: str) -> None:
    presets = Presets(path)
    with pytest.raises(StarpadError, match="part of Starpad"):
        presets.save(name, OWN)
    with pytest.raises(StarpadError, match="part of Starpad"):
        presets.delete(name)
    assert not path.exists()


@pytest.mark.parametrize("name", ["", " \t", "a\x00b", "\u202egpj", "\ud800", "x" * 41])
def test_a_name_that_cannot_be_used_is_refused_with_the_reason(path: Path, name: str) -> None:
    with pytest.raises(StarpadError, match="name"):
        Presets(path).save(name, OWN)
    assert not path.exists()


def test_a_deleted_one_is_gone_and_an_unknown_one_no_error(path: Path) -> None:
    presets = Presets(path)
    presets.save("One", OWN)
    presets.save("Two", OWN)
    presets.delete("oNE")
    presets.delete("Three")
    assert _names(presets) == [*BUILT_IN_NAMES, "Two"]
    assert presets.find("One") is None


def test_two_windows_do_not_lose_each_others(path: Path) -> None:
    one, other = Presets(path), Presets(path)
    one.save("One", OWN)
    other.save("Two", OWN)
    assert _names(one) == _names(other) == [*BUILT_IN_NAMES, "One", "Two"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"version": 1, "presets": {}}'])
def test_a_damaged_file_is_set_aside_and_told(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    presets = Presets(path)
    assert _names(presets) == BUILT_IN_NAMES
    assert len(presets.problems) == 1
    presets.save("One", OWN)
    assert _names(presets) == [*BUILT_IN_NAMES, "One"]


def test_entries_that_make_no_sense_are_passed_over_and_the_others_used(path: Path) -> None:
    options = asdict(OWN)
    entries: list[Any] = [
        None,
        7,
        {},
        {"name": 7, "options": options},
        {"name": " ", "options": options},
        {"name": "a\nb", "options": options},
        {"name": "x" * (NAME_CHARACTERS + 1), "options": options},
        {"name": "precise", "options": options},
        {"name": "No options"},
        {"name": "Odd", "options": {"max_tokens": "many", "sampling": {"seed": 3}}},
        {"name": "Good", "options": options | {"preset": "Another"}},
        {"name": "Good", "options": options},
    ]
    path.write_text(json.dumps({"version": 1, "presets": entries}))
    presets = Presets(path)
    assert _names(presets) == [*BUILT_IN_NAMES, "Good", "No options", "Odd"]
    good, none, odd = presets.all()[3:]
    assert good.options == replace(OWN, preset="Good")
    assert none.options == ChatOptions(preset="No options")
    assert odd.options.max_tokens == ChatOptions().max_tokens
    assert odd.options.sampling.seed == 3
    presets.delete("Good")
    assert _names(presets) == [*BUILT_IN_NAMES, "No options", "Odd"]


def test_a_disk_that_takes_nothing_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="could not be saved"):
        Presets(tmp_path / "file" / "presets.json").save("One", OWN)

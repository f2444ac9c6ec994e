"""Packs are told by their records; names and wheel members stay inside their folder."""

import json
from pathlib import Path

import pytest

from engine_packs import broken_pack
from starpad.core import engine_pack
from starpad.core.errors import EngineError


@pytest.mark.parametrize("name", ["cu128", "rocm-7.2.4", "native", "a", "my_build.2"])
def test_plain_names_are_taken(name: str) -> None:
    engine_pack.require_name(name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a\\b", "A", ".hidden", "x.", "con", "nul.1", "a" * 65]
)
def test_names_that_are_no_folder_everywhere_are_refused(name: str) -> None:
    with pytest.raises(EngineError):
        engine_pack.require_name(name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("xllamacpp-2026.10-cp310-abi3-manylinux_2_35_x86_64",) * 2,
        ("Mein Bau (schnell)", "mein-bau-schnell"),
        ("con", "pack-con"),
        ("???", "pack"),
        ("A" * 100, "a" * 64),
    ],
)
def test_a_name_is_made_of_any_text(text: str, name: str) -> None:
    assert engine_pack.name_from(text) == name
    engine_pack.require_name(name)


@pytest.mark.parametrize(
    "name",
    ["xllamacpp/__init__.py", "xllamacpp.libs/libgomp.so.1", "xllamacpp-1.2.dist-info/licenses/L"],
)
def test_the_files_of_a_pack_belong_into_it(name: str) -> None:
    assert engine_pack.belongs_into_pack(name)


@pytest.mark.parametrize(
    "name",
    [
        "setup.py", "../xllamacpp/a", "xllamacpp/../../a", "/xllamacpp/a", "xllamacpp\\a",
        "xllamacpp/C:/a", "xllamacpp//a", "xllamacpp", "evil/xllamacpp/a", "", "xllamacpp/./a",
        "sitecustomize.py", "xllamacpp-1.data/scripts/x", "xllamacpp/a\0b",
    ],
)  # fmt: skip
def test_other_files_do_not(name: str) -> None:
    assert not engine_pack.belongs_into_pack(name)


def test_only_folders_with_a_whole_record_are_packs(tmp_path: Path) -> None:
    good = broken_pack(tmp_path, "good", "")
    broken_pack(tmp_path, ".installing-1", "")
    (tmp_path / "no-record").mkdir()
    record = json.loads((good.folder / engine_pack.RECORD_FILE).read_text())
    for name, change in {
        "newer": {"version_of_record": 2},
        "number": {"version": 3},
        "no-size": {"size_bytes": "many"},
        "unknown": {"surprise": "x"},
    }.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / engine_pack.RECORD_FILE).write_text(json.dumps(record | change))
    garbage = tmp_path / "garbage"
    garbage.mkdir()
    (garbage / engine_pack.RECORD_FILE).write_bytes(b"\xff[" * 50_000)
    assert engine_pack.installed(tmp_path) == [good]


def test_without_the_folder_there_are_no_packs(tmp_path: Path) -> None:
    assert engine_pack.installed(engine_pack.packs_folder(tmp_path)) == []

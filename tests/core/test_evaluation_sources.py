"""The files of an evaluation: which ones count, and in which order."""

import subprocess
from pathlib import Path

import pytest

from starpad.core.errors import FileError
from starpad.core.evaluation_sources import MOST_BYTES, base_of, sources_in


def names(*paths: Path, seed: int = 1) -> list[str]:
    return [source.name for source in sources_in(paths, seed)]


def test_of_a_folder_code_counts_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("a.py", "deep/b.c", "notes.md", "data.json", "LICENSE", "unknown.xyz"):
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / "binary.py").write_bytes(b"\0\1\2" * 99)
    (tmp_path / "large.py").write_text("x = 1\n" * MOST_BYTES)
    (tmp_path / "link.py").symlink_to(tmp_path / "a.py")
    assert sorted(names(tmp_path)) == ["a.py", "deep/b.c"]
    assert names(tmp_path / "notes.md") == ["notes.md"], "it was chosen itself"


def test_the_order_depends_on_seed_and_names_alone(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for number in sorted(range(20), key=lambda number: hash((folder, number))):
            (tmp_path / folder / f"{number}.py").write_text("x = 1\n")
    assert names(tmp_path / "one") == names(tmp_path / "two")
    assert names(tmp_path / "one") != names(tmp_path / "one", seed=2)
    assert sorted(names(tmp_path / "one")) == sorted(names(tmp_path / "one", seed=2))


def test_names_are_relative_to_what_all_have_in_common(tmp_path: Path) -> None:
    for name in ("a/x.py", "b/y.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("x = 1\n")
    assert sorted(names(tmp_path / "a", tmp_path / "b" / "y.py")) == ["a/x.py", "b/y.py"]
    assert base_of([tmp_path / "a", tmp_path / "b"]) == tmp_path
    assert base_of([tmp_path / "a" / "x.py"]) == tmp_path / "a"
    assert names(tmp_path / "a", tmp_path / "a" / "x.py") == ["x.py"], "once"


def test_what_git_ignores_is_left_out(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("secret.py\n")
    for name in ("a.py", "secret.py"):
        (tmp_path / name).write_text("x = 1\n")
    assert names(tmp_path) == ["a.py"]


def test_text_has_lf_line_ends(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"x = 1\r\ny = 2\r\n")
    [source] = sources_in([tmp_path], 1)
    assert (source.text, source.language) == ("x = 1\ny = 2\n", "python")


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="does not exist"):
        names(tmp_path / "missing.py")

"""What is found in a folder, in which files, and where in them."""

import re
import subprocess
from pathlib import Path

import pytest

from starpad.core import folder_search
from starpad.core.folder_search import (
    FileMatches,
    FolderQuery,
    LineMatch,
    Progress,
    compiled,
    files_of,
    search,
)
from starpad.core.text_search import SearchQuery

FILES = {
    "main.py": "import os\n\nclass Word:\n    word = 'Word'\n",
    "docs/guide.md": "A word about words.\r\nAnother Word\r\n",
    "src/deep/er.py": "nothing\n",
    "build/out.py": "word\n",
    ".hidden": "word\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return folder


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def _found(folder: Path, text: str = "word", **rest: object) -> dict[str, list[LineMatch]]:
    names = {"is_regex", "matches_case", "is_whole_word"}
    of_search = {name: value for name, value in rest.items() if name in names}
    others = {name: value for name, value in rest.items() if name not in names}
    query = FolderQuery(str(folder), SearchQuery(text, **of_search), **others)  # type: ignore[arg-type]
    results = list(search(query))
    assert isinstance(results[-1], Progress)
    return {
        Path(each.path).relative_to(folder).as_posix(): list(each.matches)
        for each in results
        if isinstance(each, FileMatches)
    }


def _lines(found: dict[str, list[LineMatch]]) -> dict[str, list[int]]:
    return {name: [match.line for match in matches] for name, matches in found.items()}


def test_every_hit_is_found_with_its_line(folder: Path) -> None:
    assert _lines(_found(folder)) == {
        ".hidden": [1], "build/out.py": [1], "docs/guide.md": [1, 1, 2], "main.py": [3, 4, 4],
    }  # fmt: skip


def test_a_hit_knows_its_place_in_the_text_and_in_the_preview(folder: Path) -> None:
    first, second, third = _found(folder)["main.py"]
    assert (first.column, first.length, first.preview) == (6, 4, "class Word:")
    assert (second.column, second.preview, second.preview_column) == (4, "word = 'Word'", 0)
    assert third.preview[third.preview_column :].startswith("Word'")


@pytest.mark.parametrize(
    ("rest", "lines"),
    [
        ({"matches_case": True}, [4]),
        ({"is_whole_word": True}, [3, 4, 4]),
        ({"text": "w.rd:", "is_regex": True}, [3]),
        ({"text": "^class", "is_regex": True}, [3]),
        ({"text": r"os\n\nclass", "is_regex": True}, [1]),
        ({"text": "w.rd"}, None),
        ({"text": "x*", "is_regex": True}, None),
    ],
)
def test_how_exactly_can_be_said(
    folder: Path, rest: dict[str, object], lines: list[int] | None
) -> None:
    assert _lines(_found(folder, **rest)).get("main.py") == lines  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rest", "files"),
    [
        ({"include": "*.py"}, ["build/out.py", "main.py"]),
        ({"include": "*.py, *.md", "exclude": "build"}, ["docs/guide.md", "main.py"]),
        ({"include": "docs/"}, ["docs/guide.md"]),
        ({"include": "docs/**"}, ["docs/guide.md"]),
        ({"include": "./build/out.py"}, ["build/out.py"]),
        ({"exclude": "*"}, []),
    ],
)
def test_patterns_say_which_files_count(
    folder: Path, rest: dict[str, object], files: list[str]
) -> None:
    assert sorted(_found(folder, **rest)) == files  # type: ignore[arg-type]


def test_what_git_ignores_is_passed_over_and_new_files_are_not(folder: Path) -> None:
    _git(folder, "init")
    (folder / ".gitignore").write_text("build/\n")
    _git(folder, "add", "main.py")
    assert files_of(folder) == [
        ".gitignore", ".hidden", "docs/guide.md", "main.py", "src/deep/er.py",
    ]  # fmt: skip
    assert files_of(folder / "src") == ["deep/er.py"]


def test_an_ignored_folder_that_is_opened_itself_counts(folder: Path) -> None:
    _git(folder, "init")
    (folder / ".gitignore").write_text("build/\n")
    assert files_of(folder / "build") == ["out.py"]


def test_a_repository_in_a_repository_counts(folder: Path) -> None:
    _git(folder, "init")
    inner = folder / "inner"
    inner.mkdir()
    _git(inner, "init")
    (inner / "x.py").write_text("word\n")
    assert "inner/x.py" in files_of(folder)


def test_a_program_that_a_repository_names_is_not_run(folder: Path, tmp_path: Path) -> None:
    _git(folder, "init")
    program = tmp_path / "monitor"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/was-run\n")
    program.chmod(0o755)
    _git(folder, "config", "core.fsmonitor", str(program))
    assert files_of(folder)
    assert not (tmp_path / "was-run").exists()


def test_without_git_the_folder_is_walked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("word")
    (folder / ".gitignore").write_text("build/\n")
    monkeypatch.setenv("PATH", "")
    assert files_of(folder) == sorted({*FILES, ".gitignore"} - {"build/out.py"})


def test_without_a_work_tree_gitignore_counts_as_well(folder: Path) -> None:
    (folder / "docs" / ".gitignore").write_text("*.md\n")
    assert "docs/guide.md" not in files_of(folder)
    assert "main.py" in files_of(folder)


def test_the_text_in_the_editor_counts_not_the_files(folder: Path) -> None:
    texts = {str(folder / "main.py"): "one\ntwo word\n"}
    assert _lines(_found(folder, open_texts=texts))["main.py"] == [2]


def test_binary_large_missing_and_linked_files_are_passed_over(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "binary").write_bytes(b"word\0word")
    (folder / "utf16.txt").write_bytes("word\n".encode("utf-16"))
    (folder / "large").write_text("word" * 100)
    (tmp_path / "outside").write_text("word")
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "broken").symlink_to(tmp_path / "nowhere")
    monkeypatch.setattr(folder_search, "MAX_FILE_BYTES", 100)
    found = _found(folder)
    assert "utf16.txt" in found
    assert not {"binary", "large", "link", "broken"} & set(found)


def test_it_ends_when_there_is_too_much(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_search, "MAX_MATCHES", 3)
    results = list(search(FolderQuery(str(folder), SearchQuery("word"))))
    assert sum(len(each.matches) for each in results if isinstance(each, FileMatches)) == 3
    assert results[-1] == Progress(3, 5, is_cut_short=True)


def test_many_hits_in_a_file_come_in_several_parts(folder: Path) -> None:
    (folder / "many.txt").write_text("word\n" * 450)
    results = list(search(FolderQuery(str(folder), SearchQuery("word"), include="many.txt")))
    parts = [each for each in results if isinstance(each, FileMatches)]
    assert [len(part.matches) for part in parts] == [200, 200, 50]
    assert parts[2].matches[-1].line == 450


def test_a_long_line_is_cut_around_the_hit(folder: Path) -> None:
    (folder / "long.txt").write_text("x" * 5000 + "word" + "y" * 5000)
    [match] = _found(folder)["long.txt"]
    assert match.column == 5000
    assert len(match.preview) == 200
    assert match.preview[match.preview_column :].startswith("wordyy")


def test_a_bad_expression_is_told_before_the_search() -> None:
    with pytest.raises(re.error):
        compiled(SearchQuery("(", is_regex=True))

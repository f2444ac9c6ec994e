"""Of a folder only what people wrote and may be shown is read."""

import os
from pathlib import Path

import pytest

from starpad.repository import folder_files
from starpad.repository.folder_files import FolderFiles


def _write(root: Path, name: str, content: str | bytes = "x = 1\n") -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def test_code_is_found_and_read_with_simple_line_ends(tmp_path: Path) -> None:
    _write(tmp_path, "a.py", "\ufeffx = 1\r\ny = 2\r\n")
    _write(tmp_path, "inner/b.py")
    files = FolderFiles(tmp_path)
    assert list(files.scan()) == ["a.py", "inner/b.py"]
    assert files.read("a.py") == "x = 1\ny = 2\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (".env", "A=1\n"),
        ("build/out.py", "x = 1\n"),
        (".git/config", "x\n"),
        ("app.min.js", "x\n"),
        ("big.py", b"x = 1\n" * 200_000),
        ("empty.py", ""),
        ("package-lock.json", "{}\n"),
    ],
)
def test_what_is_ignored_secret_large_or_generated_is_not_found(
    tmp_path: Path, name: str, content: str | bytes
) -> None:
    _write(tmp_path, ".gitignore", "build/\n")
    _write(tmp_path, name, content)
    files = FolderFiles(tmp_path)
    assert list(files.scan()) == [".gitignore"]
    assert files.read(name) is None


@pytest.mark.parametrize(
    "content",
    [b"\x7fELF\0\0", b"\xff\xfe\x00", "x" * 5_000, "-----BEGIN RSA PRIVATE KEY-----\n"],
)
def test_what_turns_out_to_be_no_code_is_not_read(tmp_path: Path, content: str | bytes) -> None:
    _write(tmp_path, "a.py", content)
    assert FolderFiles(tmp_path).read("a.py") is None


def test_rules_are_followed_as_they_are_now(tmp_path: Path) -> None:
    _write(tmp_path, "a.py")
    files = FolderFiles(tmp_path)
    assert files.read("a.py") is not None
    _write(tmp_path, ".gitignore", "a.py\n")
    files.look_again()
    assert files.read("a.py") is None


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_links_and_paths_out_of_the_folder_are_not_read(tmp_path: Path) -> None:
    root = tmp_path / "root"
    _write(tmp_path, "outside.py")
    _write(root, "a.py")
    (root / "link.py").symlink_to(tmp_path / "outside.py")
    (root / "inner").symlink_to(tmp_path)
    files = FolderFiles(root)
    assert list(files.scan()) == ["a.py"]
    for name in ("link.py", "inner/outside.py", "../outside.py", str(tmp_path / "outside.py")):
        assert files.read(name) is None


def test_there_are_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        _write(tmp_path, f"{number}.py", "x = 1\n")
    monkeypatch.setattr(folder_files, "MAX_FILES", 3)
    assert len(FolderFiles(tmp_path).scan()) == 3
    monkeypatch.setattr(folder_files, "MAX_BYTES", 13)
    assert len(FolderFiles(tmp_path).scan()) == 2


def test_a_folder_that_is_gone_has_no_files(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path / "gone")
    assert files.scan() == {}
    assert files.read("a.py") is None

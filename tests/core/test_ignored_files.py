"""What .gitignore files say, checked against git itself."""

import os
import random
import subprocess
from pathlib import Path

import pytest

from starpad.core.ignored_files import IgnoreRules

NAMES = ("a", "b", "build", "x.o", "y.py", "keep.py", "é.txt")
PATTERNS = (
    "a", "/a", "a/", "/a/", "a/b", "a/**", "!a/keep.py", "!a/b/", "**/b", "**/b/", "a/**/x.o", "*",
    "!*/", "!*.py", "*.o", "!x.o", "build", "!build/", "/*", "!/a", "*/", "**/", "**", "b/*",
    "!b/y.py", "[ab]", "[!a]", "?", "\\#x", "# a comment", "", " ", "y.py ", "\\!a", "[", "é*",
)  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    return home


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "src" / "deep").mkdir(parents=True)
    for name in ("main.py", "main.o", "src/er.py", "src/er.o", "src/deep/est.py"):
        (folder / name).write_text(name)
    return folder


def _git(folder: Path, *arguments: str, text: str = "") -> str:
    result = subprocess.run(
        ["git", *arguments], cwd=folder, input=text.encode(), capture_output=True, check=False
    )
    assert result.returncode <= 1, result.stderr
    return result.stdout.decode()


def _ignored_by_git(folder: Path, names: list[str]) -> set[str]:
    listed = _git(folder, "check-ignore", "--no-index", "-z", "--stdin", text="\0".join(names))
    return set(filter(None, listed.split("\0")))


@pytest.mark.parametrize("seed", range(12))
def test_every_file_is_ignored_that_git_ignores(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    _git(tmp_path, "init", "-q", "project")
    folder = tmp_path / "project"
    names = []
    for _ in range(40):
        parts = [chance.choice(NAMES[:3]) for _ in range(chance.randrange(4))]
        name = "/".join((*parts, chance.choice(NAMES[3:])))
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
        names.append(name)
    for place in {folder, *(folder / name for name in ("a", "b", "a/b", "build"))}:
        if place.is_dir():
            lines = chance.choices(PATTERNS, k=chance.randrange(6))
            (place / ".gitignore").write_text("\n".join(lines))
    (folder / ".git/info/exclude").write_text("\n".join(chance.choices(PATTERNS, k=2)))
    rules = IgnoreRules.load(folder)
    assert {name for name in names if rules.is_ignored(name)} == _ignored_by_git(folder, names)


def test_files_count_from_the_folder_in_and_from_around_a_work_tree(folder: Path) -> None:
    (folder / ".gitignore").write_text("*.o\n/src/deep/\n")
    rules = IgnoreRules.load(folder / "src")
    assert not rules.is_ignored("er.o")  # no work tree: what stands above is not ours
    (folder / ".git").mkdir()
    rules = IgnoreRules.load(folder / "src")
    assert rules.is_ignored("er.o")
    assert rules.is_ignored("deep", is_folder=True)
    assert rules.is_ignored(folder / "src/deep/est.py")


def test_an_ignored_folder_that_is_opened_itself_counts(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".gitignore").write_text("src/\n")
    assert not IgnoreRules.load(folder / "src").is_ignored("er.py")


def test_the_root_other_places_and_what_is_not_there_are_not_ignored(folder: Path) -> None:
    (folder / ".gitignore").write_text("*\n")
    rules = IgnoreRules.load(folder)
    assert not rules.is_ignored(folder)
    assert not rules.is_ignored(folder.parent / "elsewhere.py")
    assert not IgnoreRules.load(folder / "nowhere").is_ignored("x.py")


def test_what_version_control_keeps_is_ignored(folder: Path) -> None:
    assert IgnoreRules.load(folder).is_ignored(".git/config")
    assert IgnoreRules.load(folder).is_ignored("src/.hg", is_folder=True)


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ("", ".config/git/ignore"),
        ("[core]\n\texcludesFile = ~/mine\n", "mine"),
        ('[core]\n  excludesfile="~/mine"\n', "mine"),
    ],
)
def test_the_users_own_excludes_file_counts(
    folder: Path, home: Path, settings: str, place: str
) -> None:
    (home / ".gitconfig").write_text(settings)
    (home / place).parent.mkdir(parents=True, exist_ok=True)
    (home / place).write_text("*.o\n")
    rules = IgnoreRules.load(folder)
    assert rules.is_ignored("main.o")
    assert not rules.is_ignored("main.py")


def test_a_second_work_tree_has_the_excludes_of_its_repository(folder: Path) -> None:
    who = ("-c", "user.name=A", "-c", "user.email=a@b.example")
    _git(folder, "init", "-q")
    _git(folder, *who, "commit", "-q", "--allow-empty", "-m", "first")
    _git(folder, "worktree", "add", "-q", "--detach", "../second")
    (folder / ".git/info/exclude").write_text("*.o\n")
    assert IgnoreRules.load(folder.parent / "second").is_ignored("main.o")

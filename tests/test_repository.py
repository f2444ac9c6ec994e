"""What every file of the repository keeps to, and what a stranger may rely on."""

import ast
import fnmatch
import hashlib
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import starpad

ROOT = Path(__file__).parents[1]
TOP_LEVEL = {
    "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "run.py",
    "requirements.lock", "requirements-dev.lock",
    "app", "resources", "installers", "tests", "docs", "benchmarks",
}  # fmt: skip
BINARY = {".gguf", ".ttf", ".png", ".ico", ".icns", ".bmp", ".sqlite3"}

# In pieces, so that this file is not what it looks for.
INDEX_ADDRESSES = [
    "py" + r"pi\.org", "python" + "hosted", "/sim" + "ple/", "extra-" + "index", "index" + "-url",
    "find" + "-links", "(pip|uv)_" + "(extra_|default_)?index",
]  # fmt: skip
MACHINE_PATHS = [
    "/wo" + "rk/", "/ro" + r"ot\b", "/ho" + "me/(?!linuxbrew/)[a-z]", "/Us" + "ers/[a-z]",
    r"[A-Z]:\\+Us" + "ers",
]  # fmt: skip


def _files() -> list[Path]:
    """Return the repository's files; without git (a copied folder) those that it would hold."""
    git = shutil.which("git")
    if git:
        listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
        names = listed.stdout.decode().split("\0")[:-1]
        if names:
            return [ROOT / name for name in names if (ROOT / name).is_file()]
    ignored = [".git", *(ROOT / ".gitignore").read_text("utf-8").split()]

    def is_ignored(path: Path) -> bool:
        return any(
            fnmatch.fnmatch(part, pattern.rstrip("/"))
            for part in path.relative_to(ROOT).parts
            for pattern in ignored
        )

    return [path for path in ROOT.rglob("*") if path.is_file() and not is_ignored(path)]


FILES = _files()
TEXTS = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in FILES
    if path.suffix not in BINARY
}
PROJECT = tomllib.loads(TEXTS["pyproject.toml"])["project"]


def _found(patterns: list[str], texts: dict[str, str]) -> list[str]:
    """Return `file:line: text` for each line that matches one of the patterns."""
    wanted = re.compile("|".join(patterns), re.IGNORECASE)
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in texts.items()
        if wanted.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if wanted.search(line)
    ]


def _pins(lock: str) -> dict[str, Requirement]:
    """Return a lock's requirements by name."""
    lines = re.findall(r"^[A-Za-z0-9][^\\\n]*", TEXTS[lock], re.MULTILINE)
    pins = [Requirement(line) for line in lines]
    return {canonicalize_name(pin.name): pin for pin in pins}


def test_no_file_names_a_package_index() -> None:
    assert _found(INDEX_ADDRESSES, TEXTS) == []


def test_no_file_names_a_place_on_one_machine() -> None:
    assert _found(MACHINE_PATHS, TEXTS) == []


def test_the_search_finds_what_it_looks_for() -> None:
    address = "https://" + "pypi" + ".org/sim" + "ple"
    assert _found(INDEX_ADDRESSES, {"a": f"fine\n{address}"}) == [f"a:2: {address}"]
    assert _found(MACHINE_PATHS, {"a": "/ho" + "me/someone", "b": "~/models"}) != []


def test_the_top_level_holds_only_what_it_has_to() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in FILES}
    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_pins_and_hashes_everything_and_holds_no_address(lock: str) -> None:
    text = TEXTS[lock]
    assert "://" not in text
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) == len(_pins(lock)) > 10
    for entry in entries:
        first, *hashes = entry.split("\\\n")
        assert "==" in first, first
        assert hashes, first
        assert all(re.fullmatch(r"\s+--hash=sha256:[0-9a-f]{64}\s*", line) for line in hashes)


def test_the_development_lock_holds_the_users_lock() -> None:
    developers = _pins("requirements-dev.lock")
    for name, pin in _pins("requirements.lock").items():
        assert developers[name].specifier == pin.specifier


def test_the_locks_agree_with_pyproject() -> None:
    groups = tomllib.loads(TEXTS["pyproject.toml"])["dependency-groups"]
    for wanted, lock in (
        (PROJECT["dependencies"], "requirements.lock"),
        (groups["dev"], "requirements-dev.lock"),
    ):
        pins = _pins(lock)
        for requirement in map(Requirement, wanted):
            (pin,) = pins[canonicalize_name(requirement.name)].specifier
            assert pin.version in requirement.specifier, f"{lock}: {requirement}"


def test_the_app_imports_exactly_what_pyproject_declares() -> None:
    imported = set()
    for name, text in TEXTS.items():
        if not name.startswith("app/") or not name.endswith(".py"):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add((node.module or "").split(".")[0])
    # Its library is loaded without the package, which would import a client of the Hub.
    assert 'find_spec("ctransformers")' in TEXTS["app/starpad/engines/ggml_library.py"]
    imported.add("ctransformers")
    # shiboken6 is a part of PySide6 that comes with it.
    imported -= {*sys.stdlib_module_names, "starpad", "shiboken6"}
    owners = importlib.metadata.packages_distributions()
    used = {canonicalize_name(owner) for module in imported for owner in owners[module]}
    declared = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}
    assert used == declared


def test_the_models_in_the_box_are_the_ones_their_cards_describe() -> None:
    models = [path for path in FILES if path.suffix == ".gguf"]
    assert models
    for model in models:
        (card,) = [
            text
            for name, text in TEXTS.items()
            if name.startswith("resources/models/") and model.name in text
        ]
        assert hashlib.sha256(model.read_bytes()).hexdigest() in card
        assert f"{model.stat().st_size:,} bytes" in card


def test_the_licence_is_apache_2_and_whole() -> None:
    licence = TEXTS["LICENSE"]
    assert licence.split()[:4] == ["Apache", "License", "Version", "2.0,"]
    assert "END OF TERMS AND CONDITIONS" in licence
    assert PROJECT["license"] == "Apache-2.0"


def test_each_font_comes_with_its_licence() -> None:
    fonts = [path for path in FILES if path.suffix == ".ttf"]
    assert fonts
    for font in fonts:
        licence = font.with_name(font.stem.split("-")[0] + "-OFL.txt")
        assert "SIL OPEN FONT LICENSE Version 1.1" in licence.read_text("utf-8")


def test_the_readme_names_the_two_commands() -> None:
    lines = [line.split("#")[0].strip() for line in TEXTS["README.md"].splitlines()]
    assert "python run.py" in lines
    assert "python run.py test" in lines


def test_every_link_and_picture_in_the_documents_leads_somewhere() -> None:
    for name, text in TEXTS.items():
        if not name.endswith(".md"):
            continue
        for link in re.findall(r"\]\(([^)#]+)", text):
            if "://" not in link:
                assert (ROOT / name).parent.joinpath(link).exists(), f"{name} links to {link}"


def test_the_version_is_the_same_everywhere() -> None:
    assert PROJECT["version"] == starpad.__version__
    newest = re.search(r"^## (\S+)", TEXTS["CHANGELOG.md"], re.MULTILINE)
    assert newest is not None
    assert newest.group(1) == starpad.__version__

"""The structure is a promise: layers, core's independence, sizes."""

import ast
import subprocess
import sys
from pathlib import Path

APP = Path(__file__).parents[1] / "app" / "starpad"

# Files above 350 lines or classes above 250, each with its reason in its first comment.
ALLOWED_LONG_FILES: set[str] = set()
ALLOWED_LONG_CLASSES = {"Settings"}  # a table, one row for each setting


def _modules() -> list[Path]:
    return sorted(APP.rglob("*.py"))


def test_the_import_contracts_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run(
        [lint, "--no-cache"], cwd=APP.parents[1], capture_output=True, text=True,
        env={"PYTHONPATH": str(APP.parent), "PATH": ""}, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr


def test_core_needs_only_the_standard_library_platformdirs_and_pathspec() -> None:
    allowed = {*sys.stdlib_module_names, "starpad", "platformdirs", "pathspec"}
    for path in (APP / "core").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            strangers = {name.split(".")[0] for name in names} - allowed
            assert not strangers, f"{path.name} imports {strangers}"


def test_files_stay_under_350_lines_and_classes_under_250() -> None:
    for path in _modules():
        name = str(path.relative_to(APP))
        text = path.read_text(encoding="utf-8")
        if name not in ALLOWED_LONG_FILES:
            assert len(text.splitlines()) <= 350, name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef) and node.name not in ALLOWED_LONG_CLASSES:
                assert (node.end_lineno or 0) - node.lineno < 250, f"{name}: {node.name}"


def test_every_module_says_in_one_line_what_it_is() -> None:
    for path in _modules():
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path

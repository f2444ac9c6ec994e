"""`starpad reset` as a program: shows, asks, deletes what was named and nothing else."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import user_data
from starpad import __version__
from starpad.core import paths
from starpad.core.history_store import HistoryStore
from starpad.core.paths import host_environment


def reset(
    *arguments: str, said: str | None = None, **variables: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-P", "-m", "starpad", "reset", *arguments],
        env=host_environment() | variables, input=said or "", capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Lay out a user's folders where Starpad looks for them; return that of the data."""
    root = tmp_path / "user"
    user_data.lay_out(user_data.FOLDER / __version__, root)
    (root / "data").rename(paths.data_folder())  # which may be the same as that of the settings
    for file in (root / "config").iterdir():
        paths.config_folder().mkdir(parents=True, exist_ok=True)
        file.rename(paths.config_folder() / file.name)
    paths.log_folder().mkdir(parents=True, exist_ok=True)
    (paths.log_folder() / "starpad.log").write_text("a line\n")
    return paths.data_folder()


def _all_files(home: Path) -> set[str]:
    return {str(path.relative_to(home)) for path in home.rglob("*")}


def test_all_is_shown_and_deleted_after_a_yes(data: Path, home: Path) -> None:
    done = reset("--all", said="yes\n")
    assert done.returncode == 0, done.stdout + done.stderr
    for part in ("settings.json", "conversations.sqlite3", "starpad.log", "MB in all", "Done."):
        assert part in done.stdout
    assert _all_files(home) == set()
    again = reset("--all")
    assert (again.returncode, again.stdout) == (0, "There is nothing to delete.\n")


@pytest.mark.parametrize("said", ["", "\n", "no\n", "all\n"])
def test_nothing_is_deleted_without_a_yes(said: str, data: Path, home: Path) -> None:
    before = _all_files(home)
    done = reset("--all", said=said)
    assert done.returncode == 1
    assert done.stdout.endswith("Nothing was deleted.\n")
    assert _all_files(home) == before


def test_settings_go_alone_with_the_keys(data: Path) -> None:
    done = reset("--settings", "--yes")
    assert done.returncode == 0, done.stdout
    left = {path.name for path in data.iterdir() if path != paths.log_folder()}
    assert left == {
        "benchmarks.json", "conversations.sqlite3", "models", "models.json", "recovery",
    }  # fmt: skip
    assert not (paths.config_folder() / "settings.json").exists()


def test_models_go_alone(data: Path) -> None:
    (data / "evaluation").mkdir()
    (data / "evaluation" / "outcomes.jsonl").write_text("{}\n")
    assert reset("--models", "--yes").returncode == 0
    left = {path.name for path in data.iterdir()}
    assert not left & {"models", "models.json", "benchmarks.json", "evaluation"}
    assert left >= {"conversations.sqlite3", "chat-presets.json", "tokens", "recovery"}


def test_conversations_go_alone_with_unsaved_text(data: Path) -> None:
    before = {path.name for path in data.iterdir()}
    assert reset("--conversations", "--yes").returncode == 0
    left = {path.name for path in data.iterdir()}
    assert before - left == {"conversations.sqlite3", "recovery"}
    assert left <= before, "the locks are gone, too"


@pytest.mark.parametrize("arguments", [("--all", "--yes"), ("--conversations",)])
def test_nothing_is_deleted_while_a_window_is_open(
    arguments: tuple[str, ...], data: Path, home: Path
) -> None:
    with closing(HistoryStore.open(data / "conversations.sqlite3")):
        before = _all_files(home)
        done = reset(*arguments)
        assert done.returncode == 1
        assert done.stdout == (
            "Nothing was deleted: a window of Starpad is open. Close it and try again.\n"
        )
        assert _all_files(home) == before
    assert reset(*arguments, said="yes\n").returncode == 0


def test_a_models_folder_elsewhere_is_named_and_left(data: Path, tmp_path: Path) -> None:
    models = tmp_path / "disk"
    (data / "models").rename(models)
    settings = paths.config_folder() / "settings.json"
    text = settings.read_text().replace('"models_folder": ""', f'"models_folder": "{models}"')
    settings.write_text(text)
    before = _all_files(models)
    done = reset("--all", "--yes")
    assert done.returncode == 0, done.stdout
    assert f"The models in {models} were left" in done.stdout
    assert _all_files(models) == before


def test_what_is_not_starpads_is_left_and_named(data: Path) -> None:
    (data / "notes.txt").write_text("mine")
    done = reset("--all", "--yes")
    assert done.returncode == 1
    assert f"{data / 'notes.txt'} was left" in done.stdout
    assert [path.name for path in data.iterdir()] == ["notes.txt"]


KEYRING = """
import json, os
from pathlib import Path
from keyring.backend import KeyringBackend

class Keyring(KeyringBackend):
    priority = 5
    path = Path(os.environ["KEYRING_FILE"])
    def _read(self):
        return json.loads(self.path.read_text())
    def get_password(self, service, username):
        return self._read().get(f"{service}|{username}")
    def set_password(self, service, username, password):
        self.path.write_text(json.dumps(self._read() | {f"{service}|{username}": password}))
    def delete_password(self, service, username):
        self.path.write_text(json.dumps(
            {key: value for key, value in self._read().items() if key != f"{service}|{username}"}))
"""


def test_tokens_and_keys_are_taken_out_of_the_keyring(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file_keyring.py").write_text(KEYRING)
    kept = tmp_path / "keyring.json"
    kept.write_text(
        '{"Starpad|https://huggingface.co": "hf_a", "Other|https://huggingface.co": "b", '
        '"Starpad remote servers|https://gpu.example.org:8443": "c"}'
    )
    path = os.pathsep.join([str(tmp_path), host_environment()["PYTHONPATH"]])
    done = reset(
        "--settings", "--yes", KEYRING_FILE=str(kept), PYTHONPATH=path,
        PYTHON_KEYRING_BACKEND="file_keyring.Keyring",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert kept.read_text() == '{"Other|https://huggingface.co": "b"}'


@pytest.mark.parametrize("arguments", [(), ("--yes",), ("--everything",)])
def test_it_must_be_said_what_to_delete(arguments: tuple[str, ...], data: Path, home: Path) -> None:
    before = _all_files(home)
    assert reset(*arguments).returncode == 2
    assert _all_files(home) == before


def test_no_qt_is_loaded(data: Path) -> None:
    script = (
        "import sys; from starpad.__main__ import main; code = main(['reset', '--all', '--yes']);"
        "sys.exit(code or any(name.startswith(('PySide6', 'shiboken')) for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=host_environment(), capture_output=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout

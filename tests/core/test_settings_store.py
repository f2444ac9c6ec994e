"""The settings file: damage costs a default and a message, never a crash or the user's file."""

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from starpad.core import versions
from starpad.core.errors import FileError
from starpad.core.setting_values import with_values
from starpad.core.settings import Settings, ThemeChoice
from starpad.core.settings_store import backup_path, default_path, load, save


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "settings.json"


def _write(path: Path, content: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def test_the_file_is_in_the_users_own_config_folder(home: Path) -> None:
    assert default_path().name == "settings.json"
    if sys.platform == "linux":
        assert home in default_path().parents


def test_no_file_means_defaults_and_no_complaint(path: Path) -> None:
    assert load(path) == (Settings(), [])
    assert not path.parent.exists()


def test_what_is_saved_is_loaded_again(path: Path) -> None:
    settings = with_values(
        Settings(),
        theme="dark",
        suggestion_temperature=0.35,
        recent_files=("/tmp/ä 日本.py", "bad\udcff.py"),
        suggestions_off_languages=("markdown",),
        wrap_lines=True,
    )
    save(settings, path)
    assert load(path) == (settings, [])
    assert json.loads(path.read_text())["version"] == 1


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"3", b"null", b"\xff\xfe\x00", b"\x00" * 100,
        b'{"a": ' * 100_000, b'{"font_size_pt": ' + b"9" * 5000 + b"}",
    ],
)  # fmt: skip
def test_a_damaged_file_gives_defaults_one_report_and_a_copy(path: Path, content: bytes) -> None:
    _write(path, content)
    settings, problems = load(path)
    assert settings == Settings()
    assert [problem.message for problem in problems] == ["The settings file is damaged."]
    assert backup_path(path).read_bytes() == content
    assert str(backup_path(path)) in problems[0].hint


def test_a_bad_value_costs_only_itself(path: Path) -> None:
    text = '{"version": 1, "font_size_pt": 500, "wrap_lines": "yes", "theme": "dark"}'
    _write(path, text)
    settings, problems = load(path)
    assert settings == with_values(Settings(), theme="dark")
    assert [problem.message for problem in problems] == [
        "The setting “Font size” cannot be 500.",
        "The setting “Wrap long lines” cannot be 'yes'.",
    ]
    assert "The default is used." in problems[0].hint
    assert backup_path(path).read_text() == text


def test_after_the_next_save_nothing_is_reported_again_and_the_copy_stays(path: Path) -> None:
    _write(path, '{"font_size_pt": 500}')
    settings, problems = load(path)
    assert problems
    save(settings, path)
    assert load(path) == (settings, [])
    assert "500" in backup_path(path).read_text()


def test_names_that_only_a_later_version_knows_stay(path: Path) -> None:
    _write(path, '{"version": 1, "telepathy": true, "indent_width": 2}')
    settings, problems = load(path)
    assert settings.indent_width == 2
    assert problems == []
    save(with_values(settings, indent_width=3), path)
    kept = json.loads(path.read_text())
    assert (kept["telepathy"], kept["indent_width"]) == (True, 3)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_newer_file_is_used_as_far_as_known_and_copied_before_a_change(path: Path) -> None:
    text = '{"version": 99, "theme": "light", "telepathy": true}'
    _write(path, text)
    settings, problems = load(path)
    assert settings.theme is ThemeChoice.LIGHT
    backup = versions.backup_path(path, 1)
    [problem] = problems
    assert problem.message == "The settings were written by a newer version of Starpad."
    assert str(backup) in problem.hint
    assert path.read_text() == text, "reading changes nothing"
    save(with_values(settings, indent_width=2), path)
    assert backup.read_text() == text
    assert load(path) == (with_values(settings, indent_width=2), [])


def _indent_of_two(values: dict[str, Any]) -> dict[str, Any]:
    return values | {"indent_width": values["indent"] * 2}


def test_an_older_file_is_used_as_todays_and_copied_before_a_change(path: Path) -> None:
    text = '{"version": 1, "indent": 4, "theme": "dark"}'
    _write(path, text)
    settings, problems = load(path, [_indent_of_two])
    assert (settings.indent_width, settings.theme, problems) == (8, ThemeChoice.DARK, [])
    assert path.read_text() == text
    for _ in range(2):
        save(settings, path, [_indent_of_two])
    assert versions.backup_path(path, 2).read_text() == text
    assert json.loads(path.read_text())["version"] == 2
    assert load(path, [_indent_of_two]) == (settings, [])


def test_an_older_file_that_no_step_can_use_is_damaged(path: Path) -> None:
    _write(path, '{"version": 1}')
    settings, [problem] = load(path, [_indent_of_two])
    assert settings == Settings()
    assert problem.message == "The settings file is damaged."


def test_no_setting_is_written_over_a_file_that_cannot_be_copied_first(path: Path) -> None:
    _write(path, '{"version": 99}')
    versions.backup_path(path, 1).mkdir()
    with pytest.raises(FileError, match="could not be saved"):
        save(Settings(), path)
    assert path.read_text() == '{"version": 99}'


def test_a_folder_in_the_files_place_gives_defaults_and_a_reason(path: Path) -> None:
    path.mkdir(parents=True)
    settings, problems = load(path)
    assert settings == Settings()
    assert "cannot be read" in problems[0].message


def test_a_copy_that_cannot_be_made_is_not_claimed(path: Path) -> None:
    _write(path, "{")
    backup_path(path).mkdir()
    _, problems = load(path)
    assert "kept" not in problems[0].hint


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_only_the_user_can_read_the_file_and_its_copy(path: Path) -> None:
    _write(path, '{"wrap_lines": 0}')
    path.chmod(0o644)
    load(path)
    save(Settings(), path)
    for file in (path, backup_path(path)):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_linked_file_stays_a_link(path: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "starpad.json"
    _write(real, "{}")
    path.parent.mkdir()
    path.symlink_to(real)
    save(with_values(Settings(), indent_width=2), path)
    assert path.is_symlink()
    assert json.loads(real.read_text())["indent_width"] == 2


def test_a_failed_save_says_why_and_leaves_the_old_file_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(with_values(Settings(), indent_width=2), path)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="No space left on device") as caught:
        save(Settings(), path)
    assert caught.value.retryable
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_config_folder_that_cannot_be_made_is_a_file_error(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file where the folder should be")
    with pytest.raises(FileError, match="could not be saved"):
        save(Settings(), tmp_path / "config" / "settings.json")


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(json.dumps).map(str.encode))
def test_no_content_whatever_makes_loading_fail(path: Path, content: bytes) -> None:
    _write(path, content)
    settings, _ = load(path)
    assert isinstance(settings, Settings)

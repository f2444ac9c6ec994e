"""SettingsService: one owner, saved at once, and a full disk is only a message."""

import os
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Slot
from pytestqt.qtbot import QtBot

from starpad.core import settings_store
from starpad.core.errors import FileError, SettingsError
from starpad.core.settings import Settings, ThemeChoice
from starpad.services.settings import SettingsService


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.json"


def test_it_starts_with_what_is_on_the_disk(path: Path) -> None:
    path.write_text('{"theme": "dark", "indent_width": 0}')
    service = SettingsService(path)
    assert service.current.theme is ThemeChoice.DARK
    assert [problem.message for problem in service.problems] == [
        "The setting “Indent width” cannot be 0."
    ]


def test_a_change_is_announced_and_on_the_disk(path: Path, qtbot: QtBot) -> None:
    service = SettingsService(path)
    with qtbot.waitSignal(service.changed) as signal:
        service.change(theme="dark", font_size_pt=14)
    assert signal.args == [service.current]
    assert service.current.font_size_pt == 14
    assert SettingsService(path).current == service.current


def test_a_bad_change_changes_nothing(path: Path, qtbot: QtBot) -> None:
    service = SettingsService(path)
    with qtbot.assertNotEmitted(service.changed), pytest.raises(SettingsError):
        service.change(theme="dark", font_size_pt=1000)
    assert service.current == Settings()
    assert not path.exists()


def test_setting_what_already_holds_neither_announces_nor_writes(path: Path, qtbot: QtBot) -> None:
    service = SettingsService(path)
    with qtbot.assertNotEmitted(service.changed):
        service.change(indent_width=4)
    assert not path.exists()


def test_a_change_that_cannot_be_saved_counts_and_is_reported(
    path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    service = SettingsService(path)
    monkeypatch.setattr(os, "fsync", full)
    with qtbot.waitSignal(service.changed), qtbot.waitSignal(service.save_failed) as failure:
        service.change(indent_width=2)
    assert service.current.indent_width == 2
    assert failure.args is not None
    assert isinstance(failure.args[0], FileError)
    assert "No space left" in failure.args[0].message


class _Follower(QObject):
    """Changes a second setting whenever a first one changes."""

    def __init__(self, service: SettingsService) -> None:
        super().__init__()
        self._service = service
        service.changed.connect(self._on_settings_changed)

    @Slot(object)
    def _on_settings_changed(self, settings: Settings) -> None:
        self._service.change(wrap_lines=settings.indent_width == 2)


def test_a_listener_that_changes_more_does_not_lose_it_on_the_disk(path: Path) -> None:
    service = SettingsService(path)
    follower = _Follower(service)
    service.change(indent_width=2)
    saved, _ = settings_store.load(path)
    assert follower
    assert saved == service.current
    assert (saved.indent_width, saved.wrap_lines) == (2, True)

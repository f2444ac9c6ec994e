"""The owner of the settings: others read `current`, follow `changed`, ask for `change`."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from starpad.core import settings_store
from starpad.core.errors import FileError, SettingsError
from starpad.core.setting_values import with_values
from starpad.core.settings import Settings


class SettingsService(QObject):
    """Loads the settings once, and saves every change at once."""

    changed = Signal(object)
    """The new Settings."""
    save_failed = Signal(object)
    """The FileError; the change counts all the same, until the app ends."""

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self._current, problems = settings_store.load(path)
        self.problems: tuple[SettingsError, ...] = tuple(problems)
        """What could not be used of the file; for the notifier, once."""

    @property
    def current(self) -> Settings:
        return self._current

    def change(self, **values: Any) -> None:
        """Set some settings by name; raises SettingsError and changes nothing if one is bad."""
        settings = with_values(self._current, **values)
        if settings == self._current:
            return
        self._current = settings
        self.changed.emit(settings)
        try:
            # Not `settings`: a listener may already have changed more.
            settings_store.save(self._current, self._path)
        except FileError as error:
            self.save_failed.emit(error)

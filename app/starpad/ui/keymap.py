"""The actions' keys, as the table has them or as the user changed them."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QAction, QKeySequence

from starpad.core import keymap
from starpad.core.errors import SettingsError
from starpad.core.keymap import Keys
from starpad.core.settings import Settings
from starpad.services.notifier import Notifier
from starpad.services.settings import SettingsService
from starpad.ui.actions import ACTIONS, ActionId, plain_text

_DEFAULTS: Mapping[str, Keys] = {each.name: spec.keys for each, spec in ACTIONS.items()}
_PORTABLE = QKeySequence.SequenceFormat.PortableText
_NATIVE = QKeySequence.SequenceFormat.NativeText


class Keymap(QObject):
    """Follows the settings: menus, palette and lists read the keys from the actions."""

    changed = Signal()

    def __init__(
        self, actions: Mapping[ActionId, QAction], settings: SettingsService, notifier: Notifier
    ) -> None:
        super().__init__()
        self._actions = actions
        self._settings = settings
        self._notifier = notifier
        self._changes: dict[str, Keys] = {}
        self._kept: tuple[str, ...] = ()
        """The lines that these changes were read from."""

    @Slot(object)
    def follow(self, settings: Settings) -> None:
        """Give the actions the keys that the settings say; report what is no key."""
        if settings.keymap == self._kept:
            return
        self._kept = settings.keymap
        self._changes, problems = _read(settings.keymap)
        for action_id, keys in self.keys().items():
            self._actions[action_id].setShortcuts([QKeySequence(key) for key in keys])
        for problem in problems:
            self._notifier.report(problem)
        self.changed.emit()

    def keys(self) -> dict[ActionId, Keys]:
        """Return the keys of all actions, as they count now."""
        effective = keymap.effective(_DEFAULTS, self._changes)
        return {ActionId[name]: keys for name, keys in effective.items()}

    def is_changed(self, action_id: ActionId) -> bool:
        """Return whether an action has other keys than the table's."""
        return self.keys()[action_id] != ACTIONS[action_id].keys

    def owners(self, key: str, but: ActionId) -> list[ActionId]:
        """Return the other actions that would lose `key`."""
        return [
            action_id
            for action_id, keys in self.keys().items()
            if action_id is not but and any(keymap.clash(key, each) for each in keys)
        ]

    def assign(self, action_id: ActionId, keys: Keys) -> None:
        """Give an action these keys; others that have them lose them."""
        changes = dict(self._changes)
        for key in keys:
            for owner in self.owners(key, action_id):
                left = tuple(k for k in self.keys()[owner] if not keymap.clash(key, k))
                changes[owner.name] = left
        self._keep(changes | {action_id.name: keys})

    def reset(self, action_id: ActionId) -> None:
        """Give an action the table's keys again, also those that another one has by now."""
        self.assign(action_id, ACTIONS[action_id].keys)

    def reset_all(self) -> None:
        """Give all actions the table's keys again."""
        self._keep({})

    def _keep(self, changes: Mapping[str, Keys]) -> None:
        self._settings.change(keymap=keymap.entries(changes, _DEFAULTS))


def shown(keys: Sequence[str]) -> str:
    """Return keys as people of this system write them."""
    return "   ".join(QKeySequence(key).toString(_NATIVE) for key in keys)


def portable(sequence: QKeySequence) -> str:
    """Return the text by which a key is kept."""
    return sequence.toString(_PORTABLE)


def problem_with(sequence: QKeySequence) -> str:
    """Return why a key cannot be an action's, empty if it can."""
    key = portable(sequence)
    if not all(key.split(", ")):
        return "This is no key."
    for spec in ACTIONS.values():
        if spec.editor_key and keymap.clash(key, spec.editor_key):
            return f"The editor needs this key for “{plain_text(spec.text)}”."
    if keymap.is_for_typing(key):
        return "This key is for typing. Add Ctrl or Alt, or take a function key."
    return ""


def _read(entries: Sequence[str]) -> tuple[dict[str, Keys], list[SettingsError]]:
    """Return the changes; what cannot be used of them keeps its default and is one error each."""
    changes: dict[str, Keys] = {}
    problems: list[SettingsError] = []
    for entry in entries:
        parsed = keymap.parse(entry)
        if parsed is None:
            problems.append(_error(entry, "It must be a command, “=” and keys, as in SAVE=F2."))
            continue
        name, keys = parsed
        spec = ACTIONS.get(ActionId[name]) if name in ActionId.__members__ else None
        sequences = [QKeySequence.fromString(key, _PORTABLE) for key in keys]
        problem = next(filter(None, map(problem_with, sequences)), "")
        if spec is None:
            continue  # of a later Starpad
        if spec.editor_key:
            problem = f"The key of “{plain_text(spec.text)}” is the editor's own."
        if problem:
            problems.append(_error(entry, problem))
        else:
            changes[name] = tuple(map(portable, sequences))
    return changes, problems


def _error(entry: str, problem: str) -> SettingsError:
    return SettingsError(
        f"The setting “Keys” cannot be {entry!r:.60}.", f"{problem} The default is used."
    )

"""All commands with their keys: to read, to search, and to change."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication, QPalette
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from starpad.core import fuzzy
from starpad.core.keymap import Keys
from starpad.ui.actions import ACTIONS, ActionId, plain_text
from starpad.ui.key_recorder import KeyRecorder
from starpad.ui.keymap import Keymap, shown
from starpad.ui.labels import text_label
from starpad.ui.questions import ask

_ROLE = Qt.ItemDataRole.UserRole


class KeymapDialog(QDialog):
    """Shows what the keymap says; each change counts at once."""

    def __init__(self, keymap: Keymap, parent: QWidget) -> None:
        super().__init__(parent)
        self._keymap = keymap
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search commands and keys")
        self.search.setAccessibleName("Search commands and keys")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._on_search_text_changed)
        self.list = self._make_list()
        self.note = text_label(is_quiet=True)
        self._change = self._button("&Change…", self.change)
        self._add = self._button("&Add another…", self.add)
        self._remove = self._button("&Remove", self._remove_keys)
        self._reset = self._button("Re&set", self.reset)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        action_role = QDialogButtonBox.ButtonRole.ActionRole
        self._reset_all = buttons.addButton("Reset all…", action_role)
        self._reset_all.clicked.connect(self._on_reset_all_clicked)
        buttons.addButton("Copy list", action_role).clicked.connect(self._on_copy_clicked)
        for button in buttons.buttons():
            # Enter in the search field is for the command that it found.
            if isinstance(button, QPushButton):
                button.setAutoDefault(False)
        self.search.returnPressed.connect(self.change)
        buttons.rejected.connect(self.reject)
        row = QHBoxLayout()
        for button in (self._change, self._add, self._remove, self._reset):
            row.addWidget(button)
        row.addWidget(self.note, 1)
        column = QVBoxLayout(self)
        column.addWidget(self.search)
        column.addWidget(self.list, 1)
        column.addLayout(row)
        column.addWidget(buttons)
        keymap.changed.connect(self._on_keymap_changed)
        self.list.currentItemChanged.connect(self._on_list_current_changed)
        self.list.itemActivated.connect(self.change)
        self._on_keymap_changed()
        self.select(next(iter(ACTIONS)))
        self.search.setFocus()
        self.resize(760, 560)

    @property
    def current(self) -> ActionId | None:
        """The action of the current row."""
        item = self.list.currentItem()
        return item.data(0, _ROLE) if item is not None and not item.isHidden() else None

    def select(self, action_id: ActionId) -> None:
        """Make an action's row the current one."""
        for item in self._items():
            if item.data(0, _ROLE) is action_id:
                self.list.setCurrentItem(item)

    @Slot()
    def change(self) -> None:
        """Ask for the key that takes the place of the current action's keys."""
        self._record(lambda _old, key: (key,))

    @Slot()
    def add(self) -> None:
        """Ask for one more key of the current action."""
        self._record(lambda old, key: (*(each for each in old if each != key), key))

    @Slot()
    def reset(self) -> None:
        """Give the current action its keys of the start, after a question if others have them."""
        action_id = self.current
        if action_id is None:
            return
        owners = {
            owner
            for key in ACTIONS[action_id].keys
            for owner in self._keymap.owners(key, action_id)
        }
        if not owners:
            self._keymap.reset(action_id)
            return
        names = " and ".join(f"“{plain_text(ACTIONS[each].text)}”" for each in owners)
        ask(
            self, f"Take the keys from {names}?", "A key can stand for one command only.",
            "Take them", "Leave them", partial(self._keymap.reset, action_id),
        )  # fmt: skip

    def _record(self, keys_with: Callable[[Keys, str], Keys]) -> None:
        action_id = self.current
        if action_id is None or ACTIONS[action_id].editor_key:
            return
        old = self._keymap.keys()[action_id]
        recorder = KeyRecorder(action_id, self._keymap, self)
        recorder.recorded.connect(lambda key: self._keymap.assign(action_id, keys_with(old, key)))
        recorder.open()

    @Slot()
    def _remove_keys(self) -> None:
        if self.current is not None:
            self._keymap.assign(self.current, ())

    def _button(self, text: str, do: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        button.clicked.connect(do)
        return button

    def _make_list(self) -> QTreeWidget:
        view = QTreeWidget()
        view.setAccessibleName("Commands and keys")
        view.setHeaderLabels(["Command", "Menu", "Keys"])
        view.setRootIsDecorated(False)
        view.setUniformRowHeights(True)
        view.setAllColumnsShowFocus(True)
        view.header().setStretchLastSection(True)
        view.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for action_id, spec in ACTIONS.items():
            item = QTreeWidgetItem([plain_text(spec.text), plain_text(spec.menu), ""])
            item.setToolTip(0, spec.tip)
            item.setData(0, _ROLE, action_id)
            view.addTopLevelItem(item)
        view.setColumnWidth(2, 240)
        view.header().resizeSection(2, 240)
        return view

    def _items(self) -> list[QTreeWidgetItem]:
        items = (self.list.topLevelItem(row) for row in range(self.list.topLevelItemCount()))
        return [item for item in items if item is not None]

    @Slot()
    def _on_keymap_changed(self) -> None:
        keys = self._keymap.keys()
        for item in self._items():
            action_id = item.data(0, _ROLE)
            spec = ACTIONS[action_id]
            item.setText(2, shown((spec.editor_key,) if spec.editor_key else keys[action_id]))
            font = item.font(2)
            font.setBold(keys[action_id] != spec.keys)
            item.setFont(2, font)
            role = (
                QPalette.ColorRole.PlaceholderText if spec.editor_key else QPalette.ColorRole.Text
            )
            item.setForeground(2, self.palette().brush(role))
        self._reset_all.setEnabled(any(map(self._keymap.is_changed, keys)))
        self._on_list_current_changed()

    @Slot()
    def _on_list_current_changed(self) -> None:
        action_id = self.current
        is_free = action_id is not None and not ACTIONS[action_id].editor_key
        keys = self._keymap.keys()[action_id] if action_id is not None else ()
        is_changed = action_id is not None and self._keymap.is_changed(action_id)
        self._change.setEnabled(is_free)
        self._add.setEnabled(is_free and bool(keys))
        self._remove.setEnabled(is_free and bool(keys))
        self._reset.setEnabled(is_changed)
        usual = shown(ACTIONS[action_id].keys) or "no key" if action_id is not None else ""
        note = f"Usually {usual}." if is_changed else ""
        if action_id is not None and ACTIONS[action_id].editor_key:
            note = "The editor's own key: it means something else without a suggestion."
        self.note.setText(note)

    @Slot(str)
    def _on_search_text_changed(self, query: str) -> None:
        best_score = 0.0
        for item in self._items():
            score = fuzzy.score(query, " ".join(item.text(column) for column in range(3)))
            item.setHidden(not score)
            if score > best_score:
                best_score = score
                self.list.setCurrentItem(item)
        self._on_list_current_changed()

    @Slot()
    def _on_reset_all_clicked(self) -> None:
        ask(
            self, "Give all commands their keys of the start?", "Your changes are lost.",
            "Reset all", "Keep them", self._keymap.reset_all,
        )  # fmt: skip

    @Slot()
    def _on_copy_clicked(self) -> None:
        rows = [
            f"{item.text(2):<24} {ACTIONS[item.data(0, _ROLE)].tip}"
            for item in self._items()
            if item.text(2)
        ]
        QGuiApplication.clipboard().setText("\n".join(rows))

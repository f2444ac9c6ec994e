"""Getting around by keys: from pane to pane, and out of the editor, which takes Tab for itself."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, QObject, Qt, Slot
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget

from starpad.core.settings import Settings
from starpad.services.settings import SettingsService
from starpad.ui.actions import ActionId
from starpad.ui.editor.editor_tabs import EditorTabs
from starpad.ui.spoken import announce


class PaneCommands(QObject):
    """Moves the focus between panes, in the order given; each remembers where it was inside.

    The widget that goes with a pane is where the focus goes at first; None: what comes first.
    """

    def __init__(
        self,
        window: QMainWindow,
        panes: Mapping[QWidget, QWidget | None],
        tabs: EditorTabs,
        actions: Mapping[ActionId, QAction],
        settings: SettingsService,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._panes = panes
        self._action = actions[ActionId.TAB_MOVES_FOCUS]
        self._settings = settings
        self._tabs = tabs
        tabs.current_tab_changed.connect(self._on_current_tab_changed)

    def handlers(self) -> dict[ActionId, Callable[[], object]]:
        """Return what the menu's actions do."""
        return {
            ActionId.NEXT_PANE: lambda: self.step(1),
            ActionId.PREVIOUS_PANE: lambda: self.step(-1),
            ActionId.TAB_MOVES_FOCUS: self._toggle,
        }

    def follow(self, settings: Settings) -> None:
        """Take from the settings what Tab does in the editor."""
        self._action.setChecked(settings.tab_moves_focus)
        self._on_current_tab_changed()

    def step(self, by: int) -> None:
        """Go to the next pane that is on the screen, or the one before, around the end."""
        found = ((pane, _target(pane, first)) for pane, first in self._panes.items())
        targets = [(pane, target) for pane, target in found if target is not None]
        focus = QApplication.focusWidget()
        here = next(
            (n for n, (pane, _) in enumerate(targets) if focus and pane.isAncestorOf(focus)),
            -1 if by > 0 else 0,
        )
        if targets:
            _, target = targets[(here + by) % len(targets)]
            target.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _toggle(self) -> None:
        is_on = self._action.isChecked()
        self._settings.change(tab_moves_focus=is_on)
        announce(self._window, "Tab moves the focus" if is_on else "Tab indents", is_urgent=True)

    @Slot()
    def _on_current_tab_changed(self) -> None:
        if self._tabs.current is None:
            return
        editor = self._tabs.current.editor
        # A shortcut would not do: the editor says that it needs Tab.
        editor.removeEventFilter(self)
        if self._settings.current.tab_moves_focus:
            editor.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            is_plain = not event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier
            if event.key() == Qt.Key.Key_Tab and is_plain:
                return self._window.focusNextChild()
            if event.key() == Qt.Key.Key_Backtab and is_plain:
                return self._window.focusPreviousChild()
        return super().eventFilter(watched, event)


def _target(pane: QWidget, first: QWidget | None) -> QWidget | None:
    """Return what had the focus in a pane, else `first`, else the first widget that takes Tab."""
    for known in (pane.focusWidget(), first):
        if known is not None and pane.isAncestorOf(known) and _takes_focus(known):
            return known
    widget = pane.nextInFocusChain()
    while widget is not None and widget is not pane:
        if pane.isAncestorOf(widget) and _takes_focus(widget):
            return widget
        widget = widget.nextInFocusChain()
    return None


def _takes_focus(widget: QWidget) -> bool:
    is_wanted = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
    return is_wanted and widget.isVisible() and widget.isEnabled()

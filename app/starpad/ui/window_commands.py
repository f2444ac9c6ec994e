"""What the View and Help menus do to the window itself: palette, zoom, full screen, dialogs."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow

from starpad.core import user_data
from starpad.core.settings import Settings
from starpad.services.engine import EngineService
from starpad.services.notifier import Notifier
from starpad.services.settings import SettingsService
from starpad.ui.about_dialog import AboutDialog
from starpad.ui.actions import ActionId
from starpad.ui.command_palette import CommandPalette
from starpad.ui.editor.editor_tabs import EditorTabs
from starpad.ui.keymap import Keymap
from starpad.ui.keymap_dialog import KeymapDialog
from starpad.ui.settings.settings_dialog import SettingsDialog

_SMALLEST_PT, _LARGEST_PT = 6, 72


class WindowCommands(QObject):
    """Between the menus, the settings and the window."""

    def __init__(
        self,
        window: QMainWindow,
        tabs: EditorTabs,
        actions: Mapping[ActionId, QAction],
        settings: SettingsService,
        engine: EngineService,
        notifier: Notifier,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._tabs = tabs
        self._actions = actions
        self._settings = settings
        self._engine = engine
        self.palette = CommandPalette(window, actions, settings)
        self.keymap = Keymap(actions, settings, notifier)
        self.keymap.setParent(self)
        tabs.zoom_requested.connect(self.zoom)

    def handlers(self) -> dict[ActionId, Callable[[], object]]:
        """Return what the menus' actions do."""
        change = self._settings.change
        return {
            ActionId.COMMAND_PALETTE: self.palette.open,
            ActionId.SETTINGS: self._show_settings,
            ActionId.ZOOM_IN: lambda: self.zoom(1),
            ActionId.ZOOM_OUT: lambda: self.zoom(-1),
            ActionId.ZOOM_RESET: lambda: change(font_size_pt=Settings().font_size_pt),
            ActionId.TOGGLE_WHITE_SPACE: lambda: change(
                show_white_space=self._is_checked(ActionId.TOGGLE_WHITE_SPACE)
            ),
            ActionId.TOGGLE_WRAP: lambda: change(wrap_lines=self._is_checked(ActionId.TOGGLE_WRAP)),
            ActionId.FULL_SCREEN: self._toggle_full_screen,
            ActionId.NEXT_TAB: lambda: self._tabs.step(1),
            ActionId.PREVIOUS_TAB: lambda: self._tabs.step(-1),
            ActionId.TOGGLE_SUGGESTIONS: lambda: change(
                suggestions_enabled=self._is_checked(ActionId.TOGGLE_SUGGESTIONS)
            ),
            ActionId.SHOW_FIGURES: lambda: change(
                suggestion_figures_shown=self._is_checked(ActionId.SHOW_FIGURES)
            ),
            ActionId.SHORTCUTS: self._show_shortcuts,
            ActionId.ABOUT: self._show_about,
        }

    def show_settings_in_menus(self, settings: Settings) -> None:
        """Give the actions the keys and the check marks that the settings say."""
        self.keymap.follow(settings)
        self._actions[ActionId.TOGGLE_WRAP].setChecked(settings.wrap_lines)
        self._actions[ActionId.TOGGLE_WHITE_SPACE].setChecked(settings.show_white_space)
        self._actions[ActionId.TOGGLE_SUGGESTIONS].setChecked(settings.suggestions_enabled)
        self._actions[ActionId.SHOW_FIGURES].setChecked(settings.suggestion_figures_shown)

    def _is_checked(self, action_id: ActionId) -> bool:
        return self._actions[action_id].isChecked()

    @Slot(int)
    def zoom(self, steps: int) -> None:
        """Make the editor's text larger or smaller."""
        size = self._settings.current.font_size_pt + steps
        self._settings.change(font_size_pt=min(_LARGEST_PT, max(_SMALLEST_PT, size)))

    def _toggle_full_screen(self) -> None:
        if self._window.isFullScreen():
            self._window.showNormal()
        else:
            self._window.showFullScreen()

    def _show_settings(self) -> None:
        SettingsDialog(self._settings, self._window).open()

    def _show_shortcuts(self) -> None:
        KeymapDialog(self.keymap, self._window).open()

    def _show_about(self) -> None:
        places = user_data.usual_places(self._settings.current.models_folder)
        AboutDialog(self._engine.status, places, self._window).open()

"""The window: menus, message bar, tabs, status bar, and which action does what."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QEvent, Slot
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QMainWindow

from starpad.core import model_file
from starpad.core.engine_status import EngineStatus
from starpad.core.indentation import Indentation
from starpad.core.settings import Settings
from starpad.services.completion import CompletionService
from starpad.services.documents import DocumentService
from starpad.services.engine import EngineService
from starpad.services.folder_search import FolderSearch
from starpad.services.highlighting import HighlightService
from starpad.services.library_work import LibraryWork
from starpad.services.notifier import Notifier
from starpad.services.prompt_inspection import PromptInspection
from starpad.services.rewriting import RewriteService
from starpad.services.settings import SettingsService
from starpad.services.update_check import UpdateCheck
from starpad.ui import actions as action_table
from starpad.ui.actions import ActionId, Needs
from starpad.ui.chat.chat_pane import ChatPane, ChatServices
from starpad.ui.chat_commands import ChatCommands
from starpad.ui.edit_commands import EditCommands
from starpad.ui.editor.editor_options import EditorOptions
from starpad.ui.editor.editor_pane import EditorPane
from starpad.ui.editor.editor_tab import EditorTab
from starpad.ui.editor.editor_tabs import EditorTabs
from starpad.ui.engine_commands import EngineCommands, EngineServices
from starpad.ui.file_commands import FileCommands
from starpad.ui.folder_commands import FolderCommands
from starpad.ui.folder_search_commands import FolderSearchCommands
from starpad.ui.format_commands import indentation_text
from starpad.ui.language_commands import LanguageCommands
from starpad.ui.menus import MenuBar
from starpad.ui.message_bar import MessageBar
from starpad.ui.model_commands import ModelCommands
from starpad.ui.model_picker import ModelPicker
from starpad.ui.models.model_choice import ModelServices
from starpad.ui.pane_area import PaneArea
from starpad.ui.pane_commands import PaneCommands
from starpad.ui.side_bar import SideBar
from starpad.ui.status_bar import StatusBar
from starpad.ui.suggestion_commands import SuggestionCommands
from starpad.ui.theme import CodeStyles, Theme
from starpad.ui.update_commands import UpdateCommands
from starpad.ui.window_commands import WindowCommands

_PICKER_ACTIONS = (
    ActionId.MODELS,
    ActionId.OPEN_MODEL,
    ActionId.LOAD_SETTINGS,
    ActionId.UNLOAD_MODEL,
)


@dataclass(frozen=True, slots=True)
class Services:
    """What the window calls; made and ended by bootstrap."""

    settings: SettingsService
    notifier: Notifier
    engine: EngineService
    models: ModelServices
    library_work: LibraryWork
    completion: CompletionService
    rewriting: RewriteService
    inspection: PromptInspection
    documents: DocumentService
    highlighting: HighlightService
    chat: ChatServices
    engines: EngineServices
    updates: UpdateCheck
    folder_search: FolderSearch


class MainWindow(QMainWindow):
    """Puts the panes together; the work is done by the commands and by services."""

    def __init__(self, services: Services, theme: Theme) -> None:
        super().__init__()
        self._services = services
        self._theme = theme
        self.setWindowTitle("Starpad")
        self.tabs = EditorTabs(services.completion, services.highlighting, theme)
        self.messages = MessageBar()
        self.files = FileCommands(
            self, self.tabs, services.documents, services.settings, services.notifier
        )
        self.actions_by_id = action_table.build(self)
        self.status = StatusBar(self.actions_by_id)
        self.commands = WindowCommands(
            self,
            self.tabs,
            self.actions_by_id,
            services.settings,
            services.engine,
            services.notifier,
        )
        self.languages = LanguageCommands(self, self.tabs)
        self.picker = ModelPicker([self.actions_by_id[each] for each in _PICKER_ACTIONS], self)
        self.models = ModelCommands(
            self, self.picker, services.models, services.library_work, services.notifier
        )
        self.engines = EngineCommands(self, self.models, services.engines, services.notifier)
        self.chat_pane = ChatPane(services.chat, services.highlighting, theme)
        self.chat = ChatCommands(
            self, self.chat_pane, self.tabs, self.files, services.chat, services.notifier
        )
        self.editing = EditorPane(self.tabs, services.rewriting)
        self.suggestions = SuggestionCommands(
            self,
            self.tabs,
            self.editing,
            services.completion,
            services.inspection,
            services.settings,
            services.notifier,
        )
        self.side_bar = SideBar()
        self.folders = FolderCommands(
            self, self.side_bar, self.tabs, self.files, services.settings, services.notifier
        )
        self.folder_search = FolderSearchCommands(
            self.side_bar, self.folders, self.tabs, self.files, services.folder_search
        )
        self._area = PaneArea(self.messages, self.side_bar, self.editing, self.chat_pane)
        self.setCentralWidget(self._area)
        self.setStatusBar(self.status)
        self.addToolBar(self.picker)
        self.setAcceptDrops(True)
        self.panes = PaneCommands(
            self,
            {
                self.picker: None,
                self.messages: None,
                self.side_bar: None,
                self.editing: None,
                self.chat_pane: self.chat_pane.bar.field,
                self.status: None,
            },
            self.tabs,
            self.actions_by_id,
            services.settings,
        )
        self._menu_bar = MenuBar(self.actions_by_id, self)
        self.setMenuBar(self._menu_bar)
        self._connect()
        self._on_settings_changed(services.settings.current)
        self._restore_geometry(services.settings.current)

    def _connect(self) -> None:
        services = self._services
        services.settings.changed.connect(self._on_settings_changed)
        services.notifier.posted.connect(self.messages.post)
        services.notifier.withdrawn.connect(self.messages.withdraw)
        services.engine.status_changed.connect(self._on_engine_status_changed)
        services.engine.status_changed.connect(self.status.show_status)
        services.engine.status_changed.connect(self.picker.show_status)
        services.completion.state_changed.connect(self.status.show_suggestion)
        services.completion.figures_changed.connect(self.status.show_figures)
        services.completion.figures_changed.connect(self.models.note_figures)
        self.tabs.current_tab_changed.connect(self._on_current_tab_changed)
        self.tabs.caret_moved.connect(self.status.show_caret)
        self.tabs.told.connect(self.status.showMessage)
        self.tabs.files_dropped.connect(self._on_tabs_files_dropped)
        services.models.downloads.changed.connect(self.status.show_downloads)
        self._menu_bar.recent_requested.connect(self._on_recent_requested)
        for action_id, handler in self._handlers().items():
            self.actions_by_id[action_id].triggered.connect(handler)
            self.addAction(self.actions_by_id[action_id])

    def _handlers(self) -> dict[ActionId, Callable[[], object]]:
        def with_tab(command: Callable[[EditorTab], object]) -> Callable[[], None]:
            def run() -> None:
                if self.tabs.current is not None:
                    command(self.tabs.current)

            return run

        return {
            ActionId.NEW: self.files.new,
            ActionId.OPEN: self.files.ask_and_open,
            ActionId.SAVE: with_tab(self.files.save),
            ActionId.SAVE_AS: with_tab(self.files.save_as),
            ActionId.RELOAD: with_tab(self.files.reload),
            ActionId.REOPEN_WITH_ENCODING: with_tab(self.files.formats.reopen_with_encoding),
            ActionId.SAVE_WITH_ENCODING: with_tab(self.files.formats.save_with_encoding),
            ActionId.LINE_ENDS: with_tab(self.files.formats.change_line_ends),
            ActionId.INDENTATION: with_tab(self.files.formats.change_indentation),
            ActionId.CLOSE_TAB: with_tab(self.files.close),
            ActionId.REOPEN_TAB: self.files.reopen_closed,
            ActionId.QUIT: self.close,
            **EditCommands(self.tabs, self.editing.finder).handlers(),
            **self.commands.handlers(),
            **self.languages.handlers(),
            **self.panes.handlers(),
            **self.folders.handlers(),
            **self.folder_search.handlers(),
            **self.suggestions.handlers(),
            **self.chat.handlers(),
            ActionId.CHOOSE_MODEL: self.picker.open_menu,
            ActionId.MODELS: self.models.show_models,
            ActionId.OPEN_MODEL: self.models.ask_and_open,
            ActionId.USE_DEMO_MODEL: self.models.use_demo,
            ActionId.LOAD_SETTINGS: self.models.show_load_settings,
            ActionId.RESTART_ENGINE: self.models.restart,
            ActionId.UNLOAD_MODEL: self._services.engine.unload,
            ActionId.SHOW_ENGINE_LOG: self.models.show_log,
            **self.engines.handlers(),
            **UpdateCommands(self, self._services.updates).handlers(),
        }

    # -- settings -----------------------------------------------------------------------------

    @Slot(object)
    def _on_settings_changed(self, settings: Settings) -> None:
        self._theme.set_choice(settings.theme)
        self._theme.set_styles(
            CodeStyles(settings.style_light, settings.style_dark, settings.more_contrast)
        )
        font = self._theme.editor_font(settings.font_family, settings.font_size_pt)
        self.tabs.default_indentation = Indentation(
            settings.indent_with_tabs, settings.indent_width
        )
        self.tabs.set_options(
            EditorOptions(
                font,
                is_wrapped=settings.wrap_lines,
                shows_white_space=settings.show_white_space,
                ruler_column=settings.ruler_column,
                closes_brackets=settings.close_brackets,
            )
        )
        self.suggestions.follow(settings)
        self.chat_pane.set_code_font(font)
        self._menu_bar.show_recent(settings.recent_files)
        self.commands.show_settings_in_menus(settings)
        self.panes.follow(settings)
        self._refresh_tab_state()

    # -- what changed -------------------------------------------------------------------------

    @Slot()
    def _on_current_tab_changed(self) -> None:
        self._refresh_tab_state()

    @Slot(object)
    def _on_engine_status_changed(self, _status: EngineStatus) -> None:
        self._refresh_tab_state()

    def _refresh_tab_state(self) -> None:
        tab = self.tabs.current
        there_is = {Needs.NOTHING}
        if tab is not None:
            there_is |= {Needs.DOCUMENT, Needs.SUGGESTION}
            self.setWindowTitle(f"{tab.title} - Starpad")
            self.status.show_document(
                tab.language.name or "Plain text",
                tab.format_text,
                indentation_text(tab.editor.indentation),
            )
            off = self._services.settings.current.suggestions_off_languages
            toggle = self.actions_by_id[ActionId.TOGGLE_LANGUAGE_SUGGESTIONS]
            toggle.setChecked(tab.language.alias not in off)
        if self._services.engine.status.model is not None:
            there_is.add(Needs.MODEL)
        action_table.enable(self.actions_by_id, there_is)

    @Slot(object)
    def _on_tabs_files_dropped(self, paths: list[Path]) -> None:
        models = [path for path in paths if path.suffix.lower() in model_file.ENDINGS]
        folders = [path for path in paths if path.is_dir()]
        self.files.open(path for path in paths if path not in (*models, *folders))
        for folder in folders[-1:]:
            self.folders.open(folder)
        if models:
            self.models.take_files(models)

    @Slot(str)
    def _on_recent_requested(self, path: str) -> None:
        self.files.reopen(Path(path))

    # -- window -------------------------------------------------------------------------------

    def _restore_geometry(self, settings: Settings) -> None:
        geometry = settings.window_geometry
        if not geometry or not self.restoreGeometry(b64decode(geometry)):
            self.resize(1240, 800)
        self._area.restore(settings)
        self.chat_pane.setVisible(settings.chat_is_shown)
        self.chat_pane.bar.field.set_text(settings.chat_draft)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        urls = (url for url in event.mimeData().urls() if url.isLocalFile())
        self._on_tabs_files_dropped([Path(url.toLocalFile()) for url in urls])

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            # Not every disk sends news of changes.
            self._services.documents.check_disk()
            # Another window may have written to the history.
            self._services.chat.conversations.check()

    def closeEvent(self, event: QCloseEvent) -> None:
        if all(self.files.may_close(tab) for tab in self.tabs.tabs):
            self._services.settings.change(
                window_geometry=b64encode(self.saveGeometry().data()).decode("ascii"),
                **self._area.borders(),
                chat_is_shown=not self.chat_pane.isHidden(),
                chat_draft=self.chat_pane.bar.draft,
            )
            event.accept()
        else:
            event.ignore()

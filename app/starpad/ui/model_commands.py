"""Load, switch, unload, restart: what the user asks of the engine, and what it reports."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QMainWindow

from starpad.core import paths
from starpad.core.download import Download
from starpad.core.draft_models import draft_models
from starpad.core.engine_exit import ExitReport
from starpad.core.engine_status import EngineState, EngineStatus, LoadedModel
from starpad.core.errors import StarpadError
from starpad.core.memory_fit import Fit
from starpad.core.remote_server import RemoteOptions
from starpad.core.suggestion import Figures
from starpad.services.library_work import LibraryWork
from starpad.services.model_library import usual_options, with_choices
from starpad.services.notifier import Notifier
from starpad.ui import model_messages
from starpad.ui.model_picker import ModelPicker, label
from starpad.ui.models.load_settings_dialog import LoadSettingsDialog
from starpad.ui.models.model_choice import ModelServices
from starpad.ui.models.models_window import ModelsWindow
from starpad.ui.text_dialog import TextDialog


class ModelCommands(QObject):
    """Between the window, the picker, the models window and the engine service."""

    servers_requested = Signal()
    """Show the list of remote servers."""
    server_requested = Signal(str)
    """(name) Connect this one, as it is written in the list now."""

    def __init__(
        self,
        window: QMainWindow,
        picker: ModelPicker,
        services: ModelServices,
        work: LibraryWork,
        notifier: Notifier,
    ) -> None:
        super().__init__(window)
        self._main = window
        self._picker = picker
        self._services = services
        self._work = work
        self._engine = services.engine
        self._settings = services.settings
        self._library = services.library
        self._notifier = notifier
        self._window: ModelsWindow | None = None
        self._loaded: Path | None = None
        self._to_remember: Path | None = None
        """A model that is the one of the next session, too, once it is loaded."""
        self._is_demo_told = False
        self._engine.status_changed.connect(self._on_engine_status_changed)
        self._engine.stopped_unexpectedly.connect(self._on_engine_stopped_unexpectedly)
        self._engine.load_failed.connect(self._on_engine_load_failed)
        services.downloads.finished.connect(self._on_downloads_finished)
        services.downloads.reported.connect(notifier.report)
        self._library.changed.connect(self._fill_picker)
        self._work.imported.connect(self._on_work_imported)
        picker.load_requested.connect(self.open)
        picker.cancel_requested.connect(self._engine.cancel_load)
        picker.opened.connect(self._fill_picker)

    @property
    def window(self) -> ModelsWindow:
        """The models window, made when it is first asked for."""
        if self._window is None:
            self._window = ModelsWindow(self._services, self._work, self._main)
            self._window.load_requested.connect(self.open)
        return self._window

    def load(self, path: Path | None) -> None:
        """Load a model file, the embedded demonstration model for None."""
        path = path or paths.demo_model()
        usual = usual_options(self._settings.current, path)
        self._engine.load(self._library.options_for(path, usual))

    @Slot()
    def reload(self) -> None:
        """Load the present model again, with what the settings say now."""
        loaded = self._engine.status.model
        if loaded is None:
            self.load_last()
        elif loaded.host:
            self._engine.restart()
        else:
            self.load(loaded.path)

    def load_last(self) -> None:
        """Load the model of the last session."""
        name = self._settings.current.model_path
        self.load(Path(name) if name else None)

    @Slot(object)
    def open(self, path: Path) -> None:
        """Load a model file, now and (if it can be loaded) in the next session."""
        self._notifier.withdraw(model_messages.SWITCH)
        self._to_remember = path.absolute()
        self.load(self._to_remember)

    def use_demo(self) -> None:
        """Load the embedded demonstration model from now on."""
        self.open(paths.demo_model())

    def use_local(self) -> None:
        """Load this computer's last model from now on, instead of a server's."""
        name = self._settings.current.model_path
        self.open(Path(name) if name else paths.demo_model())

    def ask_and_open(self) -> None:
        """Ask for a model file and load it."""
        last = self._settings.current.model_path
        folder = str(Path(last).parent if last else Path.home())
        name, _ = QFileDialog.getOpenFileName(
            self._main, "Open model file", folder, "Models (*.gguf *.bin);;All files (*)"
        )
        if name:
            self.open(Path(name))

    def take_files(self, files: list[Path]) -> None:
        """Take model files that were dropped onto the window into the library."""
        self.window.take_files(files)

    def restart(self) -> None:
        """Start the engine again with the model that it had."""
        self._notifier.withdraw(model_messages.ENGINE)
        if self._engine.status.state is EngineState.EMPTY:
            self.load_last()
        else:
            self._engine.restart()

    def show_log(self) -> None:
        """Show what the engine has written."""
        TextDialog(
            "Engine log", self._engine.log_tail() or "The engine has written nothing.", self._main
        ).open()

    @Slot()
    def show_models(self) -> None:
        """Show which real models there are."""
        self.window.show_discover()

    def show_library(self) -> None:
        """Show what is on this computer."""
        self.window.show_library()

    def show_load_settings(self) -> None:
        """Ask how the loaded model is to be loaded."""
        loaded = self._engine.status.model
        model = self._library.find(loaded.path) if loaded is not None else None
        if loaded is None or model is None or model.header is None:
            return
        header = model.header
        usual = usual_options(self._settings.current, model.path)

        def fit(values: Mapping[str, object]) -> Fit:
            return self._engine.fit(header, with_choices(usual, values))

        dialog = LoadSettingsDialog(
            self._main,
            name=label(model),
            trained_tokens=model.context_tokens,
            record=self._library.records.get(model.path),
            fit=fit,
            devices=[device.name for device in loaded.devices if device.is_gpu],
            drafts=[(label(one), one.path) for one in draft_models(self._library.models, model)],
        )
        dialog.accepted.connect(lambda: self._load_with(model.path, dialog.values))
        dialog.open()

    def _load_with(self, path: Path, values: Mapping[str, object]) -> None:
        self._library.keep(partial(self._library.records.change, path, **values))
        self.open(path)

    @Slot(object)
    def note_figures(self, figures: Figures) -> None:
        """Remember how fast the loaded model is."""
        model = self._engine.status.model
        # A few tokens say more about starting than about going on.
        if model is not None and not model.host and figures.tokens >= 8:
            self._library.note_speed(model.path, figures.tokens_per_second)

    @Slot()
    def _fill_picker(self) -> None:
        usual = usual_options(self._settings.current, Path())
        models = [
            (
                model,
                self._engine.fit(model.header, self._library.options_for(model.path, usual))
                if model.header is not None
                else None,
            )
            for model in self._library.by_use()
        ]
        self._picker.show_models(models, self._engine.status.model)
        self._picker.show_status(self._engine.status)

    @Slot(object)
    def _on_engine_status_changed(self, status: EngineStatus) -> None:
        if status.state is EngineState.FAILED and status.reason:
            self._to_remember = None
            self._post_engine_failure(status.reason, self._engine.log_tail())
        elif status.state is EngineState.READY and status.model is not None:
            self._notifier.withdraw(model_messages.ENGINE)
            if status.model.path != self._loaded:
                self._on_loaded(status.model)
        if status.model is None:
            self._loaded = None

    def _on_loaded(self, model: LoadedModel) -> None:
        path = self._loaded = model.path
        self._tell_about_demo(is_demo=model.is_demo)
        if model.host:  # no file of this computer
            return
        if path == self._to_remember:
            self._settings.change(model_path="" if model.is_demo else str(path), remote_server="")
            self._to_remember = None
        self._library.note_use(path)
        self._notifier.withdraw(model_messages.arrival(path))

    def _tell_about_demo(self, *, is_demo: bool) -> None:
        if not is_demo:
            self._notifier.withdraw(model_messages.DEMO)
        elif not self._is_demo_told:
            self._notifier.post(model_messages.demo(self.show_models, self.ask_and_open))
        self._is_demo_told = is_demo

    @Slot(object)
    def _on_engine_load_failed(self, error: StarpadError) -> None:
        self._to_remember = None
        details = self._engine.log_tail()
        self._notifier.post(model_messages.switch_failed(error, details, self.show_library))

    @Slot(object)
    def _on_engine_stopped_unexpectedly(self, stop: ExitReport) -> None:
        hint = model_messages.restart_hint(stop.restart_in_ms)
        self._post_engine_failure(stop.sentence, stop.log_tail, hint)

    def _post_engine_failure(self, message: str, details: str, hint: str = "") -> None:
        wanted = self._engine.wanted
        if isinstance(wanted, RemoteOptions):
            self._notifier.post(
                model_messages.server_failed(
                    message,
                    retry=partial(self.server_requested.emit, wanted.server.name),
                    use_local=self.use_local,
                    show_servers=self.servers_requested.emit,
                )
            )
            return
        self._notifier.post(
            model_messages.engine_failed(
                message,
                details,
                hint=hint,
                restart=self.restart,
                open_file=self.ask_and_open,
                use_demo=self.use_demo,
            )
        )

    @Slot(object)
    def _on_downloads_finished(self, download: Download) -> None:
        path = self._services.downloads.path_of(download)
        self._library.refresh()
        self._notifier.post(model_messages.downloaded(path, partial(self.open, path)))

    @Slot(object)
    def _on_work_imported(self, path: Path) -> None:
        self._notifier.post(model_messages.imported(path, partial(self.open, path)))

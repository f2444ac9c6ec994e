"""Load, unload, restart: what the user asks of the engine, and what the engine reports."""

from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from starpad.core import paths
from starpad.core.engine_exit import ExitReport
from starpad.core.engine_status import EngineState, EngineStatus
from starpad.core.load_options import LoadOptions
from starpad.services.engine import EngineService
from starpad.services.notifier import Notification, NotificationAction, Notifier, Severity
from starpad.services.settings import SettingsService
from starpad.ui.models.models_dialog import ModelsDialog
from starpad.ui.text_dialog import TextDialog

_ENGINE = "engine"
_DEMO = "demo-model"


class ModelCommands(QObject):
    """Between the window and the engine service."""

    def __init__(
        self,
        window: QWidget,
        engine: EngineService,
        settings: SettingsService,
        notifier: Notifier,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._engine = engine
        self._settings = settings
        self._notifier = notifier
        self._is_demo_told = False
        engine.status_changed.connect(self._on_status_changed)
        engine.stopped_unexpectedly.connect(self._on_stopped_unexpectedly)

    def load(self, path: Path | None) -> None:
        """Load a model file, the embedded demonstration model for None."""
        settings = self._settings.current
        self._engine.load(
            LoadOptions(
                path or paths.demo_model(),
                context_tokens=settings.context_tokens,
                threads=settings.engine_threads,
            )
        )

    def load_last(self) -> None:
        """Load the model of the last session."""
        name = self._settings.current.model_path
        self.load(Path(name) if name else None)

    def open(self, path: Path) -> None:
        """Load a model file from now on."""
        self._settings.change(model_path=str(path.absolute()))
        self.load(path)

    def use_demo(self) -> None:
        """Load the embedded demonstration model from now on."""
        self._settings.change(model_path="")
        self.load(None)

    def ask_and_open(self) -> None:
        """Ask for a model file and load it."""
        last = self._settings.current.model_path
        folder = str(Path(last).parent if last else Path.home())
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Open model file", folder, "Models (*.gguf);;All files (*)"
        )
        if name:
            self.open(Path(name))

    def restart(self) -> None:
        """Start the engine again with the model that it had."""
        self._notifier.withdraw(_ENGINE)
        if self._engine.status.state is EngineState.EMPTY:
            self.load_last()
        else:
            self._engine.restart()

    def show_log(self) -> None:
        """Show what the engine has written."""
        TextDialog(
            "Engine log", self._engine.log_tail() or "The engine has written nothing.", self._window
        ).open()

    @Slot()
    def show_models(self) -> None:
        """Show which real models there are."""
        dialog = ModelsDialog(self._window, self._engine.status.model)
        dialog.open_requested.connect(self.ask_and_open)
        dialog.open()

    @Slot(object)
    def _on_status_changed(self, status: EngineStatus) -> None:
        if status.state is EngineState.FAILED and status.reason:
            self._notifier.post(
                Notification(
                    status.reason,
                    severity=Severity.ERROR,
                    details=self._engine.log_tail(),
                    actions=(
                        NotificationAction("Restart", self.restart),
                        NotificationAction("Open another model…", self.ask_and_open),
                        NotificationAction("Use the demonstration model", self.use_demo),
                    ),
                    key=_ENGINE,
                )
            )
        elif status.state is EngineState.READY:
            self._notifier.withdraw(_ENGINE)
            self._tell_about_demo(status)

    def _tell_about_demo(self, status: EngineStatus) -> None:
        is_demo = status.model is not None and status.model.is_demo
        if not is_demo:
            self._notifier.withdraw(_DEMO)
            self._is_demo_told = False
        elif not self._is_demo_told:
            self._is_demo_told = True
            self._notifier.post(
                Notification(
                    "This is a small demonstration model: it shows how Starpad works, "
                    "but it cannot write your code.",
                    actions=(
                        NotificationAction("Get a real model…", self.show_models),
                        NotificationAction("Open model file…", self.ask_and_open),
                    ),
                    key=_DEMO,
                )
            )

    @Slot(object)
    def _on_stopped_unexpectedly(self, stop: ExitReport) -> None:
        wait_ms = stop.restart_in_ms
        hint = (
            f"It starts again by itself in {wait_ms / 1000:.0f} s. Your text is safe."
            if wait_ms is not None
            else "It does not start again by itself any more. Your text is safe."
        )
        self._notifier.post(
            Notification(
                stop.sentence,
                hint,
                Severity.ERROR,
                details=stop.log_tail,
                actions=(
                    NotificationAction("Restart", self.restart),
                    NotificationAction("Open another model…", self.ask_and_open),
                ),
                key=_ENGINE,
            )
        )

"""What the engine computes on: its devices, where the model is, why not on a GPU, what else."""

from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from starpad.core.engine_status import EngineStatus, LoadedModel
from starpad.core.errors import StarpadError
from starpad.core.gpu_advice import Advice, advise
from starpad.core.load_options import EngineKind
from starpad.core.server_program import ServerProgram
from starpad.core.settings import Settings
from starpad.services.background import BackgroundJobs
from starpad.services.engine import EngineService
from starpad.services.gpu_report import GpuReport
from starpad.services.settings import SettingsService
from starpad.ui.engine.advice_view import AdviceView
from starpad.ui.engine.device_table import DeviceTable
from starpad.ui.engine.engine_choice import EngineChoice
from starpad.ui.labels import text_label, title_label

_KINDS = {
    EngineKind.LLAMA: "The engine in the box (llama.cpp)",
    EngineKind.GGML: "The engine for files of 2023",
    EngineKind.EXTERNAL: "Your own llama-server",
    EngineKind.REMOTE: "A server on another machine",
}


class DevicesPage(QWidget):
    """Shows the engine's own state, never what was asked of it; looks anew whenever it is shown."""

    reload_requested = Signal()
    """Load the present model again, with the engine that is chosen now."""

    def __init__(
        self, engine: EngineService, settings: SettingsService, jobs: BackgroundJobs
    ) -> None:
        super().__init__()
        self._engine = engine
        self._settings = settings
        self._report = GpuReport(jobs, self)
        self._versions: dict[str, str] = {}
        """Of the programs that were checked."""
        self._wanted: Path | None = None
        """The program that was chosen last and is being checked."""
        self.kind = title_label(scale=1.15)
        self.details = text_label(is_quiet=True)
        self.layers = text_label()
        self.table = DeviceTable()
        self.advice = AdviceView()
        self.choice = EngineChoice()
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(10)
        for widget in (self.kind, self.details, self.layers, self.table, self.advice, self.choice):
            column.addWidget(widget)
        column.addStretch()
        scroll = QScrollArea()
        scroll.setAccessibleName("Devices")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setWidget(content)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)
        engine.status_changed.connect(self._on_engine_status_changed)
        settings.changed.connect(self._on_settings_changed)
        self._report.changed.connect(self._on_report_changed)
        self._report.checked.connect(self._on_report_checked)
        self.choice.box_chosen.connect(self._on_choice_box_chosen)
        self.choice.program_chosen.connect(self._on_choice_program_chosen)
        self.choice.reload_requested.connect(self.reload_requested)
        self._show_engine()
        self._show_choice()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._report.look()
        program = self._settings.current.engine_program
        if program and program not in self._versions:
            self._report.check(Path(program))

    def _show_engine(self) -> None:
        model = self._engine.status.model
        self.kind.setText(kind_text(model))
        self.details.setText(_details(model))
        self.details.setVisible(model is not None)
        self.layers.setText(layers_text(model))
        self.layers.setVisible(bool(self.layers.text()))
        self.table.show_model(model)
        self.table.setVisible(model is not None and bool(model.devices))
        machine = self._report.machine
        if machine is not None:
            self.advice.show_advice(advise(machine, model))
        else:
            looking = "Looking at this computer's graphics cards…"
            self.advice.show_advice(Advice(looking, is_problem=False))

    def _show_choice(self) -> None:
        program = self._settings.current.engine_program
        self.choice.show_program(program, self._versions.get(program, ""))
        self.choice.show_found(self._report.servers)
        self.choice.show_reload(is_due=is_reload_due(self._engine.status.model, program))

    @Slot(object)
    def _on_engine_status_changed(self, _status: EngineStatus) -> None:
        self._show_engine()
        program = self._settings.current.engine_program
        self.choice.show_reload(is_due=is_reload_due(self._engine.status.model, program))

    @Slot(object)
    def _on_settings_changed(self, _settings: Settings) -> None:
        self._show_choice()

    @Slot()
    def _on_report_changed(self) -> None:
        self._show_engine()
        self._show_choice()

    @Slot()
    def _on_choice_box_chosen(self) -> None:
        self._wanted = None
        self._settings.change(engine_program="")

    @Slot(object)
    def _on_choice_program_chosen(self, path: Path) -> None:
        self._wanted = path
        self.choice.show_checking(path)
        self._report.check(path)

    @Slot(object, object)
    def _on_report_checked(self, path: Path, answer: ServerProgram | StarpadError) -> None:
        is_wanted = path == self._wanted
        if isinstance(answer, StarpadError):
            if is_wanted or str(path) == self._settings.current.engine_program:
                self.choice.show_problem(answer.message, answer.hint)
        else:
            self._versions[str(path)] = f"version {answer.version}"
            if is_wanted:
                self._settings.change(engine_program=str(path))
        if is_wanted:
            self._wanted = None
        self._show_choice()


def is_reload_due(model: LoadedModel | None, program: str) -> bool:
    """Whether the model is held by another engine than the one that is chosen."""
    if model is None or model.kind not in (EngineKind.LLAMA, EngineKind.EXTERNAL):
        return False
    return model.program != program


def kind_text(model: LoadedModel | None) -> str:
    """Return what holds the model."""
    if model is None:
        return "No model is loaded"
    pack = Path(model.pack).name if model.pack else ""
    return f"The engine pack {pack} (llama.cpp)" if pack else _KINDS[model.kind]


def layers_text(model: LoadedModel | None) -> str:
    """Return how many layers are really on a GPU, in words; empty if the engine does not say."""
    if model is None or not model.placement.layers:
        return ""
    there, total = model.placement.gpu_layers, model.placement.layers
    return f"{there} of {total} layers on the GPU"


def _details(model: LoadedModel | None) -> str:
    if model is None:
        return ""
    version = model.engine_version
    if version and model.kind is EngineKind.LLAMA:
        version = f"version {version}"  # the others say what they are, too
    return " · ".join(filter(None, (version, model.program)))

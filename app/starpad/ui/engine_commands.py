"""The engine window, made when it is first asked for, and what it asks of the rest."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QMainWindow

from starpad.core.speculation import SpeculationVerdict
from starpad.services.background import BackgroundJobs
from starpad.services.benchmarks import BenchmarkService
from starpad.services.engine import EngineService
from starpad.services.engine_packs import EnginePacks
from starpad.services.evaluation import EvaluationService
from starpad.services.model_library import ModelLibrary
from starpad.services.notifier import Notification, NotificationAction, Notifier, Severity
from starpad.services.remote_servers import RemoteServers
from starpad.services.serving import ServingService
from starpad.services.settings import SettingsService
from starpad.services.speculation import SpeculationJudge
from starpad.ui.actions import ActionId
from starpad.ui.engine.benchmark_page import BenchmarkPage
from starpad.ui.engine.devices_page import DevicesPage
from starpad.ui.engine.engine_window import EnginePage, EngineWindow
from starpad.ui.engine.evaluation_page import EvaluationPage
from starpad.ui.engine.packs_page import PacksPage
from starpad.ui.engine.remote_page import RemotePage
from starpad.ui.engine.sharing_page import SharingPage
from starpad.ui.model_commands import ModelCommands


@dataclass(frozen=True, slots=True)
class EngineServices:
    """What the engine window's pages call."""

    engine: EngineService
    settings: SettingsService
    jobs: BackgroundJobs
    library: ModelLibrary
    benchmarks: BenchmarkService
    evaluation: EvaluationService
    serving: ServingService
    remotes: RemoteServers
    speculation: SpeculationJudge
    packs: EnginePacks


class EngineCommands(QObject):
    """Between the main window, the engine window and the services that it shows."""

    def __init__(
        self,
        window: QMainWindow,
        models: ModelCommands,
        services: EngineServices,
        notifier: Notifier,
    ) -> None:
        super().__init__(window)
        self._main = window
        self._models = models
        self._services = services
        self._notifier = notifier
        self._window: EngineWindow | None = None
        services.remotes.disconnected.connect(models.load_last)
        services.packs.fell_back.connect(self._on_packs_fell_back)
        services.packs.reload_requested.connect(models.reload)
        services.speculation.judged.connect(self._on_speculation_judged)
        models.servers_requested.connect(self._on_models_servers_requested)
        models.server_requested.connect(self._on_models_server_requested)

    def handlers(self) -> dict[ActionId, Callable[[], object]]:
        """Return what each action of the engine does."""
        return {
            ActionId.ENGINE: lambda: self.window.show_page(EnginePage.DEVICES),
            ActionId.SHARING: lambda: self.window.show_page(EnginePage.SHARING),
            ActionId.REMOTE_SERVERS: lambda: self.window.show_page(EnginePage.REMOTE),
            ActionId.BENCHMARK: lambda: self.window.show_page(EnginePage.BENCHMARK),
            ActionId.EVALUATION: lambda: self.window.show_page(EnginePage.EVALUATION),
        }

    @property
    def window(self) -> EngineWindow:
        """The engine window, made when it is first asked for."""
        if self._window is None:
            services = self._services
            devices = DevicesPage(services.engine, services.settings, services.jobs)
            devices.reload_requested.connect(self._models.reload)
            pages = {
                EnginePage.DEVICES: devices,
                EnginePage.PACKS: PacksPage(services.packs),
                EnginePage.SHARING: SharingPage(services.serving, services.engine),
                EnginePage.REMOTE: RemotePage(services.remotes, services.engine),
                EnginePage.BENCHMARK: BenchmarkPage(services.library, services.benchmarks),
                EnginePage.EVALUATION: EvaluationPage(services.library, services.evaluation),
            }
            self._window = EngineWindow(pages, self._main)
        return self._window

    @Slot()
    def _on_models_servers_requested(self) -> None:
        self.window.show_page(EnginePage.REMOTE)

    @Slot(str)
    def _on_models_server_requested(self, name: str) -> None:
        if not self._services.remotes.connect_to(name):
            self.window.show_page(EnginePage.REMOTE)

    @Slot(str, str)
    def _on_packs_fell_back(self, name: str, reason: str) -> None:
        """Say once that a pack is given up; the setting is empty by now."""
        show = NotificationAction("Engine packs…", lambda: self.window.show_page(EnginePage.PACKS))
        self._notifier.post(
            Notification(
                f"The engine pack {name} does not work any more; the engine in the box is used.",
                f"{reason} Install it again in Model > Engine > Engine packs.",
                Severity.WARNING,
                actions=(show,),
                key="engine-pack",
            )
        )

    @Slot(object, object)
    def _on_speculation_judged(self, model: Path, verdict: SpeculationVerdict) -> None:
        """Say what guessing ahead brings; a model that it slows down is loaded without from now."""
        hint = ""
        if not verdict.pays:
            hint = "It was switched off for this model; its load settings switch it on again."
            library = self._services.library
            library.keep(partial(library.records.change, model, speculation=None))
        self._notifier.post(Notification(verdict.sentence, hint))

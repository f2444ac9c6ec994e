"""Builds every object once, connects them, and shuts them down in reverse order."""

import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import QMessageLogContext, QObject, Qt, QtMsgType, Slot, qInstallMessageHandler
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from starpad import __version__
from starpad.core import catalog, engine_pack, heap, log, paths, release, serve_key, settings_store
from starpad.core.chat_presets import Presets
from starpad.core.errors import StarpadError
from starpad.core.license_acceptance import Acceptances
from starpad.core.settings import Settings
from starpad.services.answerer import Answerer
from starpad.services.background import BackgroundJobs
from starpad.services.backups import BackupService
from starpad.services.benchmarks import BenchmarkService
from starpad.services.chat import ChatService
from starpad.services.completion import CompletionService
from starpad.services.conversations import ConversationService
from starpad.services.documents import DocumentService
from starpad.services.downloads import DownloadService
from starpad.services.engine import EngineService
from starpad.services.engine_packs import EnginePacks
from starpad.services.evaluation import EvaluationService
from starpad.services.folder_search import FolderSearch
from starpad.services.highlighting import HighlightService
from starpad.services.history import HistoryService
from starpad.services.hub_account import HubAccount
from starpad.services.idle_unload import IdleUnload
from starpad.services.library_work import LibraryWork
from starpad.services.model_library import ModelLibrary
from starpad.services.model_search import ModelSearch
from starpad.services.notifier import Notification, Notifier, Severity
from starpad.services.project_context import ProjectContext
from starpad.services.prompt_inspection import PromptInspection
from starpad.services.remote_servers import RemoteServers
from starpad.services.rewriting import RewriteService
from starpad.services.serving import ServingService
from starpad.services.settings import SettingsService
from starpad.services.speculation import SpeculationJudge
from starpad.services.update_check import UpdateCheck
from starpad.ui import quick_attributes
from starpad.ui.chat.chat_pane import ChatServices
from starpad.ui.crash_dialog import CrashGuard
from starpad.ui.engine_commands import EngineServices
from starpad.ui.main_window import MainWindow, Services
from starpad.ui.models.model_choice import ModelServices
from starpad.ui.recovered_text import RecoveredText
from starpad.ui.system_events import OpenEvents, SignalWatch
from starpad.ui.theme import Theme


class Starpad(QObject):
    """The application's objects; `shutdown` ends them all."""

    def __init__(self, application: QApplication, settings_file: Path, data: Path) -> None:
        super().__init__()
        self.settings = SettingsService(settings_file, self)
        self._problems: list[StarpadError] = [*self.settings.problems]
        """What was found damaged, to be told when there is a window to tell it."""
        self.notifier = Notifier(self)
        self.engine = EngineService(self)
        self.jobs = BackgroundJobs(self)
        models = self._make_model_services(data)
        self.library_work = LibraryWork(self.jobs, models.account, models.library, self)
        self.library_work.folder_moved.connect(self._on_library_work_folder_moved)
        self.documents = DocumentService(self)
        self.project = ProjectContext(self.documents, self)
        self.completion = CompletionService(self.engine, self.project, self)
        self.highlighting = HighlightService(self)
        self.folder_search = FolderSearch(self)
        self.history = HistoryService(data / "conversations.sqlite3", self)
        self.answerer = Answerer(self.engine, self.history, self)
        self.chat = self._make_chat_services(data)
        self.theme = Theme(application)
        services = Services(
            self.settings,
            self.notifier,
            self.engine,
            models,
            self.library_work,
            self.completion,
            RewriteService(self.engine, self),
            PromptInspection(self.engine, self.completion, self),
            self.documents,
            self.highlighting,
            self.chat,
            self._make_engine_services(data),
            UpdateCheck(self.jobs, release.repository(), self),
            self.folder_search,
        )
        self.window = MainWindow(services, self.theme)
        self.backups = BackupService(data / "sessions", self)
        self.backups.failed.connect(self.notifier.report)
        self.recovered = RecoveredText(
            data / "recovery", self.backups, self.window.tabs, self.documents, self
        )
        self.settings.changed.connect(self._on_settings_changed)
        self.settings.save_failed.connect(self.notifier.report)
        self._on_settings_changed(self.settings.current)
        for problem in self._problems:
            self.notifier.report(problem)

    def _make_model_services(self, data: Path) -> ModelServices:
        """Make what finds, downloads and keeps models."""
        chosen = self.settings.current.models_folder
        folder = Path(chosen) if chosen else data / "models"
        try:
            families = catalog.load()
        except StarpadError as error:
            families = ()
            self._problems.append(error)
        self.account = HubAccount(self.jobs, data / "tokens", self)
        self.downloads = DownloadService(self.account, folder, self)
        self.library = ModelLibrary(self.jobs, data, folder, families, self)
        self.library.reported.connect(self.notifier.report)
        self.library.failed.connect(self.notifier.report)
        self.search = ModelSearch(self.jobs, self.account, self)
        acceptances = Acceptances(data / "accepted-licenses.json")
        acceptances.all()
        self._problems += acceptances.problems
        return ModelServices(
            settings=self.settings,
            engine=self.engine,
            account=self.account,
            search=self.search,
            downloads=self.downloads,
            library=self.library,
            acceptances=acceptances,
        )

    def _make_chat_services(self, data: Path) -> ChatServices:
        """Make what keeps conversations and has them answered."""
        self.history.reported.connect(self.notifier.report)
        self.history.start()
        presets = Presets(data / "chat-presets.json")
        presets.all()
        self._problems += presets.problems
        return ChatServices(
            ChatService(self.answerer, self.history, self),
            ConversationService(self.history, self),
            presets,
        )

    def _make_engine_services(self, data: Path) -> EngineServices:
        """Make what the engine window shows."""
        self.benchmarks = BenchmarkService(self.engine, self.library, self.settings, data, self)
        self.evaluation = EvaluationService(self.engine, self.library, self.settings, data, self)
        self.serving = ServingService(self.engine, data / serve_key.FILE_NAME, self)
        self.idle_unload = IdleUnload(self.engine, self.serving, self)
        self.remotes = RemoteServers(self.engine, self.settings, self.jobs, data, self)
        self._problems += self.remotes.read()
        return EngineServices(
            engine=self.engine,
            settings=self.settings,
            jobs=self.jobs,
            library=self.library,
            benchmarks=self.benchmarks,
            evaluation=self.evaluation,
            serving=self.serving,
            remotes=self.remotes,
            speculation=SpeculationJudge(self.engine, self),
            packs=EnginePacks(
                self.engine, self.settings, self.jobs, engine_pack.packs_folder(data), self
            ),
        )

    def open(self, files: Iterable[Path]) -> None:
        """Open what the system hands over: a model is loaded, anything else is shown."""
        for path in files:
            if is_model(path):
                self.window.models.open(path)
            else:
                self.window.files.open([path])

    def start(self, files: Sequence[Path], model: Path | None) -> None:
        """Load the model, open the files, show the window. A model among the files is loaded."""
        model = next(filter(is_model, files), model)
        files = [path for path in files if not is_model(path)]
        # The engine first: it loads in its own process while the window is made here.
        if model is not None:
            self.window.models.load(model)
        elif not self.remotes.resume():
            self.window.models.load_last()
        count = self.recovered.restore(opens_last=self.settings.current.open_last_files)
        self.window.files.open(files)
        if count:
            self.notifier.post(
                Notification(
                    f"Unsaved text of {count} document(s) was brought back.",
                    "Starpad ended without saving it. Look at it and save it.",
                    Severity.WARNING,
                )
            )
        if not self.window.tabs.count():
            self.window.files.new()
        self.window.show()
        self.window.chat_pane.start()
        self.downloads.start(resume=self.settings.current.resume_downloads)
        self.library.refresh()
        self.serving.start_if_wanted(self.settings.current)

    def shutdown(self) -> None:
        """End the child processes and the threads; unsaved text was saved or given up."""
        self.recovered.shutdown()
        self.downloads.shutdown()
        self.jobs.shutdown()
        self.highlighting.shutdown()
        self.folder_search.shutdown()
        self.project.shutdown()
        self.answerer.shutdown()
        self.serving.shutdown()
        self.benchmarks.shutdown()
        self.evaluation.shutdown()
        self.engine.shutdown()
        self.history.shutdown()

    @Slot(object)
    def _on_settings_changed(self, settings: Settings) -> None:
        self.engine.restart_automatically = settings.restart_engine_automatically
        self.completion.options = settings.completion_options
        self.project.set_folder(Path(settings.folder) if settings.folder else None)
        self.serving.apply(settings)
        self.idle_unload.set_minutes(settings.engine_unload_after_min)
        self.account.set_endpoint(settings.hub_endpoint)
        self.downloads.queue.max_active = settings.downloads_at_once

    @Slot(object, object)
    def _on_library_work_folder_moved(self, new: Path, old: Path) -> None:
        model = Path(self.settings.current.model_path)
        if model.is_relative_to(old):
            model = new / model.relative_to(old)
            self.settings.change(model_path=str(model))
        self.settings.change(models_folder=str(new))


def is_model(path: Path) -> bool:
    """Return whether a file is opened by loading it."""
    return path.suffix.lower() == ".gguf"


_QT_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def _log_qt_message(kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
    # The off-screen platform says this for each window; it concerns nobody.
    if "propagateSizeHints" not in message:
        logging.getLogger("starpad.qt").log(_QT_LEVELS[kind], "%s", message)


def create_application() -> QApplication:
    """Return Qt's application object, named for the desktop; Qt's messages go to our log."""
    quick_attributes.install()
    qInstallMessageHandler(_log_qt_message)
    application = QApplication(sys.argv[:1])
    application.setApplicationName("starpad")
    application.setApplicationDisplayName("Starpad")
    application.setApplicationVersion(__version__)
    application.setDesktopFileName("org.starpad.starpad")
    application.setWindowIcon(QIcon(str(paths.resource("icons/starpad.svg"))))
    application.setAttribute(Qt.ApplicationAttribute.AA_DontShowIconsInMenus)
    return application


def run(files: Sequence[Path], model: Path | None) -> int:
    """Run the application until its window closes; return the exit code."""
    stop_log = log.start(paths.log_folder())
    application = create_application()
    data = paths.data_folder()
    starpad = Starpad(application, settings_store.default_path(), data)
    guard = CrashGuard(starpad)
    guard.install(starpad.recovered.keep)
    SignalWatch(starpad.recovered.keep, starpad)
    if sys.platform == "darwin":  # a filter in Python sees every event, so only where it is needed
        OpenEvents(starpad.open, application, starpad)
    starpad.start(files, model)
    heap.settle()
    code = application.exec()
    if code == 0:
        starpad.recovered.forget()
    starpad.shutdown()
    stop_log()
    return code

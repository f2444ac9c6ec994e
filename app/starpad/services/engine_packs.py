"""Engine packs for the window: what is installed and offered; install, try, use, remove."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from starpad.core import engine_pack, offered_packs
from starpad.core.engine_pack import InstalledPack
from starpad.core.engine_status import EngineStatus
from starpad.core.errors import EngineError, StarpadError
from starpad.core.gpu_machine import look_at_machine
from starpad.core.load_options import EngineKind
from starpad.core.offered_packs import OfferedPack, PackOffer
from starpad.engines.pack_probe import ProbeReport, probe
from starpad.hub import pack_install
from starpad.hub.session import StopSignal
from starpad.services.background import BackgroundJobs, BlockingJob
from starpad.services.engine import EngineService
from starpad.services.hub_account import as_starpad_error
from starpad.services.inference_thread import Emit, RequestEnd
from starpad.services.pack_trial import PackFailure
from starpad.services.settings import SettingsService

_STEPS = 200


@dataclass(frozen=True, slots=True)
class PackWork:
    """What is being done, in words; `fraction` None while nobody knows how far it is."""

    text: str
    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    packs: list[InstalledPack]
    offers: list[PackOffer]


class EnginePacks(QObject):
    """One work at a time, in the background. The setting says which pack counts from now on."""

    changed = Signal()
    """`packs`, `offers`, `work` or the choice."""
    told = Signal(str)
    """What came of a work."""
    failed = Signal(object)
    """(StarpadError)"""
    fell_back = Signal(str, str)
    """(name of a pack, why it failed) the engine in the box has taken over, for good."""
    reload_requested = Signal()
    """Load the present model again, as the settings say now."""

    def __init__(
        self,
        engine: EngineService,
        settings: SettingsService,
        jobs: BackgroundJobs,
        folder: Path,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.packs: list[InstalledPack] = []
        self.offers: list[PackOffer] = []
        self.work: PackWork | None = None
        self._engine = engine
        self._settings = settings
        self._jobs = jobs
        self._folder = folder
        self._look = self._job = 0
        self._at_end: Callable[[object], None] = lambda _value: None
        self._leaving: InstalledPack | None = None
        """To be deleted as soon as the engine has let go of it."""
        jobs.value_received.connect(self._on_jobs_value_received)
        jobs.job_ended.connect(self._on_jobs_job_ended)
        settings.changed.connect(self.changed)
        engine.status_changed.connect(self._on_engine_status_changed)
        engine.load_failed.connect(self._on_engine_load_failed)
        engine.pack_failed.connect(self._on_engine_pack_failed)

    @property
    def chosen(self) -> str:
        """Return the folder of the pack that models are loaded with; empty for the box."""
        return self._settings.current.engine_pack

    @property
    def at_work(self) -> str:
        """Return the folder of the pack that holds the present model; empty if none does."""
        model = self._engine.status.model
        return model.pack if model is not None else ""

    def look(self) -> None:
        """Look at what is installed, and what fits this computer."""
        if not self._look:
            self._look = self._jobs.submit("engine-packs", partial(_look, self._folder))

    def install_file(self, wheel: Path, offered: OfferedPack | None = None) -> None:
        """Install a wheel of this computer: as the offered pack that it is, or as one of its own.

        Nothing is known of its hash; what it is will be shown.
        """
        name = offered.name if offered is not None else self._free_name(wheel)
        built_for = built_for_text(offered) if offered is not None else ""

        def job(stop: StopSignal, emit: Emit) -> object:
            return pack_install.install_wheel(
                wheel,
                self._folder,
                name,
                built_for=built_for,
                source=str(wheel),
                stop=stop,
                progress=_progress(emit, f"Unpacking {wheel.name}"),
            )

        self._begin(PackWork(f"Unpacking {wheel.name}"), job, self._on_installed)

    def download(self, offer: PackOffer) -> None:
        """Fetch an offered pack, check its hash and install it; what arrives outlives a stop."""
        wheel, title = offer.wheel, offer.pack.title

        def job(stop: StopSignal, emit: Emit) -> object:
            from starpad.hub.pack_download import download_wheel  # takes 80 ms to import

            progress = _progress(emit, f"Downloading {title} from {wheel.host}")
            path = download_wheel(wheel, self._folder, stop=stop, progress=progress)
            pack = pack_install.install_wheel(
                path,
                self._folder,
                offer.pack.name,
                built_for=built_for_text(offer.pack),
                source=wheel.url,
                sha256=wheel.sha256,
                stop=stop,
                progress=_progress(emit, f"Unpacking {title}"),
            )
            path.unlink(missing_ok=True)
            return pack

        self._begin(PackWork(f"Asking {wheel.host}"), job, self._on_installed)

    def use(self, pack: InstalledPack) -> None:
        """Try a pack, and load models with it from now on if it works."""

        def job(stop: StopSignal, _emit: Emit) -> object:
            try:
                return probe(pack.folder, is_stopped=lambda: stop.is_stopped)
            except EngineError as error:
                raise EngineError(
                    f"The engine pack {pack.name} does not work here: {error.message}",
                    "The engine stays as it was. The pack's page says what must be installed.",
                ) from error

        def at_end(report: object) -> None:
            assert isinstance(report, ProbeReport)
            gpus = [device.description for device in report.devices if device.is_gpu]
            seen = f"It sees {' and '.join(gpus)}." if gpus else "It sees no graphics card."
            self.told.emit(f"{pack.name} works. {seen}")
            self._choose(str(pack.folder))

        self._begin(PackWork(f"Trying {pack.name} with the demonstration model"), job, at_end)

    def use_box(self) -> None:
        """Load models with the engine in the box from now on."""
        self._choose("")

    def remove(self, pack: InstalledPack) -> None:
        """Delete a pack; if it holds the model, the engine in the box takes over first."""
        if self._is_busy():
            return
        folder = str(pack.folder)
        if self.at_work != folder:
            if self.chosen == folder:
                self._settings.change(engine_pack="")
            self._delete(pack)
            return
        self._leaving = pack
        self._show(PackWork("Loading the model with the engine in the box"))
        self._choose("")

    def cancel(self) -> None:
        """Give up what is being done."""
        self._jobs.cancel(self._job)

    def _choose(self, folder: str) -> None:
        model = self._engine.status.model
        # A llama-server of the user's would go before any pack.
        program = "" if folder else self._settings.current.engine_program
        self._settings.change(engine_pack=folder, engine_program=program)
        kinds = (EngineKind.LLAMA, EngineKind.EXTERNAL)
        if (
            model is not None
            and model.kind in kinds
            and (model.pack, model.program)
            != (
                folder,
                program,
            )
        ):
            self.reload_requested.emit()

    def _delete(self, pack: InstalledPack) -> None:
        def job(_stop: StopSignal, _emit: Emit) -> object:
            pack_install.remove(self._folder, pack.name)
            return pack.name

        self._leaving = None
        self._show(None)
        self._begin(
            PackWork(f"Removing {pack.name}"),
            job,
            lambda name: self.told.emit(f"{name} was removed."),
        )

    def _free_name(self, wheel: Path) -> str:
        """Return a name for a wheel that nobody offers: its package and version, and a number."""
        base = engine_pack.name_from("-".join(wheel.stem.split("-")[:2]))
        taken = {pack.name for pack in self.packs}
        numbered = (f"{base[:60]}-{number}" for number in range(2, len(taken) + 3))
        return next(name for name in (base, *numbered) if name not in taken)

    def _is_busy(self) -> bool:
        if self.work is not None:
            error = EngineError(f"{self.work.text}: this is not done yet.", "Wait, or cancel it.")
            self.failed.emit(error)
        return self.work is not None

    def _begin(self, work: PackWork, job: BlockingJob, at_end: Callable[[object], None]) -> None:
        if not self._is_busy():
            self._at_end = at_end
            self._show(work)
            self._job = self._jobs.submit("engine-pack", job)

    def _show(self, work: PackWork | None) -> None:
        self.work = work
        self.changed.emit()

    def _on_installed(self, pack: object) -> None:
        assert isinstance(pack, InstalledPack)
        self.told.emit(f"{pack.name} is installed. Choose Use to load models with it.")

    @Slot(int, object)
    def _on_jobs_value_received(self, job_id: int, value: object) -> None:
        if job_id == self._job and isinstance(value, PackWork):
            self._show(value)

    @Slot(int, object)
    def _on_jobs_job_ended(self, job_id: int, end: RequestEnd) -> None:
        if job_id == self._look:
            self._look = 0
            if isinstance(end.value, _Found):
                self.packs, self.offers = end.value.packs, end.value.offers
            elif end.error is not None:
                self.failed.emit(as_starpad_error(end.error))
            self.changed.emit()
        elif job_id == self._job:
            self._job = 0
            self._show(None)
            if end.error is not None:
                self.failed.emit(as_starpad_error(end.error))
            elif not end.cancelled:
                self._at_end(end.value)
            self.look()

    @Slot(object)
    def _on_engine_status_changed(self, status: EngineStatus) -> None:
        self.changed.emit()
        leaving = self._leaving
        if leaving is not None and status.loading is None and self.at_work != str(leaving.folder):
            self._delete(leaving)

    @Slot(object)
    def _on_engine_load_failed(self, error: StarpadError) -> None:
        if self._leaving is not None:
            message = f"{self._leaving.name} is still in use: {error.message}"
            self._leaving = None
            self._show(None)
            self.failed.emit(EngineError(message, "Unload the model, and remove the pack then."))

    @Slot(object)
    def _on_engine_pack_failed(self, failure: PackFailure) -> None:
        if self.chosen == failure.folder:
            self._settings.change(engine_pack="")
        self.fell_back.emit(Path(failure.folder).name, failure.reason)
        self.look()


def built_for_text(pack: OfferedPack) -> str:
    """Return for which cards a pack was built, by which way they are used."""
    return f"{pack.title} ({', '.join(pack.vendors)})"


def _look(folder: Path, _stop: StopSignal, _emit: Emit) -> _Found:
    packs = engine_pack.installed(folder)
    return _Found(packs, offered_packs.offered_for(look_at_machine()))


def _progress(emit: Emit, text: str) -> Callable[[int, int], None]:
    """Return a function that passes on how far a work is, a few hundred times at most."""
    shown = -1

    def progress(done: int, total: int) -> None:
        nonlocal shown
        step = done * _STEPS // total if total else 0
        if step != shown:
            shown = step
            emit(PackWork(text, step / _STEPS))

    return progress

"""The models on this computer: which there are, how fast each is, and how to load it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QObject, Signal, Slot

from starpad.core.catalog import Family
from starpad.core.errors import FileError
from starpad.core.installed_model import InstalledModel
from starpad.core.load_options import LoadOptions, LoraAdapter
from starpad.core.model_records import ModelRecords
from starpad.core.settings import Settings
from starpad.engines.devices import physical_cores
from starpad.hub import local_models
from starpad.hub.header_cache import HeaderCache
from starpad.hub.session import StopSignal
from starpad.services.background import BackgroundJobs
from starpad.services.hub_account import as_starpad_error
from starpad.services.inference_thread import Emit, RequestEnd

_Choice = TypeVar("_Choice", bound=StrEnum)

# The engine runs smaller models on one core. A larger one gets all of them, but beyond about four
# the memory is what they wait for.
_LARGE_BYTES = 64_000_000
_SHARE_OF_CORES = min(4, physical_cores())


@dataclass(frozen=True, slots=True)
class _Speed:
    """How fast a model ran here."""

    size_bytes: int
    bytes_per_second: float
    """Of its weights, as it reads all of them for each token."""
    is_benchmark: bool

    def distance(self, size_bytes: int) -> int:
        """Return how little this tells of a model of that size."""
        return abs(self.size_bytes - size_bytes) * (1 if self.is_benchmark else 2)


class ModelLibrary(QObject):
    """Knows what is here; looking for it runs in the background."""

    changed = Signal()
    """`models` has changed."""
    failed = Signal(object)
    """(StarpadError)"""
    reported = Signal(object)
    """(StarpadError) something about what an earlier session had kept."""
    copy_found = Signal(object, object)
    """(what was asked, Path | None) the answer to `find_copy`."""

    def __init__(
        self,
        jobs: BackgroundJobs,
        data: Path,
        folder: Path,
        families: Sequence[Family],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self.families = families
        self.folder = folder
        self.records = ModelRecords(data / "models.json")
        self.headers = HeaderCache(data / "model-headers.json")
        self.models: tuple[InstalledModel, ...] = ()
        self._speeds: list[_Speed] = []
        self._reported = 0
        self._scan_job = 0
        self._is_due_again = False
        self._speed_job = 0
        self._finds: dict[int, object] = {}
        jobs.job_ended.connect(self._on_jobs_job_ended)

    def refresh(self) -> None:
        """Look again; `changed` follows, or `failed`."""
        if self._scan_job:
            self._is_due_again = True
            return
        folder = self.folder

        def job(_stop: StopSignal, _emit: Emit) -> object:
            models = tuple(
                local_models.scan(
                    folder,
                    self.records,
                    places=local_models.usual_places(),
                    families=self.families,
                    headers=self.headers,
                )
            )
            return models, self._speeds_of(models)

        self._scan_job = self._jobs.submit("library", job)

    def find(self, path: Path) -> InstalledModel | None:
        """Return what is known of a model file."""
        return next((model for model in self.models if model.path == path), None)

    def by_use(self) -> list[InstalledModel]:
        """Return the models that can be loaded, the latest used first."""
        order = {path: at for at, path in enumerate(self.records.by_use())}
        usable = [model for model in self.models if not model.problem]
        return sorted(usable, key=lambda model: order.get(model.path, len(order)))

    def find_copy(self, question: object, sha256: str) -> None:
        """Look for a file with this hash, so that it need not be fetched; see `copy_found`."""
        folder = self.folder

        def job(_stop: StopSignal, _emit: Emit) -> object:
            places = local_models.usual_places()
            return local_models.find_by_sha256(sha256, folder, self.records, places=places)

        self._finds[self._jobs.submit("find-copy", job)] = question

    def options_for(self, path: Path, usual: LoadOptions) -> LoadOptions:
        """Return `usual` with what was chosen for this model alone."""
        record = self.records.get(path)
        return with_choices(replace(usual, path=path), asdict(record))

    def note_use(self, path: Path) -> None:
        """Remember that a model was loaded."""
        self.keep(partial(self.records.used, path, datetime.now(UTC)))
        self.changed.emit()

    def note_speed(self, path: Path, tokens_per_second: float) -> None:
        """Remember how fast a model generated.

        In the background, because it comes with each suggestion and a disk may be slow. One that
        refuses is told of by `note_use`.
        """
        models = self.models

        def job(_stop: StopSignal, _emit: Emit) -> object:
            self.records.measured(path, tokens_per_second)
            return self._speeds_of(models)

        self._speed_job = self._jobs.submit("speed", job)

    def note_benchmark(self, path: Path, tokens_per_second: float) -> None:
        """Take what a benchmark measured for the model's speed. In the background, too."""
        models = self.models

        def job(_stop: StopSignal, _emit: Emit) -> object:
            self.records.benchmarked(path, tokens_per_second)
            return self._speeds_of(models)

        self._speed_job = self._jobs.submit("speed", job)

    def expected_speed(self, size_bytes: int) -> float | None:
        """Return about how many tokens a second a model of this size would make here.

        A token costs one reading of all weights, so speed falls as size grows. What has run on
        this machine tells, and a benchmark from twice as far; None if nothing has.
        """
        is_large = size_bytes >= _LARGE_BYTES
        alike = [known for known in self._speeds if (known.size_bytes >= _LARGE_BYTES) is is_large]
        known = alike or self._speeds
        if not known or not size_bytes:
            return None
        nearest = min(known, key=lambda each: each.distance(size_bytes))
        share = _SHARE_OF_CORES if is_large else 1 / _SHARE_OF_CORES
        return nearest.bytes_per_second / size_bytes * (1 if alike else share)

    def _speeds_of(self, models: Sequence[InstalledModel]) -> list[_Speed]:
        found = []
        for model in models:
            record = self.records.get(model.path)
            speed = record.benchmark_tokens_per_second or record.tokens_per_second
            if speed:
                is_benchmark = record.benchmark_tokens_per_second > 0
                found.append(_Speed(model.disk_bytes, model.disk_bytes * speed, is_benchmark))
        return found

    def keep(self, change: Callable[[], None]) -> None:
        """Change the records; a disk that refuses is told, nothing else suffers."""
        try:
            change()
        except FileError as error:
            self.failed.emit(error)

    @Slot(int, object)
    def _on_jobs_job_ended(self, job_id: int, end: RequestEnd) -> None:
        if job_id in self._finds:
            self.copy_found.emit(self._finds.pop(job_id), end.value)
        elif job_id == self._speed_job and isinstance(end.value, list):
            self._speeds = end.value
        elif job_id == self._scan_job:
            self._scan_job = 0
            self._on_scanned(end)

    def _on_scanned(self, end: RequestEnd) -> None:
        if isinstance(end.value, tuple):
            self.models, self._speeds = end.value
            self.changed.emit()
        elif end.error is not None:
            self.failed.emit(as_starpad_error(end.error))
        news, self._reported = self.records.problems[self._reported :], len(self.records.problems)
        for problem in news:
            self.reported.emit(problem)
        if self._is_due_again:
            self._is_due_again = False
            self.refresh()


def usual_options(settings: Settings, path: Path) -> LoadOptions:
    """Return how a model is loaded for which nothing else was chosen."""
    return LoadOptions(
        path,
        context_tokens=settings.context_tokens,
        threads=settings.engine_threads,
        kv_type=settings.kv_type,
        long_preamble=settings.chat_long_preamble,
        program=settings.engine_program,
        pack=settings.engine_pack,
    )


def with_choices(usual: LoadOptions, choices: Mapping[str, object]) -> LoadOptions:
    """Return `usual` with what was chosen; None, and what is no load option, changes nothing."""

    def number(name: str, least: int, most: int, otherwise: int) -> int:
        # A file that was edited by hand may hold anything.
        value = choices.get(name)
        return value if type(value) is int and least <= value <= most else otherwise

    def one_of(otherwise: _Choice, name: str) -> _Choice:
        value = choices.get(name)
        return type(otherwise)(str(value)) if value in list(type(otherwise)) else otherwise

    draft, device = choices.get("draft_model"), choices.get("device")
    lora = choices.get("lora") or ()
    return replace(
        usual,
        context_tokens=number("context_tokens", 1, 100_000_000, usual.context_tokens),
        threads=number("threads", 0, 256, usual.threads),
        gpu_layers=number("gpu_layers", -1, 10_000, usual.gpu_layers),
        batch_tokens=number("batch_tokens", 0, 1 << 16, usual.batch_tokens),
        kv_type=one_of(usual.kv_type, "kv_type"),
        flash_attention=one_of(usual.flash_attention, "flash_attention"),
        weights=one_of(usual.weights, "weights"),
        speculation=one_of(usual.speculation, "speculation"),
        draft_model=Path(draft) if isinstance(draft, str) and draft else usual.draft_model,
        device=device if isinstance(device, str) else usual.device,
        lora=tuple(LoraAdapter(Path(path), scale) for path, scale in lora)
        if isinstance(lora, tuple)
        else usual.lora,
    )

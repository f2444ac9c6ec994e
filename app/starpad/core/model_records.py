"""What Starpad remembers of the models on this computer: use, load settings, speed, hashes."""

import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starpad.core.errors import StarpadError
from starpad.core.installed_model import stamp_of
from starpad.core.json_store import Content, JsonStore

# How much the latest measurement counts: one slow run does not change the picture.
_NEWEST_WEIGHT = 0.3


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One model's; None for a load setting means Starpad's own choice."""

    uses: int = 0
    last_used: datetime | None = None
    """In UTC."""
    use_number: int = 0
    """The greater, the later it was used; unlike a clock it never jumps."""
    context_tokens: int | None = None
    kv_type: str | None = None
    gpu_layers: int | None = None
    threads: int | None = None
    batch_tokens: int | None = None
    flash_attention: str | None = None
    weights: str | None = None
    device: str | None = None
    speculation: str | None = None
    draft_model: str | None = None
    lora: tuple[tuple[str, float], ...] = ()
    """Adapters' paths and scales."""
    tokens_per_second: float = 0.0
    """A running mean of what suggestions made here; 0 if none did."""
    benchmark_tokens_per_second: float = 0.0
    """What the last benchmark measured here; 0 if there was none."""
    sha256: str = ""
    """Of a file that has no origin beside it; counts while the next two are the file's."""
    verified_bytes: int = 0
    verified_mtime_ns: int = 0
    verified_at: datetime | None = None


class ModelRecords:
    """The file that keeps them; several windows and threads may use it at once. See `problems`.

    Methods that change something raise FileError if it cannot be kept.
    """

    def __init__(self, path: Path) -> None:
        self._store = JsonStore(
            path, "The list of your models", {"models": dict, "links": list, "folders": list}
        )

    @property
    def problems(self) -> list[StarpadError]:
        """What went wrong while reading; a damaged file is kept under another name."""
        return self._store.problems

    def get(self, model: Path) -> ModelRecord:
        """Return the record of the model file; an empty one if there is none."""
        return _record(self._store.read()["models"].get(_key(model)))

    def change(self, model: Path, **values: Any) -> None:
        """Set fields of a model's record."""
        self._update(model, lambda record: replace(record, **values))

    def used(self, model: Path, now: datetime) -> None:
        """Note that a model was loaded."""

        def count(content: Content) -> None:
            models = content["models"]
            record = _record(models.get(_key(model)))
            latest = max((_record(one).use_number for one in models.values()), default=0)
            used = replace(
                record, uses=record.uses + 1, last_used=now.astimezone(UTC), use_number=latest + 1
            )
            models[_key(model)] = _beside_others(models.get(_key(model)), used)

        self._store.change(count)

    def measured(self, model: Path, tokens_per_second: float) -> None:
        """Take a measured speed into the running mean."""
        if not (math.isfinite(tokens_per_second) and tokens_per_second > 0):
            return

        def mix(record: ModelRecord) -> ModelRecord:
            before = record.tokens_per_second or tokens_per_second
            mean = before + _NEWEST_WEIGHT * (tokens_per_second - before)
            return replace(record, tokens_per_second=round(mean, 2))

        self._update(model, mix)

    def benchmarked(self, model: Path, tokens_per_second: float) -> None:
        """Take a benchmark's speed for the model's, whatever suggestions made before."""
        if math.isfinite(tokens_per_second) and tokens_per_second > 0:
            self.change(model, benchmark_tokens_per_second=round(tokens_per_second, 2))

    def verified(self, model: Path, sha256: str, now: datetime) -> None:
        """Note the hash of the files as they are now. Also raises OSError."""
        size, mtime_ns = stamp_of(model)
        self.change(
            model,
            sha256=sha256,
            verified_bytes=size,
            verified_mtime_ns=mtime_ns,
            verified_at=now.astimezone(UTC),
        )

    def verification(self, model: Path) -> tuple[str, datetime] | None:
        """Return hash and time of the last verification, if the files have not changed since."""
        record = self.get(model)
        try:
            if not record.sha256 or record.verified_at is None:
                return None
            is_same = stamp_of(model) == (record.verified_bytes, record.verified_mtime_ns)
        except OSError:
            return None
        return (record.sha256, record.verified_at) if is_same else None

    def find_sha256(self, sha256: str) -> Path | None:
        """Return a model that was last verified to have this hash and has not changed since."""
        for path, values in self._store.read()["models"].items():
            if _record(values).sha256 == sha256 and self.verification(Path(path)) is not None:
                return Path(path)
        return None

    def forget(self, model: Path) -> None:
        """Drop a model's record, and its link."""

        def drop(content: Content) -> None:
            content["models"].pop(_key(model), None)
            content["links"] = [link for link in content["links"] if link != _key(model)]

        self._store.change(drop)

    def moved(self, old_folder: Path, new_folder: Path) -> None:
        """Let all that is remembered of `old_folder` and below hold for `new_folder`."""
        old, new = Path(_key(old_folder)), Path(_key(new_folder))

        def rename(path: str) -> str:
            place = Path(path)
            return str(new / place.relative_to(old)) if place.is_relative_to(old) else path

        def move(content: Content) -> None:
            content["models"] = {rename(path): one for path, one in content["models"].items()}
            for name in ("links", "folders"):
                content[name] = [rename(path) for path in _texts(content[name])]

        self._store.change(move)

    def by_use(self) -> list[Path]:
        """Return the models that were loaded once, the latest first."""
        records = {path: _record(one) for path, one in self._store.read()["models"].items()}
        used = [path for path, record in records.items() if record.uses]
        return [Path(path) for path in sorted(used, key=lambda path: -records[path].use_number)]

    def links(self) -> list[Path]:
        """Return the model files that are used where they lie."""
        return [Path(path) for path in _texts(self._store.read()["links"])]

    def add_link(self, model: Path) -> None:
        """Use a model file where it lies."""
        self._store.change(lambda content: _add(content["links"], model))

    def folders(self) -> list[Path]:
        """Return the user's own folders to look for models in."""
        return [Path(path) for path in _texts(self._store.read()["folders"])]

    def add_folder(self, folder: Path) -> None:
        """Look for models in a folder, too."""
        self._store.change(lambda content: _add(content["folders"], folder))

    def remove_folder(self, folder: Path) -> None:
        """Look there no more."""

        def drop(content: Content) -> None:
            content["folders"] = [one for one in content["folders"] if one != _key(folder)]

        self._store.change(drop)

    def _update(self, model: Path, function: Callable[[ModelRecord], ModelRecord]) -> None:
        def update(content: Content) -> None:
            models = content["models"]
            old = models.get(_key(model))
            models[_key(model)] = _beside_others(old, function(_record(old)))

        self._store.change(update)


def _key(path: Path) -> str:
    return os.path.abspath(path)


def _add(paths: list[Any], path: Path) -> None:
    if _key(path) not in paths:
        paths.append(_key(path))


def _texts(values: Iterable[object]) -> list[str]:
    return [value for value in values if isinstance(value, str)]


def _beside_others(old: object, record: ModelRecord) -> Content:
    """Return what is written instead of `old`; what only a later Starpad knows of it stays."""
    known = {field.name for field in fields(ModelRecord)}
    others = old if isinstance(old, dict) else {}
    return {name: others[name] for name in others if name not in known} | _to_json(record)


def _to_json(record: ModelRecord) -> Content:
    """Return what differs from an empty record."""
    values: Content = {}
    for field in fields(ModelRecord):
        value = getattr(record, field.name)
        if value != field.default:
            values[field.name] = value.isoformat() if isinstance(value, datetime) else value
    return values


def _record(values: object) -> ModelRecord:
    """Return the record in what was read; a value that makes no sense is as if not there."""
    if not isinstance(values, dict):
        return ModelRecord()
    kept: Content = {}
    for field in fields(ModelRecord):
        value = values.get(field.name)
        match field.name, value:
            case (("last_used" | "verified_at"), str()):
                kept[field.name] = _time(value)
            case (
                ("kv_type" | "sha256" | "flash_attention" | "weights" | "device")
                | ("speculation" | "draft_model"),
                str(),
            ):
                kept[field.name] = value
            case "lora", list():
                kept[field.name] = tuple(_adapters(value))
            case (
                ("tokens_per_second" | "benchmark_tokens_per_second"),
                int() | float(),
            ) if math.isfinite(value) and value > 0:
                kept[field.name] = float(value)
            case (
                ("context_tokens" | "gpu_layers" | "threads" | "batch_tokens" | "uses")
                | ("use_number" | "verified_bytes" | "verified_mtime_ns"),
                int(),
            ) if not isinstance(value, bool):
                kept[field.name] = value
    return ModelRecord(**kept)


def _adapters(values: list[Any]) -> Iterator[tuple[str, float]]:
    for value in values:
        match value:
            case [str(path), (int() | float()) as scale] if math.isfinite(scale):
                yield path, float(scale)


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None

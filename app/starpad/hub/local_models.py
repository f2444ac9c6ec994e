"""Finds the models on this computer: ours, linked ones, and those of other programs, in place."""

import logging
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from starpad.core import legacy_ggml, origin, paths, quantization
from starpad.core.catalog import Family
from starpad.core.errors import ModelFileError
from starpad.core.families import find_file_family
from starpad.core.installed_model import (
    InstalledModel,
    ModelSource,
    is_later_part,
    parts_of,
)
from starpad.core.model_file import ModelHeader
from starpad.core.model_records import ModelRecords
from starpad.core.origin import Origin
from starpad.hub.header_cache import HeaderCache

_log = logging.getLogger(__name__)

# A whole home folder, or a disk, may have been named by mistake.
_MAX_FOLDERS = 20_000

# Projectors of models that see pictures, and vocabularies for tests: GGUF files, but no models.
_NO_MODEL = re.compile(r".*mmproj.*|ggml-vocab.*", re.IGNORECASE)

_SHA256 = re.compile(r"[0-9a-f]{64}")

Note = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Places:
    """Where other programs keep models (read, never written to), and our demonstration model."""

    hugging_face: tuple[Path, ...] = ()
    """Folders that hold `models--owner--name`."""
    lm_studio: tuple[Path, ...] = ()
    """Folders that hold `owner/name/file`."""
    demo: Path | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    path: Path
    source: ModelSource
    repository: str = ""
    origin: Origin | None = None
    is_ours: bool = False


def usual_places() -> Places:
    """Return where these programs keep models for this user."""
    home = Path.home()
    set_by_user = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    hugging_face = os.environ.get("HF_HOME")
    cache = os.environ.get("XDG_CACHE_HOME") or home / ".cache"
    hub = set_by_user or Path(hugging_face or Path(cache, "huggingface"), "hub")
    return Places(
        hugging_face=(Path(os.path.expandvars(hub)).expanduser(),),
        lm_studio=(home / ".lmstudio" / "models", home / ".cache" / "lm-studio" / "models"),
        demo=paths.demo_model(),
    )


def scan(
    models_folder: Path,
    records: ModelRecords,
    *,
    places: Places,
    families: Sequence[Family] = (),
    headers: HeaderCache,
    on_note: Note = _log.info,
) -> list[InstalledModel]:
    """Return the models on this computer, ours first; each once, however often it is found.

    Ours may also be listed although they cannot be loaded (`problem` says why). Nothing that is
    still arriving and no model that lacks parts is ever among them. What could not be looked at
    goes to `on_note`, as a sentence for the user.
    """
    models: list[InstalledModel] = []
    seen: set[object] = set()
    for found in _all(models_folder, records, places, on_note):
        parts = parts_of(found.path)
        if len(parts) > 1 and found.path.with_name(f"{found.path.name}.part.json").exists():
            continue  # a download: old parts may still lie beside new ones
        try:
            status = [part.stat() for part in parts]
        except FileNotFoundError:
            on_note(f"{found.path} is not shown: some of its parts are missing.")
            continue
        except OSError as error:
            on_note(f"{found.path} cannot be read: {error.strerror or error}.")
            continue
        # Some file systems of Windows have no numbers.
        number = status[0].st_ino or os.path.realpath(found.path)
        if (status[0].st_dev, number) in seen:
            continue
        seen.add((status[0].st_dev, number))
        disk_bytes = sum(one.st_size for one in status)
        models.append(_model(found, disk_bytes, records, families, headers))
    headers.save()
    return models


def find_by_sha256(
    sha256: str, models_folder: Path, records: ModelRecords, *, places: Places
) -> Path | None:
    """Return a file that is known or announced to have this hash, so that it need not be fetched.

    Only `model_files.verify` proves it. None if there is none.
    """
    for path in _files(models_folder, _log.info):
        known = origin.read(path)
        if known and known.sha256 == sha256 and path.stat().st_size == known.size_bytes:
            return path
    known_path = records.find_sha256(sha256)
    if known_path is not None:
        return known_path
    for cache in places.hugging_face:
        for blob in cache.glob(f"models--*/blobs/{sha256}"):
            for path in blob.parents[1].glob("snapshots/*/**/*"):
                if blob_sha256(path) == sha256 and path.is_file():
                    return path
    return None


def _all(
    models_folder: Path, records: ModelRecords, places: Places, note: Note
) -> Iterator[_Found]:
    foreign = (*places.lm_studio, *places.hugging_face)
    for path in _files(models_folder, note):
        known = origin.read(path)
        # The models folder may be one that LM Studio keeps its own models in, too.
        if known is None and any(path.is_relative_to(place) for place in foreign):
            continue
        source = ModelSource.DOWNLOADED if known else ModelSource.IMPORTED
        repository = known.repository if known else _repository(path, models_folder)
        yield _Found(path, source, repository, known, is_ours=True)
    for path in records.links():
        yield _Found(path, ModelSource.IMPORTED)
    for folder in places.lm_studio:
        for path in _files(folder, note):
            yield _Found(path, ModelSource.LM_STUDIO, _repository(path, folder))
    for folder in places.hugging_face:
        yield from _in_hugging_face_cache(folder, note)
    for folder in records.folders():
        for path in _files(folder, note):
            yield _Found(path, ModelSource.FOLDER, _repository(path, folder))
    if places.demo is not None:
        yield _Found(places.demo, ModelSource.DEMO)


def _files(folder: Path, note: Note) -> Iterator[Path]:
    """Yield the model files below a folder in the order of their names, first parts only."""
    visited: set[str] = set()

    def on_error(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            note(f"{error.filename} cannot be looked into: {error.strerror}.")

    for place, folders, names in os.walk(folder, onerror=on_error, followlinks=True):
        if (real := os.path.realpath(place)) in visited:  # a link that leads back
            folders.clear()
            continue
        visited.add(real)
        if len(visited) > _MAX_FOLDERS:
            note(f"{folder} holds too many folders: only some were looked into.")
            return
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            if _is_model(path):
                yield path


def _is_model(path: Path) -> bool:
    name = path.name
    if _NO_MODEL.fullmatch(name) or is_later_part(name) or not os.path.isfile(path):
        return False
    return name.lower().endswith(".gguf") or (
        name.lower().endswith(".bin") and _is_legacy_ggml(path)
    )


def _is_legacy_ggml(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(4) in {legacy_ggml.MAGIC, *legacy_ggml.OTHER_MAGICS}
    except OSError:
        return False


def _in_hugging_face_cache(cache: Path, note: Note) -> Iterator[_Found]:
    for repository_folder in sorted(cache.glob("models--*--*")):
        repository = origin.cached_repository(repository_folder.name)
        try:
            current = (repository_folder / "refs" / "main").read_text()
        except (OSError, ValueError):
            current = ""
        snapshots = sorted(repository_folder.glob("snapshots/*"))
        # The newest commit first: of a file that is in several, that is the one to name.
        for snapshot in sorted(snapshots, key=lambda one: one.name != current):
            for path in _files(snapshot, note):
                yield _Found(
                    path,
                    ModelSource.HUGGING_FACE_CACHE,
                    repository,
                    _cached_origin(path, snapshot, repository),
                )


def _cached_origin(path: Path, snapshot: Path, repository: str) -> Origin | None:
    sha256 = blob_sha256(path)
    if not sha256:
        return None
    return Origin(
        endpoint="",  # the cache does not say
        repository=repository,
        commit=snapshot.name,
        file=path.relative_to(snapshot).as_posix(),
        size_bytes=path.stat().st_size,
        sha256=sha256,
        license="",
        quantization="",
        verified_at="",
    )


def blob_sha256(path: Path) -> str:
    """Return the hash by which the Hugging Face cache calls a file, empty if it does not.

    Without symbolic links (on most Windows machines) the file itself lies there. The first hop
    counts: a further one leads to a store of files under other hashes.
    """
    try:
        name = Path(os.readlink(path)).name
    except OSError:
        return ""
    return name if _SHA256.fullmatch(name) else ""


def _repository(path: Path, folder: Path) -> str:
    """Return the repository that a file in `owner/name/...` below a folder comes from, if any."""
    folders = path.relative_to(folder).parts[:-1]
    return "/".join(folders[:2]) if len(folders) > 1 else ""


def _model(
    found: _Found,
    disk_bytes: int,
    records: ModelRecords,
    families: Sequence[Family],
    headers: HeaderCache,
) -> InstalledModel:
    header, problem = _header(found.path, headers)
    family = find_file_family(families, found.path, found.repository, header)
    known = found.origin
    license_id = (known.license if known else "") or (family.license.id if family else "")
    return InstalledModel(
        path=found.path,
        name=family.name if family else _plain_name(found.path),
        header=header,
        problem=problem,
        source=found.source,
        disk_bytes=disk_bytes,
        quantization=(header.quantization if header else "")
        or (known.quantization if known else "")
        or quantization.from_name(found.path.name),
        architecture=header.architecture if header else "",
        context_tokens=header.context_tokens if header else 0,
        license="apache-2.0" if found.source is ModelSource.DEMO else license_id,
        family_id=family.id if family else "",
        origin=known,
        verified_at=_verified_at(found, records),
        is_ours=found.is_ours,
    )


def _header(path: Path, headers: HeaderCache) -> tuple[ModelHeader | None, str]:
    try:
        return headers.read(path), ""
    except ModelFileError as error:
        return None, str(error)


def _plain_name(path: Path) -> str:
    return re.sub(r"(-00001-of-\d{5})?\.[^.]*$", "", path.name)


def _verified_at(found: _Found, records: ModelRecords) -> datetime | None:
    verification = records.verification(found.path)
    if verification is not None:
        return verification[1]
    try:
        if found.origin and found.path.stat().st_size == found.origin.size_bytes:
            return datetime.fromisoformat(found.origin.verified_at)
    except (OSError, ValueError):
        pass
    return None

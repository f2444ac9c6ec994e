"""Headers of model files that were read before: reading one takes 10 to 50 ms of a processor."""

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from starpad.core.errors import FileError, ModelFileError
from starpad.core.installed_model import parts_of, stamp_of
from starpad.core.json_store import Content, JsonStore
from starpad.core.model_file import ModelHeader, read_header

_KINDS = {"int": int, "str": str, "bool": bool}


class HeaderCache:
    """Keeps headers in the file at `path`, each as long as its model's size and time stay."""

    def __init__(self, path: Path) -> None:
        self._store = JsonStore(path, "The list of known model files", {"headers": dict})
        self._fresh: dict[str, Content] = {}

    def read(self, model: Path) -> ModelHeader:
        """Return the header of a model. Raises ModelFileError as `read_whole_header` does."""
        try:
            stamp = list(stamp_of(model))
        except OSError:
            return read_whole_header(model)
        entry = self._fresh.get(str(model)) or self._store.read()["headers"].get(str(model))
        if isinstance(entry, dict) and entry.get("stamp") == stamp:
            header = _header(model, entry)
            if header is not None:
                return header
        header = read_whole_header(model)
        values = {name: value for name, value in asdict(header).items() if name != "path"}
        self._fresh[str(model)] = {"stamp": stamp, **values}
        return header

    def save(self) -> None:
        """Write what was read since; a cache that cannot be written is no harm."""
        if not self._fresh:
            return
        fresh, self._fresh = self._fresh, {}

        def add(content: Content) -> None:
            known = {path: one for path, one in content["headers"].items() if Path(path).exists()}
            content["headers"] = known | fresh

        try:
            self._store.change(add)
        except FileError:
            self._fresh = fresh


def read_whole_header(model: Path) -> ModelHeader:
    """Return the header of a model of which all parts are there.

    Raises ModelFileError with the reason why the file cannot be loaded.
    """
    header = read_header(model)
    if header.part_count > len(parts_of(model)):
        raise ModelFileError(
            f"{model.name} is the first of {header.part_count} parts, but was renamed: the others "
            "are only found by its name.",
            f"Let it end in -00001-of-{header.part_count:05}.gguf again, as the others do.",
        )
    return header


def _header(model: Path, entry: Content) -> ModelHeader | None:
    """Return the header in what was read, None if it is not one of this version."""
    values: dict[str, Any] = {}
    for field in fields(ModelHeader):
        if field.name == "path":
            continue
        kind = _KINDS[getattr(field.type, "__name__", str(field.type))]
        if type(entry.get(field.name)) is not kind:
            return None
        values[field.name] = entry[field.name]
    return ModelHeader(path=model, **values)

"""Named options for conversations: three that are built in, and the user's own."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from starpad.core.chat import ChatOptions
from starpad.core.errors import StarpadError
from starpad.core.json_store import Content, JsonStore
from starpad.core.sampling import Sampling

NAME_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Preset:
    """Options under a name; those of a built-in one are only the sampling."""

    name: str
    options: ChatOptions
    is_built_in: bool = False

    def applied_to(self, options: ChatOptions) -> ChatOptions:
        """Return what `options` become if the user chooses this preset."""
        if not self.is_built_in:
            return self.options
        return replace(options, sampling=self.options.sampling, preset=self.name)


def _built_in(name: str, sampling: Sampling) -> Preset:
    return Preset(name, ChatOptions(sampling=sampling, preset=name), is_built_in=True)


# Small models repeat themselves when they always take the likeliest token: no temperature is 0,
# and each has a penalty. It is weak, for code must repeat names and brackets. The higher the
# temperature, the more a least probability is needed, which keeps nonsense out.
BUILT_IN = (
    _built_in("Precise", Sampling(temperature=0.1, top_p=0.9, top_k=20, repeat_penalty=1.05)),
    _built_in("Balanced", ChatOptions().sampling),
    _built_in(
        "Creative",
        Sampling(temperature=0.8, top_p=0.95, top_k=60, min_p=0.05, repeat_penalty=1.1),
    ),
)

USUAL = BUILT_IN[1]
"""What a first conversation begins with."""


class Presets:
    """The built-in presets and the file of the user's; several windows may use it at once."""

    def __init__(self, path: Path) -> None:
        self._store = JsonStore(path, "The list of presets", {"presets": list})

    @property
    def problems(self) -> list[StarpadError]:
        """What went wrong while reading; a damaged file is kept under another name."""
        return self._store.problems

    def all(self) -> list[Preset]:
        """Return the built-in ones, then the user's by name; what makes no sense is left out."""
        own: dict[str, Preset] = {}
        for entry in self._store.read()["presets"]:
            name = _name_in(entry)
            if name and _key(name) not in _BUILT_IN_KEYS:
                options = ChatOptions.from_json(json.dumps(entry.get("options")))
                own[_key(name)] = Preset(name, replace(options, preset=name))
        return [*BUILT_IN, *(own[key] for key in sorted(own))]

    def find(self, name: str) -> Preset | None:
        """Return the preset of this name, however it is capitalized."""
        return next((each for each in self.all() if _key(each.name) == _key(name)), None)

    def save(self, name: str, options: ChatOptions) -> Preset:
        """Keep `options` under `name`, in place of the user's preset that has it.

        Raises StarpadError if the name cannot be used, FileError if the file cannot be written.
        """
        name = " ".join(name.split())
        _require_usable(name)
        preset = Preset(name, replace(options, preset=name))

        def put(content: Content) -> None:
            _remove(content, name)
            content["presets"].append({"name": name, "options": asdict(preset.options)})

        self._store.change(put)
        return preset

    def delete(self, name: str) -> None:
        """Forget the user's preset of this name, if there is one.

        Raises StarpadError if it is built in, FileError if the file cannot be written.
        """
        _require_own(name)
        self._store.change(lambda content: _remove(content, name))


def _key(name: str) -> str:
    return name.strip().casefold()


_BUILT_IN_KEYS = {_key(preset.name) for preset in BUILT_IN}


def _name_in(entry: Any) -> str:
    """Return the name of an entry of the file, empty if it has none that can be shown."""
    name = entry.get("name") if isinstance(entry, dict) else None
    is_good = isinstance(name, str) and name.isprintable() and len(name) <= NAME_CHARACTERS
    return str(name).strip() if is_good else ""


def _remove(content: Content, name: str) -> None:
    content["presets"] = [
        entry for entry in content["presets"] if _key(_name_in(entry)) != _key(name)
    ]


def _require_own(name: str) -> None:
    if _key(name) in _BUILT_IN_KEYS:
        raise StarpadError(
            f"The preset “{name.strip()}” is part of Starpad.", "Choose another name."
        )


def _require_usable(name: str) -> None:
    _require_own(name)
    if not name:
        raise StarpadError("A preset needs a name.", "Type one.")
    if not name.isprintable():
        raise StarpadError("The name holds characters that cannot be shown.", "Type another one.")
    if len(name) > NAME_CHARACTERS:
        raise StarpadError(
            f"The name is longer than {NAME_CHARACTERS} characters.", "Type a shorter one."
        )

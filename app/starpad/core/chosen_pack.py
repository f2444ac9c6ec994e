"""Which engine pack a command without a window uses: the named one, else what the window uses."""

from starpad.core import engine_pack, paths, settings_store
from starpad.core.errors import EngineError

BOX = "box"
"""What the engine that comes with Starpad is called among the packs."""


def chosen_pack() -> str:
    """Return the folder of the pack that models are loaded with; "" for the engine in the box."""
    return settings_store.load(settings_store.default_path())[0].engine_pack


def folder_of(name: str) -> str:
    """Return the folder of the user's pack of that name, "" for BOX.

    Raises EngineError, which names those that there are.
    """
    folder = engine_pack.packs_folder(paths.data_folder())
    packs = {BOX: ""} | {pack.name: str(pack.folder) for pack in engine_pack.installed(folder)}
    if name not in packs:
        message = f"There is no engine pack {name}."
        raise EngineError(message, f"There are: {', '.join(packs)}.")
    return packs[name]

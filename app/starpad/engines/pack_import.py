"""Imports the engine in its own process: from the pack that was asked for, or from the box."""

import importlib.util
import os
import re
import sys
from pathlib import Path
from types import ModuleType

from starpad.core.engine_pack import PACK_VARIABLE
from starpad.core.errors import EngineError

_ABSENT = re.compile(r"(?P<name>[\w.+-]+\.(?:so|dll|dylib)[\w.]*): cannot open shared object")
_BROKEN = ("file too short", "invalid ELF", "wrong ELF", "undefined symbol", "not a valid Win32")


def import_engine() -> tuple[ModuleType, str]:
    """Return xllamacpp, and the folder of the pack that it came from; empty for the box.

    Raises EngineError, with a sentence that names no pack: the pack cannot be imported, or is not
    there any more. Other errors of a pack's own code pass through.
    """
    pack = os.environ.get(PACK_VARIABLE, "")
    if pack:
        sys.path.insert(0, os.path.abspath(pack))
    _find_windows_libraries()
    try:
        import xllamacpp
    except (ImportError, OSError) as error:
        raise EngineError(_why(str(error))) from error
    if pack and not _is_inside(xllamacpp, pack):
        raise EngineError("The pack is not there any more, or files of it are missing.")
    return xllamacpp, pack


def _is_inside(module: ModuleType, folder: str) -> bool:
    return Path(module.__file__ or "").is_relative_to(os.path.abspath(folder))


def _why(said: str) -> str:
    """Return in a sentence why an import failed; `said` is what the system's loader wrote."""
    absent = _ABSENT.search(said)
    if absent:
        return f"This computer lacks {absent['name']}, which it needs."
    if any(mark in said for mark in _BROKEN):
        return f"Its library is damaged, or was built for another system ({said.rstrip('.')})."
    return f"It cannot be started: {said.rstrip('.')}."


def _find_windows_libraries() -> None:
    """Let Windows find the Microsoft run-time libraries that come with Qt's binding.

    xllamacpp needs vcomp140.dll and msvcp140.dll, which a plain Windows lacks. Frozen apps have
    them beside the executable.
    """
    if sys.platform == "win32":
        place = importlib.util.find_spec("shiboken6")
        if place is not None and place.origin is not None:
            os.add_dll_directory(str(Path(place.origin).parent))

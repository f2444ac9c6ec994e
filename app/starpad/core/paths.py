"""Where things are: shipped resources, the user's folders, and how to start ourselves again."""

import os
import sys
from pathlib import Path

import platformdirs

from starpad.core import frozen

PACKAGE = Path(__file__).resolve().parents[1]


def resource(name: str) -> Path:
    """Return the path of a shipped file, `name` relative to `resources/`.

    Works in a checkout (`resources/` beside `app/`), in a wheel (inside the package) and in a
    frozen app (PyInstaller unpacks beside the package). Raises FileNotFoundError.
    """
    roots = (PACKAGE / "resources", PACKAGE.parents[1] / "resources", PACKAGE.parent / "resources")
    for root in roots:
        path = root / name
        if path.exists():
            return path
    raise FileNotFoundError(f"Starpad's own file {name} is missing; install Starpad again.")


def demo_model() -> Path:
    """Return the small model that ships with Starpad."""
    return resource("models/starpad-demo-q8_0.gguf")


def config_folder() -> Path:
    """Return the folder of the settings file (not created here)."""
    return platformdirs.user_config_path("starpad", appauthor=False)


def data_folder() -> Path:
    """Return the folder of models and of text kept for recovery (not created here)."""
    return platformdirs.user_data_path("starpad", appauthor=False)


def log_folder() -> Path:
    """Return the folder of log files (not created here)."""
    return platformdirs.user_log_path("starpad", appauthor=False)


def host_command(role: str) -> list[str]:
    """Return the command that starts one of our child processes, e.g. role `engine-host`.

    `-P` keeps the working folder off the module path: a user's own `json.py` is not ours.
    """
    if frozen.is_frozen():
        return [str(frozen.engine_program()), f"--{role}"]
    return [sys.executable, "-P", "-m", "starpad", f"--{role}"]


def host_environment() -> dict[str, str]:
    """Return this process's environment, made fit for `host_command` (finds our package)."""
    environment = dict(os.environ)
    if frozen.is_frozen():
        # PyInstaller takes a program that its like has started for a part of it, which inherits
        # the library path; but that was given back.
        environment["PYINSTALLER_RESET_ENVIRONMENT"] = "1"
    else:
        known = environment.get("PYTHONPATH", "")
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(PACKAGE.parent), known]))
    return environment

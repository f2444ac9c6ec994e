"""What the window says about models: one notification for each thing that can happen."""

from collections.abc import Callable
from pathlib import Path

from starpad.core.errors import StarpadError
from starpad.services.notifier import Notification, NotificationAction, Severity

ENGINE = "engine"
"""The key of messages about the engine: a newer one replaces an older one."""
SWITCH = "switch"
DEMO = "demo-model"

Do = Callable[[], object]


def demo(get_model: Do, open_file: Do) -> Notification:
    """Say what the embedded model is, and is not."""
    return Notification(
        "This is a small demonstration model: it shows how Starpad works, "
        "but it cannot write your code.",
        actions=(
            NotificationAction("Get a real model…", get_model),
            NotificationAction("Open model file…", open_file),
        ),
        key=DEMO,
    )


def engine_failed(
    message: str, details: str, *, restart: Do, open_file: Do, use_demo: Do, hint: str = ""
) -> Notification:
    """Say that there is no model at work any more, and offer every way out."""
    return Notification(
        message,
        hint,
        Severity.ERROR,
        details=details,
        actions=(
            NotificationAction("Restart", restart),
            NotificationAction("Open another model…", open_file),
            NotificationAction("Use the demonstration model", use_demo),
        ),
        key=ENGINE,
    )


def server_failed(message: str, *, retry: Do, use_local: Do, show_servers: Do) -> Notification:
    """Say that a server elsewhere does not answer, and offer the ways out."""
    return Notification(
        message,
        severity=Severity.ERROR,
        actions=(
            NotificationAction("Try again", retry),
            NotificationAction("Use the model on this computer", use_local),
            NotificationAction("Remote servers…", show_servers),
        ),
        key=ENGINE,
    )


def restart_hint(restart_in_ms: int | None) -> str:
    """Say whether the engine starts again by itself."""
    if restart_in_ms is None:
        return "It does not start again by itself any more. Your text is safe."
    return f"It starts again by itself in {restart_in_ms / 1000:.0f} s. Your text is safe."


def switch_failed(error: StarpadError, details: str, show_models: Do) -> Notification:
    """Say why the model before is still the one."""
    return Notification(
        error.message,
        f"{error.hint} The model before it is kept.".strip(),
        Severity.ERROR,
        details=details,
        actions=(NotificationAction("Models…", show_models),),
        key=SWITCH,
    )


def downloaded(path: Path, use: Do) -> Notification:
    """Say that a download has ended well."""
    message = f"{path.name} is here: whole, and its SHA-256 is right."
    return Notification(
        message, actions=(NotificationAction("Use it now", use),), key=arrival(path)
    )


def imported(path: Path, use: Do) -> Notification:
    """Say that a file of the user's is in the library."""
    message = f"{path.name} is in the list of models."
    return Notification(
        message, actions=(NotificationAction("Use it now", use),), key=arrival(path)
    )


def arrival(path: Path) -> str:
    """Return the key of the message that a model has come."""
    return f"model {path}"

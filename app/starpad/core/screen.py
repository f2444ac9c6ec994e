"""Whether there is a screen to show a window on."""

import os
import sys
from collections.abc import Mapping

MISSING = (
    "There is no screen here: neither DISPLAY nor WAYLAND_DISPLAY is set. "
    "`starpad --self-test` does the main job without one, `starpad serve MODEL` serves a model."
)


def is_there(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether a window can be expected to open; only Linux can have no screen.

    A platform that was chosen by name, such as `offscreen`, is taken at its word.
    """
    if sys.platform != "linux" or environment.get("QT_QPA_PLATFORM"):
        return True
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))

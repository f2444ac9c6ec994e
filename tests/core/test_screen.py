"""A screen, or the sentence that there is none."""

import os
import subprocess
import sys

import pytest

from starpad.__main__ import NOT_HERE
from starpad.core import screen
from starpad.core.paths import host_environment

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can have no screen")


@linux_only
@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"DISPLAY": ""}, False),
        ({"DISPLAY": ":0"}, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True),
        ({"QT_QPA_PLATFORM": "offscreen"}, True),
    ],
)
def test_the_environment_tells(environment: dict[str, str], expected: bool) -> None:
    assert screen.is_there(environment) == expected


@linux_only
def test_without_a_screen_a_sentence_comes_instead_of_a_core_dump() -> None:
    environment = host_environment()
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        environment.pop(name, None)
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "starpad"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=os.path.sep,
    )
    assert ended.returncode == NOT_HERE
    assert ended.stderr == f"{screen.MISSING}\n"

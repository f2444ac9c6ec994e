"""Saving to a disk that is really full or read-only: a whole file there, the text in the editor."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

APP = Path(__file__).parents[2] / "app"
IN_OWN_MOUNTS = ("unshare", "--map-root-user", "--mount")
PRELUDE = """
import subprocess, sys
from pathlib import Path
from starpad import bootstrap

folder = Path(sys.argv[1])
data = folder.parent / "data"
OLD = "old text\\n"

def mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True)

application = bootstrap.create_application()
starpad = bootstrap.Starpad(application, data / "settings.json", data)
starpad.window.models.load_last = lambda: None
starpad.start([], None)

def opened(path):
    starpad.window.files.open([path])
    return starpad.window.tabs.current

def failure(tab):
    text = tab.editor.text()
    assert not starpad.window.files.save(tab)
    assert tab.is_modified and tab.editor.text() == text
    return starpad.window.messages.notifications[0].message

def typed(tab, text):
    tab.editor.edit(lambda cursor: cursor.insertText(text))
"""
EPILOGUE = """
for tab in starpad.window.tabs.tabs:
    tab.mark_saved()
starpad.window.close()
starpad.shutdown()
"""


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Return a folder that a child with its own mounts can mount something on."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = [*IN_OWN_MOUNTS, "mount", "-t", "tmpfs", "none", disk]
    try:
        subprocess.run(command, capture_output=True, timeout=60, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine does not allow mounts in a namespace of one's own")
    return disk


def run(steps: str, disk: Path) -> None:
    code = PRELUDE + steps + EPILOGUE
    command = [*IN_OWN_MOUNTS, sys.executable, "-c", code, str(disk)]
    environment = {**os.environ, "PYTHONPATH": str(APP), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_full_disk(disk: Path) -> None:
    run(
        """
mount("-t", "tmpfs", "-o", "size=64k", "none", folder)
file = folder / "main.py"
file.write_text(OLD)
tab = opened(file)
typed(tab, "x" * 200_000)
assert "no room left" in failure(tab)
assert file.read_text() == OLD and [path.name for path in folder.iterdir()] == ["main.py"]
tab.editor.undo()
typed(tab, "new ")
assert starpad.window.files.save(tab) and not tab.is_modified
assert file.read_text() == "old text\\nnew " or file.read_text() == "new old text\\n"
""",
        disk,
    )


def test_a_disk_that_can_only_be_read(disk: Path) -> None:
    run(
        """
file = folder / "main.py"
file.write_text(OLD)
mount("--bind", folder, folder)
mount("-o", "remount,bind,ro", folder)
tab = opened(file)
typed(tab, "new ")
assert "can only be read" in failure(tab)
assert file.read_text() == OLD
""",
        disk,
    )


def test_a_full_disk_under_the_backups_is_told_and_typing_goes_on(disk: Path) -> None:
    run(
        """
(data / "sessions").mkdir(parents=True, exist_ok=True)
mount("-t", "tmpfs", "-o", "size=64k", "none", data / "sessions")
tab = starpad.window.tabs.current
typed(tab, "y" * 200_000)
try:
    starpad.recovered.keep()
except Exception as error:
    assert "cannot be kept" in str(error)
else:
    raise AssertionError("it was kept")
assert len(tab.editor.text()) == 200_000
tab.editor.undo()
typed(tab, "short")
assert starpad.recovered.keep()
""",
        disk,
    )

#!/usr/bin/env python3
"""Installs, runs, upgrades and uninstalls Starpad on Windows, or under Wine 10 elsewhere.

    python installers/smoke_windows.py Starpad-x.y.z-setup.exe [Starpad-x.y.z.msi] [--shot FILE]

Standard library only. For a machine without Starpad: it deletes what lies in Starpad's folders, so
it stops when there is something. Elsewhere than on Windows it wants a plain user, a display,
wine64, and MinGW for two libraries that Wine lacks (installers/windows/wine).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
STAND_INS = HERE / "windows" / "wine"
ON_WINDOWS = sys.platform == "win32"
KEYS = (
    r"HKCU\Software\Starpad",
    r"HKCU\Software\Classes\Starpad.gguf",
    r"HKCU\Software\Classes\Applications\starpad.exe",
    r"HKCU\Software\Microsoft\Windows\CurrentVersion\App Paths\starpad.exe",
    r"HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\Starpad",
)
MSI_KEY = r"HKLM\Software\Microsoft\Windows\CurrentVersion\App Paths\starpad.exe"
CODE_OF_RUNNING = 2
LIMIT_S = 600


class Machine:
    """A Windows system, real or Wine's, and where it keeps what an installer makes."""

    def __init__(self, folder: Path) -> None:
        self.environment = dict(os.environ)
        if ON_WINDOWS:
            self.local = Path(os.environ["LOCALAPPDATA"])
            self.menu = Path(os.environ["APPDATA"], "Microsoft/Windows/Start Menu/Programs")
            self.all_menu = Path(os.environ["PROGRAMDATA"], "Microsoft/Windows/Start Menu/Programs")
            self.programs = Path(os.environ["PROGRAMFILES"])
            return
        self.environment |= {
            "WINEPREFIX": str(folder / "prefix"),
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "icuuc=n;mscms=n,b;mscoree=;mshtml=;winemenubuilder.exe=",
        }
        self.run("wineboot", "-i")
        drive = folder / "prefix" / "drive_c"
        for source in STAND_INS.glob("*.c"):
            library = drive / "windows" / "system32" / f"{source.stem}.dll"
            compile_it = "x86_64-w64-mingw32-gcc", "-shared", "-o", library, source
            subprocess.run(compile_it, check=True)
        profile = next(path for path in (drive / "users").iterdir() if path.name != "Public")
        self.local = profile / "AppData" / "Local"
        self.menu = profile / "AppData/Roaming/Microsoft/Windows/Start Menu/Programs"
        self.all_menu = self.menu  # Wine's Installer knows no other
        self.programs = drive / "Program Files"

    def start(self, *command: object, **options: str) -> "subprocess.Popen[str]":
        """Start a Windows program; `options` are more of its environment."""
        words = [str(word) for word in command]
        return subprocess.Popen(
            words if ON_WINDOWS else ["wine", *words],
            env=self.environment | options,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
        )

    def run(self, *command: object, expect: int = 0, **options: str) -> str:
        """Return a Windows program's output; exit with a sentence when it ends otherwise."""
        process = self.start(*command, **options)
        output, _ = process.communicate(timeout=LIMIT_S)
        ensure(process.returncode == expect, f"{command} ended with {process.returncode}: {output}")
        return output

    def has_key(self, key: str) -> bool:
        process = self.start("reg", "query", key)
        process.communicate(timeout=LIMIT_S)
        return process.returncode == 0

    def running(self, program: str) -> int:
        """Return how many processes of a program there are."""
        return self.run("tasklist").lower().count(program)

    def path(self, file: Path) -> str:
        """Return a file's name as Windows programs know it."""
        return str(file) if ON_WINDOWS else "Z:" + str(file).replace("/", "\\")


def ensure(condition: object, sentence: str) -> None:
    """Exit with a sentence unless the condition holds."""
    if not condition:
        sys.exit(f"The smoke test failed: {sentence}")


def wait_for(condition: Callable[[], bool], sentence: str, seconds: float = LIMIT_S) -> None:
    """Return when the condition holds; exit with a sentence when it never does."""
    end = time.monotonic() + seconds
    while not condition():
        ensure(time.monotonic() < end, sentence)
        time.sleep(0.5)


def say(sentence: str, begun: float) -> None:
    """Print what was done, and how long it took."""
    print(f"{sentence} ({time.monotonic() - begun:.1f} s)", flush=True)


def install(machine: Machine, setup: Path) -> Path:
    """Install for this user, and return the folder of the programs."""
    begun = time.monotonic()
    machine.run(setup, "/S")
    app = machine.local / "Programs" / "Starpad"
    for name in ("starpad.exe", "starpad-engine.exe", "uninstall.exe"):
        ensure((app / name).is_file(), f"{name} was not installed.")
    ensure((machine.menu / "Starpad.lnk").is_file(), "The Start menu has no entry.")
    for key in KEYS:
        ensure(machine.has_key(key), f"{key} was not written.")
    say("Installed", begun)
    return app


def check_self_test(machine: Machine, app: Path, folder: Path) -> None:
    """Complete at the caret with the installed programs, in a window of the real kind."""
    begun = time.monotonic()
    picture = folder / "self-test.png"
    command = (app / "starpad.exe", "--self-test", "--json", "--screenshot", machine.path(picture))
    report = json.loads(machine.run(*command, QT_QPA_PLATFORM="windows"))
    ensure(report["completion"], f"Nothing was completed: {report}")
    ensure(picture.is_file(), "The self-test saved no picture.")
    ensure(machine.run(app / "starpad-engine.exe", "--version"), "The engines' program is silent.")
    say(f"Self-test: engine ready in {report['engine_ready_ms']} ms", begun)


def check_window(machine: Machine, app: Path, setup: Path, shot: Path | None) -> None:
    """Open a file as a user does; neither set-up nor uninstaller touches what runs."""
    begun = time.monotonic()
    window = machine.start(app / "starpad.exe", machine.path(Path(__file__).resolve()))
    # One for the model, one for the colors.
    wait_for(lambda: machine.running("starpad-engine.exe") == 2, "The engines did not start.")
    say("The window runs, with an engine and a highlighter", begun)
    if shot is not None:
        time.sleep(20)
        subprocess.run(["import", "-window", "root", shot], check=True)
    machine.run(setup, "/S", expect=CODE_OF_RUNNING)
    machine.start(app / "uninstall.exe", "/S").communicate(timeout=LIMIT_S)
    time.sleep(5)
    ensure((app / "starpad.exe").is_file(), "Starpad was uninstalled while it ran.")
    ensure(window.poll() is None, "The set-up program ended a Starpad that ran.")
    machine.run("taskkill", "/IM", "starpad.exe")
    window.communicate(timeout=LIMIT_S)
    wait_for(lambda: machine.running("starpad-engine.exe") == 0, "An engine outlived the window.")
    say("Closed; its engines ended with it", begun)


def check_upgrade(machine: Machine, setup: Path) -> None:
    """Install over a version with files that the new one has no more."""
    stale = machine.local / "Programs" / "Starpad" / "_internal" / "stale.dll"
    stale.write_bytes(b"of an older version")
    app = install(machine, setup)
    ensure(not stale.exists(), "The upgrade left a file of the older version.")
    machine.run(app / "starpad-engine.exe", "--version")


def uninstall(machine: Machine, *options: str) -> None:
    """Uninstall, and check that nothing stays."""
    begun = time.monotonic()
    app = machine.local / "Programs" / "Starpad"
    machine.run(app / "uninstall.exe", "/S", *options)
    # It goes on as a copy of itself.
    wait_for(lambda: not app.exists(), f"Something stayed in {app}.", 60)
    wait_for(lambda: not machine.has_key(KEYS[0]), "The registry still knows Starpad.", 60)
    for key in KEYS:
        ensure(not machine.has_key(key), f"{key} stayed.")
    ensure(not (machine.menu / "Starpad.lnk").exists(), "The Start menu's entry stayed.")
    say(f"Uninstalled {' '.join(options)}", begun)


def check_msi(machine: Machine, package: Path, folder: Path) -> None:
    """Install for all users, run, and remove again."""
    begun = time.monotonic()
    machine.run("msiexec", "/i", machine.path(package), "/qn")
    app = machine.programs / "Starpad"
    ensure((machine.all_menu / "Starpad.lnk").is_file(), "The MSI made no entry in the Start menu.")
    ensure(machine.has_key(MSI_KEY), f"{MSI_KEY} was not written.")
    say("MSI installed", begun)
    check_self_test(machine, app, folder)
    machine.run("msiexec", "/x", machine.path(package), "/qn")
    ensure(not app.exists(), "The MSI left something behind.")
    ensure(not machine.has_key(MSI_KEY), f"{MSI_KEY} stayed.")
    say("MSI removed", begun)


def main() -> int:
    """Run all checks."""
    parser = argparse.ArgumentParser(description="Tries Starpad's packages for Windows.")
    parser.add_argument("setup", type=lambda name: Path(name).resolve())
    parser.add_argument("msi", type=lambda name: Path(name).resolve(), nargs="?")
    parser.add_argument("--shot", type=Path, help="picture of the X11 display with the window")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        machine = Machine(folder)
        data = machine.local / "starpad"
        app = machine.local / "Programs" / "Starpad"
        ensure(not data.exists() and not app.exists(), "This machine has a Starpad already.")
        app = install(machine, arguments.setup)
        check_self_test(machine, app, folder)
        check_window(machine, app, arguments.setup, arguments.shot)
        model = data / "models" / "mine.gguf"
        model.parent.mkdir(parents=True, exist_ok=True)
        model.write_bytes(b"GGUF")
        check_upgrade(machine, arguments.setup)
        uninstall(machine)
        ensure(model.is_file(), "Uninstalling deleted the user's model.")
        install(machine, arguments.setup)
        uninstall(machine, "/REMOVEDATA")
        wait_for(lambda: not data.exists(), f"/REMOVEDATA left {data}.", 60)
        if arguments.msi is not None:
            check_msi(machine, arguments.msi, folder)
        if not ON_WINDOWS:
            subprocess.run(["wineserver", "-k"], env=machine.environment, check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Installs the Debian package into a bare Debian, uses it as a user does, and removes it again.

    sudo python installers/smoke_linux.py FOLDER --suite bookworm --deb FILE --image FILE

Makes the bare system in FOLDER with debootstrap once; each run works on a throw-away layer above
it. Needs root, and the Debian packages debootstrap, xvfb, xdotool, imagemagick and squashfs-tools.
Tested are the self-test and the real window as a plain user, the child processes, that a purge
leaves nothing behind but the user's data, and the same program out of the AppDir's image.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent / "linux"))

from bare_debian import (
    HOME,
    SUITES,
    USER,
    USER_ID,
    SmokeError,
    System,
    make_base,
    throw_away,
)

TYPED = "def read_lines(path):\n    with open(path"
INSTALLED = "/usr/lib/starpad"
UNPACKED = "/opt/starpad-image"


@contextmanager
def screen() -> Iterator[str]:
    """Give an X server without a monitor: the value of DISPLAY."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x800x24", "-ac"]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as answer:
        display = f":{answer.readline().strip()}"
    try:
        yield display
    finally:
        server.terminate()
        server.wait()


def self_test(system: System, program: str) -> str:
    """Have the program do its main job as the plain user, without a screen."""
    report = json.loads(system.run(program, "--self-test", "--json", user=True))
    if not report["completion"]:
        raise SmokeError(f"The self-test completed nothing: {report}")
    return f"{report['completion']!r}, engine ready after {report['engine_ready_ms']:.0f} ms"


def measure(system: System, program: str) -> str:
    """Have a command without a window start the engine; needs nothing of the system's."""
    (result,) = json.loads(system.run(program, "bench", "demo", "--quick", "--json", user=True))
    return f"{result['figures']['generation']['median']:.0f} tokens per second"


def use_window(system: System, program: str, home_of: str, picture: Path) -> str:
    """Type in the real window, accept a suggestion, save; look at its processes meanwhile."""
    file = HOME / "typed.py"
    real = Path(system.root, *file.parts[1:])
    real.write_text("", "utf-8")
    os.chown(real, USER_ID, USER_ID)
    with screen() as display:
        window = system.start(program, str(file), user=True, DISPLAY=display)
        try:
            press = Keys(display)
            press.wait_for_window(window)
            children = wait_for_children(home_of)
            press.type(TYPED)
            text = accept_and_save(press, real, picture)
            press.key("ctrl+q")
            window.communicate(timeout=30)
        finally:
            window.kill()
    if window.returncode:
        raise SmokeError(f"The window ended with {window.returncode}.")
    wait_for_no_process()
    return f"{text.removeprefix(TYPED)!r} after what was typed; {', '.join(sorted(children))}"


class Keys:
    """A user at the keyboard of an X server."""

    def __init__(self, display: str) -> None:
        self._environment = {**os.environ, "DISPLAY": display}

    def _xdotool(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["xdotool", *arguments]
        return subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=False
        )

    def wait_for_window(self, program: subprocess.Popen[str]) -> None:
        """Wait until the program shows a window, and give it the keyboard."""
        for _ in range(300):
            if program.poll() is not None:
                raise SmokeError(f"No window opened: {' '.join(program.communicate())}")
            found = self._xdotool("search", "--onlyvisible", "--class", "starpad").stdout.split()
            if found:
                time.sleep(1)
                self._xdotool("windowfocus", "--sync", found[-1])
                return
            time.sleep(0.1)
        raise SmokeError("No window was seen for 30 s.")

    def type(self, text: str) -> None:
        """Type a text; the editor itself indents the lines."""
        for number, line in enumerate(text.split("\n")):
            if number:
                self.key("Return")
            self._xdotool("type", "--delay", "30", line.strip())

    def key(self, name: str) -> None:
        """Press a key."""
        self._xdotool("key", name)

    def save_picture(self, file: Path) -> None:
        """Save what is on the screen."""
        command = ["import", "-window", "root", str(file)]
        subprocess.run(command, env=self._environment, check=True)


def accept_and_save(press: Keys, file: Path, picture: Path) -> str:
    """Ask for a suggestion, accept it, save the file; return what is in it."""
    text = ""
    for _ in range(5):  # the model may still be loading
        press.key("ctrl+space")
        time.sleep(3)
        press.save_picture(picture)
        press.key("Tab")
        press.key("ctrl+s")
        time.sleep(1)
        text = file.read_text("utf-8") if file.is_file() else ""
        if text.startswith(TYPED) and text.strip() != TYPED:
            return text
        press.key("ctrl+z")
    raise SmokeError(f"No suggestion was accepted in the window; {file.name} holds {text!r}.")


def processes() -> dict[str, str]:
    """Return the plain user's processes: their programs by their arguments."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if folder.stat().st_uid == USER_ID:
                arguments = (folder / "cmdline").read_bytes().decode().split("\0")
                found[" ".join(arguments[1:]).strip()] = os.readlink(folder / "exe")
        except OSError:  # it ended
            continue
    return found


def wait_for_children(home_of: str) -> set[str]:
    """Wait for the model's and the highlighter's process; SmokeError unless they run from here."""
    wanted = {"--engine-host", "--highlight-host"}
    for _ in range(100):
        running = {name: path for name, path in processes().items() if name in wanted}
        if running.keys() == wanted:
            break
        time.sleep(0.2)
    for name in wanted:
        if not running.get(name, "").endswith(f"{home_of}/starpad-engine"):
            raise SmokeError(f"The process {name} runs from {running.get(name, 'nowhere')}.")
    return wanted


def wait_for_no_process() -> None:
    """Fail if a process of the user outlives the window."""
    for _ in range(50):
        if not processes():
            return
        time.sleep(0.1)
    raise SmokeError(f"These outlived the window: {processes()}")


def user_data(system: System) -> set[str]:
    """Return what Starpad keeps of the user; a session's folder goes to the next window."""
    home = Path(system.root, *HOME.parts[1:])
    found = {str(path.relative_to(home)) for path in home.rglob("*") if "starpad" in str(path)}
    return {path for path in found if "/sessions/" not in path}


def tell(what: str, job: Callable[..., str], *arguments: Any) -> None:
    """Do a job, and print what it says and how long it took."""
    began = time.monotonic()
    said = job(*arguments)
    print(f"{what}: {said} ({time.monotonic() - began:.0f} s)", flush=True)


def prepare(system: System) -> None:
    """Make of the bare system one that a plain user has."""
    system.run("apt-get", "-qq", "update")
    # Each installed Debian has them; parts of the base system recommend them.
    system.run("apt-get", "-qq", "-y", "install", "adduser", "ca-certificates")
    system.run("useradd", "--create-home", "--uid", str(USER_ID), USER)


def unpack(system: System, image: Path) -> str:
    """Unpack the AppDir's image into the system; return its program there."""
    target = Path(system.root, UNPACKED[1:])
    command = ["unsquashfs", "-quiet", "-no-progress", "-dest", str(target), str(image)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return f"{UNPACKED}/AppRun"


def install(system: System, deb: Path) -> str:
    """Install the package with all that it depends on and recommends."""
    shutil.copy(deb, system.root / "tmp")
    system.run("apt-get", "-qq", "-y", "install", f"/tmp/{deb.name}")
    installed = system.run("dpkg-query", "--show", "--showformat", "${Package}\n")
    return f"{len(installed.split())} packages in all"


def smoke(system: System, deb: Path, image: Path, pictures: Path) -> None:
    """Do all that is tested, in the order of a user who comes and goes. Raises SmokeError."""
    prepare(system)
    before = system.files(UNPACKED)
    program = unpack(system, image)
    tell("image with no library in the system, bench", measure, system, program)
    tell("installed", install, system, deb)
    tell("self-test", self_test, system, "starpad")
    tell("window", use_window, system, "starpad", INSTALLED, pictures / "deb.png")
    kept = user_data(system)
    if not kept:
        raise SmokeError("The window kept nothing of the user.")
    system.run("apt-get", "-qq", "-y", "purge", "starpad")
    # The libraries that the package depends on are still there: a desktop has them.
    tell("image, self-test", self_test, system, program)
    place = f"{UNPACKED}{INSTALLED}"
    tell("image, window", use_window, system, program, place, pictures / "image.png")
    # What another package merely suggests would be kept, though Starpad brought it.
    strictly = ("-o", "APT::AutoRemove::SuggestsImportant=false")
    system.run("apt-get", "-qq", "-y", *strictly, "autoremove", "--purge")
    left = sorted(system.files(UNPACKED) - before)
    if left:
        raise SmokeError(f"The purge left {len(left)} paths:\n" + "\n".join(left[:40]))
    if kept - user_data(system):
        raise SmokeError(f"The purge took the user's {kept - user_data(system)}.")
    print(f"purged; nothing left but {len(kept)} files and folders of the user", flush=True)
    system.run(program, "reset", "--all", "--yes", user=True)
    if user_data(system):
        raise SmokeError(f"`starpad reset --all` left {user_data(system)}.")
    print("`starpad reset --all` took those, too", flush=True)


def main() -> int:
    """Test what the arguments name; return the exit code."""
    parser = argparse.ArgumentParser(description="Tests the Linux packages in a bare Debian.")
    parser.add_argument("folder", type=Path, help="where the systems and the pictures go")
    parser.add_argument("--suite", choices=SUITES, action="append", help="default: all")
    parser.add_argument("--deb", type=Path, required=True)
    parser.add_argument("--image", type=Path, required=True, help="the AppDir's squashfs")
    arguments = parser.parse_args()
    folder = arguments.folder.absolute()
    for suite in arguments.suite or SUITES:
        print(f"--- {suite}", flush=True)
        base = make_base(folder, suite)
        pictures = folder / f"{suite}-pictures"
        pictures.mkdir(parents=True, exist_ok=True)
        try:
            with throw_away(base, folder) as system:
                smoke(system, arguments.deb, arguments.image, pictures)
        except SmokeError as error:
            print(f"FAILED: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

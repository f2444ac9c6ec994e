#!/usr/bin/env python3
"""Set Starpad up beside this file, then start it. Standard library only; Python 3.11 or newer.

    python run.py [ARGS]         start Starpad; ARGS are its own (`python run.py --help`)
    python run.py test [ARGS]    run the tests; ARGS are pytest's, `--slow` adds the slow ones
    python run.py setup          set up what the tests and the other gates need, and stop there

Standard output belongs to the program that is started; this file talks on standard error.
"""

import ctypes
import hashlib
import importlib.util
import os
import shlex
import shutil
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NoReturn

# Up here, and in words that any Python 3 can compile, so that an old one says it too.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(f"Starpad needs Python 3.11 or newer; this is {sys.version.split()[0]}.")

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "starpad-stamp"
LOG = VENV / "setup.log"
LOCK = ROOT / "requirements.lock"
DEV_LOCK = ROOT / "requirements-dev.lock"  # holds everything that LOCK holds

# Exit code when the machine lacks something that only its user can add: a library, a screen.
NOT_HERE = 3
# Branch coverage of starpad.core, in per cent; the floor for all of Starpad is in pyproject.toml.
CORE_FLOOR = 95
# Arguments with which Starpad needs no screen.
SCREENLESS = {"-h", "--help", "--version", "--self-test", "--engine-host", "--highlight-host"}

# What Qt and the engine link to, as soname: (package of apt, package of pacman).
# dnf and zypper find a package by the soname itself.
Libraries = dict[str, tuple[str, str]]
BASE: Libraries = {
    "libGL.so.1": ("libgl1", "libglvnd"),
    "libEGL.so.1": ("libegl1", "libglvnd"),
    "libX11.so.6": ("libx11-6", "libx11"),
    "libxkbcommon.so.0": ("libxkbcommon0", "libxkbcommon"),
    "libdbus-1.so.3": ("libdbus-1-3", "dbus"),
    "libfontconfig.so.1": ("libfontconfig1", "fontconfig"),
    "libgthread-2.0.so.0": ("libglib2.0-0", "glib2"),
    "libgssapi_krb5.so.2": ("libgssapi-krb5-2", "krb5"),
    "libgomp.so.1": ("libgomp1", "gcc-libs"),
}
SCREEN: dict[str, Libraries] = {
    "xcb": {
        "libxcb-cursor.so.0": ("libxcb-cursor0", "xcb-util-cursor"),
        "libxcb-icccm.so.4": ("libxcb-icccm4", "xcb-util-wm"),
        "libxcb-image.so.0": ("libxcb-image0", "xcb-util-image"),
        "libxcb-keysyms.so.1": ("libxcb-keysyms1", "xcb-util-keysyms"),
        "libxcb-randr.so.0": ("libxcb-randr0", "libxcb"),
        "libxcb-render-util.so.0": ("libxcb-render-util0", "xcb-util-renderutil"),
        "libxcb-shape.so.0": ("libxcb-shape0", "libxcb"),
        "libxcb-shm.so.0": ("libxcb-shm0", "libxcb"),
        "libxcb-sync.so.1": ("libxcb-sync1", "libxcb"),
        "libxcb-xfixes.so.0": ("libxcb-xfixes0", "libxcb"),
        "libxkbcommon-x11.so.0": ("libxkbcommon-x11-0", "libxkbcommon-x11"),
        "libX11-xcb.so.1": ("libx11-xcb1", "libx11"),
    },
    "wayland": {
        "libwayland-client.so.0": ("libwayland-client0", "wayland"),
        "libwayland-cursor.so.0": ("libwayland-cursor0", "wayland"),
    },
}
# Debian keeps this part of Python in a package of its own.
VENV_MAKER: Libraries = {"ensurepip": (f"python3.{sys.version_info.minor}-venv", "python")}


def say(text: str) -> None:
    """Print a line for the user."""
    print(f"Starpad: {text}", file=sys.stderr, flush=True)


def stop(sentence: str, code: int = 1) -> NoReturn:
    """Say the sentence and end with the exit code."""
    say(sentence)
    sys.exit(code)


# --- What the machine has -------------------------------------------------------------------


def is_here(name: str) -> bool:
    """Say whether a shared library (without `.so` in its name: a Python module) can be loaded."""
    if ".so" not in name:
        return importlib.util.find_spec(name) is not None
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def install_command(names: list[str], libraries: Libraries) -> list[str]:
    """Return the command with which this system installs the named libraries; may be empty."""
    apt, pacman = ([*dict.fromkeys(libraries[name][i] for name in names)] for i in (0, 1))
    capabilities = [f"{name}()(64bit)" for name in names]
    commands = {
        "apt-get": ["apt-get", "install", "-y", "--no-install-recommends", *apt],
        "dnf": ["dnf", "install", *capabilities],
        "zypper": ["zypper", "install", *capabilities],
        "pacman": ["pacman", "-S", "--needed", *pacman],
    }
    return next((commands[tool] for tool in commands if shutil.which(tool)), [])


def apt_get(*arguments: str) -> bool:
    """Run apt-get quietly, after any other one has finished; say whether it succeeded."""
    command = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=60", *arguments]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environment, capture_output=True).returncode == 0


def provide(libraries: Libraries) -> None:
    """Make sure that the libraries are here: install them if that is allowed, or say what to do.

    Qt ends the whole process when one is missing (exit code 134), so this comes before Qt.
    """
    if sys.platform != "linux":
        return
    missing = [name for name in libraries if not is_here(name)]
    command = install_command(missing, libraries)
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    if missing and not sudo and command[:1] == ["apt-get"]:
        say(f"installing what this system lacks: {' '.join(missing)}")
        # Without lists, or with old ones, apt-get finds no package to install.
        if not apt_get(*command[1:]) and apt_get("update"):
            apt_get(*command[1:])
        importlib.invalidate_caches()
        missing = [name for name in missing if not is_here(name)]
    if missing:
        shown = shlex.join([*sudo, *command])
        hint = f"install it with: {shown}" if command else "install the packages that hold it"
        stop(f"this system lacks {', '.join(missing)}; {hint}", NOT_HERE)


def x11_answers() -> bool:
    """Say whether the X server that DISPLAY names lets us in, asked as Qt will ask it."""
    if not os.environ.get("DISPLAY") or not is_here("libxcb.so.1"):
        return False
    xcb = ctypes.CDLL("libxcb.so.1")
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    failed = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    return not failed


def wayland_answers() -> bool:
    """Say whether the compositor that WAYLAND_DISPLAY names takes a connection."""
    name = os.environ.get("WAYLAND_DISPLAY")
    if not name:
        return False
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(os.path.join(os.environ.get("XDG_RUNTIME_DIR", ""), name))
        except OSError:
            return False
    return True


def screens() -> list[str]:
    """Return Qt's names of the display servers that answer; only Linux can have none."""
    if sys.platform != "linux":
        return ["native"]
    answers = {"xcb": x11_answers(), "wayland": wayland_answers()}
    return [name for name, answer in answers.items() if answer]


# --- The environment in .venv ----------------------------------------------------------------


def stamp_of(lock: Path) -> str:
    """Return what an environment must have been made from to serve this lock, here and now."""
    facts = f"{sys.implementation.cache_tag} {sys.platform} {ROOT}\n{lock.read_text('utf-8')}"
    return hashlib.sha256(facts.encode()).hexdigest()


def stamps() -> list[str]:
    """Return the stamps of the locks that .venv serves: none, the users', or both."""
    if not PYTHON.exists() or not STAMP.is_file():
        return []
    return STAMP.read_text("utf-8").split()


def ensure_environment(lock: Path) -> None:
    """Make .venv serve the lock; nothing is done, and no network used, when it does already."""
    served = stamps()
    if stamp_of(lock) in served:
        return
    say(f"setting up {VENV}, once")
    can_add = stamp_of(LOCK) in served
    if can_add:
        STAMP.unlink()  # comes back when pip ends, so that an interrupted run starts afresh
    else:
        make_venv()
    reason = install(lock)
    if reason:
        if can_add:
            STAMP.write_text(stamp_of(LOCK), "utf-8")
        stop(f"the packages could not be installed: {reason}; run the same command again later.")
    link_app()
    STAMP.write_text("\n".join({stamp_of(LOCK), stamp_of(lock)}), "utf-8")


def make_venv() -> None:
    """Make an empty .venv, in place of any other."""
    provide(VENV_MAKER)
    # Started from inside .venv, the Python that it was made from has to make it again.
    python = getattr(sys, "_base_executable", sys.executable)
    made = subprocess.run([python, "-m", "venv", "--clear", VENV], capture_output=True, text=True)
    if made.returncode:
        reason = (made.stderr or made.stdout).strip().splitlines()[-1:]
        stop(f"{VENV} cannot be made: {' '.join(reason)}")


def install(lock: Path) -> str:
    """Install exactly what the lock names; return why that failed, or "".

    No index is named: pip looks where this machine's user has set it up to look.
    """
    command = [
        str(PYTHON), "-m", "pip", "install", "--no-input", "--disable-pip-version-check",
        "--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(lock),
    ]  # fmt: skip
    report = []
    with subprocess.Popen(
        command, env={**os.environ, "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
    ) as pip:  # fmt: skip
        for line in pip.stdout or ():
            report.append(line)
            words = line.split()
            # "Downloading https://…/name.whl (80.1 MB)": the ones that one waits for.
            if words[:1] == ["Downloading"] and words[3:] == ["MB)"]:
                say(f"fetching {words[1].rsplit('/', 1)[-1]} {words[2]} MB)")
    if pip.returncode == 0:
        return ""
    LOG.write_text("".join(report), "utf-8")
    if any("connection broken" in line for line in report):
        return "no network reaches the package index"
    errors = [line[7:].strip() for line in report if line.startswith("ERROR: ")]
    return f"{errors[-1] if errors else 'pip failed'} (all that pip said is in {LOG})"


def link_app() -> None:
    """Let .venv's Python find the package `starpad` in app/, and add the command `starpad`."""
    site_packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(VENV)}))
    (site_packages / "starpad.pth").write_text(f"{ROOT / 'app'}\n", "utf-8")
    if os.name != "nt":
        command = PYTHON.with_name("starpad")
        command.write_text(f'#!/bin/sh\nexec {shlex.quote(str(PYTHON))} -P -m starpad "$@"\n')
        command.chmod(0o755)


# --- The commands ------------------------------------------------------------------------------


def plan(arguments: list[str], answering: list[str]) -> tuple[list[str], str]:
    """Return the arguments for Starpad and the Qt platform to use; "" leaves it to Qt.

    Without a screen the main job is done once, off-screen: a window that nobody sees helps nobody.
    """
    named = os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0]
    if "--self-test" in arguments:
        return arguments, "offscreen"
    if not SCREENLESS.isdisjoint(arguments):
        return arguments, ""
    if not answering:
        displays = {name: os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")}
        dead = ", ".join(f"{name}={value}" for name, value in displays.items() if value)
        why = f"no screen here ({dead} does not answer)" if dead else "no screen here"
        if arguments:
            stop(f"{why}; `python run.py --self-test` does the main job without one.", NOT_HERE)
        say(f"{why}, so this is the self-test, off-screen.")
        return ["--self-test"], "offscreen"
    # Qt ends the process when it is sent to a server that does not answer.
    if len(answering) == 1 and answering[0] in SCREEN and named in {"", *SCREEN}:
        return arguments, answering[0]
    return arguments, ""


def start(arguments: list[str]) -> int:
    """Set up, then become Starpad."""
    provide(BASE)
    answering = screens()
    arguments, platform = plan(arguments, answering)
    if platform != "offscreen" and SCREENLESS.isdisjoint(arguments):
        # With two servers Qt falls back from Wayland to X11, so X11's libraries must be here.
        provide(SCREEN.get(answering[0], {}))
    ensure_environment(LOCK)
    environment = {**os.environ, "QT_QPA_PLATFORM": platform} if platform else dict(os.environ)
    # -P: files beside the user's own text are no modules of ours.
    command = [str(PYTHON), "-P", "-m", "starpad", *arguments]
    if os.name != "nt":
        os.execve(command[0], command, environment)
    return subprocess.run(command, env=environment).returncode


def test(arguments: list[str]) -> int:
    """Run pytest; all of it, when no arguments narrow it down, also measures the coverage."""
    chosen = [argument for argument in arguments if argument != "--slow"]
    speed = [] if "--slow" in arguments else ["-m", "not slow"]
    command = [str(PYTHON), "-m", "pytest", *speed, *(chosen or ["--cov", "--cov-report=term"])]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    failed = subprocess.run(command, cwd=ROOT, env=environment).returncode
    return failed if failed or chosen else check_core_coverage()


def check_core_coverage() -> int:
    """Compare the run that just ended with CORE_FLOOR; say nothing when it is reached."""
    command = [
        str(PYTHON), "-m", "coverage", "report", "--include=app/starpad/core/*",
        "--show-missing", f"--fail-under={CORE_FLOOR}",
    ]  # fmt: skip
    report = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if report.returncode:
        print(report.stdout + report.stderr, file=sys.stderr)
        say(f"the tests reach less than {CORE_FLOOR} % of starpad.core's lines and branches.")
    return report.returncode


def main(arguments: list[str]) -> int:
    """Do what the arguments ask for; return the exit code."""
    if arguments[:1] == ["test"] or arguments == ["setup"]:
        provide(BASE)
        ensure_environment(DEV_LOCK)
        return test(arguments[1:]) if arguments[0] == "test" else 0
    return start(arguments)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:  # a full disk, a folder that cannot be written
        stop(f"{error.filename or 'the set-up'}: {error.strerror}.")

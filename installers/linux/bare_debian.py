"""A bare Debian in a folder, for tests: made by debootstrap once, used below a throw-away layer."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

SUITES = ("bookworm", "trixie")
MIRROR = "http://deb.debian.org/debian"
USER = "smoke"
# None that a person or service on the testing machine is likely to have: /proc is shared.
USER_ID = 54321
HOME = Path("/", "home", USER)
# What dpkg, apt and the packages that Starpad depends on write for themselves and leave.
NOT_OURS = (
    "/dev", "/proc", "/run", "/tmp", "/etc/ca-certificates", "/etc/fonts", "/etc/hosts",
    "/etc/ld.so.cache", "/etc/machine-id", "/etc/ssl", "/usr/local/share/ca-certificates",
    "/usr/local/share/fonts", "/usr/share/mime", "/var/cache", "/var/lib/apt", "/var/lib/dbus",
    "/var/lib/dpkg", "/var/lib/pam", "/var/lib/systemd", "/var/log", str(HOME),
)  # fmt: skip


class SmokeError(Exception):
    """What did not go as it must, in a sentence."""


class System:
    """A Debian below a folder, in which commands can be run."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *command: str, user: bool = False, **environment: str) -> str:
        """Run a command as root or as the plain user; return what it printed. Raises SmokeError."""
        process = self.start(*command, user=user, **environment)
        output, errors = process.communicate()
        if process.returncode:
            text = f"{output}{errors}".strip()
            raise SmokeError(f"`{' '.join(command)}` ended with {process.returncode}:\n{text}")
        return output

    def start(self, *command: str, user: bool, **environment: str) -> subprocess.Popen[str]:
        """Start a command in a clean environment."""
        who = [f"--userspec={USER_ID}:{USER_ID}"] if user else []
        variables = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(HOME) if user else "/",
            "LANG": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive",
            **environment,
        }
        return subprocess.Popen(
            ["chroot", *who, self.root, *command],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def files(self, *other: str) -> set[str]:
        """Return all paths but those that are not Starpad's, and `other` ones."""
        skipped = {*NOT_OURS, *other}
        found: set[str] = set()
        for folder, names, files in os.walk(self.root):
            inside = "/" + str(Path(folder).relative_to(self.root)).removeprefix(".")
            names[:] = [name for name in names if str(Path(inside, name)) not in skipped]
            found.update(str(Path(inside, name)) for name in (*names, *files))
        return {path for path in found if path not in skipped}


def make_base(folder: Path, suite: str) -> Path:
    """Return a bare Debian, made when it is not there yet."""
    base = folder / suite
    if not (base / "etc" / "debian_version").is_file() or not (base / "usr/bin/apt-get").is_file():
        command = ["debootstrap", "--variant=minbase", suite, str(base), MIRROR]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return base


@contextmanager
def throw_away(base: Path, folder: Path) -> Iterator[System]:
    """Give the system with a layer for all that is written, and take both away afterwards."""
    work = folder / f"{base.name}-run"
    _remove(work)
    for name in ("upper", "work", "root"):
        (work / name).mkdir(parents=True)
    root = work / "root"
    layers = f"lowerdir={base},upperdir={work / 'upper'},workdir={work / 'work'}"
    with ExitStack() as mounts:
        mounts.callback(_remove, work)
        _mount(mounts, root, "-t", "overlay", "overlay", "-o", layers)
        _mount(mounts, root / "proc", "-t", "proc", "proc")
        _mount(mounts, root / "dev", "--rbind", "/dev")
        sockets = root / "tmp" / ".X11-unix"
        sockets.mkdir(mode=0o1777, exist_ok=True)
        Path("/tmp/.X11-unix").mkdir(mode=0o1777, exist_ok=True)
        _mount(mounts, sockets, "--bind", "/tmp/.X11-unix")
        # The machine's own way to the archive, a proxy for instance, serves the system, too.
        shutil.copy("/etc/resolv.conf", root / "etc" / "resolv.conf")
        ways = subprocess.run(["apt-config", "dump", "Acquire"], capture_output=True, check=True)
        (root / "etc" / "apt" / "apt.conf.d" / "99machine").write_bytes(ways.stdout)
        yield System(root)


def _remove(work: Path) -> None:
    """Delete the layer; never what is mounted there, which is the machine's own."""
    if str(work) in Path("/proc/self/mountinfo").read_text("utf-8"):
        raise SmokeError(f"Something is still mounted below {work}: unmount it and try again.")
    shutil.rmtree(work, ignore_errors=True)


def _unmount(target: Path) -> None:
    subprocess.run(["umount", "--lazy", target], check=False)


def _mount(mounts: ExitStack, target: Path, *arguments: str) -> None:
    """Mount something until the stack is left."""
    subprocess.run(["mount", *arguments, target], check=True)
    mounts.callback(_unmount, target)
    if "--rbind" in arguments:  # or unmounting it would unmount the machine's own
        subprocess.run(["mount", "--make-rslave", target], check=True)

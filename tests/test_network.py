"""No process of Starpad talks to anything but this machine."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# Each Python process of the run writes the addresses that it connects to, before it connects.
AUDIT = """
import os, sys
def watch(event, args):
    if event == "socket.connect":
        address = args[1]
    elif event in ("socket.getaddrinfo", "socket.sendto", "socket.gethostbyname"):
        address = args[:2]
    else:
        return
    with open(os.environ["CONNECTIONS"], "a") as file:
        file.write(f"{event} {address}\\n")
sys.addaudithook(watch)
"""

# Brings up `lo`, the only interface in a new network namespace, and becomes the command.
LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    fcntl.ioctl(sock, 0x8914, struct.pack("16sh14x", b"lo", 1))
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def _namespace() -> list[str]:
    """Return a command prefix that runs in a network namespace with nothing but loopback."""
    options = ["-n"] if os.geteuid() == 0 else ["-rn"]
    probe = ["unshare", *options, "true"]
    if not shutil.which("unshare") or subprocess.run(probe, check=False).returncode:
        pytest.skip("this system does not let the test make a network namespace")
    return ["unshare", *options, sys.executable, "-c", LOOPBACK_UP]


def test_the_main_job_connects_to_loopback_only(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(AUDIT)
    connections = tmp_path / "connections"
    environment = dict(os.environ) | {
        "CONNECTIONS": str(connections),
        "PYTHONPATH": str(tmp_path),
        "HTTP_PROXY": "http://192.0.2.1:3128",
        "ALL_PROXY": "http://192.0.2.1:3128",
    }
    arguments = ["-m", "starpad", "--self-test", "--json", "--screenshot", str(tmp_path / "p.png")]
    result = subprocess.run(
        [*_namespace(), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    seen = connections.read_text().splitlines()
    assert seen
    assert all("'127.0.0.1'" in line for line in seen), seen


def test_without_a_network_all_but_search_and_download_works_and_nothing_waits() -> None:
    script = Path(__file__).with_name("offline_window.py")
    result = subprocess.run(
        [*_namespace(), str(script)], capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)
    assert seen["search"] == "OFFLINE"
    assert seen["engine"] is seen["library"] is seen["suggestion"] is True
    # docs/measured.md has the real figure; a network that is waited for costs seconds.
    assert seen["longest_ms"] < 1000


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_native_code_connects_to_loopback_only(tmp_path: Path) -> None:
    """The audit hook sees Python only; llama.cpp and Qt are seen by the kernel's own record."""
    log = tmp_path / "trace"
    command = [
        *("strace", "-f", "-qq", "-e", "trace=connect,sendto,bind", "-o", str(log)),
        *(sys.executable, "-m", "starpad", "--self-test", "--json"),
        *("--screenshot", str(tmp_path / "p.png")),
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    internet = [line for line in log.read_text().splitlines() if "AF_INET" in line]
    assert internet
    strangers = [line for line in internet if "127.0.0.1" not in line and '"::1"' not in line]
    assert not strangers, strangers

"""Child processes end with their parent and keep their answers clean."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from starpad.core.paths import host_environment

CHILD = """
from starpad.core.child_process import die_with_parent, protected_stdout
answers = protected_stdout()
print("stray print")
import os
os.write(1, b"stray write\\n")
watcher = die_with_parent()
print("ready", file=answers)
watcher.join()
"""

# A parent that hands on its child's pid; the child's stdin is ours, so only the signal can end it.
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=0, stdout=subprocess.PIPE)
print(child.pid, child.stdout.readline().decode().strip(), flush=True)
child.wait()
"""


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", *arguments], env=host_environment(), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_stray_prints_never_get_between_the_answers() -> None:
    with start(CHILD) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        out, log = child.communicate()
    assert out == ""
    assert "stray print" in log
    assert "stray write" in log


def test_a_child_ends_when_its_stdin_is_closed_and_not_before() -> None:
    with start(CHILD) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == "ready\n"
        child.stdin.write("more that nobody reads\n")
        child.stdin.flush()
        assert child.poll() is None
        child.stdin.close()
        assert child.wait(timeout=5) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's")
def test_a_child_ends_when_its_parent_is_killed() -> None:
    with start(PARENT, CHILD) as parent:
        assert parent.stdout is not None
        pid, word = parent.stdout.readline().split()
        assert word == "ready"
        child = psutil.Process(int(pid))
        os.kill(parent.pid, signal.SIGKILL)
        psutil.wait_procs([child], timeout=2)
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_child_without_stdin_does_not_linger() -> None:
    code = "import os\nos.close(0)\n" + CHILD
    child = subprocess.run(
        [sys.executable, "-c", code], env=host_environment(), timeout=10, check=False,
        capture_output=True,
    )  # fmt: skip
    assert child.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's")
def test_a_parent_that_died_before_the_kernel_knew_is_noticed() -> None:
    code = """
import os
from starpad.core.child_process import ask_for_death_signal
os.getppid = iter([4711, 1]).__next__
ask_for_death_signal()
print("still here")
"""
    with start(code) as child:
        out, _ = child.communicate()
    assert (child.returncode, out) == (1, "")

"""`kill -9` while somebody types: at most the last moment is lost, and no saved file is damaged."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from typing_window import numbers

TESTS = Path(__file__).parents[1]
MOST_LOST_S = 1.5


class Typed:
    """What the runs so far are known to have typed and saved."""

    def __init__(self, saved: int) -> None:
        self.safe = {"named": saved, "unnamed": 0}
        """How many numbers must come back."""
        self.typed = {"named": saved, "unnamed": 0}
        self.saves = {saved}
        """How many numbers the file may hold."""
        self.kills = 0

    def check(self, back: dict[str, list[int]], on_disk: int) -> None:
        """Compare with what the next start brought back."""
        assert on_disk in self.saves, "the file is none of those that were saved"
        for name in ("named", "unnamed"):
            found = back[name]
            assert -1 not in found, f"the text is damaged: {back['ends']}"
            assert len(found) <= 1 or name == "unnamed", f"two tabs of one file: {found}"
            count = max(found, default=0)
            assert self.safe[name] <= count <= self.typed[name], (name, self.kills)
            self.safe[name] = self.typed[name] = count
        self.saves = {on_disk}

    def read(self, line: str, killed: float) -> None:
        """Take one line of what a killed window said."""
        what, number, moment = line.split()
        if what in self.typed:
            self.typed[what] = int(number)
            if float(moment) < killed - MOST_LOST_S:
                self.safe[what] = int(number)
        elif what == "saving":
            self.saves.add(int(number))
        elif what == "saved":
            self.saves = {int(number)}
            self.safe["named"] = max(self.safe["named"], int(number))


def run(data: Path, file: Path, chance: random.Random, typed: Typed) -> None:
    """Let a window type for a random while, kill it, and note what it said."""
    command = [sys.executable, TESTS / "typing_window.py", data, file]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent / "app"), str(TESTS)]),
        "QT_QPA_PLATFORM": "offscreen",
    }
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as window:
        assert window.stdout is not None
        try:
            if chance.random() < 0.15:
                time.sleep(chance.uniform(0.2, 1.5))  # while it starts and brings back
            else:
                first = window.stdout.readline()
                typed.check(json.loads(first), numbers(file.read_text("utf-8")))
                time.sleep(chance.uniform(0.05, 3))
        finally:
            killed = time.monotonic()
            window.send_signal(signal.SIGKILL)
        rest = window.stdout.read().splitlines(keepends=True)
    typed.kills += 1
    for line in rest:
        if line.startswith("{"):
            typed.check(json.loads(line), numbers(file.read_text("utf-8")))
        elif line.endswith("\n"):
            typed.read(line, killed)


def kill_often(tmp_path: Path, count: int, seed: int, saved: int = 0) -> None:
    """Kill a window `count` times that types into a file in which there are numbers already."""
    data, file = tmp_path / "data", tmp_path / "numbers.txt"
    data.mkdir()
    file.write_text("".join(f"{n}\n" for n in range(saved)))
    chance, typed = random.Random(seed), Typed(saved)
    for _ in range(count):
        run(data, file, chance, typed)
    # Nothing is left behind by the sessions that were brought back, and by broken saves.
    assert len(list((data / "sessions").glob("*/"))) <= 4
    assert len(list(tmp_path.glob(".starpad-*"))) <= 1
    assert typed.typed["named"] > saved + count
    assert typed.typed["unnamed"] > count


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_twenty_kills_lose_at_most_the_last_moment(tmp_path: Path) -> None:
    kill_often(tmp_path, 20, seed=7)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_two_hundred_kills_lose_at_most_the_last_moment(tmp_path: Path) -> None:
    kill_often(tmp_path, 200, seed=11)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_kills_in_a_text_of_eight_megabytes_lose_no_more(tmp_path: Path) -> None:
    kill_often(tmp_path, 20, seed=13, saved=1_150_000)

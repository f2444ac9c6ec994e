"""`starpad eval` as a program of its own: tables, files, failures, kills, the model's card."""

import csv
import os
import re
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import psutil
import pytest

from evaluations import write_project
from starpad.core import paths
from starpad.core.evaluation_log import FILE_NAME
from starpad.core.paths import PACKAGE, demo_model

COMMAND = [sys.executable, "-P", "-m", "starpad", "eval"]
TIMES = ("first_token_ms", "first_token_p90_ms", "tokens_per_second")


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(PACKAGE.parent)}


def evaluate(
    *arguments: str | Path, folder: Path, timeout_s: float = 120
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], cwd=folder, env=environment(),
        capture_output=True, text=True, timeout=timeout_s, check=False,
    )  # fmt: skip


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "table.csv").open(newline="") as file:
        return [
            {name: value for name, value in row.items() if name not in TIMES}
            for row in csv.DictReader(file)
        ]


def test_a_folder_is_evaluated_with_the_demonstration_model(tmp_path: Path) -> None:
    write_project(tmp_path)
    done = evaluate(
        "project", "--holes", "2", "--kinds", "block,line-rest", "--order", "both",
        "--context", "both", folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "nobody looks on, so no progress is written"
    head, *rows = done.stdout.splitlines()
    assert head.startswith("Model ")
    assert len(rows) == 8
    assert all(row.startswith("starpad-demo ") for row in rows)
    written = table(tmp_path / "starpad-evaluation")
    assert [(row["order"], row["has_context"], row["kind"]) for row in written] == [
        (order, context, kind)
        for order in ("PSM", "SPMv2")
        for context in ("False", "True")
        for kind in ("line-rest", "block")
    ]
    assert {row["holes"] for row in written} == {"2"}
    assert "2 holes: " in (tmp_path / "starpad-evaluation" / "plot.svg").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_command_goes_on_and_ends_with_the_very_same_table(
    tmp_path: Path, number: signal.Signals
) -> None:
    write_project(tmp_path)
    arguments = ["project", "--holes", "8", "--kinds", "line-rest,block", "--seed", "7", "--out"]
    whole = evaluate(*arguments, "whole", folder=tmp_path)
    assert whole.returncode == 0, whole.stderr
    outcomes = tmp_path / "halved" / FILE_NAME
    with subprocess.Popen(
        [*COMMAND, *arguments, "halved"], cwd=tmp_path, env=environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        while not (outcomes.exists() and outcomes.read_bytes().count(b"\n") > 5):
            assert process.poll() is None
            time.sleep(0.01)
        children = psutil.Process(process.pid).children()
        process.send_signal(number)
        assert process.wait(30) in (130, -number)
        assert process.stderr is not None
        if number == signal.SIGINT:
            assert process.stderr.read() == "Stopped. The same command goes on from here.\n"
    psutil.wait_procs(children, timeout=10)
    kept = outcomes.read_bytes()
    assert not (tmp_path / "halved" / "table.csv").exists()
    again = evaluate(*arguments, "halved", folder=tmp_path)
    assert again.returncode == 0, again.stderr
    assert outcomes.read_bytes().startswith(kept.rpartition(b"\n")[0])
    assert table(tmp_path / "halved") == table(tmp_path / "whole")


def test_a_model_can_be_named_as_in_the_models_window(tmp_path: Path) -> None:
    write_project(tmp_path)
    installed = paths.data_folder() / "models" / "somebody" / "star-q8.gguf"
    installed.parent.mkdir(parents=True)
    installed.write_bytes(demo_model().read_bytes())
    done = evaluate(
        "project", "--holes", "1", "--kinds", "line", "--model", "star-q8", "--model", "missing",
        folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 2
    assert re.match(r"missing: The model file .*missing does not exist", done.stderr)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "FILE"),
        (["project", "--kinds", "line,word"], "the kinds are line-rest, any-column"),
        (["project", "--holes", "0"], "positive number"),
        (["project", "--order", "spm"], "invalid choice"),
    ],
)
def test_wrong_arguments_are_told(arguments: list[str], reason: str, tmp_path: Path) -> None:
    done = evaluate(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert reason in done.stderr


def test_files_that_are_not_there_are_told(tmp_path: Path) -> None:
    done = evaluate("missing", folder=tmp_path)
    assert done.returncode == 1
    assert "missing does not exist" in done.stderr


def test_no_qt_is_loaded(tmp_path: Path) -> None:
    write_project(tmp_path)
    script = (
        "import sys; from starpad.__main__ import main;"
        "code = main(['eval', 'project', '--holes', '1', '--context', 'with']);"
        "sys.exit(code or any(name.startswith(('PySide6', 'shiboken')) for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment(), capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


CARD = Path(demo_model()).with_name("starpad-demo-CARD.md")
HELD_OUT = Path(sysconfig.get_paths()["stdlib"], "test")


@pytest.mark.slow
@pytest.mark.skipif(not HELD_OUT.is_dir(), reason="this Python came without its tests")
def test_the_demonstration_model_reaches_the_figures_of_its_card(tmp_path: Path) -> None:
    """The model was trained on the standard library without its tests, so these are held out."""
    done = evaluate(
        HELD_OUT, "--kinds", "any-column", "--holes", "200", "--seed", "1", "--order", "both",
        "--healing", "both", folder=tmp_path, timeout_s=1800,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = {
        (row["order"], row["heals"]): (float(row["exact"]) * 100, float(row["starts_right"]) * 100)
        for row in table(tmp_path / "starpad-evaluation")
    }
    text = CARD.read_text(encoding="utf-8")
    trained = re.search(r"SPMv2 (\S+) % exact, (\S+) % right in the first four", text)
    assert trained is not None
    for heals in ("False", "True"):
        exact, starts_right = found["SPMv2", heals]
        assert exact > float(trained[1]) - 2
        assert starts_right > float(trained[2]) - 2
    if sys.version_info[:3] == (3, 11, 7):  # of another Python the files are others
        figures_of = r"^ *\| (PSM|SPMv2) \| (on|off) \| (\S+) % \| (\S+) % \|"
        rows = re.findall(figures_of, text, re.MULTILINE)
        assert len(rows) == len(found) == 4
        for order, healing, exact_share, start_share in rows:
            figures = found[order, str(healing == "on")]
            assert figures == pytest.approx((float(exact_share), float(start_share)), abs=2)

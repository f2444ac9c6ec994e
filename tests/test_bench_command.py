"""`starpad bench` as a program of its own: tables, files, failures, Ctrl+C."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from engine_packs import linked_pack
from starpad.core import paths
from starpad.core.benchmark_report import from_values
from starpad.core.benchmark_store import BenchmarkStore
from starpad.core.engine_pack import packs_folder
from starpad.core.model_records import ModelRecords
from starpad.core.paths import PACKAGE, demo_model

COMMAND = [sys.executable, "-P", "-m", "starpad", "bench"]
QUICK = ["--quick", "--repeat", "1"]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(PACKAGE.parent)}


def bench(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], cwd=folder, env=environment(),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_the_demonstration_model_is_measured_and_its_speed_kept(tmp_path: Path) -> None:
    done = bench("demo", "--repeat", "1", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    head, row = done.stdout.splitlines()
    assert head.startswith("Model ")
    assert row.startswith("starpad-demo ")
    assert "(512), " in row
    assert done.stderr == "", "nobody looks on, so no progress is written"
    data = paths.data_folder()
    [kept] = BenchmarkStore(data / "benchmarks.json").all()
    assert kept.model == str(demo_model())
    record = ModelRecords(data / "models.json").get(demo_model())
    speed = kept.figures.generation.median
    assert record.benchmark_tokens_per_second == pytest.approx(speed, abs=0.01)


def test_what_is_loaded_in_a_special_way_is_not_taken_for_the_models_speed(tmp_path: Path) -> None:
    done = bench("demo", "--context", "256", "--threads", "1", "--gpu-layers", "0", *QUICK[1:],
                 folder=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not paths.data_folder().exists()


def test_engine_packs_can_be_compared_by_their_names(tmp_path: Path) -> None:
    linked_pack(packs_folder(paths.data_folder()), "native")
    done = bench("demo", "--compare", "engine-pack=box,native", *QUICK, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert ["engine-pack=box" in done.stdout, "engine-pack=native" in done.stdout] == [True, True]
    refused = bench("demo", "--compare", "engine-pack=nothing", folder=tmp_path)
    assert "There is no engine pack nothing. There are: box, native." in refused.stderr


def test_json_is_all_that_is_printed_and_can_be_read_back(tmp_path: Path) -> None:
    done = bench("demo", "--json", "--compare", "kv=f16,q8_0", *QUICK, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    results = [from_values(values) for values in json.loads(done.stdout)]
    assert [result.setup.note for result in results] == ["kv=f16", "kv=q8_0"]
    assert [result.setup.kv_type for result in results] == ["f16", "q8_0"]
    assert all(result.figures.generation.median > 0 for result in results)


def test_a_failed_model_is_told_the_others_are_measured_and_written(tmp_path: Path) -> None:
    (tmp_path / "not a model.gguf").write_text("words")
    done = bench("missing.gguf", "not a model.gguf", "demo", "--csv", "out.csv", *QUICK,
                 folder=tmp_path)  # fmt: skip
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert first.startswith("missing.gguf: The model file ")
    assert "does not exist" in first
    assert second.startswith("not a model.gguf: ")
    assert len(done.stdout.splitlines()) == 2
    with (tmp_path / "out.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    assert row["name"] == "starpad-demo"
    assert float(row["prompt_128_tokens_per_second"]) > 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "MODEL"),
        (["demo", "--repeat", "0"], "positive number"),
        (["demo", "--threads", "x"], "positive number"),
        (["demo", "--compare", "color=red"], "cannot be compared"),
        (["demo", "--compare", "kv=f17"], "no values of kv"),
        (["demo", "--csv", "no/such/folder/out.csv"], "no file can be written"),
        (["demo", "--json", "--csv", "out.csv"], "not allowed with"),
    ],
)
def test_wrong_arguments_are_told_before_anything_is_measured(
    arguments: list[str], reason: str, tmp_path: Path
) -> None:
    done = bench(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert reason in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.glob("*.csv")) == []


@pytest.mark.skipif(
    os.name == "nt" or os.geteuid() == 0, reason="the administrator may write anywhere"
)
def test_a_table_that_cannot_be_written_is_told_after_the_figures(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    done = bench("demo", "--csv", locked / "out.csv", *QUICK, folder=tmp_path)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 2
    assert "out.csv could not be written" in done.stderr


def test_no_qt_is_loaded(tmp_path: Path) -> None:
    script = (
        "import sys; from starpad.__main__ import main; code = main(['bench', 'demo', '--quick']);"
        "sys.exit(code or any(name.startswith(('PySide6', 'shiboken')) for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment(), capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "starpad-demo" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal's Ctrl+C is another thing there")
def test_control_c_ends_it_and_its_engine_and_gives_what_there_is(tmp_path: Path) -> None:
    # In a group of its own, all of which gets the signal, as from a terminal.
    with subprocess.Popen(
        [*COMMAND, "demo", "demo", "--repeat", "400", "--csv", "out.csv", "--compare",
         "threads=1,1,1,1,1,1,1,1"],
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()  # the head; the engine is on its way
        started = psutil.Process(process.pid)
        while not started.children():
            assert process.poll() is None
        [engine] = started.children()
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read() == "Stopped.\n"
    assert not engine.is_running()
    assert not (tmp_path / "out.csv").exists(), "there was nothing yet"

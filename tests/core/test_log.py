"""The log: bounded, private, and no obstacle when it cannot be written."""

import faulthandler
import logging
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from starpad.core import log, paths

logger = logging.getLogger("starpad.test")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """Start logging into a folder that is returned, and end it afterwards."""
    stops: list[Callable[[], None]] = []

    def begin() -> Path:
        stops.append(log.start(tmp_path / "state" / "log"))
        return tmp_path / "state" / "log"

    yield begin
    for stop in stops:
        stop()
    faulthandler.enable()  # pytest's own


def test_the_file_has_time_level_and_thread_of_what_happened(start: Callable[[], Path]) -> None:
    folder = start()
    logger.info("The engine is ready.")
    text = (folder / "starpad.log").read_text()
    assert "INFO MainThread starpad.test: The engine is ready." in text


def test_only_warnings_go_to_stderr(
    start: Callable[[], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    start()
    logger.info("quiet")
    logger.warning("loud")
    assert capsys.readouterr().err == "WARNING: loud\n"


def test_details_of_other_packages_stay_out_they_could_hold_the_users_text(
    start: Callable[[], Path],
) -> None:
    folder = start()
    logging.getLogger("httpx2").info("POST /completion secret")
    logging.getLogger("httpcore.http11").debug("send_request_body secret")
    logger.debug("secret")
    logging.getLogger("httpx2").warning("slow")
    text = (folder / "starpad.log").read_text()
    assert "secret" not in text
    assert "slow" in text


def test_the_files_never_grow_beyond_three_megabytes(start: Callable[[], Path]) -> None:
    folder = start()
    for _ in range(450):
        logger.info("x" * 10_000)
    files = sorted(file.name for file in folder.glob("starpad.log*"))
    assert files == ["starpad.log", "starpad.log.1", "starpad.log.2"]
    assert sum((folder / name).stat().st_size for name in files) <= 3_000_000


def test_a_name_that_is_not_unicode_can_be_logged(start: Callable[[], Path]) -> None:
    folder = start()
    logger.info("opened %s", "bad\udcff.py")
    assert r"bad\udcff.py" in (folder / "starpad.log").read_text()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_only_the_user_can_read_the_log(start: Callable[[], Path]) -> None:
    folder = start()
    logger.info("opened a file")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_costs_the_file_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log").write_text("a file where the folder should be")
    stop = log.start(tmp_path / "log")
    logger.warning("still heard")
    stop()
    err = capsys.readouterr().err
    assert "There is no log file" in err
    assert "still heard" in err


def test_a_program_without_a_console_logs_to_the_file_alone(
    start: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    folder = start()
    logger.warning("still written")
    assert "still written" in (folder / "starpad.log").read_text()


def test_after_the_end_nothing_of_it_is_left(tmp_path: Path) -> None:
    root = logging.getLogger()
    before = list(root.handlers), root.level, logging.getLogger("starpad").level
    log.start(tmp_path)()
    faulthandler.enable()
    assert (list(root.handlers), root.level, logging.getLogger("starpad").level) == before


@pytest.mark.skipif(os.name == "nt", reason="raises another kind of crash there")
def test_a_crash_of_the_interpreter_leaves_its_stack(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, os, signal; from starpad.core import log\n"
        "log.start(pathlib.Path(sys.argv[1]))\n"
        "def reading_a_bad_address(): os.kill(os.getpid(), signal.SIGSEGV)\n"
        "reading_a_bad_address()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, tmp_path], env=paths.host_environment(), check=False
    )
    assert result.returncode != 0
    assert "reading_a_bad_address" in (tmp_path / "crash.log").read_text()

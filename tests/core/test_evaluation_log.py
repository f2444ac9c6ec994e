"""The outcomes on the disk: nothing is lost by a kill, and garbage is passed over."""

from dataclasses import replace
from pathlib import Path

import pytest

from starpad.core.errors import FileError
from starpad.core.evaluation import Outcome, Score
from starpad.core.evaluation_log import FILE_NAME, EvaluationLog

OUTCOME = Outcome("text ⏎", Score(True, 0.5, False, None), "SPMv2", 12.5, 100.0, 300, 280)


def test_what_was_added_is_there_after_the_next_start(tmp_path: Path) -> None:
    log = EvaluationLog(tmp_path / "new" / "folder")
    log.add("one", OUTCOME)
    log.add("two", replace(OUTCOME, text="\n"))
    again = EvaluationLog(tmp_path / "new" / "folder")
    assert again.get("one") == OUTCOME
    assert again.get("two") == replace(OUTCOME, text="\n")
    assert again.get("three") is None


@pytest.mark.parametrize("kept", range(0, 200, 7))
def test_a_line_that_a_kill_has_cut_is_lost_alone(tmp_path: Path, kept: int) -> None:
    log = EvaluationLog(tmp_path)
    log.add("one", OUTCOME)
    whole = log.path.read_bytes()
    log.path.write_bytes(whole + whole.replace(b'"one"', b'"two"')[:kept])
    again = EvaluationLog(tmp_path)
    assert again.get("one") == OUTCOME
    assert again.get("two") is None
    again.add("two", OUTCOME)
    last = EvaluationLog(tmp_path)
    assert (last.get("one"), last.get("two")) == (OUTCOME, OUTCOME)


@pytest.mark.parametrize("line", ["[]", "7", "{}", '{"key": "one"}', "\xff", "null"])
def test_garbage_is_passed_over(tmp_path: Path, line: str) -> None:
    (tmp_path / FILE_NAME).write_bytes(f"{line}\n".encode("latin-1"))
    log = EvaluationLog(tmp_path)
    assert log.get("one") is None
    log.add("one", OUTCOME)
    assert EvaluationLog(tmp_path).get("one") == OUTCOME


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot be used"):
        EvaluationLog(tmp_path / "file")

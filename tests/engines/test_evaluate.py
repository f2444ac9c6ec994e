"""Evaluations with the real engine and the demonstration model."""

import asyncio
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from evaluations import plan_for, write_project
from starpad.core.errors import StarpadError
from starpad.core.evaluation import (
    EvaluationEnd,
    EvaluationFailure,
    EvaluationPlan,
    EvaluationProgress,
    EvaluationRow,
    Hole,
    HoleKind,
    Way,
)
from starpad.core.evaluation_log import FILE_NAME
from starpad.core.fim import FimOrder
from starpad.core.load_options import LoadOptions
from starpad.core.repository_context import ContextChunk, ContextReason, RepositoryContext
from starpad.engines.evaluate import evaluate

WAYS = (Way(FimOrder.SPMV2), Way(FimOrder.PSM))


def nothing_else(_hole: Hole) -> RepositoryContext:
    return RepositoryContext()


def ignore(_value: object) -> None:
    """Take no notice."""


def run(plan: EvaluationPlan, emit: Callable[[object], None] = ignore) -> EvaluationEnd:
    return asyncio.run(evaluate(plan, emit, nothing_else))


def without_times(rows: tuple[EvaluationRow, ...]) -> list[EvaluationRow]:
    return [
        replace(row, first_token_ms=0, first_token_p90_ms=0, tokens_per_second=0) for row in rows
    ]


def test_ten_holes_are_asked_and_the_same_seed_gives_the_same_table(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    told: list[object] = []
    end = run(plan_for(project, tmp_path / "one"), told.append)
    assert [row.kind for row in end.rows] == list(HoleKind)
    assert [row.holes for row in end.rows] == [2] * 5
    assert {row.order for row in end.rows} == {"SPMv2"}
    assert all(row.name == "starpad-demo" and row.quantization == "Q8_0" for row in end.rows)
    assert all(row.evaluated_tokens == row.prompt_tokens > 50 for row in end.rows), "nothing known"
    assert any(row.first_token_ms > 0 and row.similarity > 0 for row in end.rows)
    fractions = [value.fraction for value in told if isinstance(value, EvaluationProgress)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(0.9)
    again = run(plan_for(project, tmp_path / "two"))
    assert without_times(again.rows) == without_times(end.rows)
    assert psutil.Process().children() == []


def test_what_was_asked_is_not_asked_again_and_loads_no_model(tmp_path: Path) -> None:
    plan = plan_for(write_project(tmp_path), tmp_path / "results", holes=1)
    first = run(plan)
    written = (plan.folder / FILE_NAME).read_bytes()
    told: list[object] = []
    assert run(plan, told.append) == first
    assert (plan.folder / FILE_NAME).read_bytes() == written
    sentences = [value.sentence for value in told if isinstance(value, EvaluationProgress)]
    assert not any("loading" in sentence for sentence in sentences)


def test_an_outcome_does_not_depend_on_what_was_asked_before(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    forward = run(plan_for(project, tmp_path / "one", ways=WAYS))
    backward = run(plan_for(project, tmp_path / "two", ways=WAYS[::-1]))
    assert without_times(forward.rows) == without_times(backward.rows[5:] + backward.rows[:5])


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_engine_loses_nothing_and_the_next_run_ends_with_the_same_table(
    tmp_path: Path,
) -> None:
    project = write_project(tmp_path)
    whole = run(plan_for(project, tmp_path / "whole", ways=WAYS))
    plan = plan_for(project, tmp_path / "halved", ways=WAYS)
    told: list[object] = []

    def kill_half_way(value: object) -> None:
        told.append(value)
        if isinstance(value, EvaluationProgress) and 0.4 < value.fraction < 0.6:
            for child in psutil.Process().children():
                child.kill()

    halved = run(plan, kill_half_way)
    assert halved.has_failed
    [failure] = [value for value in told if isinstance(value, EvaluationFailure)]
    assert "goes on where it was" in str(failure.error)
    kept = (plan.folder / FILE_NAME).read_bytes()
    assert 0 < len(kept.splitlines()) < 20
    end = run(plan)
    assert (plan.folder / FILE_NAME).read_bytes().startswith(kept)
    assert not end.has_failed
    assert without_times(end.rows) == without_times(whole.rows)


def test_a_model_that_cannot_be_loaded_is_told_and_the_next_is_asked(tmp_path: Path) -> None:
    plan = plan_for(write_project(tmp_path), tmp_path / "results", holes=1)
    (tmp_path / "broken.gguf").write_text("no model")
    plan = replace(plan, models=(LoadOptions(tmp_path / "broken.gguf"), *plan.models))
    told: list[object] = []
    end = run(plan, told.append)
    assert end.has_failed
    assert [value.path.name for value in told if isinstance(value, EvaluationFailure)] == [
        "broken.gguf"
    ]
    assert len(end.rows) == 5


def test_a_copy_of_a_model_under_another_name_is_known(tmp_path: Path) -> None:
    plan = plan_for(write_project(tmp_path), tmp_path / "results", holes=1)
    first = run(plan)
    copy = tmp_path / "copy.gguf"
    shutil.copyfile(plan.models[0].path, copy)
    told: list[object] = []
    assert run(replace(plan, models=(LoadOptions(copy),)), told.append).rows == first.rows


def test_other_files_are_only_read_when_that_is_wanted(tmp_path: Path) -> None:
    plan = plan_for(
        write_project(tmp_path), tmp_path / "results", holes=1, ways=(Way(), Way(None, True))
    )
    asked: list[Hole] = []

    def context_of(hole: Hole) -> RepositoryContext:
        asked.append(hole)
        chunk = ContextChunk("other.py", "def other():\n    return 1\n" * 9, ContextReason.SIMILAR)
        return RepositoryContext("project", hole.source.name, (chunk,))

    end = asyncio.run(evaluate(plan, ignore, context_of))
    assert len(asked) == 5
    alone, among = end.rows[:5], end.rows[5:]
    assert [row.has_context for row in end.rows] == [False] * 5 + [True] * 5
    for one, other in zip(alone, among, strict=True):
        assert other.prompt_tokens > one.prompt_tokens + 20


def test_files_without_anything_to_cut_are_told(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "empty.py").write_text("\n\n")
    with pytest.raises(StarpadError, match="can be cut out"):
        run(plan_for(tmp_path / "project", tmp_path / "results"))


def test_other_files_that_have_changed_are_asked_about_again(tmp_path: Path) -> None:
    plan = plan_for(
        write_project(tmp_path), tmp_path / "results", holes=1, ways=(Way(), Way(None, True))
    )
    outcomes = []
    for text in ("one = 1\n", "one = 1\n", "two = 2\n"):
        chunk = ContextChunk("other.py", text, ContextReason.SIMILAR)
        context = RepositoryContext("project", "shapes0.py", (chunk,))
        asyncio.run(evaluate(plan, ignore, lambda _hole, context=context: context))
        outcomes.append(len((plan.folder / FILE_NAME).read_bytes().splitlines()))
    assert outcomes == [10, 10, 15]

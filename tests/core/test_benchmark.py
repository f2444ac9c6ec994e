"""Benchmarks as values: plans that fit, spreads, tables, files; and the prompts they read."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmark_results import later, result
from starpad.core.benchmark import BenchmarkPlan, Spread, latest
from starpad.core.benchmark_prompt import code_text
from starpad.core.benchmark_report import (
    duration_text,
    from_values,
    rate_text,
    sentence,
    spread_text,
    table_head,
    table_row,
    to_csv,
    to_json,
    to_values,
)
from starpad.core.benchmark_store import BenchmarkStore
from starpad.core.errors import FileError


@pytest.mark.parametrize(
    ("context_tokens", "lengths"),
    [(8192, (512, 2048)), (2048, (512, 2032)), (300, (284,)), (16, (32,))],
)
def test_a_plan_reads_prompts_that_the_context_holds(
    context_tokens: int, lengths: tuple[int, ...]
) -> None:
    assert BenchmarkPlan((512, 2048)).fitting(context_tokens) == lengths


def test_a_spread_is_the_median_and_the_extremes() -> None:
    assert Spread.of([9.0, 1.0, 2.0]) == Spread(2.0, 1.0, 9.0, 3)
    assert Spread.of([]).count == 0


def test_numbers_are_written_as_people_read_them() -> None:
    assert [rate_text(number) for number in (0, 4.26, 99.94, 99.96, 1234.5)] == [
        "", "4.3", "99.9", "100", "1,234",
    ]  # fmt: skip
    assert [duration_text(number) for number in (0, 3.14, 9.96, 640.2, 2140, 3_600_000)] == [
        "", "3.1 ms", "10 ms", "640 ms", "2.1 s", "3,600.0 s",
    ]  # fmt: skip
    assert spread_text(Spread(20, 19, 22, 3)) == "20.0 ±10 %"
    assert spread_text(Spread(20, 20, 20, 1)) == "20.0"
    assert spread_text(Spread()) == ""


def test_a_line_of_the_table_stands_below_its_head() -> None:
    head, row = table_head(), table_row(result(note="kv=q8_0"))
    assert row.startswith("StarCoder2 3B, kv=q8_0 ")
    for title, cell in (
        ("Quantization", "Q4_K_M"),
        ("Reading tok/s (tokens)", "81.0 (512), 72.9 (2,048)"),
        ("Writing tok/s", "14.2 ±5 %"),
        ("First token", "420 ms"),
        ("Warm", "74 ms"),
        ("Memory", "2.1 GB"),
        ("Load", "2.1 s"),
    ):
        assert head.index(title) + len(title) == row.index(cell) + len(cell), title
    long = table_row(result("A name that is much too long for a column of a table"))
    assert long.index("Q4_K_M") == row.index("Q4_K_M")


def test_what_was_not_measured_is_left_empty() -> None:
    one = result()
    one = replace(one, peak_bytes=0, figures=replace(one.figures, generation=Spread(), prompts=()))
    assert table_row(one).split() == [
        "StarCoder2",
        "3B",
        "Q4_K_M",
        "420",
        "ms",
        "74",
        "ms",
        "2.1",
        "s",
    ]
    assert sentence(one) == "StarCoder2 3B · Q4_K_M: its speed is unknown."


def test_a_result_in_words() -> None:
    assert sentence(result(note="threads=2")) == (
        "StarCoder2 3B · Q4_K_M · threads=2: writes 14.2 tokens per second, reads 81.0 tokens per "
        "second (512 tokens), reads 72.9 tokens per second (2,048 tokens), takes 2.1 GB of memory."
    )


def test_json_gives_back_what_was_written() -> None:
    results = [result(), result("Größe <b>", "Q8_0", note="kv=q8_0")]
    assert [from_values(values) for values in json.loads(to_json(results))] == results


def test_csv_has_a_column_for_each_length_and_gives_back_the_figures() -> None:
    short = result("Short", "Q8_0")
    prompts = (replace(short.figures.prompts[0], tokens=300),)
    short = replace(short, figures=replace(short.figures, prompts=prompts))
    odd = result('A, "name"\nof two lines')
    [first, second] = csv.DictReader(io.StringIO(to_csv([odd, short]), newline=""))
    assert first["name"] == 'A, "name"\nof two lines'
    assert float(first["generation_tokens_per_second"]) == 14.2
    assert float(first["prompt_2048_tokens_per_second"]) == 72.9
    assert first["prompt_300_tokens_per_second"] == ""
    assert float(second["prompt_300_tokens_per_second"]) == 81.0
    assert second["peak_bytes"] == "2100000000"
    assert second["measured_at"] == "2026-11-28T09:30:00+00:00"
    assert to_csv([]).count("\n") == 1


def test_of_a_model_measured_twice_the_latest_counts() -> None:
    old, other = result("B"), result("A")
    new = later(old, day=29, writes=3)
    special = result("B", note="threads=1")
    assert latest([new, other, special, old]) == [other, new, special]


@pytest.mark.parametrize(
    "damage",
    [
        {"figures": 5},
        {"figures": {}},
        {"measured_at": "yesterday"},
        {"measured_at": 4},
        {"measured_at": "0001-01-01T00:00:00+23:59"},
        {"name": None},
        {"peak_bytes": "many"},
        {"peak_bytes": float("nan")},
        {"load_ms": float("inf")},
        {"load_ms": True},
        {"machine": []},
        {"setup": {"engine": "llama"}},
    ],
)
def test_a_stored_result_that_makes_no_sense_is_as_if_not_there(
    tmp_path: Path, damage: dict[str, Any]
) -> None:
    path = tmp_path / "benchmarks.json"
    good = result("Good")
    path.write_text(
        json.dumps({"version": 1, "results": [to_values(result()) | damage, 7, to_values(good)]})
    )
    store = BenchmarkStore(path)
    assert store.all() == [good]
    store.remove([good])
    assert store.all() == []
    assert len(json.loads(path.read_text())["results"]) == 2, "what is not understood is left alone"


def test_results_are_kept_the_latest_first_and_removed_one_by_one(tmp_path: Path) -> None:
    store = BenchmarkStore(tmp_path / "deep" / "benchmarks.json")
    old = result()
    new = later(old, day=30, writes=15)
    for one in (old, new):
        store.add(one)
    assert BenchmarkStore(tmp_path / "deep" / "benchmarks.json").all() == [new, old]
    store.remove([new])
    assert store.all() == [old]


def test_of_very_many_results_only_the_latest_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.json"
    many = [to_values(result(f"Model {number}")) for number in range(500)]
    path.write_text(json.dumps({"version": 1, "results": many}))
    store = BenchmarkStore(path)
    store.add(later(result("Newest"), day=30, writes=1))
    names = [one.name for one in store.all()]
    assert len(names) == 500
    assert names[0] == "Newest"
    assert "Model 0" not in names


def test_garbage_is_kept_under_another_name_and_told(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.json"
    path.write_bytes(b"\xff\x00")
    store = BenchmarkStore(path)
    assert store.all() == []
    [problem] = store.problems
    assert isinstance(problem, FileError)
    assert (tmp_path / "benchmarks.json.damaged").read_bytes() == b"\xff\x00"


def test_texts_to_read_are_python_and_have_no_beginning_in_common() -> None:
    texts = [code_text(seed, 2000) for seed in range(20)]
    assert all(len(text) >= 2000 for text in texts)
    for text in texts:
        compile(text, "text", "exec")
    beginnings = {text[:12] for text in texts}
    assert len(beginnings) == len(texts)
    assert code_text(3, 2000) == texts[3], "the same seed gives the same text"


def test_a_text_to_read_hardly_repeats_itself() -> None:
    words = code_text(1, 12_000).split()
    threes = [tuple(words[at : at + 3]) for at in range(len(words) - 2)]
    assert len(set(threes)) > 0.97 * len(threes)

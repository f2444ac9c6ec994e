"""What is remembered of models: use, settings, speed, hashes, links; also by two windows."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from starpad.core.model_records import ModelRecord, ModelRecords

NOW = datetime(2026, 11, 2, 10, 30, tzinfo=UTC)
HASH = "a" * 64


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "models.json"


@pytest.fixture
def records(path: Path) -> ModelRecords:
    return ModelRecords(path)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    model = tmp_path / "models" / "a.gguf"
    model.parent.mkdir()
    model.write_bytes(b"GGUF")
    return model


def test_an_unknown_model_has_an_empty_record(records: ModelRecords, path: Path) -> None:
    assert records.get(Path("x.gguf")) == ModelRecord()
    assert not path.exists()


def test_load_settings_are_kept_for_each_model(records: ModelRecords, path: Path) -> None:
    records.change(Path("a.gguf"), context_tokens=4096, kv_type="q8_0", gpu_layers=0)
    records.change(Path("a.gguf"), threads=4)
    records.change(Path("b.gguf"), context_tokens=8192)
    again = ModelRecords(path)
    assert again.get(Path("a.gguf")) == ModelRecord(
        context_tokens=4096, kv_type="q8_0", gpu_layers=0, threads=4
    )
    records.change(Path("a.gguf"), context_tokens=None)
    assert again.get(Path("a.gguf")).context_tokens is None


def test_a_field_that_there_is_not_is_refused(records: ModelRecords, path: Path) -> None:
    with pytest.raises(TypeError):
        records.change(Path("a.gguf"), colour="red")
    assert not path.exists()


def test_models_are_ordered_by_use_even_if_the_clock_jumps_back(
    records: ModelRecords, tmp_path: Path
) -> None:
    a, b, c = (tmp_path / f"{name}.gguf" for name in "abc")
    records.change(c, context_tokens=1)
    records.used(a, NOW)
    records.used(b, NOW - timedelta(days=900))
    assert records.by_use() == [b, a]
    records.used(a, NOW - timedelta(days=1000))
    assert records.by_use() == [a, b]
    assert records.get(a).uses == 2
    assert records.get(a).last_used == NOW - timedelta(days=1000)


def test_the_speed_is_a_running_mean(records: ModelRecords) -> None:
    model = Path("a.gguf")
    assert records.get(model).tokens_per_second == 0
    records.measured(model, 14.0)
    assert records.get(model).tokens_per_second == 14.0
    records.measured(model, 4.0)
    assert records.get(model).tokens_per_second == 11.0
    for _ in range(20):
        records.measured(model, 20.0)
    assert records.get(model).tokens_per_second == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize("nonsense", [0.0, -1.0, float("nan"), float("inf")])
def test_a_speed_that_is_none_does_not_count(records: ModelRecords, nonsense: float) -> None:
    records.measured(Path("a.gguf"), nonsense)
    assert records.get(Path("a.gguf")) == ModelRecord()


def test_a_verification_counts_while_size_and_time_stay(records: ModelRecords, model: Path) -> None:
    assert records.verification(model) is None
    records.verified(model, HASH, NOW)
    assert records.verification(model) == (HASH, NOW)
    assert records.find_sha256(HASH) == model
    assert records.find_sha256("b" * 64) is None
    os.utime(model, ns=(1, 1))
    assert records.verification(model) is None
    assert records.find_sha256(HASH) is None
    records.verified(model, HASH, NOW)
    model.write_bytes(b"GGUF!")
    assert records.verification(model) is None
    model.unlink()
    assert records.verification(model) is None
    assert records.get(model).sha256 == HASH, "what was known is not lost"


def test_of_a_model_in_parts_every_part_counts(records: ModelRecords, tmp_path: Path) -> None:
    parts = [tmp_path / f"a-0000{number}-of-00002.gguf" for number in (1, 2)]
    for part in parts:
        part.write_bytes(b"GGUF")
    records.verified(parts[0], HASH, NOW)
    assert records.verification(parts[0]) == (HASH, NOW)
    parts[1].write_bytes(b"GGUF damaged")
    assert records.verification(parts[0]) is None
    parts[1].unlink()
    with pytest.raises(FileNotFoundError):
        records.verified(parts[0], HASH, NOW)


def test_forgetting_a_model_takes_its_link_too(records: ModelRecords, model: Path) -> None:
    records.add_link(model)
    records.used(model, NOW)
    records.forget(model)
    records.forget(Path("never-known.gguf"))
    assert records.links() == []
    assert records.by_use() == []


def test_links_and_folders_are_kept_once(records: ModelRecords, tmp_path: Path) -> None:
    for _ in range(2):
        records.add_link(tmp_path / "sub" / ".." / "a.gguf")
        records.add_folder(tmp_path)
    assert records.links() == [tmp_path / "a.gguf"]
    assert records.folders() == [tmp_path]
    records.remove_folder(tmp_path)
    assert records.folders() == []


def test_all_that_lay_in_a_moved_folder_is_known_in_the_new_one(
    records: ModelRecords, tmp_path: Path
) -> None:
    old, new, beside = tmp_path / "old", tmp_path / "new", tmp_path / "old-and-more"
    records.used(old / "o" / "a.gguf", NOW)
    records.used(beside / "b.gguf", NOW)
    records.add_link(old / "c.gguf")
    records.add_folder(old)
    records.moved(old, new)
    assert records.by_use() == [beside / "b.gguf", new / "o" / "a.gguf"]
    assert records.links() == [new / "c.gguf"]
    assert records.folders() == [new]


def test_two_windows_do_not_undo_each_other(path: Path) -> None:
    one, other = ModelRecords(path), ModelRecords(path)
    one.used(Path("a.gguf"), NOW)
    other.used(Path("a.gguf"), NOW)
    one.change(Path("b.gguf"), threads=2)
    other.measured(Path("b.gguf"), 9.0)
    assert one.get(Path("a.gguf")).uses == 2
    assert one.get(Path("b.gguf")) == ModelRecord(threads=2, tokens_per_second=9.0)


def test_a_damaged_file_is_kept_and_reported(records: ModelRecords, path: Path) -> None:
    path.parent.mkdir()
    path.write_text("{")
    assert records.by_use() == []
    assert "your models" in records.problems[0].message
    assert path.with_name("models.json.damaged").exists()


def test_values_that_make_no_sense_cost_only_themselves(
    records: ModelRecords, path: Path, tmp_path: Path
) -> None:
    a, b, c = (tmp_path / f"{name}.gguf" for name in "abc")
    nonsense: dict[str, object] = {
        "uses": "many", "last_used": "yesterday", "use_number": None, "context_tokens": True,
        "kv_type": 8, "gpu_layers": 1.5, "tokens_per_second": -3, "sha256": [], "threads": 4,
        "verified_at": "0001-01-01T00:00:00+23:59", "colour": "red",
    }  # fmt: skip
    models = {str(a): nonsense, str(b): 3, str(c): {"uses": 1, "use_number": 1}}
    content = {"version": 1, "models": models, "links": [3, str(a)], "folders": [None]}
    path.parent.mkdir()
    path.write_text(json.dumps(content))
    assert records.get(a) == ModelRecord(threads=4)
    assert records.get(b) == ModelRecord()
    assert records.by_use() == [c]
    assert records.links() == [a]
    assert records.folders() == []
    records.used(b, NOW)
    assert records.by_use() == [b, c]
    assert records.problems == []


def test_what_only_a_later_version_knows_of_a_model_stays(
    records: ModelRecords, path: Path, tmp_path: Path
) -> None:
    model = tmp_path / "a.gguf"
    path.parent.mkdir()
    kept = {"models": {str(model): {"later": 7, "uses": 2}}, "links": [], "folders": []}
    path.write_text(json.dumps({"version": 1} | kept))
    records.used(model, NOW)
    records.change(model, threads=4)
    [written] = json.loads(path.read_text())["models"].values()
    assert (written["later"], written["uses"], written["threads"]) == (7, 3, 4)

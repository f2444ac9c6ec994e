"""Where a model came from: written in one step, and garbage is only a missing note."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from starpad.core import origin
from starpad.core.origin import Origin

ORIGIN = Origin(
    endpoint="https://huggingface.co",
    repository="owner/name-GGUF",
    commit="c" * 40,
    file="sub folder/name-Q4_K_M.gguf",
    size_bytes=5_000_000_000,
    sha256="a" * 64,
    license="bigcode-openrail-m",
    quantization="Q4_K_M",
    verified_at="2026-11-02T10:00:00+00:00",
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    model = tmp_path / "größe.gguf"
    origin.write(model, ORIGIN)
    assert origin.read(model) == ORIGIN


def test_it_lies_beside_the_model_under_the_whole_name(tmp_path: Path) -> None:
    assert origin.path_of(tmp_path / "a.Q4_K_M.gguf") == tmp_path / "a.Q4_K_M.gguf.json"


def test_without_a_note_nothing_is_known(tmp_path: Path) -> None:
    assert origin.read(tmp_path / "a.gguf") is None


GOOD = {"version": 1, **asdict(ORIGIN)}

GARBAGE = {
    "nothing": b"",
    "no JSON": b"\x00\xff",
    "not UTF-8": b'{"version": 1, "file": "\xe9"}',
    "a list": b"[1]",
    "a deep nest": b"[" * 200_000,
    "another version": json.dumps(GOOD | {"version": 2}).encode(),
    "a missing field": json.dumps({k: v for k, v in GOOD.items() if k != "commit"}).encode(),
    "a text as a size": json.dumps(GOOD | {"size_bytes": "1"}).encode(),
    "a number as a text": json.dumps(GOOD | {"commit": 1}).encode(),
    "half of it": json.dumps(GOOD).encode()[:100],
    "a huge file": json.dumps(GOOD | {"file": "x" * 1_000_000}).encode(),
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_is_read_as_unknown(kind: str, tmp_path: Path) -> None:
    model = tmp_path / "a.gguf"
    origin.path_of(model).write_bytes(GARBAGE[kind])
    assert origin.read(model) is None


def test_fields_of_a_later_version_are_passed_over(tmp_path: Path) -> None:
    model = tmp_path / "a.gguf"
    origin.path_of(model).write_text(json.dumps(GOOD | {"mirror": "x"}))
    assert origin.read(model) == ORIGIN


def test_a_failed_write_leaves_the_old_note_and_no_rubbish(tmp_path: Path) -> None:
    model = tmp_path / "models" / "a.gguf"
    model.parent.mkdir()
    origin.path_of(model).mkdir()  # in the way of the new one
    with pytest.raises(OSError, match=r"a\.gguf\.json"):
        origin.write(model, ORIGIN)
    assert [path.name for path in model.parent.iterdir()] == ["a.gguf.json"]


def test_the_repository_is_told_by_the_note_else_by_the_place(tmp_path: Path) -> None:
    cached = tmp_path / "models--owner--name" / "snapshots" / "abc" / "part" / "m.gguf"
    plain = tmp_path / "owner" / "name" / "m.gguf"
    assert origin.repository_of(cached) == "owner/name"
    assert origin.repository_of(plain) == "owner/name"
    plain.parent.mkdir(parents=True)
    origin.write(plain, ORIGIN)
    assert origin.repository_of(plain) == ORIGIN.repository

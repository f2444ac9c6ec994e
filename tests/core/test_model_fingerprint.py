"""A model's fingerprint goes by the content of all its parts."""

from pathlib import Path

import pytest

from starpad.core import model_fingerprint
from starpad.core.errors import ModelFileError
from starpad.core.model_fingerprint import fingerprint


def test_the_same_content_is_the_same_wherever_it_lies(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"weights")
    (tmp_path / "b.gguf").write_bytes(b"weights")
    assert fingerprint(tmp_path / "a.gguf") == fingerprint(tmp_path / "b.gguf")


@pytest.mark.parametrize("at", [0, 11, -12, -1])
def test_begin_end_and_size_count(tmp_path: Path, at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_fingerprint, "_SAMPLE_BYTES", 12)
    model = tmp_path / "a.gguf"
    model.write_bytes(bytes(100))
    before = fingerprint(model)
    changed = bytearray(100)
    changed[at] = 1
    model.write_bytes(changed)
    assert fingerprint(model) != before
    model.write_bytes(bytes(101))
    assert fingerprint(model) != before


def test_all_parts_count(tmp_path: Path) -> None:
    first, second = (tmp_path / f"m-0000{number}-of-00002.gguf" for number in (1, 2))
    first.write_bytes(b"one")
    second.write_bytes(b"two")
    before = fingerprint(first)
    second.write_bytes(b"2wo")
    assert fingerprint(first) != before
    second.unlink()
    with pytest.raises(ModelFileError, match="cannot be read"):
        fingerprint(first)

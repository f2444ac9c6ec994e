"""A draft model is small, of the same kind, and the known pair comes first."""

from dataclasses import replace
from pathlib import Path

import gguf_files
from starpad.core.draft_models import draft_models
from starpad.core.installed_model import InstalledModel, ModelSource
from starpad.core.model_file import read_header


def installed(folder: Path, name: str, size: int, family: str = "") -> InstalledModel:
    header = read_header(gguf_files.write(folder, gguf_files.gguf(), f"{name}.gguf"))
    return InstalledModel(
        path=header.path, name=name, header=header, problem="", source=ModelSource.IMPORTED,
        disk_bytes=size, quantization="", architecture=header.architecture, context_tokens=16384,
        license="", family_id=family, origin=None, verified_at=None, is_ours=True,
    )  # fmt: skip


def test_the_known_pair_comes_first_then_the_smallest(tmp_path: Path) -> None:
    large = installed(tmp_path, "large", 9_000, "starcoder2-15b")
    pair = installed(tmp_path, "pair", 2_000, "starcoder2-3b")
    tiny = installed(tmp_path, "tiny", 100)
    small = installed(tmp_path, "small", 1_000)
    assert draft_models([small, pair, tiny, large], large) == (pair, tiny, small)


def test_what_is_too_large_or_of_another_kind_is_left_out(tmp_path: Path) -> None:
    large = installed(tmp_path, "large", 9_000)
    good = installed(tmp_path, "good", 1_000)
    assert good.header is not None
    others = (
        replace(good, disk_bytes=3_001),
        replace(good, problem="damaged"),
        replace(good, header=None),
        replace(good, header=replace(good.header, architecture="starcoder")),
        replace(good, header=replace(good.header, vocabulary_tokens=7)),
        large,
    )
    assert draft_models(others, large) == ()
    assert draft_models([good], large) == (good,)


def test_a_legacy_model_has_none(tmp_path: Path) -> None:
    large = installed(tmp_path, "large", 9_000)
    assert large.header is not None
    legacy = replace(large, header=replace(large.header, is_legacy_ggml=True))
    assert draft_models([installed(tmp_path, "good", 10)], legacy) == ()

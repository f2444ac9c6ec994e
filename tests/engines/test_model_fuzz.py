"""Damaged model files: each is loaded or refused with a reason, soon, and nothing else dies.

Through what the app does to load a model: the header is read, the real engine's process loads it,
and what was loaded is asked for a few tokens.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil
import pytest

from legacy_ggml_files import write_legacy
from model_mutants import layout, mutant, plain_mutant
from starpad.core.errors import StarpadError
from starpad.core.load_options import LoadOptions
from starpad.core.paths import demo_model
from starpad.engines.process import new_log
from starpad.engines.protocol import CompletionRequest
from starpad.engines.session import Loaded, hold_model, prepare
from zero_model import Shape, write_zero_model

LIMIT_S = 20

Mutant = tuple[str, bytes]
"""What was done to a file, and the file."""


async def outcome_of(path: Path) -> str:
    """Return what became of a file: `loaded` and how it writes, or the reason of the refusal."""
    loaded: asyncio.Future[Loaded] = asyncio.get_running_loop().create_future()
    try:
        prepared = prepare(LoadOptions(path, context_tokens=256, threads=1))
        holding = asyncio.create_task(
            hold_model(prepared, new_log(), loaded.set_result, lambda fraction: None)
        )
    except StarpadError as error:
        return said(error)
    try:
        await asyncio.wait({holding, loaded}, return_when=asyncio.FIRST_COMPLETED)
        if not loaded.done():
            await holding
        request = CompletionRequest((5, 6, 7), 4)
        async for _ in loaded.result().client.complete(request):
            pass
    except StarpadError as error:
        return said(error)
    finally:
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)
    return "loaded"


def said(error: StarpadError) -> str:
    assert error.message.endswith("."), error.message
    assert 10 < len(error.message) < 600, error.message
    return f"refused: {error}"


def outcomes(path: Path, mutants: Iterable[Mutant]) -> Counter[str]:
    """Try each file; AssertionError with its name when one ends in neither. Keeps a list."""

    async def one(name: str, data: bytes) -> str:
        path.write_bytes(data)
        try:
            return await asyncio.wait_for(outcome_of(path), LIMIT_S)
        except Exception as error:
            raise AssertionError(f"{name}: {error!r}") from error

    async def main() -> Counter[str]:
        counts: Counter[str] = Counter()
        with path.with_suffix(".txt").open("w", encoding="utf-8") as list_:
            for name, data in mutants:
                outcome = await one(name, data)
                list_.write(f"{name}: {outcome}\n")
                counts[outcome.partition(":")[0]] += 1
        return counts

    counts = asyncio.run(main())
    assert psutil.Process().children() == []
    return counts


def gguf_mutants(folder: Path, count: int) -> Iterator[Mutant]:
    """Yield mutants of the embedded model and of a generated one."""
    small = write_zero_model(folder, Shape(layers=1, embedding=64)).read_bytes()
    bases = [(data, layout(data)) for data in (demo_model().read_bytes(), small)]
    for seed in range(count):
        yield mutant(seed, *bases[seed % 2])


def legacy_mutants(folder: Path, count: int) -> Iterator[Mutant]:
    whole = write_legacy(folder).read_bytes()
    for seed in range(count):
        yield plain_mutant(seed, whole, 32)


def test_a_file_that_is_not_damaged_is_loaded(tmp_path: Path) -> None:
    whole = demo_model().read_bytes()
    legacy = write_legacy(tmp_path).read_bytes()
    found = outcomes(tmp_path / "model.gguf", [("gguf", whole), ("legacy", legacy)])
    assert found == {"loaded": 2}


def test_a_few_damaged_files_end_in_a_reason_or_a_model(tmp_path: Path) -> None:
    found = outcomes(tmp_path / "model.gguf", gguf_mutants(tmp_path, 12))
    assert found["refused"] >= 6


@pytest.mark.slow
def test_500_damaged_files_end_in_a_reason_or_a_model(tmp_path: Path) -> None:
    found = outcomes(tmp_path / "model.gguf", gguf_mutants(tmp_path, 500))
    assert found["refused"] >= 250


@pytest.mark.slow
def test_100_damaged_files_of_2023_end_in_a_reason_or_a_model(tmp_path: Path) -> None:
    found = outcomes(tmp_path / "model.bin", legacy_mutants(tmp_path, 100))
    assert found["refused"] >= 30

"""A legacy file is loaded like any other, and takes what was foretold."""

import asyncio
import sys
from pathlib import Path

import pytest

from legacy_ggml_files import Shape, legacy, noise, vocabulary, write_legacy
from starpad.core.context_window import CaretContext
from starpad.core.engine_status import LoadedModel
from starpad.core.fim import FimOrder
from starpad.core.load_options import EngineKind, LoadOptions
from starpad.engines.client import EngineClient
from starpad.engines.process import EngineProcess, new_log
from starpad.engines.prompt_builder import PromptBuilder
from starpad.engines.protocol import CompletionRequest
from starpad.engines.session import Loaded, Prepared, hold_model, prepare

TOLERANCE = 0.15


def loaded(path: Path) -> tuple[LoadedModel, tuple[int, ...]]:
    """Return a model as the session describes it, and a prompt that its tokens make."""

    async def main() -> tuple[LoadedModel, tuple[int, ...]]:
        ready: asyncio.Future[Loaded] = asyncio.get_running_loop().create_future()
        holding = asyncio.create_task(
            hold_model(
                prepare(LoadOptions(path)), new_log(), ready.set_result, lambda _fraction: None
            )
        )
        await asyncio.wait((ready, holding), return_when=asyncio.FIRST_COMPLETED)
        try:
            model, client = ready.result().model, ready.result().client
            builder = PromptBuilder(model.fim)
            context = CaretContext(1, "python", 0, "def add(a):\n    return ", "\n<fim_middle>\n")
            return model, (await builder.build(client, context, 200)).ids
        finally:
            holding.cancel()
            await asyncio.gather(holding, return_exceptions=True)

    return asyncio.run(main())


def test_a_legacy_model_fills_in_the_middle_like_any_other(tmp_path: Path) -> None:
    model, prompt = loaded(write_legacy(tmp_path, name="starcoder.ggmlv3.f16.bin"))
    assert (model.kind, model.quantization, model.context_tokens) == (EngineKind.GGML, "F16", 512)
    assert model.name == "starcoder.ggmlv3.f16"
    assert not model.on_gpu
    assert not model.adds_bos
    assert model.fim is not None
    assert (model.fim.prefix, model.fim.middle, model.fim.suffix) == (1, 2, 3)
    assert model.fim.order is FimOrder.SPMV2
    assert [prompt.count(token) for token in (1, 2, 3)] == [1, 1, 1], "text stays text"


def test_santacoders_own_tokens_are_found(tmp_path: Path) -> None:
    hyphens = ["<|endoftext|>", "<fim-prefix>", "<fim-middle>", "<fim-suffix>", "<fim-pad>"]
    tokens = vocabulary((), [*hyphens, *["<fim-pad>"] * 20])
    file = write_legacy(tmp_path, legacy(Shape(), tokens, noise()), "santacoder-ggml.bin")
    model, _ = loaded(file)
    first = tokens.index(b"<fim-prefix>")
    assert model.fim is not None
    assert (model.fim.prefix, model.fim.middle, model.fim.suffix) == (first, first + 1, first + 2)
    assert first - 1 in model.stop_ids


def test_starchat_ends_its_answers_with_its_own_token(tmp_path: Path) -> None:
    tokens = vocabulary(added=["<|system|>", "<|user|>", "<|assistant|>", "<|end|>"])
    file = write_legacy(tmp_path, legacy(Shape(), tokens, noise()), "starchat-beta.ggmlv3.f16.bin")
    model, _ = loaded(file)
    assert len(tokens) - 1 in model.chat_stop_ids
    assert "<|assistant|>" in model.chat.template


def peak_bytes(prepared: Prepared) -> int:
    """Return the largest memory of a process whose context has been full."""
    prompt = tuple(10 + i % 90 for i in range(prepared.need.context_tokens - 4))

    async def main() -> int:
        process = await EngineProcess.start(prepared.spec, "key", new_log())
        try:
            ready = await process.wait_ready()
            async with EngineClient(ready.url, "key") as client:
                async for _ in client.complete(CompletionRequest(prompt, 2)):
                    pass
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        finally:
            await process.stop()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    return asyncio.run(main())


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize("context_tokens", [64, 1024])
def test_it_takes_what_was_foretold(
    tmp_path: Path, context_tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Coverage's own measuring takes 10 MB.
    for name in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    shape = Shape(layers=16, embedding=256, heads=4, context_tokens=2048)
    data = legacy(shape, vocabulary(), lambda _name, count: [0.0] * count)
    prepared = prepare(LoadOptions(write_legacy(tmp_path, data), context_tokens))
    assert prepared.need.context_tokens == context_tokens
    assert prepared.need.total_bytes == pytest.approx(peak_bytes(prepared), rel=TOLERANCE)

"""The estimate of a model's memory against what the engine's process really takes."""

import asyncio
import sys
from pathlib import Path

import pytest

from starpad.core.load_options import KvType, LoadOptions
from starpad.engines.client import EngineClient
from starpad.engines.process import EngineProcess, new_log
from starpad.engines.protocol import CompletionRequest
from starpad.engines.session import Prepared, prepare
from zero_model import Shape, write_zero_model

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")

TOLERANCE = 0.15


@pytest.fixture(autouse=True)
def unobserved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep coverage's measuring, which takes 10 MB, out of the engine's process."""
    for name in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def peak_bytes(prepared: Prepared, prompt_tokens: int) -> int:
    """Return the largest memory of a process that has evaluated a prompt in each slot."""
    prompt = tuple(1 + i % 250 for i in range(prompt_tokens))

    async def main() -> int:
        process = await EngineProcess.start(prepared.spec, "key", new_log())
        try:
            ready = await process.wait_ready()
            async with EngineClient(ready.url, "key") as client:
                for slot in range(prepared.spec.slots):
                    async for _ in client.complete(CompletionRequest(prompt, 2, slot=slot)):
                        pass
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        finally:
            await process.stop()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    return asyncio.run(main())


@pytest.mark.parametrize("context_tokens", [256, 1024])
def test_the_embedded_model_takes_what_was_foretold(demo_model: Path, context_tokens: int) -> None:
    prepared = prepare(LoadOptions(demo_model, context_tokens))
    peak = peak_bytes(prepared, context_tokens - 8)
    assert prepared.need.total_bytes == pytest.approx(peak, rel=TOLERANCE)


@pytest.mark.parametrize("kv_type", list(KvType))
def test_a_context_takes_what_was_foretold(tmp_path: Path, kv_type: KvType) -> None:
    shape = Shape(layers=8, embedding=256, heads=4, kv_heads=4)
    path = write_zero_model(tmp_path, shape)
    prepared = prepare(LoadOptions(path, 8192, kv_type=kv_type))
    # 128 MiB in f16: were the type not heeded, this would be far off
    assert prepared.need.kv_bytes == (128 << 20) * kv_type.bytes_per_value / 2
    assert prepared.need.total_bytes == pytest.approx(peak_bytes(prepared, 200), rel=TOLERANCE)

"""How well the memory that a model will take is foretold, for the embedded model and others.

Loads each model in Starpad's own engine process, evaluates a prompt in each of its two slots, and
compares the estimate with the largest memory that the process ever held (VmHWM: all resident pages
of the process, Linux only). The memory for the contexts is taken and filled with zeros when the
model is loaded, so a prompt that does not fill them shows nearly all; --full fills them, which
takes long with a large model. Models of real shapes with random weights do as well as trained ones.

    python benchmarks/memory_fit.py [MODEL.gguf ...] [--contexts 2048 8192] [--kv f16 q4_0] [--full]
"""

import argparse
import asyncio
from pathlib import Path

from starpad.core import paths
from starpad.core.errors import EngineError
from starpad.core.load_options import KvType, LoadOptions
from starpad.engines import session
from starpad.engines.client import EngineClient
from starpad.engines.process import EngineProcess, new_log, tail
from starpad.engines.protocol import CompletionRequest
from starpad.engines.session import Prepared

BAR = 0.15
SHORT_PROMPT_TOKENS = 300
SMALL_BYTES = 64 << 20


def _peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


async def _real_bytes(prepared: Prepared, prompt_tokens: int) -> int:
    """Return the peak memory of a process that has evaluated a prompt in each slot."""
    vocabulary = prepared.header.vocabulary_tokens
    prompt = tuple(1000 + i * 7 % (vocabulary - 1000) for i in range(prompt_tokens))
    lines = new_log()
    process = await EngineProcess.start(prepared.spec, "key", lines)
    try:
        ready = await process.wait_ready()
        async with EngineClient(ready.url, "key") as client:
            for slot in range(prepared.spec.slots):
                request = CompletionRequest(prompt, max_tokens=4, slot=slot)
                async for _ in client.complete(request):
                    pass
        return _peak_bytes(process.pid)
    except EngineError as error:
        await process.stop()
        raise SystemExit(f"{error}\n{(await process.wait()).sentence}\n{tail(lines)}") from error
    finally:
        await process.stop()


def _compare(options: LoadOptions, *, is_full: bool) -> float:
    """Print one line; return how far the estimate is off, as a part of the real memory."""
    prepared = session.prepare(options)
    need = prepared.need
    is_full = is_full or prepared.header.size_bytes < SMALL_BYTES
    room = need.context_tokens - 8
    peak = asyncio.run(_real_bytes(prepared, room if is_full else min(room, SHORT_PROMPT_TOKENS)))
    ratio = need.total_bytes / peak
    parts = (need.weights_bytes, need.kv_bytes, need.compute_bytes, need.total_bytes, peak)
    figures = "".join(f"{part / 1e6:9,.1f}" for part in parts)
    print(
        f"{options.path.name:28.28} {need.context_tokens:6} {need.kv_type:5}{figures} {ratio:6.3f}"
    )
    return abs(ratio - 1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--contexts", nargs="+", type=int, default=[2048, 8192])
    parser.add_argument("--kv", nargs="+", type=KvType, default=[KvType.F16, KvType.Q4_0])
    parser.add_argument("--full", action="store_true", help="fill both contexts")
    arguments = parser.parse_args()
    columns = "".join(f"{name:>9}" for name in ("weights", "context", "work", "needs", "peak"))
    print("MB, and the ratio of the estimate to the peak")
    print(f"{'model':28} {'tokens':>6} {'kv':5}{columns}  ratio")
    cases = [
        LoadOptions(path, context_tokens, kv_type=kv_type)
        for path, contexts in [
            (paths.demo_model(), [256, 1024]),
            *((path, arguments.contexts) for path in arguments.models),
        ]
        for context_tokens in contexts
        for kv_type in arguments.kv
    ]
    worst = max(_compare(options, is_full=arguments.full) for options in cases)
    print(f"worst: {worst:.1%} off; the bar is {BAR:.0%}")


if __name__ == "__main__":
    main()

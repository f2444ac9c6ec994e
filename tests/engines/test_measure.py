"""The benchmark with the real engine on the embedded model: what is asked, what comes out."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from legacy_ggml_files import write_legacy
from running_engine import DEMO, KEY, ask, engine
from starpad.core.benchmark import BenchmarkPlan, BenchmarkProgress, BenchmarkResult, Figures
from starpad.core.errors import EngineError, ModelFileError
from starpad.core.load_options import LoadOptions, Speculation
from starpad.core.paths import demo_model
from starpad.engines.client import EngineClient
from starpad.engines.machine import processor_name, this_machine
from starpad.engines.measure import measure, peak_bytes
from starpad.engines.measure_file import measure_file
from starpad.engines.protocol import Chunk, CompletionRequest, StopReason, Timings

SHORT = BenchmarkPlan(prompt_tokens=(48, 128), generated_tokens=16, repeat=2)
OPTIONS = LoadOptions(demo_model(), context_tokens=512)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="signals and /proc")


def ignore(_value: object) -> None:
    """Take no notice."""


class Recording(EngineClient):
    """Keeps what was asked and what it cost."""

    def __init__(self, base_url: str, key: str) -> None:
        super().__init__(base_url, key)
        self.asked: list[tuple[CompletionRequest, Timings]] = []

    async def complete(self, request: CompletionRequest) -> AsyncGenerator[Chunk, None]:
        async with aclosing(super().complete(request)) as stream:
            async for chunk in stream:
                if chunk.is_last:
                    self.asked.append((request, chunk.timings))
                yield chunk


@pytest.fixture(scope="module")
def recorded() -> tuple[Figures, list[tuple[CompletionRequest, Timings]], list[object]]:
    """Measure once for the tests of what was asked."""
    told: list[object] = []

    async def main(url: str) -> tuple[Figures, list[tuple[CompletionRequest, Timings]]]:
        async with Recording(url, KEY) as client:
            figures = await measure(client, DEMO.context_tokens, SHORT, told.append)
            return figures, client.asked

    with engine() as url:
        figures, asked = asyncio.run(main(url))
    return figures, asked, told


Recorded = tuple[Figures, list[tuple[CompletionRequest, Timings]], list[object]]


def test_everything_is_measured_as_often_as_planned(recorded: Recorded) -> None:
    figures = recorded[0]
    assert [prompt.tokens for prompt in figures.prompts] == [48, 128]
    spreads = [prompt.tokens_per_second for prompt in figures.prompts]
    spreads += [figures.generation, figures.first_token_ms, figures.warm_token_ms]
    assert all(spread.count == 2 for spread in spreads)
    assert all(0 < spread.lowest <= spread.median <= spread.highest for spread in spreads)


def test_prompts_are_cold_but_for_those_that_are_meant_to_be_known(recorded: Recorded) -> None:
    cold = [t for r, t in recorded[1] if len(r.prompt) in (48, 128) and r.max_tokens == 1]
    assert len(cold) == 2 * SHORT.repeat + 1, "the last one makes a text known"
    # The sign of a comment is known, and chance may have the first digits be the same.
    assert all(timings.cached_tokens <= 8 for timings in cold)
    warm = [t for r, t in recorded[1] if len(r.prompt) == 129]
    assert len(warm) == SHORT.repeat
    assert all(timings.cached_tokens == 128 for timings in warm)


def test_prompts_have_no_beginning_in_common_with_what_was_read_before(
    recorded: Recorded,
) -> None:
    cold = [r.prompt[:24] for r, t in recorded[1] if t.cached_tokens <= 8]
    assert len(set(cold)) == len(cold) >= 10


def test_tokens_are_counted_that_the_engine_really_wrote(recorded: Recorded) -> None:
    written = [t for r, t in recorded[1] if r.max_tokens >= 8]
    assert sum(timings.generated_tokens for timings in written) >= 16 * SHORT.repeat
    assert all(r.sampling.temperature == 0 for r, _ in recorded[1])


def test_progress_grows_and_says_what_is_done(recorded: Recorded) -> None:
    told = [value for value in recorded[2] if isinstance(value, BenchmarkProgress)]
    fractions = [value.fraction for value in told]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert fractions[-1] < 1
    sentences = [value.sentence for value in told]
    assert "Reading 128 tokens (2 of 2)…" in sentences
    assert sentences[-1] == "Writing (2 of 2)…"


def test_what_takes_too_long_is_measured_once_and_with_a_short_prompt() -> None:
    plan = BenchmarkPlan((512,), generated_tokens=16, repeat=5, step_budget_ms=1)
    with engine() as url:
        figures = ask(url, lambda client: measure(client, 1024, plan, ignore))
    [prompt] = figures.prompts
    assert prompt.tokens == 32
    assert prompt.tokens_per_second.count == 1
    assert figures.generation.count == 1


class Mute:
    """An engine without a clock, which ends each text after a few chunks of text without ids."""

    def __init__(self, texts: int) -> None:
        self._texts = texts
        self.starts = 0

    async def tokenize(self, text: str) -> list[int]:
        return [ord(character) for character in text]

    async def complete(self, request: CompletionRequest) -> AsyncGenerator[Chunk, None]:
        self.starts += request.max_tokens >= 8
        for number in range(min(self._texts, request.max_tokens)):
            await asyncio.sleep(0)
            yield Chunk(str(number), (), None)  # type: ignore[arg-type]
        yield Chunk("", (), None, StopReason.END_OF_TEXT)  # type: ignore[arg-type]


@pytest.mark.parametrize(("texts", "can_be_measured"), [(5, True), (1, False), (0, False)])
def test_an_engine_that_keeps_no_time_is_measured_by_our_clock(
    texts: int, can_be_measured: bool
) -> None:
    client = Mute(texts)
    plan = BenchmarkPlan((64,), generated_tokens=10, repeat=1)
    figures = asyncio.run(measure(client, 1024, plan, ignore))  # type: ignore[arg-type]
    assert figures.prompts[0].tokens_per_second.median > 0
    assert figures.first_token_ms.median > 0
    assert bool(figures.generation.count) is can_be_measured
    assert client.starts == 12, "it begins anew when a text ends, but not for ever"


# -- a file, in an engine of its own ----------------------------------------------------------


def engines() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if "--engine-host" in child.cmdline()
    ]


def when_reading(act: Callable[[], object]) -> Callable[[object], None]:
    """Return something to tell progress to that acts once, in the middle."""
    left = [act]

    def tell(value: object) -> None:
        if isinstance(value, BenchmarkProgress) and "Reading" in value.sentence and left:
            left.pop()()

    return tell


@pytest.fixture(scope="module")
def demo_result() -> BenchmarkResult:
    return asyncio.run(measure_file(OPTIONS, SHORT, ignore, note="a note"))


def test_a_result_says_what_was_measured_where_and_how(demo_result: BenchmarkResult) -> None:
    assert demo_result.model == str(demo_model())
    assert demo_result.title == "starpad-demo · Q8_0 · a note"
    assert demo_result.size_bytes == demo_model().stat().st_size
    assert demo_result.machine == this_machine()
    assert demo_result.machine.processor
    setup = demo_result.setup
    assert (setup.engine, setup.context_tokens, setup.threads) == ("llama", 512, 1)
    assert setup.engine_version.startswith("202")
    assert demo_result.load_ms > 50
    assert demo_result.figures.generation.median > 0


def test_the_memory_is_that_of_the_engines_process(demo_result: BenchmarkResult) -> None:
    assert 20_000_000 < demo_result.peak_bytes < 400_000_000
    assert demo_result.gpu_bytes == 0


def test_children_count_and_a_process_that_has_ended_takes_nothing() -> None:
    ours = peak_bytes(os.getpid())
    with engine():
        [process] = engines()
        alone = peak_bytes(process.pid)
        assert alone > 20_000_000
        assert peak_bytes(os.getpid()) >= ours + alone
    assert peak_bytes(process.pid) == 0


def test_a_ggml_file_of_2023_is_measured_by_the_older_engine(tmp_path: Path) -> None:
    path = write_legacy(tmp_path)
    result = asyncio.run(measure_file(LoadOptions(path, context_tokens=256), SHORT, ignore))
    assert result.setup.engine == "ggml"
    assert result.figures.generation.count == 2
    assert [prompt.tokens for prompt in result.figures.prompts] == [48, 128]
    assert result.figures.warm_token_ms.median > 0
    assert result.peak_bytes > 10_000_000


def test_no_engine_is_left_behind(demo_result: BenchmarkResult) -> None:
    assert demo_result.load_ms
    assert engines() == []


def test_speculation_is_off_however_the_model_is_usually_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[LoadOptions] = []

    def prepare(options: LoadOptions, **_: object) -> None:
        seen.append(options)
        raise ModelFileError("Enough seen.")

    monkeypatch.setattr("starpad.engines.session.prepare", prepare)
    options = LoadOptions(
        demo_model(), speculation=Speculation.DRAFT, draft_model=Path("draft.gguf")
    )
    with pytest.raises(ModelFileError):
        asyncio.run(measure_file(options, SHORT, ignore))
    assert seen == [LoadOptions(demo_model())]


def test_a_cancel_in_the_middle_ends_the_engine() -> None:
    async def main() -> None:
        begun = asyncio.Event()
        task = asyncio.create_task(measure_file(OPTIONS, SHORT, when_reading(begun.set)))
        await begun.wait()
        assert len(engines()) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert engines() == []

    asyncio.run(main())


@linux_only
def test_a_killed_engine_is_told_in_words() -> None:
    def kill() -> None:
        [process] = engines()
        process.send_signal(signal.SIGKILL)

    with pytest.raises(EngineError, match=r"killed|memory"):
        asyncio.run(measure_file(OPTIONS, SHORT, when_reading(kill)))
    assert engines() == []


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.gguf"
    path.write_text("no model")
    with pytest.raises(ModelFileError):
        asyncio.run(measure_file(LoadOptions(path), SHORT, ignore))


def test_a_model_whose_tensors_are_cut_off_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "half.gguf"
    path.write_bytes(demo_model().read_bytes()[:3_000_000])
    with pytest.raises(ModelFileError, match="truncated"):
        asyncio.run(measure_file(LoadOptions(path), SHORT, ignore))


# -- the machine ------------------------------------------------------------------------------


def test_the_processor_has_a_name(tmp_path: Path) -> None:
    listing = tmp_path / "cpuinfo"
    listing.write_text("processor : 0\nmodel name\t: Some  Processor 3 @ 2 GHz\n\nmodel name : B\n")
    if sys.platform == "linux":
        assert processor_name(listing) == "Some Processor 3 @ 2 GHz"
    listing.write_text("Hardware : a board\n")
    assert processor_name(listing)
    assert processor_name(tmp_path / "missing")

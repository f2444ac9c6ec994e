"""`starpad bench MODEL…`: measures models without a window, and prints a table as it goes."""

import argparse
import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from starpad.core import paths
from starpad.core.benchmark import BenchmarkPlan, BenchmarkProgress, BenchmarkResult
from starpad.core.benchmark_report import table_head, table_row, to_csv, to_json
from starpad.core.benchmark_store import BenchmarkStore
from starpad.core.chosen_pack import BOX, chosen_pack, folder_of
from starpad.core.command_line import (
    DEMO,
    INTERRUPTED,
    ProgressLine,
    give,
    model_path,
    new_file,
    positive,
    say,
    write_file,
)
from starpad.core.errors import FileError, StarpadError
from starpad.core.load_options import FlashAttention, KvType, LoadOptions
from starpad.core.model_records import ModelRecords


@dataclass(frozen=True, slots=True)
class _Choice:
    """A load option that can be compared: its field, and what a word means."""

    field: str
    read: Callable[[str], Any]
    show: Callable[[Any], str] = str


_CHOICES = {
    "kv": _Choice("kv_type", KvType),
    "threads": _Choice("threads", int),
    "gpu-layers": _Choice("gpu_layers", int),
    "context": _Choice("context_tokens", int),
    "batch": _Choice("batch_tokens", int),
    "flash": _Choice("flash_attention", FlashAttention),
    "engine-pack": _Choice("pack", folder_of, lambda folder: Path(folder).name or BOX),
}


def run(argv: Sequence[str]) -> int:
    """Measure what the arguments name; return the exit code: 1 if any model failed."""
    arguments = _parser().parse_args(argv)
    bench = _Bench(arguments)
    try:
        code = asyncio.run(bench.run())
    except KeyboardInterrupt:
        say("Stopped.")
        code = INTERRUPTED
    return code if bench.finish() else code or 1


class _Bench:
    """One call of the command."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._results: list[BenchmarkResult] = []
        self._plan = replace(BenchmarkPlan(), repeat=arguments.repeat)
        if arguments.quick:
            self._plan = replace(self._plan, prompt_tokens=(128,), generated_tokens=32)
        self._usual_pack = chosen_pack()
        self._line = ProgressLine()

    async def run(self) -> int:
        """Measure all; what fails is told and the others go on."""
        has_failed = False
        if not self._arguments.json:
            give(table_head())
        for name in self._arguments.models:
            for note, options in self._variants(name):
                try:
                    result = await self._measure(note, options)
                except StarpadError as error:
                    has_failed = True
                    self._line.clear()
                    say(f"{_label(name, note)}: {error}")
                    continue
                self._results.append(result)
                self._line.clear()
                if not self._arguments.json:
                    give(table_row(result))
        return 1 if has_failed else 0

    def finish(self) -> bool:
        """Write what there is, also of a call that was stopped; return whether that worked."""
        if self._arguments.json:
            give(to_json(self._results))
        path: Path | None = self._arguments.csv
        if path is None or not self._results:
            return True
        return write_file(path, to_csv(self._results))

    def _variants(self, name: str) -> list[tuple[str, LoadOptions]]:
        """Return the ways to load a model, each with what is special about it."""
        given = {
            "context_tokens": self._arguments.context,
            "threads": self._arguments.threads,
            "gpu_layers": self._arguments.gpu_layers,
            "program": self._arguments.program,
        }
        path = model_path(name)
        options = LoadOptions(path, pack=self._usual_pack)
        options = replace(options, **{field: v for field, v in given.items() if v is not None})
        if self._arguments.compare is None:
            return [("", options)]
        word, values = self._arguments.compare
        choice = _CHOICES[word]
        return [
            (f"{word}={choice.show(value)}", replace(options, **{choice.field: value}))
            for value in values
        ]

    async def _measure(self, note: str, options: LoadOptions) -> BenchmarkResult:
        from starpad.engines.measure_file import measure_file  # 80 ms: not for --help

        result = await measure_file(options, self._plan, self._show, note=note)
        usual = LoadOptions(options.path, pack=self._usual_pack)
        if options == usual and not self._arguments.quick:
            _keep(result, options.path)
        return result

    def _show(self, progress: object) -> None:
        if isinstance(progress, BenchmarkProgress):
            self._line.show(progress.fraction, progress.sentence)


def _keep(result: BenchmarkResult, path: Path) -> None:
    """Let the models window know what was measured; how a model is usually loaded counts alone."""
    data = paths.data_folder()
    try:
        BenchmarkStore(data / "benchmarks.json").add(result)
        ModelRecords(data / "models.json").benchmarked(path, result.figures.generation.median)
    except FileError as error:
        say(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="starpad bench",
        description="Measures how fast models read and write on this machine, one after the other.",
        epilog="What is measured of a model with no option about how it is loaded is also shown "
        "in the window, as its speed here.",
    )
    parser.add_argument(
        "models", nargs="+", metavar="MODEL", help=f"a model file; `{DEMO}` for the one in the box"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON instead of a table")
    form.add_argument(
        "--csv", type=new_file, metavar="FILE", help="also write the results for a spreadsheet"
    )
    parser.add_argument("--context", type=positive, metavar="N", help="tokens of context")
    parser.add_argument("--threads", type=positive, metavar="N", help="threads of the processor")
    parser.add_argument(
        "--gpu-layers", type=int, metavar="N", help="layers on the GPU; -1 chooses, 0 uses none"
    )
    parser.add_argument("--program", metavar="FILE", help="a llama-server of your own to use")
    parser.add_argument(
        "--repeat", type=positive, default=3, metavar="N", help="repetitions of each step (3)"
    )
    parser.add_argument("--quick", action="store_true", help="measure little, for a first look")
    parser.add_argument(
        "--compare",
        type=_comparison,
        metavar="OPTION=A,B",
        help=f"load each model several times, as in kv=f16,q8_0; options: {', '.join(_CHOICES)}",
    )
    return parser


def _comparison(text: str) -> tuple[str, tuple[Any, ...]]:
    word, _, values = text.partition("=")
    choice = _CHOICES.get(word.strip())
    if choice is None:
        known = ", ".join(_CHOICES)
        raise argparse.ArgumentTypeError(f"{word!r} cannot be compared; these can: {known}")
    try:
        return word.strip(), tuple(choice.read(value.strip()) for value in values.split(","))
    except StarpadError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{values!r} are no values of {word}") from error


def _label(name: str, note: str) -> str:
    return ", ".join(filter(None, (name, note)))

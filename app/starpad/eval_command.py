"""`starpad eval FILE…`: how good models complete the user's own code, without a window."""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

from starpad.core import paths, settings_store
from starpad.core.chosen_pack import chosen_pack
from starpad.core.command_line import (
    DEMO,
    INTERRUPTED,
    ProgressLine,
    give,
    model_path,
    positive,
    say,
    write_file,
)
from starpad.core.errors import StarpadError
from starpad.core.evaluation import (
    EvaluationEnd,
    EvaluationFailure,
    EvaluationPlan,
    EvaluationProgress,
    HoleKind,
    Selection,
    Way,
)
from starpad.core.evaluation_plot import to_svg
from starpad.core.evaluation_report import table_head, table_row, to_csv
from starpad.core.fim import FimOrder
from starpad.core.load_options import LoadOptions

_TABLE, _PLOT = "table.csv", "plot.svg"
_ORDERS: dict[str, tuple[FimOrder | None, ...]] = {
    "own": (None,),
    "psm": (FimOrder.PSM,),
    "spmv2": (FimOrder.SPMV2,),
    "both": (FimOrder.PSM, FimOrder.SPMV2),
}
_HEALING = {"on": (True,), "off": (False,), "both": (False, True)}
_CONTEXTS = {"without": (False,), "with": (True,), "both": (False, True)}


def run(argv: Sequence[str]) -> int:
    """Evaluate what the arguments name; return the exit code: 1 if any model failed."""
    arguments = _parser().parse_args(argv)
    try:
        return asyncio.run(_evaluate(_plan(arguments)))
    except StarpadError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("Stopped. The same command goes on from here.")
        return INTERRUPTED


async def _evaluate(plan: EvaluationPlan) -> int:
    from starpad.engines.evaluate import evaluate  # 80 ms: not for --help
    from starpad.services.evaluation_context import FolderContext

    line = ProgressLine()

    def show(value: object) -> None:
        if isinstance(value, EvaluationProgress):
            line.show(value.fraction, value.sentence)
        elif isinstance(value, EvaluationFailure):
            line.clear()
            say(f"{value.path.stem}: {value.error}")

    try:
        end = await evaluate(plan, show, FolderContext(plan.paths).of)
    finally:
        line.clear()
    return _report(end, plan.folder)


def _report(end: EvaluationEnd, folder: Path) -> int:
    give("\n".join([table_head(), *map(table_row, end.rows)]))
    is_written = write_file(folder / _TABLE, to_csv(end.rows))
    is_written = write_file(folder / _PLOT, to_svg(end.rows)) and is_written
    return 1 if end.has_failed or not is_written else 0


def _plan(arguments: argparse.Namespace) -> EvaluationPlan:
    pack = chosen_pack()
    return EvaluationPlan(
        paths=tuple(arguments.paths),
        models=tuple(
            LoadOptions(_model(name), arguments.context_tokens, pack=pack)
            for name in arguments.model or [DEMO]
        ),
        ways=tuple(
            Way(order, has_context, heals)
            for order in _ORDERS[arguments.order]
            for has_context in _CONTEXTS[arguments.context]
            for heals in _HEALING[arguments.healing]
        ),
        selection=Selection(arguments.kinds, arguments.holes, arguments.per_file, arguments.seed),
        folder=arguments.out,
    )


def _model(name: str) -> Path:
    """Return a model file: the named one, or the one of that name in Starpad's own folder."""
    path = model_path(name)
    chosen = settings_store.load(settings_store.default_path())[0].models_folder
    installed = Path(chosen) if chosen else paths.data_folder() / "models"
    if path.exists() or not installed.is_dir():
        return path
    found = sorted(each for each in installed.rglob("*.gguf") if name in (each.stem, each.name))
    return found[0] if found else path


def _kinds(text: str) -> tuple[HoleKind, ...]:
    wanted = {part.strip() for part in text.split(",")}
    kinds = tuple(kind for kind in HoleKind if kind in wanted)
    if len(kinds) != len(wanted):
        known = ", ".join(HoleKind)
        raise argparse.ArgumentTypeError(f"{text!r}: the kinds are {known}")
    return kinds


def _parser() -> argparse.ArgumentParser:
    usual = Selection()
    parser = argparse.ArgumentParser(
        prog="starpad eval",
        description="Cuts holes into files, has models fill them as the editor would, and says "
        "how often they are right. Nothing is changed in the files.",
        epilog="What was asked once is kept in the folder of results: a command that was stopped "
        "goes on when it is called again.",
    )
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="FILE", help="files, or folders of code"
    )
    parser.add_argument(
        "--model",
        action="append",
        metavar="MODEL",
        help=f"a model file, or the name of one in Starpad's folder; `{DEMO}` is the one in the "
        "box; may be given several times",
    )
    parser.add_argument(
        "--order", choices=_ORDERS, default="own", help="of prefix and suffix in the prompt (own)"
    )
    parser.add_argument(
        "--context", choices=_CONTEXTS, default="without", help="other files of the folder"
    )
    parser.add_argument(
        "--healing",
        choices=_HEALING,
        default="on",
        help="take back a token that the caret has cut, as the editor does (on)",
    )
    parser.add_argument(
        "--kinds",
        type=_kinds,
        default=usual.kinds,
        metavar="KIND,KIND",
        help=f"what is cut out: {', '.join(HoleKind)} (all)",
    )
    parser.add_argument(
        "--holes",
        type=positive,
        default=usual.holes,
        metavar="N",
        help=f"holes of each kind, at most ({usual.holes})",
    )
    parser.add_argument(
        "--per-file",
        type=positive,
        default=usual.per_file,
        metavar="N",
        help=f"of each kind in one file, at most ({usual.per_file})",
    )
    parser.add_argument(
        "--seed", type=int, default=usual.seed, metavar="N", help="of the choice of holes (1)"
    )
    parser.add_argument(
        "--context-tokens", type=positive, default=8192, metavar="N", help="to load models with"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("starpad-evaluation"),
        metavar="FOLDER",
        help="where outcomes, table.csv and plot.svg are written (starpad-evaluation)",
    )
    return parser

"""Whether incremental highlighting equals Pygments, for every lexer that Pygments has a sample of.

Makes 24 random edits to the first 12 kB of each of Pygments' own example files, and compares all
spans with those of a lex of the whole text after each edit, and again after the idle pass. The
examples are in the source archive: pip download --no-binary pygments --no-deps pygments==VERSION

    python benchmarks/highlight_oracle.py FOLDER/pygments-VERSION/tests/examplefiles [ALIAS ...]
"""

import argparse
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from starpad.highlighting import lexing, resumable
from starpad.highlighting.document import LexDocument

SIGNS = [*"\"'`/*#<>{}()[]$%;:\\-= \n\t|@!", '"""', "/*", "*/", "<!--", "-->", "{{", "🦊", "word"]
CHARACTERS = 12_000
EDITS = 24
EDIT_LIMIT_S = 20


@dataclass(slots=True)
class Result:
    """What came out for the lexers of one kind."""

    lexers: int = 0
    edits: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    wrong_after_idle: Counter[str] = field(default_factory=Counter)
    hanging: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        wrong = self.wrong.total()
        return (
            f"{self.lexers} lexers, {self.edits} edits, {wrong} wrong "
            f"({100 * wrong / max(1, self.edits):.3f} %) {dict(self.wrong)}, "
            f"{self.wrong_after_idle.total()} after the idle pass, "
            f"{len(self.hanging)} took over {EDIT_LIMIT_S} s of cpu for an edit: {self.hanging}"
        )


def _samples(folder: Path, aliases: list[str]) -> Iterator[tuple[str, list[str]]]:
    for lexer_folder in sorted(folder.iterdir()):
        if not lexer_folder.is_dir() or (aliases and lexer_folder.name not in aliases):
            continue
        files = [path for path in sorted(lexer_folder.iterdir()) if path.suffix != ".output"]
        try:
            text = files[0].read_text(encoding="utf-8")
        except UnicodeDecodeError:
            text = files[0].read_text(encoding="latin-1")
        yield lexer_folder.name, text[:CHARACTERS].splitlines()


def _random_edit(lines: list[str], choose: random.Random) -> tuple[int, int, list[str]]:
    number = choose.randrange(len(lines))
    line = lines[number]
    column = choose.randrange(len(line) + 1)
    match choose.randrange(4):
        case 0:
            changed = line[:column] + choose.choice(SIGNS) + line[column:]
            return number, 1, changed.split("\n")
        case 1:
            return number, 1, [line[:column] + line[column + 1 :]]
        case 2:
            count = min(8, len(lines) - number)
            text = "\n".join(lines[number : number + count])
            changed = text[:column] + text[column + choose.randrange(80) :]
            return number, count, changed.split("\n")
        case _:
            return number, 0, ["x = 1", choose.choice(SIGNS).strip("\n")]


def _check(alias: str, lexer: Lexer, oracle: Lexer, lines: list[str], result: Result) -> None:
    document = LexDocument(lexer, lines)
    choose = random.Random(alias)

    def is_right() -> bool:
        return document.spans == list(lexing.lex(oracle, document.lines))

    list(document.run())
    if not is_right():
        raise AssertionError(f"{alias}: wrong before any edit")
    for _ in range(EDITS):
        document.edit(*_random_edit(document.lines, choose))
        signal.setitimer(signal.ITIMER_VIRTUAL, EDIT_LIMIT_S)
        list(document.run())
        result.edits += 1
        if not is_right():
            result.wrong[alias] += 1
            list(document.verify())
            result.wrong_after_idle[alias] += not is_right()
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _on_alarm(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("aliases", nargs="*")
    parser.add_argument("--part", default="0/1", help="I/N: each Nth lexer, from the Ith on")
    arguments = parser.parse_args()
    part, parts = map(int, arguments.part.split("/"))
    resumable.install()
    signal.signal(signal.SIGVTALRM, _on_alarm)
    results = {"resumable": Result(), "whole": Result()}
    started = time.monotonic()
    for alias, lines in list(_samples(arguments.folder, arguments.aliases))[part::parts]:
        try:
            lexer = get_lexer_by_name(alias, stripnl=False)
            oracle = get_lexer_by_name(alias, stripnl=False)
        except ClassNotFound:
            print(f"no lexer: {alias}")
            continue
        result = results["resumable" if resumable.is_resumable(lexer) else "whole"]
        result.lexers += 1
        try:
            _check(alias, lexer, oracle, lines, result)
        except TimeoutError:
            result.hanging.append(alias)
    for kind, result in results.items():
        print(f"{kind}: {result}")
    print(f"{time.monotonic() - started:.0f} s")
    return int(any(result.wrong_after_idle for result in results.values()))


if __name__ == "__main__":
    sys.exit(main())

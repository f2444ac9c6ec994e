"""The command line: the window, the self-test, and the two child processes. No Qt up here."""

import argparse
import multiprocessing
import sys
from collections.abc import Sequence
from pathlib import Path

from starpad import __version__


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="starpad", description="An editor that completes code with a model on this machine."
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="files to open")
    parser.add_argument("--version", action="version", version=f"Starpad {__version__}")
    parser.add_argument("--model", type=Path, metavar="FILE", help="load this GGUF file")
    test = parser.add_argument_group("self-test", "do the main job once, off-screen, and say how")
    test.add_argument("--self-test", action="store_true", help="run the self-test and exit")
    test.add_argument("--json", action="store_true", help="print one JSON object")
    test.add_argument("--prefix", metavar="TEXT", help="text before the caret")
    test.add_argument("--suffix", metavar="TEXT", default="", help="text after the caret")
    test.add_argument("--seed", type=int, metavar="N", help="sample with this seed")
    test.add_argument("--screenshot", type=Path, metavar="FILE", help="where to save the picture")
    parser.add_argument("--engine-host", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--highlight-host", action="store_true", help=argparse.SUPPRESS)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for; return the exit code."""
    multiprocessing.freeze_support()
    arguments = _parser().parse_args(argv)
    # Imports wait until here: a child process loads no Qt, the window loads no engine.
    if arguments.engine_host:
        from starpad.engines import llama_host

        return llama_host.run()
    if arguments.highlight_host:
        from starpad.highlighting import host

        return host.run()
    if arguments.self_test:
        from starpad import self_test

        return self_test.run(arguments)
    from starpad import bootstrap

    return bootstrap.run(arguments.files, arguments.model)


if __name__ == "__main__":
    sys.exit(main())

"""What the commands without a window have in common: how they read arguments and talk."""

import argparse
import sys
from pathlib import Path

from starpad.core import file_store, paths

DEMO = "demo"
"""What the model in the box is called among the arguments."""
INTERRUPTED = 130
"""What a shell expects of a command that Ctrl+C ended."""


def say(text: str) -> None:
    """Tell the user something that is no result."""
    sys.stderr.write(f"{text}\n")


def give(text: str) -> None:
    """Print a result, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def positive(text: str) -> int:
    """Return the number that an argument is. Raises ValueError."""
    number = int(text)
    if number < 1:
        raise ValueError("not positive")
    return number


positive.__name__ = "positive number"  # argparse names it in its messages


def new_file(text: str) -> Path:
    """Return an argument as the path of a file that can be made; better now than after an hour."""
    path = Path(text)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"no file can be written at {text}")
    return path


def model_path(name: str) -> Path:
    """Return the model file that an argument names."""
    return paths.demo_model() if name == DEMO else Path(name).absolute()


def write_file(path: Path, text: str) -> bool:
    """Write a result into a file; if that fails, say so and return False."""
    try:
        file_store.replace(path.absolute(), text.encode())
    except OSError as error:
        say(f"{path} could not be written: {error.strerror or error}.")
        return False
    return True


class ProgressLine:
    """A line about the progress, for somebody who looks on; nothing if nobody does."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()

    def show(self, fraction: float, sentence: str) -> None:
        """Put this in place of what is there."""
        if self._is_shown:
            self.clear()
            sys.stderr.write(f"{fraction:4.0%} {sentence}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._is_shown:
            sys.stderr.write("\r\x1b[K")

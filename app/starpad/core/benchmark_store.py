"""The results of benchmarks on this computer, kept until the user removes them."""

from collections.abc import Sequence
from pathlib import Path

from starpad.core.benchmark import BenchmarkResult
from starpad.core.benchmark_report import from_values, to_values
from starpad.core.errors import StarpadError
from starpad.core.json_store import Content, JsonStore

_MOST_RESULTS = 500


class BenchmarkStore:
    """The file that keeps them; several windows and commands may use it at once."""

    def __init__(self, path: Path) -> None:
        self._store = JsonStore(path, "The list of benchmark results", {"results": list})

    @property
    def problems(self) -> list[StarpadError]:
        """What went wrong while reading; a damaged file is kept under another name."""
        return self._store.problems

    def all(self) -> list[BenchmarkResult]:
        """Return the results, the latest first; what makes no sense is as if not there."""
        found = filter(None, map(_result, self._store.read()["results"]))
        return sorted(found, key=lambda result: result.measured_at, reverse=True)

    def add(self, result: BenchmarkResult) -> None:
        """Keep a result, and of very many only the latest. Raises FileError."""

        def append(content: Content) -> None:
            content["results"] = [*content["results"], to_values(result)][-_MOST_RESULTS:]

        self._store.change(append)

    def remove(self, results: Sequence[BenchmarkResult]) -> None:
        """Drop results. Raises FileError."""
        dropped = [to_values(result) for result in results]

        def drop(content: Content) -> None:
            kept = (values for values in content["results"] if _values(values) not in dropped)
            content["results"] = list(kept)

        self._store.change(drop)


def _result(values: object) -> BenchmarkResult | None:
    try:
        return from_values(values) if isinstance(values, dict) else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _values(values: object) -> object:
    """Return what would be written for what was read, so that the two can be compared."""
    result = _result(values)
    return to_values(result) if result is not None else None

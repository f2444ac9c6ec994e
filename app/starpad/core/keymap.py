"""Which keys stand for which action: the defaults, and what the user changed of them.

A key is a text such as `Ctrl+S` or, of two strokes, `Ctrl+K, Ctrl+S`; which texts are keys is for
Qt to say. Only changes are kept, each as `SAVE=Ctrl+S; F2`; nothing behind the `=` takes the
action's keys away.
"""

import re
from collections.abc import Iterable, Mapping

Keys = tuple[str, ...]

_BETWEEN = "; "  # Qt's own, in QKeySequence.listToString
_NEXT_STROKE = ", "
_COMMAND_KEY = re.compile(r"(Shift\+)?(Ctrl|Alt|Meta)\+|(Shift\+)?F[0-9]+$")


def parse(entry: str) -> tuple[str, Keys] | None:
    """Return the action's name and its keys, None if `entry` is no such line."""
    name, equals, keys = entry.partition("=")
    if not equals or not name:
        return None
    return name, tuple(filter(None, keys.split(_BETWEEN)))


def entries(changes: Mapping[str, Keys], defaults: Mapping[str, Keys]) -> tuple[str, ...]:
    """Return the lines that keep `changes`, those that are none left out."""
    return tuple(
        f"{name}={_BETWEEN.join(keys)}"
        for name, keys in changes.items()
        if keys != defaults.get(name)
    )


def clash(one: str, other: str) -> bool:
    """Return whether two keys cannot both count: they are the same, or one begins the other."""
    return (
        one == other or one.startswith(other + _NEXT_STROKE) or other.startswith(one + _NEXT_STROKE)
    )


def is_for_typing(key: str) -> bool:
    """Return whether somebody who writes a text needs this key: it has neither Ctrl nor Alt."""
    return not _COMMAND_KEY.match(key.split(_NEXT_STROKE)[0])


def effective(defaults: Mapping[str, Keys], changes: Mapping[str, Keys]) -> dict[str, Keys]:
    """Return the keys of every action of `defaults`; no two of them clash.

    A key that the user gave to an action is taken from one that has it by default; of two to
    which the user gave it, the first keeps it.
    """
    result: dict[str, Keys] = {}
    taken: list[str] = []
    changed_first = sorted(defaults, key=lambda name: name not in changes)
    for name in changed_first:
        free: list[str] = []
        for key in changes.get(name, defaults[name]):
            if not _is_taken(key, [*taken, *free]):
                free.append(key)
        taken += free
        result[name] = tuple(free)
    return {name: result[name] for name in defaults}


def _is_taken(key: str, taken: Iterable[str]) -> bool:
    return any(clash(key, other) for other in taken)

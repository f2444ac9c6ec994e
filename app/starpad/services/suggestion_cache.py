"""Suggestions that were given before, found again by what the model would see at the caret."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from starpad.core.context_window import CaretContext

_SIZE = 250
LOOK_BACK = 128
"""So many characters of a suggestion may have been typed since, and it is still found."""
_LINES = 64
"""The text before the caret is cut where lines with such numbers begin: the caret's reach moves
with every line, and a place must be the same one when the caret is back or a few lines on."""


@dataclass(frozen=True, slots=True)
class Place:
    """A caret as the model would see it, and all else that an answer depends on."""

    scope: int
    """A hash of everything but the text before the caret."""
    before: str


@dataclass(slots=True)
class _Answer:
    scope: int
    length: int
    before_hash: int
    text: str
    is_sure: bool


def place_of(context: CaretContext, how: Hashable, reach: int) -> Place:
    """Return the place of `context` when it is asked in the way that `how` says.

    What the prompt says of other files is no part of it: what was right a minute ago still is,
    and those files change with every key.
    """
    first, before = context.first_line, context.before
    while first % _LINES:
        line_end = before.find("\n")
        if line_end == -1:
            break
        before = before[line_end + 1 :]
        first += 1
    # Only half of it: an accepted suggestion may take brackets from its head.
    after = context.after[: reach // 2]
    return Place(hash((how, context.document, context.language, first, after)), before)


class SuggestionCache:
    """The last suggestions; forgets those that were used least."""

    def __init__(self, size: int = _SIZE) -> None:
        self._size = size
        self._answers: OrderedDict[tuple[int, int, int], _Answer] = OrderedDict()

    def find(self, place: Place) -> str | None:
        """Return what is known to come at `place`, None if nothing is.

        Also where the user has typed the beginning of a known suggestion.
        """
        length = len(place.before)
        exact = self._answers.get(_key(place))
        answer = exact or next(
            (answer for answer in reversed(self._answers.values()) if _leads_to(answer, place)),
            None,
        )
        if answer is None:
            return None
        self._answers.move_to_end((answer.scope, answer.length, answer.before_hash))
        return answer.text[length - answer.length :]

    def is_doubted(self, place: Place) -> bool:
        """Return whether nothing comes at `place` only because the model was not sure of it."""
        answer = self._answers.get(_key(place))
        return answer is not None and not answer.is_sure

    def put(self, place: Place, text: str, *, is_sure: bool = True) -> None:
        """Remember `text`, an empty one too: there is nothing to say, or nothing that is sure."""
        key = _key(place)
        self._answers[key] = _Answer(*key, text, is_sure)
        self._answers.move_to_end(key)
        if len(self._answers) > self._size:
            self._answers.popitem(last=False)


def _key(place: Place) -> tuple[int, int, int]:
    return (place.scope, len(place.before), hash(place.before))


def _leads_to(answer: _Answer, place: Place) -> bool:
    """Return whether the user came to `place` by typing a part of `answer`, but not all of it."""
    typed = len(place.before) - answer.length
    return (
        answer.scope == place.scope
        and 0 < typed <= LOOK_BACK
        and typed < len(answer.text)
        and place.before.endswith(answer.text[:typed])
        and hash(place.before[:-typed]) == answer.before_hash
    )

"""What a model may read of other files in an evaluation: chosen as for the editor, without tabs."""

from collections.abc import Sequence
from pathlib import Path

from starpad.core.evaluation import Hole
from starpad.core.evaluation_sources import base_of
from starpad.core.repository_context import RepositoryContext
from starpad.core.suggestion import CompletionOptions
from starpad.repository.choice import chosen
from starpad.repository.protocol import Question
from starpad.repository.reader import FolderReader

_CHARACTERS_PER_TOKEN = 4
_AROUND_CHARACTERS = 2_000
"""On each side of the hole, so much says what is looked for."""
_HEAD_CHARACTERS = 8_000
_STEP_S = 1.0


class FolderContext:
    """The folder that all chosen files are in; it is read when it is first asked for."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._root = base_of(paths)
        self._reader: FolderReader | None = None

    def of(self, hole: Hole) -> RepositoryContext:
        """Return pieces of other files; of the hole's own file none, as the answer is in it."""
        if self._reader is None:
            self._reader = FolderReader(self._root)
            self._reader.look()
            while not self._reader.is_complete:
                self._reader.work(_STEP_S)
        name = hole.source.name
        question = Question(
            serial=0,
            root=str(self._root),
            path=name,
            head=f"{hole.before}{hole.after}"[:_HEAD_CHARACTERS],
            before=hole.before[-_AROUND_CHARACTERS:],
            after=hole.after[:_AROUND_CHARACTERS],
        )
        options = CompletionOptions()
        tokens = options.budget_tokens * options.shares.context_part
        pieces = self._reader.answer(question).chunks
        return RepositoryContext(
            repository_name=self._root.name,
            path=name,
            chunks=chosen((), pieces, int(tokens * _CHARACTERS_PER_TOKEN)),
        )

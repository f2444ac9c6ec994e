"""What the model may read of a document's folder: known at once, renewed while the caret rests."""

import os
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from starpad.core.context_window import CaretContext, with_room
from starpad.core.engine_status import LoadedModel
from starpad.core.prompt_budget import prompt_tokens
from starpad.core.repository_context import (
    ContextChunk,
    ContextReason,
    ContextUse,
    RepositoryContext,
)
from starpad.core.suggestion import CompletionOptions
from starpad.repository.choice import chosen, longest_piece
from starpad.repository.private_files import holds_secret, is_private
from starpad.repository.protocol import Answer, Question
from starpad.services.documents import DocumentService
from starpad.services.repository_reader import RepositoryReader

REST_MS = 3_000
"""So long without a request, and the model may well read all again."""
_LINES_BEFORE, _LINES_AFTER = 40, 16
_MOST_REGIONS = 16
_HEAD_CHARACTERS = 16_000
_CHARACTERS_PER_TOKEN = 3
_SECRET_REACH = 10_000
"""Characters around the caret that are looked through for keys."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A document's place in its folder."""

    root: Path
    path: str
    """With slashes; empty for a document that was never saved."""


class ProjectContext(QObject):
    """Fills in what else the model may read at a caret.

    `context_for` never waits: it gives what is known, which changes only when the caret has
    rested or is in another document than before.
    """

    changed = Signal(int)
    """A document's id: at its caret there is something else to read now."""

    def __init__(self, documents: DocumentService, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._documents = documents
        self._reader = RepositoryReader(self)
        self._reader.answered.connect(self._on_answered)
        self._folder: Path | None = None
        self._work_trees: dict[Path, Path | None] = {}
        """By folder; looked up once, for requests come with the keys."""
        self._known: dict[int, RepositoryContext] = {}
        self._regions: OrderedDict[tuple[Path, str, int], ContextChunk] = OrderedDict()
        """Where requests were made, by folder, path and first line: the latest last."""
        self._last: tuple[CaretContext, _Place] | None = None
        self._room = 0
        self._asked: tuple[int, CaretContext, _Place] | None = None
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._on_rest_timeout)

    def set_folder(self, folder: Path | None) -> None:
        """Say which folder is open; files of others count if they are in a work tree of git."""
        self._work_trees.clear()
        new = Path(os.path.abspath(folder)) if folder is not None else None
        if new != self._folder:
            self._folder = new
            self._known.clear()

    def completed(
        self, context: CaretContext, options: CompletionOptions, model: LoadedModel
    ) -> CaretContext:
        """Return the context with what else the model may read, if the user lets it and it can."""
        use = options.context_use
        is_wanted = use is ContextUse.ALL or (use is ContextUse.LOCAL and not model.host)
        if not is_wanted or model.fim is None or model.fim.files is None:
            return context
        budget = prompt_tokens(
            options.budget_tokens, model.context_tokens, options.max_tokens, model.fim
        )
        needed = (len(context.before) + len(context.after)) // _CHARACTERS_PER_TOKEN
        share = int(budget * options.shares.context_part)
        room = max(share, budget - with_room(needed, budget)) * _CHARACTERS_PER_TOKEN
        return replace(context, repository=self.context_for(context, room))

    def context_for(self, context: CaretContext, most_characters: int) -> RepositoryContext:
        """Return what else to read at a caret, of about this size at most."""
        place = self._place(context.document)
        if place is None:
            return RepositoryContext()
        known = self._known.get(context.document)
        if known is None or (known.repository_name, known.path) != (place.root.name, place.path):
            known = RepositoryContext(place.root.name, place.path)
            self._known[context.document] = known
        last, self._last, self._room = self._last, (context, place), most_characters
        if last is None or last[0].document != context.document:
            self._remember(last)
            self._ask(context, place)
        self._rest.start()
        return known

    def is_private(self, context: CaretContext) -> bool:
        """Return whether a caret is in a file for secrets, so that nothing is to be suggested."""
        around = context.before[-_SECRET_REACH:] + context.after[:_SECRET_REACH]
        return is_private(self._documents.document(context.document).path, around)

    def forget(self, document: int) -> None:
        """Let go of a document that was closed; where it was edited stays known."""
        if self._last is not None and self._last[0].document == document:
            self._remember(self._last)
            self._last = None
            self._rest.stop()
        self._known.pop(document, None)

    def shutdown(self) -> None:
        """End the child process."""
        self._rest.stop()
        self._reader.shutdown()

    def _place(self, document: int) -> _Place | None:
        try:
            path = self._documents.document(document).path
        except KeyError:
            return None  # closed meanwhile
        if path is None:
            return _Place(self._folder, "") if self._folder is not None else None
        root = self._root(path)
        return _Place(root, path.relative_to(root).as_posix()) if root is not None else None

    def _root(self, path: Path) -> Path | None:
        if self._folder is not None and path.is_relative_to(self._folder):
            return self._folder
        if path.parent not in self._work_trees:
            self._work_trees[path.parent] = _work_tree(path.parent)
        return self._work_trees[path.parent]

    def _remember(self, last: tuple[CaretContext, _Place] | None) -> None:
        """Keep the lines around a caret for when it is in another file."""
        if last is None or not last[1].path:
            return
        context, place = last
        before = context.before.rsplit("\n", _LINES_BEFORE + 1)[-_LINES_BEFORE - 1 :]
        after = context.after.split("\n", _LINES_AFTER)[:_LINES_AFTER]
        text = "\n".join(before) + "\n".join(after)
        line = context.first_line + context.before.count("\n") + 1 - len(before)
        for root, path, first in list(self._regions):
            if (root, path) == (place.root, place.path) and abs(first - line) < _LINES_BEFORE:
                del self._regions[root, path, first]
        if text.strip():
            chunk = ContextChunk(place.path, text.rstrip("\n") + "\n", ContextReason.EDITED)
            self._regions[place.root, place.path, line] = chunk
        while len(self._regions) > _MOST_REGIONS:
            self._regions.popitem(last=False)

    def _ask(self, context: CaretContext, place: _Place) -> None:
        known = self._known.get(context.document, RepositoryContext())
        held = {chunk.path for chunk in (*known.chunks, *self._edited(place))}
        opened = (self._place(other.id) for other in self._documents.documents)
        question = Question(
            serial=0,
            root=str(place.root),
            path=place.path,
            head="" if context.first_line else context.before[:_HEAD_CHARACTERS],
            before="\n".join(context.before.split("\n")[-_LINES_BEFORE:]),
            after="\n".join(context.after.split("\n", _LINES_AFTER)[:_LINES_AFTER]),
            open_paths=tuple(
                other.path for other in opened if other and other.root == place.root and other.path
            ),
            held_paths=tuple(held),
            most_characters=longest_piece(self._room),
        )
        self._asked = (self._reader.ask(question), context, place)

    def _edited(self, place: _Place) -> list[ContextChunk]:
        """Return what was edited lately in other files of the folder, the latest first."""
        return [
            chunk
            for (root, path, _), chunk in reversed(self._regions.items())
            if root == place.root and path != place.path and not holds_secret(chunk.text)
        ]

    @Slot()
    def _on_rest_timeout(self) -> None:
        if self._last is not None:
            self._remember(self._last)
            self._ask(*self._last)

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        if self._asked is None or answer.serial != self._asked[0]:
            return
        _, context, place = self._asked
        known = self._known.get(context.document)
        if known is None or known.path != place.path:
            return
        if known.chunks and self._last != (context, place):
            return  # typing goes on: the caret has to rest once more
        refused = set(answer.refused_paths)
        held = [chunk for chunk in known.chunks if chunk.path not in refused]
        edited = [chunk for chunk in self._edited(place) if chunk.path not in refused]
        chunks = chosen(held, (*edited[:4], *answer.chunks, *edited[4:]), self._room)
        if chunks != known.chunks:
            self._known[context.document] = replace(known, chunks=chunks)
            self.changed.emit(context.document)


def _work_tree(folder: Path) -> Path | None:
    """Return the work tree of git that a folder is in, unless it is the home folder's."""
    home = Path.home()
    for each in (folder, *folder.parents):
        if home.is_relative_to(each):
            return None  # nobody works on the home folder as a whole
        if (each / ".git").exists():
            return each
    return None

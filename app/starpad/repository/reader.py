"""Answers which pieces of a folder's files are worth reading at a caret."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

from starpad.core.repository_context import ContextChunk, ContextReason
from starpad.repository.chunks import best_piece, pieces_of, shortened
from starpad.repository.folder_files import FolderFiles
from starpad.repository.imports import Names, imported
from starpad.repository.index import FolderIndex
from starpad.repository.protocol import Answer, Question
from starpad.repository.words import wanted_words

_MOST_SIMILAR = 12
_LOOK_S = 5.0


class FolderReader:
    """One folder's files, read and searched."""

    def __init__(self, root: Path) -> None:
        self._files = FolderFiles(root)
        self._index = FolderIndex(self._files)
        self._names = Names(())

    @property
    def is_complete(self) -> bool:
        """Return whether all files are indexed."""
        return self._index.is_complete

    def look(self) -> None:
        """Look what has changed in the folder, if that is some seconds ago."""
        if self._index.look(_LOOK_S):
            self._names = Names(self._index.names)

    def work(self, limit_s: float) -> None:
        """Index files for about that long."""
        self._index.work(limit_s)

    def answer(self, question: Question) -> Answer:
        """Return the pieces for a caret: of open files, imported ones, similar ones."""
        self._files.look_again()
        words = wanted_words(question.before, question.after)
        opened = [path for path in question.open_paths if path != question.path]
        head = question.head or (self._files.read(question.path) if question.path else "") or ""
        imports = imported(question.path, head, self._names)
        chunks = _in_turns(
            self._similar(words, {question.path}),
            self._best(imports, words, ContextReason.IMPORTED),
            self._best(opened, words, ContextReason.OPEN),
        )
        fitting = (_shortened(chunk, words, question.most_characters) for chunk in chunks)
        refused = (path for path in question.held_paths if self._files.read(path) is None)
        return Answer(question.serial, tuple(fitting), tuple(refused), self.is_complete)

    def _best(
        self, names: Iterable[str], words: tuple[str, ...], reason: ContextReason
    ) -> list[ContextChunk]:
        """Return a piece of each file, those with the most of the words first."""
        scored = [(name, best_piece(self._files.read(name) or "", words)) for name in names]
        known = [(*found, name) for name, found in scored if found is not None]
        known.sort(key=lambda each: -each[0])
        return [ContextChunk(name, piece.text, reason) for _, piece, name in known]

    def _similar(self, words: tuple[str, ...], passed_over: set[str]) -> Iterable[ContextChunk]:
        for found in self._index.nearest(words, passed_over, _MOST_SIMILAR):
            pieces = pieces_of(self._files.read(found.name) or "")
            if found.number < len(pieces):  # it may have changed since
                text = pieces[found.number].text
                yield ContextChunk(found.name, text, ContextReason.SIMILAR)


def _shortened(chunk: ContextChunk, words: tuple[str, ...], most_characters: int) -> ContextChunk:
    return replace(chunk, text=shortened(chunk.text, words, most_characters - len(chunk.path)))


def _in_turns(*ranked: Iterable[ContextChunk]) -> Iterator[ContextChunk]:
    """Yield the best of each kind, then the second of each, and so on."""
    for turn in zip_longest(*ranked):
        yield from filter(None, turn)

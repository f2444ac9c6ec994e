"""Hits in a document: all of them, in slices, and where they are after changes."""

import random
import re

import pytest
from PySide6.QtGui import QTextCursor, QTextDocument
from pytestqt.qtbot import QtBot

from starpad.core.text_search import SearchQuery
from starpad.ui.editor import searcher as searcher_module
from starpad.ui.editor.searcher import (
    BadPatternError,
    Hits,
    Searcher,
    compiled,
    replacement,
    replacements,
)
from starpad.ui.editor.text_edits import apply_edits


def _found(qtbot: QtBot, text: str, query: SearchQuery, **options: object) -> list[tuple[int, int]]:
    searcher = Searcher()
    searcher.start(QTextDocument(text), query, **options)  # type: ignore[arg-type]
    qtbot.waitUntil(lambda: searcher.is_complete)
    return list(zip(searcher.hits.starts, searcher.hits.ends, strict=True))


@pytest.mark.parametrize(
    ("text", "query", "hits"),
    [
        ("aA a", SearchQuery("a"), [(0, 1), (1, 2), (3, 4)]),
        ("aA a", SearchQuery("a", matches_case=True), [(0, 1), (3, 4)]),
        ("ab b b_", SearchQuery("b", is_whole_word=True), [(3, 4)]),
        ("Öl öl", SearchQuery("öl"), [(0, 2), (3, 5)]),
        ("über über_", SearchQuery("über", is_whole_word=True), [(0, 4)]),
        ("😀x\n😀x", SearchQuery("x"), [(2, 3), (6, 7)]),
        ("a.b aab", SearchQuery("a.b"), [(0, 3)]),
        ("a.b aab", SearchQuery("a.b", is_regex=True), [(0, 3), (4, 7)]),
        ("a\n\nb", SearchQuery(r"a\n\nb", is_regex=True), [(0, 4)]),
        ("ab\nb", SearchQuery("^b$", is_regex=True), [(3, 4)]),
        ("a\nb", SearchQuery("^", is_regex=True), [(0, 0), (2, 2)]),
        ("a\nb", SearchQuery("$", is_regex=True), [(1, 1), (3, 3)]),
        ("a\u00a0b", SearchQuery("\u00a0"), [(1, 2)]),
        ("a\nb", SearchQuery("a\nb"), [(0, 3)]),
        ("abc", SearchQuery(""), []),
        ("abc", SearchQuery("x"), []),
    ],
)
def test_what_is_looked_for_is_found(
    qtbot: QtBot, text: str, query: SearchQuery, hits: list[tuple[int, int]]
) -> None:
    assert _found(qtbot, text, query) == hits


def test_a_part_of_the_document_can_be_searched(qtbot: QtBot) -> None:
    assert _found(qtbot, "a a a a", SearchQuery("a"), scope=(1, 5)) == [(2, 3), (4, 5)]
    assert _found(qtbot, "aaaa", SearchQuery("aa"), scope=(1, 4)) == [(1, 3)]


@pytest.mark.parametrize("pattern", ["(", "a)", "[", "*", r"\1"])
def test_a_bad_pattern_gets_a_sentence(pattern: str) -> None:
    with pytest.raises(BadPatternError, match=r"^This pattern is not valid at \d+: .*\.$"):
        Searcher().start(QTextDocument("x"), SearchQuery(pattern, is_regex=True))
    query = SearchQuery(pattern, is_regex=True, is_whole_word=True)
    with pytest.raises(BadPatternError):
        Searcher().start(QTextDocument("x"), query)


def test_a_pattern_that_takes_too_long_is_given_up(qtbot: QtBot) -> None:
    searcher = Searcher()
    text = "a" * 3000 + "\nb"
    searcher.start(QTextDocument(text), SearchQuery("(a+)+b", is_regex=True))
    qtbot.waitUntil(lambda: searcher.is_complete)
    assert searcher.problem
    assert len(searcher.hits) == 0


def test_many_hits_come_in_slices_and_are_all_there(qtbot: QtBot) -> None:
    searcher = Searcher()
    searcher.start(QTextDocument("ab\n" * 60_000), SearchQuery("b"))
    assert not searcher.is_complete
    qtbot.waitUntil(lambda: searcher.is_complete, timeout=20_000)
    assert len(searcher.hits) == 60_000


def _replaced(text: str, query: SearchQuery, template: str) -> str:
    document = QTextDocument(text)
    edits = list(filter(None, replacements(document, query, template)))
    apply_edits(document, edits[::-1])
    return document.toRawText().replace("\u2029", "\n")


def test_all_hits_can_be_replaced() -> None:
    query = SearchQuery(r"a(\d)", is_regex=True)
    assert _replaced("a1 😀 a2\na3", query, r"[$1]\n") == "[1]\n 😀 [2]\n\n[3]\n"
    assert replacement(QTextDocument("a1 😀 a2\na3"), query, "<$1>", 6) == "<2>"


PATTERNS = (
    "b", "a+", r"a\nb", r"\s+", r"^", r"$", r"^$", "x*", r"(?<=a)b", r"(?<=a\n)b?", r"a(?=\n)",
    r"\bab\b", r"(?s).+?b", r"(?s)a.*b", r".*\n", r"(\w+)\n\1", "a|ab|abb", r"(?!a)", "😀",
    "é+b?", r"\Z",
)  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_pieces_have_the_hits_that_the_whole_text_has(
    pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(pattern)
    query = SearchQuery(pattern, is_regex=True)
    for _ in range(60):
        text = "".join(dice.choices("aab\n é😀", k=dice.randrange(80)))
        document = QTextDocument(text)
        last = document.characterCount() - 1
        monkeypatch.setattr(searcher_module, "_PIECE", 100_000)
        whole = _places(document, query, last)
        for size in (2, 3, 4, 7, 30):
            monkeypatch.setattr(searcher_module, "_PIECE", size)
            assert _places(document, query, last) == whole, (text, size)


def _places(document: QTextDocument, query: SearchQuery, last: int) -> list[tuple[int, int]]:
    hits = searcher_module.hits_in(document, compiled(query), 0, last)
    return [(hit.start, hit.end) for hit in hits if hit]


def test_lines_know_their_hits_also_those_that_span_lines(qtbot: QtBot) -> None:
    hits = Hits()
    hits.starts.extend((0, 4, 20))
    hits.ends.extend((2, 12, 22))
    assert list(hits.within(0, 6)) == [(0, 2), (4, 2)]
    assert list(hits.within(7, 3)) == [(0, 3)]
    assert list(hits.within(11, 5)) == [(0, 1)]
    assert list(hits.within(13, 5)) == []


def test_changed_lines_show_no_hits_and_others_keep_theirs(qtbot: QtBot) -> None:
    dice = random.Random(random.random())
    for _ in range(50):
        document = QTextDocument("\n".join(dice.choice(["ab", "xaay", "", "b"]) for _ in range(12)))
        searcher = Searcher()
        searcher.start(document, SearchQuery("a"))
        hits = searcher.hits
        document.documentLayout()  # without one, Qt says nothing of changes
        document.contentsChange.connect(hits.changed)
        for _ in range(dice.randrange(1, 6)):
            cursor = QTextCursor(document)
            cursor.setPosition(dice.randrange(document.characterCount()))
            cursor.setPosition(
                min(cursor.position() + dice.randrange(4), document.characterCount() - 1),
                QTextCursor.MoveMode.KeepAnchor,
            )
            cursor.insertText(dice.choice(["x", "\n", "", "a\na"]))
        block = document.begin()
        while block.isValid():
            places = [match.start() for match in re.finditer("a", block.text())]
            shown = [start for start, _ in hits.within(block.position(), block.length() - 1)]
            assert shown in ([], places), document.toPlainText()
            block = block.next()


def test_text_is_found_in_every_piece_of_a_long_document(qtbot: QtBot) -> None:
    lines = ["a" * (number % 700) + " b😀" for number in range(1500)]
    text = "\n".join(lines)
    units = text.encode("utf-16-le")
    hits = _found(qtbot, text, SearchQuery("B"))
    assert len(hits) == 1500
    assert {units[2 * start : 2 * end].decode("utf-16-le") for start, end in hits} == {"b"}
    part = _found(qtbot, text, SearchQuery("aa b"), scope=(hits[701][0], hits[720][0]))
    assert part == [(start - 3, end) for start, end in hits[702:720]]

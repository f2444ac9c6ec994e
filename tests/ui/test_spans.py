"""Spans stay on the text that they were about, whoever is ahead."""

import random

import pytest

from starpad.services.highlighting import LineSpans, SpanUpdate
from starpad.ui.editor.spans import SpanStore, TextChange


def named(name: str) -> LineSpans:
    return ((0, 1, name),)


def replaced(first: int, old_count: int, new_count: int) -> TextChange:
    return TextChange(first, old_count, new_count, 0, 9, 5, 5, is_word=False)


def test_nothing_is_known_before_the_first_answer() -> None:
    store = SpanStore()
    store.reset(2, 1)
    assert store.lines == [None, None]
    assert store.of(0) == store.of(7) == ()


def test_answers_about_a_text_before_are_not_taken() -> None:
    store = SpanStore()
    store.reset(2, 5)
    store.take(SpanUpdate(4, 0, [named("a")] * 9))
    assert store.lines == [None, None]


def test_an_answer_to_an_older_revision_goes_where_its_lines_are_now() -> None:
    store = SpanStore()
    store.reset(4, 1)
    store.change(replaced(1, 1, 3), 2)
    store.take(SpanUpdate(1, 0, [named(name) for name in "abcd"]))
    # What replaced the second line is not what the answer is about.
    assert [store.of(n) for n in range(6)] == [named("a"), (), (), (), named("c"), named("d")]
    store.take(SpanUpdate(2, 1, [named("x")] * 3))
    assert [store.of(n) for n in (0, 1, 3, 4)] == [named(n) for n in "axxc"]


def test_keys_in_one_line_wait_as_one_edit_until_the_last_is_answered() -> None:
    store = SpanStore()
    store.reset(3, 1)
    for revision in range(2, 9):
        store.change(replaced(1, 1, 1), revision)
    assert len(store._edits) == 1
    store.take(SpanUpdate(7, 0, [named(name) for name in "abc"]))
    assert [store.of(n) for n in range(3)] == [named("a"), (), named("c")]
    store.take(SpanUpdate(8, 1, [named("b")]))
    assert store.of(1) == named("b")


def test_an_answer_without_lines_ends_the_wait_for_what_was_before_it() -> None:
    store = SpanStore()
    store.reset(9, 1)
    for line in range(5):
        store.change(replaced(line, 1, 1), 2 + line)
    assert not store.take(SpanUpdate(5, 0, []))
    assert [edit.revision for edit in store._edits] == [6]


@pytest.mark.parametrize("seed", range(20))
def test_however_late_answers_are_every_line_ends_with_its_own(seed: int) -> None:
    choose = random.Random(seed)
    store = SpanStore()
    store.reset(10, 0)
    lines = [f"line{n}" for n in range(10)]
    versions = [list(lines)]
    for revision in range(1, 12):
        first = choose.randrange(len(lines))
        old_count = min(choose.randrange(1, 4), len(lines) - first)
        new = [f"new{revision}.{n}" for n in range(choose.randrange(1, 4))]
        lines[first : first + old_count] = new
        versions.append(list(lines))
        store.change(replaced(first, old_count, len(new)), revision)
    # The host answers to some revisions, and at the end about lines that it was told of anew.
    for revision in sorted(choose.sample(range(12), 4)):
        store.take(SpanUpdate(revision, 0, [named(name) for name in versions[revision]]))
        for number, name in enumerate(lines):
            assert store.of(number) in (named(name), ())
            assert store.of(number) == named(name) or name not in versions[revision]
    store.take(SpanUpdate(11, 0, [named(name) for name in lines]))
    assert store.lines == [named(name) for name in lines]

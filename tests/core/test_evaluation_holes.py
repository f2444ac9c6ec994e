"""Holes: what is cut out of a file, and that the same seed always cuts the same."""

import ast
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluations import PYTHON, C, python_source
from starpad.core.evaluation import Hole, HoleKind, Selection, Source
from starpad.core.evaluation_holes import punch


def answers(source: Source, kind: HoleKind, *, seed: int = 1) -> set[str]:
    return {hole.answer for hole in punch([source], Selection((kind,), 99, 99, seed))}


def test_the_same_seed_gives_the_same_holes_and_another_one_others() -> None:
    selection = Selection(holes=3)
    first = punch([python_source()], selection)
    assert first == punch([python_source()], selection)
    assert first != punch([python_source()], replace(selection, seed=2))


def test_holes_of_a_kind_do_not_depend_on_which_other_kinds_are_wanted() -> None:
    alone = punch([python_source()], Selection((HoleKind.BLOCK,), 2))
    among = punch([python_source()], Selection(tuple(HoleKind), 2))
    assert alone == [hole for hole in among if hole.kind is HoleKind.BLOCK]


def test_no_more_holes_are_punched_than_wanted_in_all_and_in_each_file() -> None:
    sources = [python_source(f"{name}.py") for name in "abcd"]
    holes = punch(sources, Selection((HoleKind.LINE,), holes=5, per_file=2))
    assert [hole.source.name for hole in holes] == ["a.py", "a.py", "b.py", "b.py", "c.py"]


def test_files_are_read_only_until_there_are_enough_holes() -> None:
    def sources() -> object:
        yield python_source()
        raise AssertionError("one more was read")

    assert len(punch(sources(), Selection((HoleKind.LINE,), 2))) == 2  # type: ignore[arg-type]


def test_the_rest_of_a_line_begins_between_tokens_behind_the_indentation() -> None:
    source = Source("x.py", "python", "    if alpha.beta:\n")
    rests = {
        hole.answer
        for seed in range(80)
        for hole in punch([source], Selection((HoleKind.LINE_REST,), seed=seed))
    }
    assert rests == {" alpha.beta:", "alpha.beta:", ".beta:", "beta:", ":"}


def test_any_column_also_means_within_a_word() -> None:
    source = Source("x.py", "python", "  abc\n")
    rests = {
        hole.answer
        for seed in range(40)
        for hole in punch([source], Selection((HoleKind.ANY_COLUMN,), seed=seed))
    }
    assert rests == {"bc", "c"}


def test_a_line_is_all_behind_its_indentation_and_blank_ones_do_not_count() -> None:
    assert answers(Source("x", "text", "  one  \n\n\n\ttwo"), HoleKind.LINE) == {"one", "two"}


def test_function_bodies_of_python_go_without_docstring_and_signature() -> None:
    assert answers(python_source(), HoleKind.FUNCTION) == {
        'self.radius = radius\n        self.color = "red"',
        "square = self.radius**2\n        if square > 10:\n            square += 0\n"
        '            print("large")\n        return math.pi * square',
        "found = circles[0]\n    for circle in circles:\n"
        "        if circle.area() > found.area():\n            found = circle\n    return found",
    }


def test_blocks_of_python_are_what_statements_hold_but_not_a_single_line() -> None:
    assert answers(python_source(), HoleKind.BLOCK) == {
        'square += 0\n            print("large")',
        "if circle.area() > found.area():\n            found = circle",
    }


@pytest.mark.parametrize("text", ["if a: b\nelse: c\n", "if a:\n    b\nelif c:\n    d\n    e\n"])
def test_what_shares_a_line_with_its_opener_is_no_block(text: str) -> None:
    found = answers(Source("x.py", "python", text), HoleKind.BLOCK)
    assert not any("elif" in answer or answer in "bc" for answer in found)


def test_decorators_belong_to_the_block_that_begins_with_them() -> None:
    text = "if a:\n    @b\n    def c():\n        d\n        e\n"
    found = answers(Source("x.py", "python", text), HoleKind.BLOCK)
    assert found == {"@b\n    def c():\n        d\n        e"}


def test_other_languages_go_by_indentation() -> None:
    source = Source("x.c", "c", C)
    assert answers(source, HoleKind.FUNCTION) == {
        "int sum = a;\n    sum += b;\n    return sum;",
        "for (int i = 0; i < 3; i++) {\n        int twice = add(i, i);\n"
        '        printf("%d\\n", twice);\n    }\n    return 0;',
    }
    assert 'int twice = add(i, i);\n        printf("%d\\n", twice);' in answers(
        source, HoleKind.BLOCK
    )


def test_python_that_is_none_goes_by_indentation_too() -> None:
    text = "print 'old'\ndef f(x):\n    a = x\n    return a\n"
    assert answers(Source("x.py", "python", text), HoleKind.FUNCTION) == {"a = x\n    return a"}


def test_holes_of_one_kind_in_a_file_do_not_overlap() -> None:
    holes = punch([python_source()], Selection(tuple(HoleKind), 99, 99))
    for kind in HoleKind:
        spans = sorted((hole.start, hole.end) for hole in holes if hole.kind is kind)
        assert all(end <= start for (_, end), (start, _) in pairwise(spans))


def test_a_python_file_is_right_without_a_block_only_with_it() -> None:
    for hole in punch([python_source()], Selection((HoleKind.FUNCTION, HoleKind.BLOCK), 99, 99)):
        assert ast.parse(f"{hole.before}pass{hole.after}")


@given(st.text(), st.sampled_from(["python", "c", ""]), st.integers(0, 99))
def test_any_text_can_be_cut_and_nothing_of_it_is_lost(text: str, language: str, seed: int) -> None:
    source = Source("x", language, text)
    for hole in punch([source], Selection(seed=seed)):
        assert f"{hole.before}{hole.answer}{hole.after}" == text
        assert hole.answer.strip()
        assert hole.start < hole.end


def test_a_hole_is_another_one_when_its_file_has_changed() -> None:
    one = Hole(python_source(), HoleKind.LINE, 0, 5)
    other = replace(one, source=Source("shapes.py", "python", PYTHON + "\n"))
    assert one.id != other.id

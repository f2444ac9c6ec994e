"""Code changed by an instruction: the question, the gap, and the code in an answer."""

import pytest

from starpad.core import instruction as rules
from starpad.core.indentation import Indentation
from starpad.core.instruction import Instruction
from starpad.core.languages import Language
from starpad.core.suggestion import is_finished, trim

PYTHON = Language("python", "Python")
CODE = "    def size(self):\n        return self.n\n"


def _told(code: str = CODE, words: str = "add type hints", **more: str) -> Instruction:
    return Instruction(words, code, PYTHON, **more)  # type: ignore[arg-type]


def test_the_words_come_behind_the_code_so_that_the_code_can_be_read_while_they_are_typed() -> None:
    one, other = rules.question(_told(words="")), rules.question(_told(words="make it async"))
    shared = one[: one.index("Change it:")]
    assert other.startswith(shared)
    assert "def size(self):\n    return self.n\n" in shared


def test_an_empty_place_asks_for_code_that_follows_what_stands_above() -> None:
    told = _told("    \n", "a method that sorts", before="class A:\n")
    question = rules.question(told)
    assert "class A:" in question
    assert "a method that sorts" in question


@pytest.mark.parametrize(
    ("answer", "is_final", "code"),
    [
        ("Sure:\n\n```python\na = 1\n", False, "a = 1"),
        ("Sure:\n\n```python\na = 1\nb", False, "a = 1"),  # the line may be a fence
        ("```\na = 1\n```\nDone.", False, "a = 1"),
        ("```\na = 1\n``", False, "a = 1"),
        ("````\n```\na\n````\n", False, "```\na"),
        ("~~~py\na\n~~~", True, "a"),
        ("a = 1\n", True, "a = 1"),
        ("a = 1\n", False, ""),
        ("```py\n\n    a\n```", True, "\n    a"),
        ("```python", True, "```python"),
    ],
)
def test_an_answers_code_is_its_first_block_also_while_it_is_written(
    answer: str, is_final: bool, code: str
) -> None:
    assert rules.code_in(answer, is_final=is_final) == code


@pytest.mark.parametrize(
    ("answer", "new"),
    [
        ("def size(self) -> int:\n    return self.n", CODE.replace("(self)", "(self) -> int")),
        ("    def size(self):\n        return 1\n\n", CODE.replace("self.n", "1")),
        ("", CODE),
        ("  \n", CODE),
    ],
)
def test_an_answer_takes_the_old_codes_margin_and_line_end(answer: str, new: str) -> None:
    assert rules.fitted(answer, _told()) == new


def test_code_for_an_empty_place_gets_the_places_margin() -> None:
    assert rules.fitted("x = 1\ny = 2", _told("    \n")) == "    x = 1\n    y = 2\n"
    tabs = Instruction("w", "\t\n", PYTHON, indentation=Indentation(use_tabs=True))
    assert rules.fitted("if a:\n    b()", tabs) == "\tif a:\n\t\tb()\n"


def test_a_gap_has_the_old_code_and_the_words_above_it_as_comments() -> None:
    told = _told(before="class A:\n", after="\n    def other(self): ...\n")
    assert rules.gap_before(told) == (
        "class A:\n    # def size(self):\n    #     return self.n\n    # add type hints\n"
    )
    policy = rules.gap_policy(told)
    text = "    def size(self) -> int:\n        return self.n\n"
    assert not is_finished(text, policy)
    assert is_finished(text + "x = 1\n", policy)
    assert trim(text + "x = 1\n", policy) == text.strip()


def test_old_code_that_is_all_comments_stays_so() -> None:
    told = Instruction("# explain", "# a\n# b\n", PYTHON)
    assert rules.gap_before(told) == "# # a\n# # b\n# explain\n"


def test_a_language_without_known_comments_gets_the_lines_as_they_are() -> None:
    told = Instruction("shorter", "a\n", Language("text", "Text"), before="x")
    assert rules.gap_before(told) == "x\na\nshorter\n"

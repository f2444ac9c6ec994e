"""The one-click questions: plain orders, and code that stays inside its fence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from starpad.core.chat import title_of
from starpad.core.chat_tasks import ABOUT, ChatTask, Excerpt, fenced, question, question_with
from starpad.core.languages import PLAIN_TEXT, Language

PYTHON = Language("python", "Python")
CODE = "def f(x):\n    return x\n"
SELECTION = Excerpt(CODE, PYTHON, "a.py", is_selection=True)
FILE = Excerpt(CODE, PYTHON, "a.py")

# What can stand in a text edit and still is a line to CommonMark.
CODES = st.text("`~ ab\n\t>-", max_size=40)


@pytest.mark.parametrize("task", ChatTask)
def test_a_question_names_the_file_shows_the_code_and_ends_with_what_to_answer(
    task: ChatTask,
) -> None:
    for excerpt in (SELECTION, FILE):
        text = question(task, excerpt)
        wish, block, answer = text.split("\n\n")
        assert "a.py" in wish
        assert "Python" in wish
        assert block == f"```python\n{CODE}```"
        assert answer.endswith(".")
        assert "{" not in wish + answer
        # A small model loses sight of long orders.
        assert len(wish + answer) < 300


@pytest.mark.parametrize("task", ChatTask)
def test_a_task_has_words_for_its_button(task: ChatTask) -> None:
    assert ABOUT[task].label
    assert ABOUT[task].tip


@pytest.mark.parametrize("task", [ChatTask.FIX, ChatTask.DOCUMENT])
def test_an_answer_that_replaces_the_code_is_to_be_all_of_it(task: ChatTask) -> None:
    assert ABOUT[task].is_replacement
    assert "one code block that holds all of the selected code" in question(task, SELECTION)
    assert "one code block that holds the whole file" in question(task, FILE)


def test_tests_and_explanations_replace_nothing() -> None:
    assert not ABOUT[ChatTask.EXPLAIN].is_replacement
    assert not ABOUT[ChatTask.WRITE_TESTS].is_replacement
    assert "one code block that holds all tests" in question(ChatTask.WRITE_TESTS, SELECTION)


@pytest.mark.parametrize(
    ("language", "file_name", "is_selection", "title"),
    [
        (PYTHON, "a.py", True, "Explain this Python code from a.py."),
        (PYTHON, "", True, "Explain this Python code."),
        (PYTHON, "a.py", False, "Explain the Python file a.py."),
        (PYTHON, "", False, "Explain this Python file."),
        (PLAIN_TEXT, "notes.txt", False, "Explain the file notes.txt."),
        (Language("", ""), "", True, "Explain this code."),
        (PYTHON, "a\n\n```\u202eb.py", True, "Explain this Python code from a ``` b.py."),
        (PYTHON, "{0}.py", False, "Explain the Python file {0}.py."),
    ],
)
def test_the_first_line_makes_a_title(
    language: Language, file_name: str, is_selection: bool, title: str
) -> None:
    text = question(ChatTask.EXPLAIN, Excerpt(CODE, language, file_name, is_selection))
    assert title_of(text) == title


def test_braces_in_code_are_only_code() -> None:
    code = "int main() { return {0}; }"
    assert code in question(ChatTask.FIX, Excerpt(code, Language("cpp", "C++"), "a.cpp"))


def test_the_users_words_come_last() -> None:
    text = question(ChatTask.WRITE_TESTS, SELECTION, "  Use unittest.\n")
    assert text.endswith("Do not repeat the code.\n\nUse unittest.")


def test_a_question_of_ones_own_comes_first_and_brings_the_code() -> None:
    assert question_with(SELECTION, " Why so slow?\n") == (
        "Why so slow?\n\nThe question is about this Python code from a.py:\n\n"
        "```python\ndef f(x):\n    return x\n```"
    )


def test_a_fence_is_longer_than_any_in_the_code() -> None:
    assert fenced("a", "c") == "```c\na\n```"
    assert fenced("x\n````\n", "") == "`````\nx\n````\n`````"
    assert fenced("") == "```\n```"
    assert fenced("a", "c`#\n +") == "```c#+\na\n```"


@given(CODES)
def test_code_is_one_block_whatever_is_in_it(code: str) -> None:
    [block] = MarkdownIt().parse(fenced(code, "python"))
    assert (block.type, block.info) == ("fence", "python")
    assert block.content == (code if code.endswith("\n") or not code else f"{code}\n")

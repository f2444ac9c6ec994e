"""What the model reads at a caret, and what the text would be with a suggestion accepted."""

import pytest

from starpad.core.context_window import CaretContext
from starpad.services.errand import accepted, as_read


def _context(marked: str) -> CaretContext:
    before, _, after = marked.partition("|")
    return CaretContext(1, "python", 0, before, after)


def _marked(context: CaretContext) -> str:
    return f"{context.before}|{context.after}"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("f(|)\nrest", "f(|\nrest"),
        ("f(g[|])  \nrest", "f(g[|\nrest"),
        ('f("|")', 'f("|'),
        ("f(|):\nrest", "f(|):\nrest"),
        ("f(|x)\nrest", "f(|x)\nrest"),
        ("x|\n)\n", "x|\n)\n"),
        ("x|", "x|"),
    ],
)
def test_brackets_that_close_by_themselves_are_not_read(text: str, read: str) -> None:
    """Or each of them would change the beginning of the prompt, and all of it be read anew."""
    assert _marked(as_read(_context(text))) == read


@pytest.mark.parametrize(
    ("text", "suggestion", "then"),
    [
        ("x = |\n", "1", "x = 1|\n"),
        ("f(|)\n", "x) + y", "f(x) + y|\n"),
        ("f(|)\n", "x", "f(x|)\n"),
        ("if a:\n    |\n", "b()\n    c()", "if a:\n    b()\n    c()|\n"),
    ],
)
def test_what_comes_next_is_asked_for_as_if_the_suggestion_were_accepted(
    text: str, suggestion: str, then: str
) -> None:
    assert _marked(accepted(_context(text), suggestion)) == then

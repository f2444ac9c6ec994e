"""What the text around the caret would be with a suggestion accepted."""

import pytest

from starpad.core.context_window import CaretContext
from starpad.services.errand import accepted


def _context(marked: str) -> CaretContext:
    before, _, after = marked.partition("|")
    return CaretContext(1, "python", 0, before, after)


def _marked(context: CaretContext) -> str:
    return f"{context.before}|{context.after}"


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

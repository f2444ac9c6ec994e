"""Prompts fit the budget in real tokens, share their beginnings, and hold only the file's text."""

import asyncio

import pytest

from starpad.core.context_window import CaretContext
from starpad.core.fim import FimOrder, FimTokens
from starpad.core.prompt import PartKind
from starpad.engines.prompt_builder import PromptBuilder

FIM = FimTokens(prefix=1, suffix=3, middle=2, order=FimOrder.SPMV2, stop_ids=frozenset())
LINES = [f"value_{number} = compute(argument_{number})\n" for number in range(3000)]


class PieceTokenizer:
    """Makes a token of every `width` characters; its ids are the pieces' hashes."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.texts: list[str] = []

    async def tokenize(self, text: str) -> list[int]:
        self.texts.append(text)
        pieces = range(0, len(text), self.width)
        return [100 + hash(text[start : start + self.width]) % 10_000 for start in pieces]


def _context(before: str, after: str = "", document: int = 1) -> CaretContext:
    return CaretContext(document, "python", 0, before, after)


def _build(
    builder: PromptBuilder, tokenizer: PieceTokenizer, context: CaretContext, budget: int = 1000
) -> tuple[int, ...]:
    return asyncio.run(builder.build(tokenizer, context, budget)).ids


def test_parts_say_where_tokens_are_from_and_what_was_cut() -> None:
    half = "".join(LINES)
    prompt = asyncio.run(PromptBuilder(FIM).build(PieceTokenizer(3), _context(half, half), 1000))
    kinds = [part.kind for part in prompt.parts]
    special = PartKind.SPECIAL
    assert kinds == [special, special, PartKind.SUFFIX, special, PartKind.PREFIX]
    suffix, prefix = prompt.parts[2], prompt.parts[4]
    assert abs(len(suffix.ids) * 3 - (len(half) - suffix.cut_characters)) < 3
    assert abs(len(prefix.ids) * 3 - (len(half) - prefix.cut_characters)) < 3


def test_what_no_rate_foretells_is_cut_in_tokens_and_told() -> None:
    class Erratic(PieceTokenizer):
        async def tokenize(self, text: str) -> list[int]:
            self.width += 1
            return list(range(int(len(text) * 1.5**self.width)))

    context = _context("x" * 900, "y" * 900)
    prompt = asyncio.run(PromptBuilder(FIM).build(Erratic(1), context, 101))
    assert len(prompt.ids) <= 101
    assert all(part.cut_characters > 800 for part in (prompt.parts[2], prompt.parts[4]))


@pytest.mark.parametrize("width", [1, 2, 3, 4, 8])
def test_any_tokenizer_fits_the_budget_and_uses_most_of_it(width: int) -> None:
    builder, tokenizer = PromptBuilder(FIM), PieceTokenizer(width)
    half = "".join(LINES)
    prompt = _build(builder, tokenizer, _context(half, half))
    assert 500 < len(prompt) <= 1000


def test_a_short_file_is_sent_whole_at_once() -> None:
    tokenizer = PieceTokenizer(3)
    _build(PromptBuilder(FIM), tokenizer, _context("def f():\n", "\nend\n"))
    assert tokenizer.texts == ["\nend\n", "def f():\n"]


@pytest.mark.parametrize("width", [1, 3, 4])
def test_typing_changes_only_the_end_of_the_prompt(width: int) -> None:
    builder, tokenizer = PromptBuilder(FIM), PieceTokenizer(width)
    before, after = "".join(LINES), "\n" + "".join(LINES)
    previous = _build(builder, tokenizer, _context(before, after))
    for character in "result = [item for item in items if item":
        before += character
        prompt = _build(builder, tokenizer, _context(before, after))
        shared = len(previous) - 1
        assert prompt[:shared] == previous[:shared]
        previous = prompt


def test_the_suffix_is_tokenized_once() -> None:
    builder, tokenizer = PromptBuilder(FIM), PieceTokenizer(3)
    _build(builder, tokenizer, _context("a", "\nrest\n"))
    _build(builder, tokenizer, _context("ab", "\nrest\n"))
    assert tokenizer.texts.count("\nrest\n") == 1


def test_documents_do_not_share_their_windows() -> None:
    builder, tokenizer = PromptBuilder(FIM), PieceTokenizer(3)
    one = _build(builder, tokenizer, _context("one\n", document=1))
    _build(builder, tokenizer, _context("two\n", document=2))
    assert _build(builder, tokenizer, _context("one\n", document=1)) == one
    builder.forget(1)
    assert _build(builder, tokenizer, _context("one\n", document=1)) == one


def test_without_fim_tokens_only_the_prefix_is_sent() -> None:
    tokenizer = PieceTokenizer(3)
    prompt = _build(PromptBuilder(None), tokenizer, _context("abc", "never seen"))
    assert len(prompt) == 1
    assert tokenizer.texts == ["abc"]


def test_text_denser_than_measured_still_fits() -> None:
    """The rate is measured on code; then the caret moves into a table of odd characters."""
    builder, tokenizer = PromptBuilder(FIM), PieceTokenizer(4)
    _build(builder, tokenizer, _context("".join(LINES)))
    tokenizer.width = 1
    assert len(_build(builder, tokenizer, _context("".join(reversed(LINES))))) <= 1000

"""Other files stand where each family expects them, within the budget, and stay there."""

import asyncio
from dataclasses import replace

import pytest

from starpad.core import fim
from starpad.core.context_window import CaretContext
from starpad.core.fim import CaretFile, FileTokens, FimOrder, FimTokens
from starpad.core.prompt import PartKind, Prompt
from starpad.core.prompt_budget import Shares
from starpad.core.remote_server import FimSpelling
from starpad.core.repository_context import ContextChunk, ContextReason, RepositoryContext
from starpad.engines.prompt_builder import PromptBuilder
from starpad.engines.text_tokens import TextTokens


class CharacterTokenizer:
    """A token for each character, so that ids read as text; special ids are negative."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def tokenize(self, text: str) -> list[int]:
        self.texts.append(text)
        return [ord(character) for character in text]


PREFIX, MIDDLE, SUFFIX, REPOSITORY, FILE = -1, -2, -3, -5, -6
_SHOWN = {PREFIX: "<P>", MIDDLE: "<M>", SUFFIX: "<S>", REPOSITORY: "<R>", FILE: "<F>"}


def _tokens(caret: CaretFile, order: FimOrder = FimOrder.SPMV2) -> FimTokens:
    files = FileTokens(REPOSITORY, FILE, caret)
    return FimTokens(PREFIX, SUFFIX, MIDDLE, order, frozenset(), files)


def _chunk(path: str, text: str) -> ContextChunk:
    return ContextChunk(path, text, ContextReason.OPEN)


REPOSITORY_CONTEXT = RepositoryContext("shop", "b.py", (_chunk("a.py", "x = 1\n"),))
CONTEXT = CaretContext(1, "python", 0, "y = ", "\n", REPOSITORY_CONTEXT)
BOX = 1000


def _build(
    builder: PromptBuilder,
    context: CaretContext = CONTEXT,
    budget: int = BOX,
    order: FimOrder | None = None,
    shares: Shares = Shares(),  # noqa: B008
) -> Prompt:
    return asyncio.run(builder.build(CharacterTokenizer(), context, budget, order, shares))


def _shown(prompt: Prompt) -> str:
    return "".join(_SHOWN.get(token) or chr(token) for token in prompt.ids)


@pytest.mark.parametrize(
    ("caret", "order", "expected"),
    [
        (
            CaretFile.PATH_IN_PREFIX, FimOrder.PSM,
            "<R>shop<F>a.py\nx = 1\n<F><P>b.py\ny = <S>\n<M>",
        ),
        (
            CaretFile.PATH_IN_PREFIX, FimOrder.SPMV2,
            "<R>shop<F>a.py\nx = 1\n<F><P><S>\n<M>b.py\ny = ",
        ),
        (
            CaretFile.NAMED_IN_PREFIX, FimOrder.PSM,
            "<R>shop<F>a.py\nx = 1\n<P><F>b.py\ny = <S>\n<M>",
        ),
        (
            CaretFile.NAMED_IN_PREFIX, FimOrder.SPMV2,
            "<R>shop<F>a.py\nx = 1\n<P><S>\n<M><F>b.py\ny = ",
        ),
        (
            CaretFile.NAMED_BEFORE, FimOrder.PSM,
            "<R>shop\n<F>a.py\nx = 1\n<F>b.py\n<P>y = <S>\n<M>",
        ),
    ],
)  # fmt: skip
def test_files_are_written_as_the_family_was_trained(
    caret: CaretFile, order: FimOrder, expected: str
) -> None:
    assert _shown(_build(PromptBuilder(_tokens(caret)), order=order)) == expected


def test_a_file_in_no_folder_and_a_model_without_the_tokens_get_the_bare_form() -> None:
    bare = "<P><S>\n<M>y = "
    alone = replace(CONTEXT, repository=RepositoryContext())
    assert _shown(_build(PromptBuilder(_tokens(CaretFile.PATH_IN_PREFIX)), alone)) == bare
    without = replace(_tokens(CaretFile.PATH_IN_PREFIX), files=None)
    assert _shown(_build(PromptBuilder(without))) == bare
    assert _shown(_build(PromptBuilder(None))) == "y = "


def test_a_document_without_a_path_still_sees_the_others() -> None:
    context = replace(CONTEXT, repository=replace(REPOSITORY_CONTEXT, path=""))
    prompt = _build(PromptBuilder(_tokens(CaretFile.PATH_IN_PREFIX)), context)
    assert _shown(prompt) == "<R>shop<F>a.py\nx = 1\n<F><P><S>\n<M>y = "
    qwen = _build(PromptBuilder(_tokens(CaretFile.NAMED_BEFORE)), context)
    assert "<F><P>" in _shown(qwen)


def test_parts_name_the_file_that_they_are_from() -> None:
    prompt = _build(PromptBuilder(_tokens(CaretFile.PATH_IN_PREFIX)))
    paths = [(part.kind, part.path) for part in prompt.parts if part.path]
    assert paths == [(PartKind.REPOSITORY, "a.py"), (PartKind.PREFIX, "b.py")]


LONG = "".join(f"line {number:03}\n" for number in range(200))


def test_what_does_not_fit_is_cut_at_a_line_and_told() -> None:
    chunks = (_chunk("a.py", LONG), _chunk("c.py", LONG))
    context = replace(CONTEXT, repository=replace(REPOSITORY_CONTEXT, chunks=chunks))
    prompt = _build(PromptBuilder(_tokens(CaretFile.PATH_IN_PREFIX)), context)
    assert len(prompt.ids) <= BOX
    first, second = (part for part in prompt.parts if part.path in ("a.py", "c.py"))
    assert first.ids[-1] == ord("\n")
    assert first.cut_characters == len(LONG) - (len(first.ids) - len("a.py\n"))
    assert (second.ids, second.cut_characters) == ((), len(LONG))
    assert _shown(prompt).count("<F>") == 2


def test_the_text_around_the_caret_takes_its_share_back_once() -> None:
    builder = PromptBuilder(_tokens(CaretFile.PATH_IN_PREFIX))
    repository = replace(REPOSITORY_CONTEXT, chunks=(_chunk("a.py", LONG),))
    sizes = []
    for count in range(0, 1500, 10):
        text = ("y = 1\n" * 250)[:count]
        prompt = _build(builder, CaretContext(1, "python", 0, text, "\n", repository))
        assert len(prompt.ids) <= BOX
        sizes.append(sum(len(part.ids) for part in prompt.parts if part.path == "a.py"))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 700
    assert 200 < sizes[-1] <= 300
    assert len(set(sizes)) <= 5


def test_typing_leaves_all_before_the_prefix_as_it_was() -> None:
    builder = PromptBuilder(_tokens(CaretFile.PATH_IN_PREFIX))
    repository = replace(REPOSITORY_CONTEXT, chunks=(_chunk("a.py", LONG),))
    before, after = LONG, "\n" + LONG
    previous = _build(builder, CaretContext(1, "python", 0, before, after, repository)).ids
    for character in "total = sum(":
        before += character
        ids = _build(builder, CaretContext(1, "python", 0, before, after, repository)).ids
        assert ids[:-1] == previous
        previous = ids


def test_what_is_appended_stands_behind_what_was_there() -> None:
    builder = PromptBuilder(_tokens(CaretFile.PATH_IN_PREFIX))
    before = _shown(_build(builder))
    more = replace(REPOSITORY_CONTEXT, chunks=(*REPOSITORY_CONTEXT.chunks, _chunk("c.py", "z\n")))
    after = _shown(_build(builder, replace(CONTEXT, repository=more)))
    assert after == before.replace("<F><P>", "<F>c.py\nz\n<F><P>")


def test_pieces_are_tokenized_once() -> None:
    builder, tokenizer = PromptBuilder(_tokens(CaretFile.PATH_IN_PREFIX)), CharacterTokenizer()
    more = replace(REPOSITORY_CONTEXT, chunks=(*REPOSITORY_CONTEXT.chunks, _chunk("c.py", "z\n")))
    for context in (CONTEXT, CONTEXT, replace(CONTEXT, repository=more)):
        asyncio.run(builder.build(tokenizer, context, BOX))
    assert tokenizer.texts.count("a.py\nx = 1\n") == 1


def test_a_server_of_text_gets_the_format_of_the_family_that_it_names() -> None:
    vocabulary = TextTokens(fim.spelled(FimSpelling.AUTO, "bigcode/starcoder2-7b"))

    class Client:
        async def tokenize(self, text: str) -> list[int]:
            return vocabulary.encode(text)

    known = {text: vocabulary.special_ids(text) for text in fim.SPECIAL_TOKEN_TEXTS}
    chunks = (_chunk("a.py", "x = '<file_sep>'\n"),)
    context = replace(CONTEXT, repository=replace(REPOSITORY_CONTEXT, chunks=chunks))
    prompt = asyncio.run(PromptBuilder(fim.resolve(known)).build(Client(), context, BOX))
    assert vocabulary.decode(prompt.ids) == (
        "<repo_name>shop<file_sep>a.py\nx = '<\u2060file_sep>'\n<file_sep>"
        "<fim_prefix><fim_suffix>\n<fim_middle>b.py\ny = "
    )


def test_a_tiny_budget_is_all_for_the_text_around_the_caret() -> None:
    prompt = _build(PromptBuilder(_tokens(CaretFile.PATH_IN_PREFIX)), budget=100)
    assert _shown(prompt) == "<P><S>\n<M>y = "


def test_no_share_for_other_files_leaves_only_what_nobody_needs() -> None:
    builder = PromptBuilder(_tokens(CaretFile.PATH_IN_PREFIX))
    repository = replace(REPOSITORY_CONTEXT, chunks=(_chunk("a.py", LONG),))
    context = CaretContext(1, "python", 0, LONG, LONG, repository)
    prompt = _build(builder, context, shares=Shares(50, 50, 0))
    assert not any(part.ids for part in prompt.parts if part.path == "a.py")

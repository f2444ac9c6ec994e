"""300 prompts that could go wrong, in both families, equal those put together by hand."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import pytest

from every_engine import RunningEngine, running
from legacy_ggml_files import Shape, legacy, noise, vocabulary
from starpad.core.context_window import CaretContext
from starpad.core.fim import FimOrder
from starpad.core.prompt import PartKind, Prompt, PromptPart
from starpad.core.repository_context import ContextChunk, ContextReason, RepositoryContext
from starpad.core.text_file import decode
from starpad.engines.prompt_builder import PromptBuilder

REACH = 6_000
CODE = "def add(one, two):\n    return one + two\n\n\n"
SAMPLES = {
    "empty": b"",
    "short": CODE.encode(),
    "long": CODE.encode() * 200,
    "crlf": (CODE * 20).replace("\n", "\r\n").encode(),
    "tabs": CODE.replace("    ", "\t\t").encode() * 20,
    "emoji": "x = '\U0001f600\u00e9\u4e2d\u200d\U0001f468'  # \u2028 not a line\n".encode() * 20,
    "special": b"<fim_middle><|endoftext|><file_sep><filename><fim_prefix>\n" * 20,
    "endless line": b"x = [" + b"1, " * 5_000 + b"]\n",
    "no line end": b"return",
    "blank lines": b"\n" * 300,
    "5 MB": CODE.encode() * 120_000,
}
CARETS = ("start", "line end", "inside", "end")
REPOSITORIES = {
    "without": RepositoryContext(),
    "with": RepositoryContext(
        "shop <fim_suffix>", "src/\u00e9.py",
        (
            ContextChunk("a <file_sep>.py", "y = '<fim_middle>'\n\n\n", ContextReason.OPEN),
            ContextChunk("b.py", CODE * 40, ContextReason.SIMILAR),
        ),
    ),
}  # fmt: skip
ENGINES = ("StarCoder2", "StarCoder 1")
TOKENS = {
    "StarCoder2": ("<repo_name>", "<file_sep>"),
    "StarCoder 1": ("<reponame>", "<filename>"),
}
BUDGETS = (400, 150)
CASES = list(product(SAMPLES, CARETS, REPOSITORIES, FimOrder, BUDGETS))
"""352 for each family; a seeded choice of them runs."""


@pytest.fixture(scope="module", params=ENGINES)
def family(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, RunningEngine]]:
    folder = tmp_path_factory.mktemp("model")
    old = legacy(Shape(), vocabulary(added=["<reponame>"]), noise())
    name = "llama" if request.param == "StarCoder2" else "ggml"
    with running(name, folder, old) as engine:
        yield request.param, engine


@dataclass(frozen=True)
class _Reference:
    """Puts a prompt together as the family's own description says."""

    family: str
    engine: RunningEngine

    def ids(self, text: str) -> list[int]:
        return self.engine.run(self.engine.client.tokenize(text)) if text else []

    def special(self, text: str) -> list[int]:
        (token,) = self.engine.run(self.engine.client.tokenize(text, special=True))
        return [token]

    def prompt(
        self, before: str, after: str, context: RepositoryContext, texts: list[str], order: FimOrder
    ) -> list[int]:
        repository, file = map(self.special, TOKENS[self.family])
        prefix, suffix, middle = map(self.special, ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"))
        front: list[int] = []
        if context.path:
            front += repository + self.ids(context.repository_name)
            for chunk, text in zip(context.chunks, texts, strict=True):
                front += file + self.ids(f"{chunk.path}\n{text}") if text else []
            before = f"{context.path}\n{before}"
        caret = self.ids(before)
        if context.path and self.family == "StarCoder2":
            front += file
        if context.path and self.family == "StarCoder 1":
            caret = file + caret
        if order is FimOrder.PSM:
            return front + prefix + caret + suffix + self.ids(after) + middle
        return front + prefix + suffix + self.ids(after) + middle + caret


def _caret_context(sample: str, caret: str, context: RepositoryContext) -> CaretContext:
    text = decode(SAMPLES[sample]).text
    middle = len(text) // 2
    position = {
        "start": 0, "end": len(text), "inside": middle,
        "line end": max(0, text.rfind("\n", 0, middle + 1)),
    }[caret]  # fmt: skip
    start = text.rfind("\n", 0, max(0, position - REACH)) + 1
    start = start if position - start < 2 * REACH else position - REACH
    first_line = text.count("\n", 0, start)
    return CaretContext(
        1, "python", first_line, text[start:position], text[position : position + REACH], context
    )


def _part(prompt: Prompt, kind: PartKind) -> PromptPart:
    return next(part for part in prompt.parts if part.kind is kind)


def test_prompts_are_those_put_together_by_hand_and_fit(
    family: tuple[str, RunningEngine],
) -> None:
    name, engine = family
    fim = engine.model.fim
    assert fim is not None
    assert fim.files is not None
    reference = _Reference(name, engine)
    cases = random.Random(8).sample(CASES, 175)
    whole = cut = 0
    for sample, caret, with_or_without, order, budget in cases:
        repository = REPOSITORIES[with_or_without]
        context = _caret_context(sample, caret, repository)
        built = PromptBuilder(fim).build(engine.client, context, budget, order)
        prompt = engine.run(built)
        assert len(prompt.ids) <= budget, (sample, caret)
        before, after = _part(prompt, PartKind.PREFIX), _part(prompt, PartKind.SUFFIX)
        texts = [
            chunk.text[: len(chunk.text) - part.cut_characters]
            for chunk in repository.chunks
            for part in prompt.parts
            if part.path == chunk.path
        ]
        expected = reference.prompt(
            context.before[before.cut_characters :],
            context.after[: len(context.after) - after.cut_characters],
            repository, texts, order,
        )  # fmt: skip
        assert list(prompt.ids) == expected, (sample, caret, with_or_without, order, budget)
        is_cut = (
            before.cut_characters
            or after.cut_characters
            or any(part.cut_characters for part in prompt.parts)
        )
        whole += not is_cut
        cut += bool(is_cut)
        for token in (fim.prefix, fim.suffix, fim.middle, fim.files.repository):
            assert prompt.ids.count(token) <= 1, "text stays text"
    assert whole > 20
    assert cut > 20


def test_a_key_in_five_megabytes_changes_only_the_end(family: tuple[str, RunningEngine]) -> None:
    _, engine = family
    builder = PromptBuilder(engine.model.fim)
    context = _caret_context("5 MB", "inside", REPOSITORIES["with"])
    ids = engine.run(builder.build(engine.client, context, 400)).ids
    for _ in range(3):
        context = CaretContext(
            1, "python", context.first_line, context.before + "(", context.after,
            context.repository,
        )  # fmt: skip
        longer = engine.run(builder.build(engine.client, context, 400)).ids
        assert longer[: len(ids) - 1] == ids[:-1]
        ids = longer

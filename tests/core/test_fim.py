"""Prompts for every family, from what its tokenizer knows."""

import pytest

from starpad.core import fim
from starpad.core.fim import CaretFile, FileTokens, FimOrder
from starpad.core.remote_server import FimSpelling

PIECES = [30, 31, 32]
"""What a tokenizer answers for a text that is no special token."""


def _vocabulary(**known: int) -> dict[str, list[int]]:
    ids = {text: list(PIECES) for text in fim.SPECIAL_TOKEN_TEXTS}
    return ids | {text: [number] for text, number in known.items()}


STARCODER2 = _vocabulary(
    **{
        "<|endoftext|>": 0,
        "<fim_prefix>": 1,
        "<fim_middle>": 2,
        "<fim_suffix>": 3,
        "<fim_pad>": 4,
        "<repo_name>": 5,
        "<file_sep>": 6,
    }
)
SANTACODER = _vocabulary(**{"<fim-prefix>": 10, "<fim-middle>": 11, "<fim-suffix>": 12})
QWEN = _vocabulary(**{"<|fim_prefix|>": 7, "<|fim_middle|>": 8, "<|fim_suffix|>": 9})


def test_starcoder_gets_spmv2_with_the_prefix_last() -> None:
    tokens = fim.resolve(STARCODER2)
    assert tokens is not None
    assert fim.build_prompt(tokens, [100, 101], [200]) == (1, 3, 200, 2, 100, 101)


def test_psm_can_be_asked_for() -> None:
    tokens = fim.resolve(STARCODER2)
    prompt = fim.build_prompt(tokens, [100, 101], [200], FimOrder.PSM)
    assert prompt == (1, 100, 101, 3, 200, 2)


def test_a_typed_token_only_appends_to_an_spmv2_prompt() -> None:
    tokens = fim.resolve(STARCODER2)
    before = fim.build_prompt(tokens, [100], [200, 201])
    assert fim.build_prompt(tokens, [100, 101], [200, 201])[: len(before)] == before


def test_every_starcoder2_control_token_stops_a_suggestion() -> None:
    tokens = fim.resolve(STARCODER2)
    assert tokens is not None
    assert tokens.stop_ids == {0, 1, 2, 3, 4, 5, 6}


def test_santacoder_spells_its_tokens_with_hyphens() -> None:
    tokens = fim.resolve(SANTACODER)
    assert tokens is not None
    assert (tokens.prefix, tokens.middle, tokens.suffix) == (10, 11, 12)


def test_other_families_get_psm_in_their_own_tokens() -> None:
    tokens = fim.resolve(QWEN)
    assert fim.build_prompt(tokens, [100], [200]) == (7, 100, 9, 200, 8)


def test_a_model_without_fim_tokens_continues_the_prefix() -> None:
    assert fim.resolve(_vocabulary()) is None
    assert fim.build_prompt(None, [100, 101], [200]) == (100, 101)


def test_a_model_without_fim_tokens_still_stops_at_the_end_of_text() -> None:
    assert fim.stop_ids(_vocabulary(**{"<|endoftext|>": 5})) == {5}
    assert fim.stop_ids({}) == frozenset()


def test_half_of_the_tokens_is_not_enough() -> None:
    assert fim.resolve(_vocabulary(**{"<fim_prefix>": 1, "<fim_suffix>": 3})) is None


def _file_tokens(**known: int) -> FileTokens | None:
    around = {"<fim_prefix>": 1, "<fim_middle>": 2, "<fim_suffix>": 3}
    tokens = fim.resolve(_vocabulary(**around | known))
    assert tokens is not None
    return tokens.files


def test_each_family_has_its_own_tokens_for_files() -> None:
    assert _file_tokens() is None
    assert _file_tokens(**{"<file_sep>": 6}) is None
    starcoder2 = _file_tokens(**{"<repo_name>": 5, "<file_sep>": 6})
    assert starcoder2 == FileTokens(5, 6, CaretFile.PATH_IN_PREFIX)
    starcoder1 = _file_tokens(**{"<reponame>": 18, "<filename>": 5})
    assert starcoder1 == FileTokens(18, 5, CaretFile.NAMED_IN_PREFIX)
    qwen = _file_tokens(**{"<|repo_name|>": 7, "<|file_sep|>": 8})
    assert qwen == FileTokens(7, 8, CaretFile.NAMED_BEFORE)


def test_only_starcoder_1_has_no_positions_beyond_its_context() -> None:
    around = {"<fim_prefix>": 1, "<fim_middle>": 2, "<fim_suffix>": 3}
    first = fim.resolve(_vocabulary(**around, **{"<reponame>": 18, "<filename>": 5}))
    assert first is not None
    assert first.context_limit == 8192
    second = fim.resolve(STARCODER2)
    assert second is not None
    assert second.context_limit == 0


@pytest.mark.parametrize(
    ("model", "spelling", "caret"),
    [
        ("bigcode/starcoder2-7b", FimSpelling.AUTO, CaretFile.PATH_IN_PREFIX),
        ("starchat2-15b", FimSpelling.STARCODER, CaretFile.PATH_IN_PREFIX),
        ("starcoderbase-1b", FimSpelling.AUTO, CaretFile.NAMED_IN_PREFIX),
        ("bigcode/tiny_starcoder_py", FimSpelling.AUTO, CaretFile.NAMED_IN_PREFIX),
        ("qwen2.5-coder:7b", FimSpelling.AUTO, CaretFile.NAMED_BEFORE),
        ("my-own", FimSpelling.STARCODER, None),
        ("santacoder", FimSpelling.AUTO, None),
    ],
)
def test_where_only_a_name_is_known_files_are_written_as_its_family_does(
    model: str, spelling: FimSpelling, caret: CaretFile | None
) -> None:
    texts = fim.spelled(spelling, model)
    tokens = fim.resolve({text: [number] for number, text in enumerate(texts)})
    assert tokens is not None
    assert (tokens.files.caret if tokens.files else None) is caret
    assert fim.spelled(FimSpelling.AUTO, "llama") == ()


def test_what_begins_something_else_than_a_file_ends_a_suggestion() -> None:
    ids = {text: [number] for number, text in enumerate(fim.SPECIAL_TOKEN_TEXTS)}
    for text in ("<file_sep>", "<jupyter_code>", "<issue_start>", "<commit_before>"):
        assert ids[text][0] in fim.stop_ids(ids)

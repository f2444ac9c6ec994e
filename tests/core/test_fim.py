"""Prompts for every family, from what its tokenizer knows."""

from starpad.core import fim
from starpad.core.fim import FimOrder

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

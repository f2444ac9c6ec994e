"""A prompt leaves room for what the model is to write, and shares are of their sum."""

from starpad.core.fim import FimOrder, FimTokens
from starpad.core.prompt_budget import Shares, prompt_tokens


def test_the_wish_counts_where_the_context_is_large() -> None:
    assert prompt_tokens(4096, 16_384, 96, None) == 4096


def test_a_small_context_leaves_room_for_the_answer() -> None:
    assert prompt_tokens(4096, 1024, 96, None) == 928
    assert prompt_tokens(4096, 64, 96, None) == 32


def test_starcoder_1_never_gets_more_than_it_has_positions_for() -> None:
    fim = FimTokens(1, 3, 2, FimOrder.SPMV2, frozenset(), context_limit=8192)
    assert prompt_tokens(16_384, 32_768, 192, fim) == 8000


def test_shares_need_not_be_a_hundred() -> None:
    shares = Shares(1, 1, 2)
    assert (shares.context_part, shares.suffix_part) == (0.5, 0.5)
    assert Shares(1, 0, 0).suffix_part == 0

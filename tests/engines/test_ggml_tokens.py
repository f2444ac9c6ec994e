"""Text becomes the tokens that the model was trained on, from the file's list alone."""

import pytest

from legacy_ggml_files import MERGES, SPECIAL, vocabulary
from starpad.engines.ggml_tokens import TokenTexts

TOKENS = vocabulary()
TEXTS = TokenTexts(TOKENS)


def pieces(text: str, *, special: bool = False, texts: TokenTexts = TEXTS) -> list[bytes]:
    ids = texts.encode(text, parse_special=special)
    return [texts.bytes_of(token) or str(token).encode() for token in ids]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("def add", [b"def", b" add"]),
        ("return one", [b"return", b" ", b"one"]),
        ("ones", [b"one", b"s"]),
        ("three", [b"three"]),
        ("12 3", [b"1", b"2", b" ", b"3"]),
        ("x1one", [b"x", b"1", b"one"]),
        # The space before a word belongs to it, and the others to the indentation.
        ("     add", [b"    ", b" add"]),
        ("    1", [b"    ", b"1"]),
        ("add\n\n  ", [b"a", b"d", b"d", b"\n\n", b"  "]),
        ("it's", [b"i", b"t", b"'", b"s"]),
        ("<br>", [b"<", b"br", b">"]),
        ("", []),
    ],
)
def test_pairs_are_joined_in_the_order_of_the_vocabulary(text: str, wanted: list[bytes]) -> None:
    assert pieces(text) == wanted


def test_the_lowest_pair_is_joined_first_not_the_longest_token() -> None:
    # A greedy reader would take "abc"; here "bc" is older, and nothing joins "a" with it.
    texts = TokenTexts([*(bytes([byte]) for byte in range(256)), b"bc", b"ab", b"abd", b"abc"])
    assert pieces("abd", texts=texts) == [b"abd"]
    assert pieces("abc", texts=texts) == [b"abc"]
    assert pieces("xbcab", texts=texts) == [b"x", b"bc", b"ab"]
    older = TokenTexts([*(bytes([byte]) for byte in range(256)), b"bc", b"ab", b"abcd", b"cd"])
    assert pieces("abcd", texts=older) == [b"a", b"bc", b"d"]


@pytest.mark.parametrize(
    "text",
    ["é", "日本", "\U0001d4b3 \u017f'\u017f \u0663½\u2167", "\x1c\x85\xa0\u2028\u3000", "a\0b\r\n"],
)
def test_every_text_comes_back_byte_by_byte(text: str) -> None:
    assert b"".join(pieces(text)) == text.encode()


def test_a_special_token_is_one_only_where_it_is_asked_for() -> None:
    text = "<fim_prefix>def<fim_suffix><fim_middle>"
    assert TEXTS.encode(text, parse_special=True)[0] == SPECIAL.index("<fim_prefix>")
    assert [TEXTS.id_of(name) for name in SPECIAL] == list(range(len(SPECIAL)))
    assert not set(TEXTS.encode(text, parse_special=False)) & set(range(len(SPECIAL)))
    assert b"".join(pieces(text)) == text.encode()
    assert TEXTS.bytes_of(1) == b""
    assert TEXTS.id_of("<br>") is None


def test_no_text_can_be_joined_to_a_special_token() -> None:
    # "<f" and "im_prefix>" would make one, were it not left out.
    texts = TokenTexts([b"<fim_pad>", *TOKENS[len(SPECIAL) :], b"im_pad>"])
    assert 0 not in texts.encode("<fim_pad>", parse_special=False)
    assert texts.encode("<fim_pad>", parse_special=True) == [0]


def test_tokens_that_were_added_behind_the_vocabulary_are_found() -> None:
    starchat = ["<|system|>", "<|user|>", "<|assistant|>", "<|end|>"]
    texts = TokenTexts(vocabulary(added=starchat))
    first = len(TOKENS)
    assert texts.encode("<|user|>one<|end|>", parse_special=True) == [
        first + 1, TOKENS.index(b"one"), first + 3,
    ]  # fmt: skip
    assert texts.id_of("[PAD]") is None
    assert TokenTexts(vocabulary(added=["[PAD]"])).id_of("[PAD]") == first


def test_santacoders_tokens_are_found_though_its_last_one_fills_the_table() -> None:
    hyphens = ["<|endoftext|>", "<fim-prefix>", "<fim-middle>", "<fim-suffix>", "<fim-pad>"]
    texts = TokenTexts(vocabulary((), [*hyphens, *(["<fim-pad>"] * 100)]))
    first = 256 + len(MERGES)
    assert [texts.id_of(name) for name in hyphens] == list(range(first, first + 5))
    assert texts.bytes_of(len(texts) - 1) == b""
    assert texts.encode("<fim-prefix>a", parse_special=True) == [first + 1, ord("a")]


def test_a_byte_that_the_vocabulary_does_not_have_is_left_out() -> None:
    texts = TokenTexts([b"a", b"b", b"ab"])
    assert texts.encode("xabyb", parse_special=True) == [2, 1]


def test_a_word_of_a_hundred_thousand_letters_is_no_trap() -> None:
    assert pieces("two" * 30_000) == [b"two"] * 30_000

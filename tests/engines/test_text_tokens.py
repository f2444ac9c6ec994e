"""Text as if it were tokens: nothing is lost, nothing becomes a special token by itself."""

from hypothesis import given
from hypothesis import strategies as st

from starpad.engines.text_tokens import TextTokens, broken_up

NAMES = ("<fim_prefix>", "<fim_middle>", "<|end|>")
texts = st.text() | st.lists(st.sampled_from([*NAMES, "a", "<", "fim_", "|>", "\n"])).map("".join)


@given(texts)
def test_text_comes_back_except_for_special_names_which_are_broken_up(text: str) -> None:
    tokens = TextTokens(NAMES)
    sent = tokens.decode(tokens.encode(text))
    assert sent.replace("\u2060", "") == text.replace("\u2060", "")
    assert not any(name in sent for name in NAMES)
    assert sent == broken_up(text, NAMES)


@given(texts)
def test_a_templates_text_has_its_special_tokens_and_comes_back_whole(text: str) -> None:
    tokens = TextTokens(NAMES)
    ids = tokens.encode(text, special=True)
    assert tokens.decode(ids) == text
    assert sum(token < len(NAMES) for token in ids) == sum(text.count(name) for name in NAMES)


@given(texts, texts)
def test_a_text_that_grows_keeps_all_but_its_last_piece(text: str, more: str) -> None:
    tokens = TextTokens(())
    before, after = tokens.encode(text), tokens.encode(text + more)
    known = before[:-1]
    assert after[: len(known)] == known


def test_pieces_are_about_as_long_as_tokens_of_code() -> None:
    code = "def read_header(path: Path) -> ModelHeader:\n    return parse(path, size=1024)\n" * 20
    count = len(TextTokens(()).encode(code))
    assert len(code) / 5 < count < len(code) / 2


def test_a_special_token_is_one_id_and_an_unknown_one_is_text() -> None:
    tokens = TextTokens(NAMES)
    assert tokens.encode("<fim_middle>", special=True) == tokens.special_ids("<fim_middle>") == [1]
    assert tokens.special_ids("<file_sep>") == []
    assert len(tokens.encode("<file_sep>", special=True)) > 1

"""Identifiers count as a whole and by the words in them."""

from starpad.repository.words import told_words, wanted_words, words_of


def test_identifiers_are_split_at_underscores_and_capitals() -> None:
    assert list(words_of("read_file(HTTPServer, maxItems2)")) == [
        "read_file", "read", "file", "httpserver", "http", "server", "maxitems2", "max", "items",
    ]  # fmt: skip


def test_the_languages_own_words_do_not_count() -> None:
    assert list(words_of("return self.total if None else x")) == ["total"]


def test_a_name_of_endless_length_does_not_count() -> None:
    assert list(words_of("a" * 100 + " total")) == ["total"]


def test_the_nearest_words_come_first_and_once() -> None:
    assert wanted_words("alpha beta alpha", "gamma") == ("alpha", "beta", "gamma")
    assert wanted_words("alpha beta", "gamma", most=1) == ("beta",)


def test_imports_name_much_and_tell_little() -> None:
    text = "from cart import Cart\n#include <list.h>\nuse crate::net;\nimported = Basket\n"
    assert list(told_words(text)) == ["imported", "basket"]

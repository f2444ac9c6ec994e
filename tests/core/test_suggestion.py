"""What is offered of generated text, and how it is accepted."""

import pytest

from starpad.core.suggestion import (
    after_typing,
    first_line,
    first_word,
    is_finished,
    line_policy,
    trim,
)


def _offered(before: str, generated: str, after: str = "", max_lines: int = 8) -> str:
    return trim(generated, line_policy(before, after, max_lines))


def test_text_right_of_the_caret_allows_one_line() -> None:
    assert _offered("print(", "a, b\nmore", " + c\n") == "a, b"


def test_nothing_but_blanks_right_of_the_caret_allows_several() -> None:
    assert _offered("if x:", "\n    y()\n    z()", "  \n") == "\n    y()\n    z()"


@pytest.mark.parametrize(
    ("rest", "generated", "offered"),
    [
        (")", "a, b)", "a, b"),
        ("):", "x):", "x"),
        (")", "f(a)", "f(a)"),
        (")", "f(a))", "f(a)"),
        (" + 1", "x", "x"),
        ("]\n", "0]", "0"),
    ],
)
def test_what_stands_right_of_the_caret_is_not_repeated(
    rest: str, generated: str, offered: str
) -> None:
    assert _offered("call(", generated, rest) == offered


def test_a_suggestion_that_only_repeats_the_rest_is_nothing() -> None:
    assert _offered("call(a", ")", ")\n") == ""


def test_it_ends_before_the_line_that_follows_already() -> None:
    after = "\n    return total\n"
    assert _offered("    x = 1", "\n    y = 2\n    return total\n", after) == "\n    y = 2"


def test_repeating_the_next_line_at_once_is_nothing() -> None:
    assert _offered("    ", "return total\n", "\n    return total\n") == ""


def test_it_ends_where_it_leaves_the_block_of_the_caret() -> None:
    assert _offered("def f():\n    ", "return 1\n\ndef g():\n    pass") == "return 1"


def test_at_an_empty_line_under_an_opener_the_block_counts() -> None:
    assert _offered("def f():\n", "    return 1\nx = 2") == "    return 1"


def test_a_closing_bracket_of_the_own_block_belongs_to_it() -> None:
    assert _offered("x = {", "\n    'a': 1,\n}\ny = 2") == "\n    'a': 1,\n}"


def test_a_line_that_repeats_itself_ends_it() -> None:
    assert _offered("x = 1", "\ny = f(x)\ny = f(x)\ny = f(x)") == "\ny = f(x)"


def test_a_pair_of_lines_that_comes_again_ends_it() -> None:
    loop = "\n    if a:\n        b()\n    if a:\n        b()\n    if a:\n        b()"
    assert _offered("    x = 1", loop) == "\n    if a:\n        b()"


def test_a_single_line_may_come_again() -> None:
    generated = "\n    }\n    a()\n    }\n    b()"
    assert _offered("    x = 1", generated) == generated


def test_indentation_that_stands_there_already_is_not_doubled() -> None:
    assert _offered("def f():\n    ", "    return 1") == "return 1"


def test_indentation_is_kept_where_there_is_none_yet() -> None:
    assert _offered("def f():\n", "    return 1") == "    return 1"


def test_it_has_at_most_so_many_lines() -> None:
    generated = "\n".join(f"line{n} = {n}" for n in range(20))
    assert _offered("x = 1\n", generated, max_lines=3).count("\n") == 2


def test_blanks_alone_are_nothing() -> None:
    assert _offered("x = ", "  \n \n") == ""


def test_blanks_at_the_end_are_cut_unless_text_follows() -> None:
    assert _offered("x", " = 1  ") == " = 1"
    assert _offered("x = [", "a for a ", "in b]") == "a for a "


@pytest.mark.parametrize(
    ("before", "after", "text", "finished"),
    [
        ("f(", ")", "a", False),
        ("f(", ")", "a\n", True),
        ("f(", ")", " \n", True),
        ("x", "", "abc", False),
        ("x", "", "\n", False),
        ("def f():\n    ", "", "return 1\n", False),
        ("def f():\n    ", "", "return 1\nd", True),
        ("def f():\n    ", "", "return 1\n    a", False),
        ("x", "", "\ny = 1\ny = 1\n", True),
        ("    def f", "", "(x):\n        return x\n\n    d", True),
        ("    x = f(", "", "\n        a\n    )", False),
    ],
)
def test_generation_ends_when_more_could_not_change_the_offer(
    before: str, after: str, text: str, finished: bool
) -> None:
    assert is_finished(text, line_policy(before, after, 8)) is finished


def test_generation_ends_at_the_bound_of_lines() -> None:
    policy = line_policy("x", "", 2)
    assert not is_finished("a\nb", policy)
    assert is_finished("a\nb\n", policy)


def test_more_text_never_changes_a_finished_offer() -> None:
    before, generated = "def f():\n    ", "a = 1\n    b = 2\n\nclass G:\n    pass\n" * 3
    policy = line_policy(before, "", 8)
    done = next(n for n in range(len(generated)) if is_finished(generated[:n], policy))
    assert {trim(generated[:n], policy) for n in range(done, len(generated))} == {
        "a = 1\n    b = 2"
    }


def test_typing_along_shortens_and_typing_otherwise_ends() -> None:
    assert after_typing("return x", "ret") == "urn x"
    assert after_typing("return x", "rex") is None
    assert after_typing("return", "return") == ""


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("return x", "return"),
        (" foo.bar", " foo"),
        (".bar()", "."),
        ("():\n    x", "():"),
        ("\n    if x", "\n    if"),
        ("   ", "   "),
        ("naïve x", "naïve"),
    ],
)
def test_accepting_a_word_takes_the_blanks_before_it(text: str, word: str) -> None:
    assert first_word(text) == word


def test_accepting_lines_one_by_one_gives_the_whole() -> None:
    rest, parts = "\n    a = 1\n\n    b = 2", []
    while rest:
        parts.append(first_line(rest))
        rest = rest[len(parts[-1]) :]
    assert parts == ["\n    a = 1", "\n", "\n    b = 2"]

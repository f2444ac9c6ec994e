"""What is cut of generated text: each rule by table, all of them with whatever may come."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starpad.core.fim import SPECIAL_TOKEN_TEXTS
from starpad.core.suggestion import is_finished, line_policy, trim
from starpad.core.trimming import without_half_line


def _offered(before: str, generated: str, after: str = "", max_lines: int = 8) -> str:
    return trim(generated, line_policy(before, after, max_lines))


@pytest.mark.parametrize(
    ("before", "after", "several"),
    [
        ("x", "", True),
        ("x", "  \n", True),
        ("if (x) {", "}", True),
        ("f(() => {", "});", True),
        ("if (x) { ", " }", True),
        ("foo(", ")", False),
        ("def f(", "):", False),
        ("x = [", "]", False),
        ("say('", "')", False),
        ("x = ", ";", False),
        ("f({", "}, 1)", False),
        ("if (x) { return;", "}", False),
    ],
)
def test_several_lines_may_come_where_nothing_follows_or_a_block_is_empty(
    before: str, after: str, several: bool
) -> None:
    assert (line_policy(before, after, 8).max_lines > 1) is several


def test_a_block_is_filled_and_its_brace_stays_on_a_line_of_its_own() -> None:
    before, after = "  if (x) {", "}\n"
    filled = "\n    return 1;\n  "
    assert _offered(before, "\n    return 1;\n  }\n}\n", after) == filled
    assert _offered(before, "\n    return 1;", after) == filled
    assert _offered(before, " return 1; }", after) == " return 1;"


@pytest.mark.parametrize(
    ("before", "after", "generated", "offered"),
    [
        # closed below, closed right of the caret, not closed at all
        ("x = {\n    'a': 1,\n    ", "\n}\n", "'b': 2}\n", "'b': 2"),
        ("x = [\n    1,\n    ", "\n]\n", "2,\n    3]\ny = 1", "2,\n    3"),
        ("x = f(", ")\n", "a, g(b))", "a, g(b)"),
        ("x = f(", "):\n", "a) + b", "a"),
        ("x = f(", ")\n", "a) + b", "a) + b"),
        ("x = f(g(", ")\n", "a))", "a)"),
        ("x = f(", "", "a)\n", "a)"),
        ("f(\n    a,\n    ", "", "b,\n)\nprint()", "b,\n)"),
        # what is in strings does not count
        ("x = f(", ")\n", '")", 1', '")", 1'),
        ("x = {\n    'a': '}',\n    ", "\n}\n", "'b': '}',\n    'c': 1}", "'b': '}',\n    'c': 1"),
        # a brace that is needed ends the suggestion with its line
        ("void f() {\n  ", "", "g();\n}\n\nvoid h() {\n", "g();\n}"),
        ("void f() {\n  ", "\n}\n", "g();\n}\n\nvoid h() {\n", "g();"),
        # where brackets come alone, nothing is known of them
        ("case $1 in\n  start) go ;;\n  ", "\nesac\n", "stop) halt ;;", "stop) halt ;;"),
        ("        x = f(\n        ", "\n    )\n}\n", "a)\n", "a)"),
    ],
)
def test_what_is_closed_already_is_not_closed_again(
    before: str, after: str, generated: str, offered: str
) -> None:
    assert _offered(before, generated, after) == offered


def test_a_bracket_too_many_ends_the_generation() -> None:
    policy = line_policy("x = {\n    ", "\n}\n", 8)
    assert not is_finished("'a': 1, 'b': '}', ", policy)
    assert is_finished("'a': 1}", policy)
    assert is_finished("f(x))", line_policy("f(", "):", 8))


@pytest.mark.parametrize(
    ("above", "generated", "offered"),
    [
        ("total = total + x", "total = total + x\ny = 1", ""),
        ("}", "}", "}"),
        ("    next(it)", "next(it)", "next(it)"),
    ],
)
def test_the_line_above_is_not_said_again(above: str, generated: str, offered: str) -> None:
    assert _offered(f"{{{{\n{above}\n", generated) == offered


@pytest.mark.parametrize(
    ("after", "generated", "offered"),
    [
        ('\nsay("hello", name)\n', "x = 1\nsay('hello', name)", "x = 1"),
        ("\nreturn total\n", "if a:\n    return total", "if a:\n    return total"),
        ('\n    "b": 2,\n', '"a": 1,', '"a": 1,'),
        ("\ntest(2, f(2))\n", "test(1, f(1))", "test(1, f(1))"),
    ],
)
def test_a_line_below_is_not_said_in_other_signs(after: str, generated: str, offered: str) -> None:
    assert _offered("", generated, after) == offered


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("say hello to say hello to say hello to say", "say hello to"),
        ("a = [" + "0, " * 30, "a = [0,"),
        ("# " + "-" * 70, "# " + "-" * 70),
        ("    " * 12 + "x", "    " * 12 + "x"),
        ("one two three one two three four", "one two three one two three four"),
        ("xyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxy", "xy"),
    ],
)
def test_what_is_repeated_on_and_on_in_a_line_is_said_once(line: str, kept: str) -> None:
    assert _offered("", line) == kept
    assert _offered("", f"y = 1\n{line}\nz = 2") == f"y = 1\n{kept}" + (
        "\nz = 2" if kept == line else ""
    )
    assert is_finished(line, line_policy("", "", 8)) is (kept != line)


def test_a_long_block_that_comes_again_ends_it() -> None:
    block = "".join(f"\n    step_{n}(x)" for n in range(5))
    assert _offered("    x = 1", block * 2, max_lines=20) == block


@pytest.mark.parametrize(
    ("before", "generated", "offered"),
    [
        ("def f():\n\treturn 1\n\ndef g():", "\n    if x:\n        y()", "\n\tif x:\n\t\ty()"),
        ("def f():\n    return 1\n\ndef g():", "\n\tif x:\n\t\ty()", "\n    if x:\n        y()"),
        ("def f():\n    return 1\n\n", "def g():\n\tx", "def g():\n    x"),
        ("x = 1", "\ty", "\ty"),
        ("a:\n\tb:", "\n\t\tc  # d\n", "\n\t\tc  # d"),
    ],
)
def test_indentation_is_in_the_files_style(before: str, generated: str, offered: str) -> None:
    assert _offered(before, generated) == offered


@pytest.mark.parametrize(
    ("before", "generated", "offered"),
    [
        ("", "#", ""),
        ("x = 1\n", "// ", ""),
        ("", "# why", "# why"),
        ("retur", "n", ""),
        ("f(", "n", "n"),
        ("if x", ":", ":"),
        ("f(x", ")", ")"),
        ("i", "--", "--"),
    ],
)
def test_nothing_is_offered_that_says_nothing(before: str, generated: str, offered: str) -> None:
    assert _offered(before, generated) == offered


def test_a_half_line_is_cut_unless_it_is_the_only_one() -> None:
    assert without_half_line("a = 1\nb = ") == "a = 1"
    assert without_half_line("\n    a = ") == "\n    a = "
    assert without_half_line("a = ") == "a = "


_PIECES = st.sampled_from(
    [
        "    ", "\n", "\n    ", "\n        ", "\t", *"()[]{}\"':;, \\é", "if x", "return", "x = 1",
        "foo", "# why", "\r\n", "\0", "\u2029", "\ud83d", "🙂", "日本", "<fim_middle>",
        "<|endoftext|>", "0, " * 12, "don't", "say hello ", "```",
    ]
)  # fmt: skip
_TEXTS = st.lists(_PIECES, max_size=12).map("".join)
_FILES = _TEXTS.map(lambda text: text.encode(errors="ignore").decode().replace("\r", ""))


@given(_FILES, _TEXTS, _FILES, st.integers(1, 8))
@settings(max_examples=300, deadline=None)
def test_whatever_is_generated_inserts_cleanly(
    before: str, generated: str, after: str, max_lines: int
) -> None:
    policy = line_policy(before, after, max_lines)
    offered = trim(generated, policy)
    rest = after.partition("\n")[0]
    whole = before + offered + after
    assert whole.encode().decode() == whole
    assert not set(offered) & set("\0\r\u2029\u2028\x85")
    assert not any(name in offered for name in SPECIAL_TOKEN_TEXTS)
    assert offered == "" or offered.strip()
    assert not (rest.strip() and offered and offered.startswith(rest))
    assert offered.count("\n") <= max_lines
    is_finished(generated, policy)


@given(_FILES, _TEXTS, _FILES, st.integers(1, 8))
@settings(max_examples=300, deadline=None)
def test_a_finished_offer_is_the_same_whatever_comes_then(
    before: str, generated: str, after: str, max_lines: int
) -> None:
    policy = line_policy(before, after, max_lines)
    done = next((n for n in range(len(generated)) if is_finished(generated[:n], policy)), None)
    if done is not None:
        assert trim(generated[:done], policy) == trim(generated, policy)

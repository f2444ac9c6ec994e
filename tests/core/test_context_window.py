"""The window's edges stay put while one types, so that the engine's cache holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starpad.core.context_window import FILL, CaretContext, StickyWindow, Window, as_read

LINES = [f"line {number:05} of a long file\n" for number in range(2000)]
BUDGET, RATE = 500, 3.0
LIMIT = int(BUDGET * RATE)


def _context(before: str, after: str = "", first_line: int = 0) -> CaretContext:
    return CaretContext(1, "python", first_line, before, after)


def _choose(window: StickyWindow, before: str, after: str = "", first_line: int = 0) -> Window:
    return window.choose(_context(before, after, first_line), BUDGET, RATE)


def test_a_short_file_is_sent_whole() -> None:
    assert _choose(StickyWindow(), "a\nb\n", "c\nd\n") == Window("a\nb\n", "c\nd\n")


def test_a_long_prefix_starts_on_a_line_boundary_within_the_budget() -> None:
    before = "".join(LINES)
    prefix = _choose(StickyWindow(), before).prefix
    assert before.endswith("\n" + prefix)
    assert LIMIT * FILL / 2 < len(prefix) <= LIMIT


def test_a_long_suffix_ends_on_a_line_boundary() -> None:
    before = after = "".join(LINES)
    suffix = _choose(StickyWindow(), before, after).suffix
    assert suffix.endswith("\n")
    assert after.startswith(suffix)
    assert 0 < len(suffix) <= LIMIT / 4


def test_a_suffix_gets_what_a_short_prefix_leaves_and_gives_it_back_once() -> None:
    window, before, after = StickyWindow(), "", "\n" + "".join(LINES)
    suffixes = [_choose(window, before, after).suffix]
    assert len(suffixes[0]) > LIMIT * 0.8
    for line in LINES[:100]:
        before += line
        chosen = _choose(window, before, after)
        assert len(chosen.prefix) + len(chosen.suffix) <= LIMIT
        if chosen.suffix != suffixes[-1]:
            suffixes.append(chosen.suffix)
    assert len(suffixes) <= 6
    assert len(suffixes[-1]) <= LIMIT / 4


def test_typing_keeps_both_edges() -> None:
    window, before, after = StickyWindow(), "".join(LINES), "".join(LINES)
    first = _choose(window, before, after)
    typed = ""
    for character in "for index in range(10):\n    print(x)":
        typed += character
        assert _choose(window, before + typed, after) == Window(first.prefix + typed, first.suffix)


def test_the_edge_is_found_again_when_the_handed_over_text_starts_later() -> None:
    window, before = StickyWindow(), "".join(LINES)
    first = _choose(window, before)
    later = _choose(window, "".join(LINES[1000:]) + "x", first_line=1000)
    assert later.prefix == first.prefix + "x"


def test_a_full_window_moves_far() -> None:
    window = StickyWindow()
    before = "".join(LINES)
    prefix = _choose(window, before).prefix
    moves = 0
    for number in range(200):
        before += f"value_{number} = {number}\n"
        new = _choose(window, before).prefix
        assert len(new) <= LIMIT
        moves += not new.startswith(prefix[:50])
        prefix = new
    typed = sum(len(f"value_{number} = {number}\n") for number in range(200))
    assert 1 <= moves <= typed / (LIMIT * (1 - FILL)) + 1


def test_an_edit_above_the_window_chooses_a_new_one() -> None:
    window, before = StickyWindow(), "".join(LINES)
    _choose(window, before)
    changed = "new first line\n" + before
    assert changed.endswith(_choose(window, changed).prefix)


def test_going_back_above_the_window_chooses_a_new_one() -> None:
    window = StickyWindow()
    _choose(window, "".join(LINES))
    before = "".join(LINES[:3])
    assert _choose(window, before).prefix == before


def test_the_suffix_follows_when_the_caret_moves_down() -> None:
    window, after = StickyWindow(), "".join(LINES)
    _choose(window, "", after)
    moved = "".join(LINES[5:])
    assert moved.startswith(_choose(window, "".join(LINES[:5]), moved).suffix)


def test_one_enormous_line_is_cut_inside() -> None:
    window, before = StickyWindow(), "x = [" + "1, " * 50_000
    prefix = _choose(window, before).prefix
    assert before.endswith(prefix)
    assert len(prefix) <= LIMIT
    assert _choose(window, before + "2").prefix == prefix + "2"


@given(st.lists(st.text(alphabet="ab \n", max_size=40), max_size=30), st.text(max_size=200))
def test_the_window_is_always_the_text_next_to_the_caret(edits: list[str], after: str) -> None:
    window, before = StickyWindow(), ""
    for edit in edits:
        before += edit
        chosen = window.choose(_context(before, after), 40, 2.0)
        assert before.endswith(chosen.prefix)
        assert after.startswith(chosen.suffix)
        assert len(chosen.prefix) + len(chosen.suffix) <= 81


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("f(|)\nrest", "f(|\nrest"),
        ("f(g[|])  \nrest", "f(g[|\nrest"),
        ('f("|")', 'f("|'),
        ("f(|):\nrest", "f(|):\nrest"),
        ("f(|x)\nrest", "f(|x)\nrest"),
        ("x|\n)\n", "x|\n)\n"),
        ("x|", "x|"),
    ],
)
def test_brackets_that_close_by_themselves_are_not_read(text: str, read: str) -> None:
    """Or each of them would change the beginning of the prompt, and all of it be read anew."""
    before, _, after = text.partition("|")
    context = as_read(_context(before, after))
    assert f"{context.before}|{context.after}" == read

"""The cache finds an answer where the model would see the same, or what leads there."""

import random

import pytest

from starpad.core.context_window import CaretContext
from starpad.services.suggestion_cache import LOOK_BACK, Place, SuggestionCache, place_of

REACH = 1000


def _place(before: str, after: str = "", how: str = "", first_line: int = 0) -> Place:
    return place_of(CaretContext(1, "python", first_line, before, after), how, REACH)


def test_the_same_place_is_found_and_another_is_not() -> None:
    cache = SuggestionCache()
    cache.put(_place("x = ", "\n"), "1")
    assert cache.find(_place("x = ", "\n")) == "1"
    for other in (_place("y = ", "\n"), _place("x = ", ")\n"), _place("x = ", "\n", "hotter")):
        assert cache.find(other) is None


def test_who_types_a_suggestion_is_offered_its_rest() -> None:
    cache = SuggestionCache()
    cache.put(_place("return "), "foo(bar)")
    assert cache.find(_place("return fo")) == "o(bar)"
    assert cache.find(_place("return fa")) is None
    assert cache.find(_place("return foo(bar)")) is None, "nothing is left of it"
    assert cache.find(_place("Return fo")) is None, "it was another place"


def test_it_looks_back_so_far_and_no_farther() -> None:
    cache = SuggestionCache()
    text = "x" * (LOOK_BACK + 50)
    cache.put(_place("a"), text)
    assert cache.find(_place("a" + text[:LOOK_BACK])) == text[LOOK_BACK:]
    assert cache.find(_place("a" + text[: LOOK_BACK + 1])) is None


def test_an_empty_answer_is_known_at_its_place_only() -> None:
    cache = SuggestionCache()
    cache.put(_place("x"), "")
    assert cache.find(_place("x")) == ""
    assert cache.find(_place("xy")) is None


def test_what_was_only_doubted_is_told_from_what_has_nothing_to_say() -> None:
    cache = SuggestionCache()
    cache.put(_place("x"), "", is_sure=False)
    cache.put(_place("y"), "")
    assert (cache.find(_place("x")), cache.find(_place("y"))) == ("", "")
    assert cache.is_doubted(_place("x"))
    assert not cache.is_doubted(_place("y"))
    assert not cache.is_doubted(_place("z"))
    cache.put(_place("x"), "1")
    assert not cache.is_doubted(_place("x"))


def test_the_least_used_is_forgotten() -> None:
    cache = SuggestionCache(size=2)
    cache.put(_place("a"), "1")
    cache.put(_place("b"), "2")
    assert cache.find(_place("a")) == "1"
    cache.put(_place("c"), "3")
    assert cache.find(_place("b")) is None
    assert (cache.find(_place("a")), cache.find(_place("c"))) == ("1", "3")


def test_a_place_is_the_same_one_when_the_reach_begins_some_lines_later() -> None:
    lines = [f"line {number}\n" for number in range(300)]
    one, other = (_place("".join(lines[first:]), first_line=first) for first in (70, 100))
    assert one == other
    assert one.before.startswith("line 128\n")
    assert _place("".join(lines[64:]), first_line=64) != one


def test_what_lies_behind_half_the_reach_does_not_count() -> None:
    assert _place("x", "y" * 500 + "1") == _place("x", "y" * 500 + "2")
    assert _place("x", "1" + "y" * 500) != _place("x", "2" + "y" * 500)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_found_always_goes_on_with_what_was_typed(seed: int) -> None:
    numbers = random.Random(seed)
    cache = SuggestionCache(size=20)
    known: dict[str, str] = {}
    for _ in range(300):
        before = "".join(numbers.choices("ab", k=numbers.randrange(1, 6)))
        if numbers.random() < 0.4:
            known[before] = "".join(numbers.choices("ab", k=numbers.randrange(4)))
            cache.put(_place(before), known[before])
            continue
        found = cache.find(_place(before))
        if found is not None:
            assert any(start + text == before + found for start, text in known.items())

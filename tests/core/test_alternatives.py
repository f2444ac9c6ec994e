"""Several suggestions for one caret: counted, gone round, kept while they agree with the typing."""

from starpad.core.alternatives import MOST, Alternatives


def _of(*texts: str) -> Alternatives:
    alternatives = Alternatives()
    for text in texts:
        alternatives.asked += 1
        alternatives.add(text)
    return alternatives


def test_an_answer_is_shown_and_counted() -> None:
    alternatives = _of("one")
    assert (alternatives.shown, alternatives.label) == ("one", ""), "nobody asked for another"
    alternatives.asked += 1
    assert alternatives.add("two")
    assert (alternatives.shown, alternatives.label) == ("two", "2 of 3")


def test_what_is_known_or_empty_is_no_news() -> None:
    alternatives = _of("one")
    assert not alternatives.add("one")
    assert not alternatives.add("")
    assert alternatives.shown == "one"


def test_there_are_three_at_most() -> None:
    alternatives = _of("a", "b", "c")
    assert len(alternatives.texts) == MOST
    assert not alternatives.may_grow


def test_asking_comes_to_an_end_when_nothing_new_comes() -> None:
    alternatives = _of("a")
    while alternatives.may_grow:
        alternatives.asked += 1
        alternatives.add("a")
    assert alternatives.label == "1 of 1"


def test_stepping_goes_round() -> None:
    alternatives = _of("a", "b", "c")
    seen = []
    for _ in range(4):
        alternatives.step(1)
        seen.append(alternatives.shown)
    assert seen == ["a", "b", "c", "a"]
    alternatives.step(-1)
    assert (alternatives.shown, alternatives.is_last) == ("c", True)


def test_typing_keeps_those_that_agree() -> None:
    alternatives = _of("foo(a)", "bar()", "for x")
    alternatives.go_on("f")
    assert alternatives.texts == ["oo(a)", "or x"]
    assert alternatives.shown == "or x", "the one on the screen stays"
    alternatives.go_on("oo")
    assert alternatives.shown == "(a)", "another one takes its place"
    alternatives.go_on("!")
    assert alternatives.shown == ""


def test_one_that_is_typed_out_is_offered_no_more() -> None:
    alternatives = _of("ab")
    alternatives.go_on("ab")
    assert alternatives.texts == []

"""After edits and interruptions the spans are those of a lex of the whole text."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from pygments.lexers.c_cpp import CLexer
from pygments.lexers.python import PythonLexer

from source_samples import SAMPLES
from starpad.highlighting import document as document_module
from starpad.highlighting import lexing
from starpad.highlighting.document import LexDocument, Piece
from starpad.highlighting.protocol import LineSpans

SIGNS = [*"\"'`/*#<>{}()[]$%;:\\-= \n\t|@!", '"""', "/*", "*/", "<!--", "{{", "🦊", "word", "x\n"]


@dataclass
class Holder:
    """A document, and what an application holds that takes all its pieces."""

    alias: str
    lines: list[str]
    document: LexDocument = field(init=False)
    held: list[LineSpans | None] = field(init=False)

    def __post_init__(self) -> None:
        lexer = lexing.lexer_for(self.alias, "", "")
        self.document = LexDocument(lexer, list(self.lines))
        self.held = [None] * len(self.lines)

    @property
    def is_right(self) -> bool:
        lexer = lexing.lexer_for(self.alias, "", "")
        return self.held == list(lexing.lex(lexer, self.document.lines))

    def edit(
        self, first: int, removed: int, new: list[str], guess: LineSpans | None = None
    ) -> None:
        """Edit the document; whoever has a guess shows it for each of the new lines."""
        known = [guess] * len(new)
        self.document.edit(first, removed, new, known)
        self.held[first : first + removed] = known

    def take(self, pieces: Iterator[Piece], most: int = 1 << 30) -> int:
        """Take some pieces, and return how many lines were in them."""
        count = 0
        for number, (first, spans) in enumerate(pieces, 1):
            self.held[first : first + len(spans)] = spans
            count += len(spans)
            if number == most:
                break
        return count

    def edit_somewhere(self, choose: random.Random) -> None:
        lines = self.document.lines
        number = choose.randrange(len(lines))
        line = lines[number]
        column = choose.randrange(len(line) + 1)
        match choose.randrange(4):
            case 0:
                changed = line[:column] + choose.choice(SIGNS) + line[column:]
                self.edit(number, 1, changed.split("\n"), choose.choice(self.held))
            case 1:
                guess = choose.choice([self.held[number], None])
                self.edit(number, 1, [line[:column] + line[column + 1 :]], guess)
            case 2:
                count = min(choose.randrange(1, 30), len(lines) - number)
                self.edit(number, count, [line] if count == len(lines) else [])
            case _:
                self.edit(number, 0, ["x = 1"] * choose.randrange(1, 30))


@pytest.mark.parametrize("alias", SAMPLES)
def test_after_random_edits_with_random_interruptions_the_spans_are_those_of_the_whole(
    alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_module, "_FIRST_PIECE_LINES", 3)
    monkeypatch.setattr(document_module, "_PIECE_LINES", 5)
    choose = random.Random(alias)
    holder = Holder(alias, (SAMPLES[alias] * 12).split("\n"))
    document = holder.document
    for _ in range(12):
        for _ in range(choose.randrange(1, 6)):
            holder.edit_somewhere(choose)
            holder.take(document.run(), choose.randrange(1, 12))
            if not document.dirty and choose.randrange(2):
                holder.take(document.verify(), choose.randrange(1, 12))
        holder.take(document.run())
        assert holder.held == document.spans
        if not holder.is_right:  # something above looked far ahead: that is for the idle pass
            holder.take(document.verify())
        assert holder.is_right


def test_an_edit_costs_the_lines_around_it_and_not_the_document() -> None:
    holder = Holder("c", ["int x; /* c */"] * 3_000)
    holder.take(holder.document.run())
    assert holder.document.is_verified
    holder.edit(2_000, 1, ["int y;"])
    pieces = list(holder.document.run())
    assert [(first, len(spans)) for first, spans in pieces] == [(2_000, 1)]
    assert not holder.document.is_verified


def test_an_interrupted_run_does_not_catch_up_with_its_own_marks() -> None:
    holder = Holder("c", ["int x;"] * 3_000)
    document = holder.document
    holder.take(document.run())
    holder.edit(0, 1, ["/*"])
    holder.take(document.run())
    holder.edit(0, 1, ["/**/"])
    holder.take(document.run(), 2)
    holder.edit(5, 1, ["int y;"])
    holder.take(document.run())
    assert holder.is_right


def test_lines_in_a_long_token_have_no_marks_that_could_be_met_later() -> None:
    holder = Holder("c", ["int x;"] * 1_000)
    for line in ("/*", "/**/"):
        holder.take(holder.document.run())
        holder.edit(0, 1, [line])
    holder.take(holder.document.run())
    assert holder.is_right


def test_a_far_effect_of_an_edit_is_repaired_and_the_second_time_the_document_is_lexed_whole() -> (
    None
):
    # Only a string that is closed is a docstring, and its end is far from its beginning.
    holder = Holder("python", ["def f():", '"""doc', *["string"] * 100, ""])
    document = holder.document
    holder.take(document.run())
    for is_resumable in (True, False):
        holder.edit(102, 1, ['"""'])
        holder.take(document.run())
        assert not holder.is_right
        assert holder.take(document.verify())
        assert holder.is_right
        assert document.is_verified
        assert document.is_resumable == is_resumable
        holder.edit(102, 1, [""])
        holder.take(document.run())
        assert holder.is_right
    holder.edit(102, 1, ['"""'])
    holder.take(document.run())
    assert holder.is_right


def test_a_pass_that_finds_nothing_changes_nothing() -> None:
    holder = Holder("python", ["x = 1", "def f():", "    '''doc"] * 50)
    holder.take(holder.document.run())
    holder.edit(3, 2, [])
    holder.take(holder.document.run())
    assert not holder.take(holder.document.verify())
    assert holder.document.is_verified
    assert holder.document.is_resumable


def test_lines_are_guessed_as_if_the_text_began_above_them() -> None:
    holder = Holder("c", ["int x;"] * 3_000)
    document = holder.document
    assert not document.comes_soon(2_900)
    holder.take(iter([document.guess(range(2_900, 2_960))]))
    assert holder.held[2_900:2_960] == list(lexing.lex(CLexer(), ["int x;"] * 60))
    assert holder.held[2_899] is holder.held[2_960] is None
    assert document.guess(range(2_900, 2_960)) == (2_900, [])  # they are there
    holder.take(document.run())
    assert holder.is_right
    assert document.comes_soon(2_900)


def test_all_lines_can_go_and_others_come() -> None:
    holder = Holder("python", ["x = None"] * 30)
    holder.take(holder.document.run())
    holder.edit(0, 30, [])
    holder.take(holder.document.run())
    holder.edit(0, 0, ["y = None", "'''"])
    holder.take(holder.document.run())
    assert holder.is_right


def test_lexers_are_not_changed_for_others() -> None:
    text = SAMPLES["python"]
    before = list(PythonLexer().get_tokens(text))
    holder = Holder("python", text.split("\n"))
    holder.take(holder.document.run(), 1)
    assert list(holder.document.lexer.get_tokens(text)) == before

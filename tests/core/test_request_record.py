"""What the prompt inspector says of a request."""

from starpad.core import request_record
from starpad.core.prompt import PartKind, Prompt, PromptPart
from starpad.core.request_record import RequestRecord
from starpad.core.suggestion import Figures

PROMPT = Prompt(
    (
        PromptPart(PartKind.SPECIAL, (1, 3)),
        PromptPart(PartKind.SUFFIX, (10, 11), cut_characters=1200),
        PromptPart(PartKind.SPECIAL, (2,)),
        PromptPart(PartKind.PREFIX, (12, 13, 14)),
    )
)
RECORD = RequestRecord("demo", PROMPT, 900, 96, 1024, Figures(8, 2, 5, 50.0, 12.0), "ab", "a")


def test_the_tokens_that_the_engine_held_are_the_first_ones() -> None:
    views = list(request_record.token_views(RECORD, tuple("abcdefgh")))
    assert [view.is_held for view in views] == [True] * 6 + [False] * 2
    assert [view.kind for view in views][2:4] == [PartKind.SUFFIX] * 2
    assert "".join(view.text for view in views) == "abcdefgh"


def test_the_shares_fill_the_context_window() -> None:
    shares = request_record.shares(RECORD)
    assert sum(count for _, count in shares) == 1024
    assert shares[0] == ("special", 3)
    assert shares[-1] == ("free", 1024 - 8 - 96)
    assert ("answer", 96) in shares


def test_what_was_cut_and_what_was_read_is_said() -> None:
    text = " ".join(request_record.sentences(RECORD))
    assert "still held 6 of them and read 2" in text
    assert "1,200 characters behind the caret" in text

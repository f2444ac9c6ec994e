"""Where Markdown that is still being written is settled: the same, however it is cut."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starpad.ui.chat import markdown_blocks
from starpad.ui.chat.markdown_blocks import (
    Block,
    CodeLines,
    MarkdownStream,
    Piece,
)

_LINES = (
    "", "", "word", "two words", "    indented", "  two", "- item", "* star", "1. one", "7) seven",
    "   continued", "      deep", "```python", "```", "~~~", "~~~~ x y", "   ```", "# head", "#",
    "> quote", ">", "---", "===", "| a | b |", "|---|---|", "| 1 |", "**bold", "`tick", "<b>html",
    "[a]: http://x", "[a]", "- ", "-", "1.", "+ plus", "\ttab", "- - nested", "* * *", "a\\", "x  ",
)  # fmt: skip


def _shape(pieces: list[Piece]) -> list[object]:
    """Return pieces as comparable values; code lines joined, however they came."""
    shape: list[object] = []
    for piece in pieces:
        if isinstance(piece, Block):
            inside = [
                (t.type, t.tag, t.level - piece.tokens[0].level, t.content, t.info)
                for t in piece.tokens
            ]
            shape.append((piece.marker, inside))
        elif isinstance(piece, CodeLines):
            if shape and isinstance(shape[-1], tuple) and shape[-1][0] == "code":
                shape[-1] = ("code", [*shape[-1][1], *piece.lines])
            else:
                shape.append(("code", list(piece.lines)))
        else:
            shape.append(piece)
    return shape


def _streamed(text: str, sizes: list[int]) -> list[Piece]:
    stream, pieces, at = MarkdownStream(), [], 0
    while at < len(text):
        size = sizes[0] if not pieces else sizes[len(pieces) % len(sizes)]
        pieces += stream.feed(text[at : at + size])
        stream.open_pieces()  # what is shown meanwhile must not matter
        at += size
    return pieces + stream.finish()


def _whole(text: str) -> list[Piece]:
    stream = MarkdownStream()
    return stream.feed(text) + stream.finish()


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(_LINES), max_size=24), st.lists(st.integers(1, 9), min_size=1))
def test_text_in_pieces_settles_as_the_text_at_once(lines: list[str], sizes: list[int]) -> None:
    text = "\n".join(lines)
    assert _shape(_streamed(text, sizes)) == _shape(_whole(text))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(_LINES), max_size=40), st.lists(st.integers(1, 9), min_size=1))
def test_so_does_text_whose_blocks_are_cut_for_their_length(
    lines: list[str], sizes: list[int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markdown_blocks, "MAX_BLOCK_CHARACTERS", 20)
        text = "\n".join(lines)
        assert _shape(_streamed(text, sizes)) == _shape(_whole(text))

"""A question about a caret gets pieces of imported, open and similar files."""

from pathlib import Path

from starpad.core.repository_context import ContextChunk, ContextReason
from starpad.repository.protocol import (
    Answer,
    Question,
    decode_answer,
    decode_question,
    encode,
)
from starpad.repository.reader import FolderReader

CART = "class Cart:\n    def total_price(self):\n        return sum(self.prices)\n"


def _question(**values: object) -> Question:
    named: dict[str, object] = {"path": "main.py", "head": "", "before": "", "after": ""}
    return Question(1, "", **named | values)  # type: ignore[arg-type]


def _reader(root: Path, **files: str) -> FolderReader:
    for name, text in files.items():
        (root / f"{name}.py").write_text(text)
    reader = FolderReader(root)
    reader.look()
    while not reader.is_complete:
        reader.work(0.01)
    return reader


def test_pieces_come_with_their_reasons(tmp_path: Path) -> None:
    reader = _reader(
        tmp_path, cart=CART, notes="remember = 1\n", taxes="def tax_of(total_price): ...\n",
        main="from cart import Cart\n", far="nothing = 0\n",
    )  # fmt: skip
    question = _question(before="x = cart.total_price", open_paths=("notes.py", "main.py"))
    answer = reader.answer(question)
    assert answer.is_final
    by_reason: dict[ContextReason, set[str]] = {}
    for chunk in answer.chunks:
        by_reason.setdefault(chunk.reason, set()).add(chunk.path)
    assert by_reason == {
        ContextReason.SIMILAR: {"cart.py", "taxes.py"},
        ContextReason.IMPORTED: {"cart.py"},
        ContextReason.OPEN: {"notes.py"},
    }
    assert len({chunk.reason for chunk in answer.chunks[:3]}) == 3, "each kind has its turn"


def test_the_head_that_is_handed_over_counts_before_the_files(tmp_path: Path) -> None:
    reader = _reader(tmp_path, cart=CART, main="")
    answer = reader.answer(_question(head="import cart\n"))
    assert [chunk.path for chunk in answer.chunks] == ["cart.py"]


def test_what_is_held_is_refused_when_it_may_not_be_shown(tmp_path: Path) -> None:
    reader = _reader(tmp_path, cart=CART)
    (tmp_path / ".env").write_text("A=1\n")
    question = _question(held_paths=("cart.py", ".env", "gone.py"))
    assert reader.answer(question).refused_paths == (".env", "gone.py")


def test_changes_are_followed(tmp_path: Path) -> None:
    reader = _reader(tmp_path, cart=CART)
    (tmp_path / "cart.py").unlink()
    (tmp_path / "basket.py").write_text(CART)
    assert reader.answer(_question(before="total_price")).chunks == ()
    reader._index._scanned_s = float("-inf")
    reader.look()
    reader.work(1)
    (chunk,) = reader.answer(_question(before="total_price")).chunks
    assert chunk.path == "basket.py"


def test_messages_are_lines() -> None:
    question = _question(open_paths=("a", "b"), before="line\nend")
    assert "\n" not in encode(question)
    assert decode_question(encode(question)) == question
    chunk = ContextChunk("a.py", "x\n", ContextReason.OPEN)
    answer = Answer(1, (chunk,), ("b",), is_final=True)
    assert decode_answer(encode(answer)) == answer

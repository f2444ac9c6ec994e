"""The index follows the files and finds the nearest pieces."""

from pathlib import Path

from starpad.repository.folder_files import FolderFiles
from starpad.repository.index import FolderIndex, Found


def _index(root: Path) -> FolderIndex:
    index = FolderIndex(FolderFiles(root))
    _follow(index)
    return index


def _follow(index: FolderIndex) -> None:
    assert index.look(0)
    while not index.is_complete:
        index.work(0.01)


def test_the_nearest_piece_comes_first_and_files_can_be_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("total_price = 1\n")
    (tmp_path / "b.py").write_text("total_price = price_list\n")
    (tmp_path / "c.py").write_text("nothing = 1\n")
    index = _index(tmp_path)
    assert index.nearest(("price_list", "price"), (), 5)[0] == Found("b.py", 0)
    assert index.nearest(("price_list", "price"), {"b.py"}, 5) == [Found("a.py", 0)]
    assert index.nearest(("price",), (), 1) == index.nearest(("price",), (), 2)[:1]
    assert index.nearest((), (), 5) == []
    assert index.names == {"a.py", "b.py", "c.py"}


def test_the_number_is_the_pieces_place_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("filler = 1\n" * 100 + "wanted_word = 1\n")
    assert _index(tmp_path).nearest(("wanted_word",), (), 5) == [Found("a.py", 1)]


def test_changed_and_vanished_files_are_followed(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("old_word = 1\n")
    (tmp_path / "b.py").write_text("gone_word = 1\n")
    index = _index(tmp_path)
    (tmp_path / "a.py").write_text("new_word = 1234\n")
    (tmp_path / "b.py").unlink()
    _follow(index)
    assert index.nearest(("old_word", "gone_word"), (), 5) == []
    assert index.nearest(("new_word",), (), 5) == [Found("a.py", 0)]
    assert index.names == {"a.py"}


def test_a_look_so_soon_after_the_last_one_is_none(tmp_path: Path) -> None:
    assert not _index(tmp_path).look(60)

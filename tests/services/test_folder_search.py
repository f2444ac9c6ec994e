"""A search runs in a process of its own, can be given up at any time, and ends once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from starpad.core.folder_search import FileMatches, FolderQuery, Progress
from starpad.core.text_search import SearchQuery
from starpad.services.folder_search import FolderSearch, SearchEnd


class Heard:
    """What a search has said."""

    def __init__(self, search: FolderSearch) -> None:
        self.found: list[FileMatches] = []
        self.progress: list[Progress] = []
        self.ends: list[SearchEnd] = []
        search.found.connect(self.found.append)
        search.progressed.connect(self.progress.append)
        search.ended.connect(self.ends.append)


@pytest.fixture
def search(qtbot: QtBot) -> Iterator[FolderSearch]:
    search = FolderSearch()
    yield search
    search.shutdown()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    for number in range(120):
        (folder / f"{number:03}.txt").write_text(f"a word\nnumber {number} é word\n")
    return folder


def test_all_files_are_found_in_order_and_the_search_ends_once(
    search: FolderSearch, folder: Path, qtbot: QtBot
) -> None:
    heard = Heard(search)
    with qtbot.waitSignal(search.ended, timeout=20_000):
        search.start(FolderQuery(str(folder), SearchQuery("word")))
    assert [Path(each.path).name for each in heard.found] == [f"{n:03}.txt" for n in range(120)]
    assert [match.line for match in heard.found[7].matches] == [1, 2]
    assert heard.found[7].matches[1].preview == "number 7 é word"
    assert heard.progress[-1] == Progress(120, 120)
    assert heard.ends == [SearchEnd()]
    assert not search.is_running


def test_unsaved_text_and_odd_names_reach_the_process(
    search: FolderSearch, folder: Path, qtbot: QtBot
) -> None:
    odd = folder / "\udcff.txt"
    odd.write_text("needle")
    heard = Heard(search)
    texts = {str(folder / "000.txt"): "needle\n"}
    with qtbot.waitSignal(search.ended, timeout=20_000):
        search.start(FolderQuery(str(folder), SearchQuery("needle"), open_texts=texts))
    assert [each.path for each in heard.found] == [str(folder / "000.txt"), str(odd)]


def test_an_expression_that_never_ends_can_be_given_up(
    search: FolderSearch, folder: Path, qtbot: QtBot
) -> None:
    (folder / "000.txt").write_text("a" * 60)
    heard = Heard(search)
    with qtbot.waitSignal(search.progressed, timeout=20_000):
        search.start(FolderQuery(str(folder), SearchQuery("(a+)+b", is_regex=True)))
    assert search.is_running
    search.cancel()
    assert heard.ends == [SearchEnd(is_cancelled=True)]
    assert not search.is_running


def test_a_new_search_takes_the_place_of_the_old_one(
    search: FolderSearch, folder: Path, qtbot: QtBot
) -> None:
    heard = Heard(search)
    search.start(FolderQuery(str(folder), SearchQuery("word")))
    with qtbot.waitSignal(
        search.ended, timeout=20_000, check_params_cb=lambda end: end == SearchEnd()
    ):
        search.start(FolderQuery(str(folder), SearchQuery("number 5 ")))
    assert [Path(each.path).name for each in heard.found] == ["005.txt"]
    assert heard.ends == [SearchEnd(is_cancelled=True), SearchEnd()]


def test_a_process_that_fails_is_told_as_an_error(search: FolderSearch, qtbot: QtBot) -> None:
    with qtbot.waitSignal(search.ended, timeout=20_000) as signal:
        search.start(FolderQuery("/", SearchQuery("(", is_regex=True)))
    assert signal.args[0].error is not None
    assert not search.is_running

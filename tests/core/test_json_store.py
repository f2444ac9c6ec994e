"""JsonStore: garbage is kept aside, a second window loses nothing, a full disk neither."""

import json
import os
import threading
from pathlib import Path

import pytest

from starpad.core import file_store
from starpad.core.errors import FileError
from starpad.core.json_store import JsonStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "things.json"


def _store(path: Path) -> JsonStore:
    return JsonStore(path, "The list of things", 1, {"things": list, "places": dict})


def _add(store: JsonStore, thing: object) -> None:
    store.change(lambda content: content["things"].append(thing))


def test_without_a_file_it_is_empty_and_nothing_is_wrong(path: Path) -> None:
    store = _store(path)
    assert store.read() == {"things": [], "places": {}}
    assert store.problems == []
    assert not path.parent.exists()


def test_what_is_written_is_read_again_by_another(path: Path) -> None:
    _add(_store(path), "größe \udce9")
    assert _store(path).read()["things"] == ["größe \udce9"]
    if os.name == "posix":
        assert path.stat().st_mode & 0o077 == 0, "others may not read it"


def test_two_windows_take_turns_and_lose_nothing(path: Path) -> None:
    one, other = _store(path), _store(path)
    for number in range(10):
        _add(one, number)
        _add(other, -number)
    assert one.read() == other.read()
    assert len(one.read()["things"]) == 20


def test_threads_of_one_window_lose_nothing(path: Path) -> None:
    store = _store(path)

    def add_ten() -> None:
        for number in range(10):
            _add(store, number)

    threads = [threading.Thread(target=add_ten) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.read()["things"]) == 50


def test_what_a_reader_was_given_does_not_change_under_it(path: Path) -> None:
    store = _store(path)
    _add(store, 1)
    before = store.read()
    _add(store, 2)
    assert before["things"] == [1]


GARBAGE = {
    "nothing": b"",
    "zeros": bytes(100),
    "half of it": b'{"version": 1, "things": [',
    "a list": b"[]",
    "a deep nest": b'{"a":' * 100_000,
    "not UTF-8": b'{"version": 1, "things": ["\xe9"], "places": {}}',
    "another version": b'{"version": 2, "things": [], "places": {}}',
    "a missing name": b'{"version": 1, "things": []}',
    "another kind": b'{"version": 1, "things": {}, "places": {}}',
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_is_kept_aside_reported_once_and_not_written_over(kind: str, path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(GARBAGE[kind])
    store = _store(path)
    assert store.read()["things"] == []
    assert store.read()["things"] == []
    [problem] = store.problems
    assert "The list of things cannot be used" in problem.message
    aside = path.with_name("things.json.damaged")
    assert str(aside) in problem.hint
    _add(store, 1)
    assert store.read()["things"] == [1]
    assert aside.read_bytes() == GARBAGE[kind]


def test_a_second_piece_of_garbage_does_not_replace_the_first(path: Path) -> None:
    path.parent.mkdir()
    for text in ("first", "second"):
        path.write_text(text)
        _store(path).read()
    kept = sorted(one.name for one in path.parent.iterdir())
    assert kept == ["things.json.damaged", "things.json.damaged-2"]
    assert path.with_name("things.json.damaged").read_text() == "first"


def test_a_file_that_cannot_be_read_is_reported_and_never_written_over(path: Path) -> None:
    path.mkdir(parents=True)  # reading a folder fails for every user, the administrator too
    store = _store(path)
    assert store.read()["things"] == []
    assert "cannot be read" in store.problems[0].message
    with pytest.raises(FileError, match="could not be saved"):
        _add(store, 1)
    assert path.is_dir()


def test_a_write_that_fails_leaves_the_old_content(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = _store(path)
    _add(store, 1)

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file_store, "replace", full)
    with pytest.raises(FileError, match="No space left") as caught:
        _add(store, 2)
    assert caught.value.retryable
    assert _store(path).read()["things"] == store.read()["things"] == [1]


def test_names_of_a_later_version_with_the_same_number_are_passed_over(path: Path) -> None:
    path.parent.mkdir()
    path.write_text(json.dumps({"version": 1, "things": [1], "places": {}, "more": 1}))
    assert _store(path).read() == {"things": [1], "places": {}}

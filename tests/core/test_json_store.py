"""JsonStore: garbage is kept aside, a second window loses nothing, a full disk neither."""

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from starpad.core import file_store
from starpad.core.errors import FileError
from starpad.core.json_store import Content, JsonStore
from starpad.core.versions import backup_path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "things.json"


def _store(path: Path) -> JsonStore:
    return JsonStore(path, "The list of things", {"things": list, "places": dict})


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
    "no version": b'{"things": [], "places": {}}',
    "a newer version without a name": b'{"version": 2, "things": []}',
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
    assert problem.message == "The list of things is damaged."
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


def _write(path: Path, **content: object) -> bytes:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))
    return path.read_bytes()


def test_names_that_only_a_later_version_knows_stay(path: Path) -> None:
    _write(path, version=1, things=[1], places={}, more=[3])
    store = _store(path)
    _add(store, 2)
    assert store.problems == []
    assert json.loads(path.read_bytes()) == {
        "version": 1, "things": [1, 2], "places": {}, "more": [3],
    }  # fmt: skip
    assert not backup_path(path, 1).exists()


def test_a_file_of_a_newer_version_is_read_told_of_and_copied_before_a_change(path: Path) -> None:
    before = _write(path, version=7, things=[1], places={}, shape="round")
    store = _store(path)
    assert store.read()["things"] == store.read()["things"] == [1]
    [problem] = store.problems
    assert problem.message == "The list of things was written by a newer version of Starpad."
    assert str(backup_path(path, 1)) in problem.hint
    assert not backup_path(path, 1).exists(), "reading changes nothing"
    _add(store, 2)
    assert backup_path(path, 1).read_bytes() == before
    assert _store(path).read()["things"] == [1, 2]


def _into_objects(content: Content) -> Content:
    return content | {"things": [{"name": name} for name in content["things"]]}


def _with_places(content: Content) -> Content:
    return content | {"places": {}}


def _today(path: Path) -> JsonStore:
    shape: dict[str, type[list[Any] | Content]] = {"things": list, "places": dict}
    return JsonStore(path, "The list of things", shape, (_into_objects, _with_places))


def test_an_older_file_is_read_as_todays_and_copied_before_its_first_change(path: Path) -> None:
    before = _write(path, version=1, things=["a"])
    store = _today(path)
    assert store.read() == {"things": [{"name": "a"}], "places": {}}
    assert store.problems == []
    assert path.read_bytes() == before
    _add(store, {"name": "b"})
    _add(store, {"name": "c"})
    assert backup_path(path, 3).read_bytes() == before
    assert json.loads(path.read_bytes())["version"] == 3
    assert [thing["name"] for thing in _today(path).read()["things"]] == ["a", "b", "c"]


def test_a_file_in_the_middle_takes_only_the_later_steps(path: Path) -> None:
    _write(path, version=2, things=[{"name": "a"}])
    assert _today(path).read() == {"things": [{"name": "a"}], "places": {}}


def test_an_older_file_that_no_step_can_use_is_garbage(path: Path) -> None:
    _write(path, version=1, things=3)
    store = _today(path)
    assert store.read()["things"] == []
    assert [problem.message for problem in store.problems] == ["The list of things is damaged."]


def test_nothing_is_changed_where_no_copy_can_be_made(path: Path) -> None:
    before = _write(path, version=1, things=["a"])
    backup_path(path, 3).mkdir()
    with pytest.raises(FileError, match="could not be saved"):
        _add(_today(path), {"name": "b"})
    assert path.read_bytes() == before

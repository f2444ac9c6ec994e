"""What is Starpad's is found by name and deleted; links and strangers' files stay."""

import os
from pathlib import Path

import pytest

from starpad.core import user_data
from starpad.core.user_data import Kind, Places, find, remove, remove_empty_folders


def _write(path: Path, size: int = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    return path


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Return folders as on Linux, all there, with nothing in them."""
    names = ("config/starpad", "share/starpad", "state/starpad/log")
    config, data, logs = (tmp_path / name for name in names)
    for folder in (config, data, logs):
        folder.mkdir(parents=True)
    return Places(config, data, logs)


def _names(places: Places, *kinds: Kind) -> list[str]:
    return sorted(item.path.name for item in find(places, kinds))


def test_files_are_known_with_their_backups_logs_and_damaged_ones(places: Places) -> None:
    for name in ("settings.json", "settings.json.bak", "settings.json.before-2.backup"):
        _write(places.config / name)
    for name in ("conversations.sqlite3", "conversations.sqlite3-wal", "conversations.sqlite3.lock",
                 "recovery/1.json", "sessions/1/1.text", "models.json.damaged-2",
                 "models/a/b/c.gguf", "engines/x/pack", "tokens/hub-tokens.json",
                 ".starpad-0123"):  # fmt: skip
        _write(places.data / name)
    _write(places.logs / "starpad.log.1")
    assert _names(places, Kind.SETTINGS) == [
        "settings.json", "settings.json.bak", "settings.json.before-2.backup", "tokens",
    ]  # fmt: skip
    assert _names(places, Kind.CONVERSATIONS) == [
        "conversations.sqlite3", "conversations.sqlite3-wal", "conversations.sqlite3.lock",
        "recovery", "sessions",
    ]  # fmt: skip
    assert _names(places, Kind.MODELS) == ["engines", "models", "models.json.damaged-2"]
    assert _names(places, Kind.LOGS) == [".starpad-0123", "starpad.log.1"]
    assert remove(find(places, Kind)) == []
    assert remove_empty_folders(places) == []
    assert not places.logs.parent.exists()
    assert places.logs.parent.parent.exists(), "that one is everybody's"


@pytest.mark.parametrize(
    "name", ["models-of-mine/a.gguf", "models.old/a.gguf", "notes.txt", "settings", "tokens.txt"]
)
def test_what_somebody_else_put_there_stays_and_is_named(name: str, places: Places) -> None:
    file = _write(places.data / name)
    _write(places.data / "models.json")
    assert remove(find(places, Kind)) == []
    first = places.data / Path(name).parts[0]
    assert remove_empty_folders(places) == [first]
    assert file.exists()


def test_sizes_are_those_of_all_that_lies_in_a_folder(places: Places) -> None:
    _write(places.data / "models/a/one.gguf", 1000)
    _write(places.data / "models/two.gguf", 234)
    [models] = find(places, [Kind.MODELS])
    assert models.size_bytes == 1234


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_is_deleted_and_what_it_leads_to_stays(places: Places, tmp_path: Path) -> None:
    disk = _write(tmp_path / "disk/models/big.gguf", 5000)
    dotfiles = _write(tmp_path / "dotfiles/settings.json")
    outer = _write(tmp_path / "other/precious.txt")
    (places.data / "models").symlink_to(disk.parent)
    (places.config / "settings.json").symlink_to(dotfiles)
    _write(places.data / "engines/pack/a.so")
    (places.data / "engines/pack/link").symlink_to(outer.parent)
    items = find(places, Kind)
    assert [item.is_link for item in items] == [True, False, True]
    assert items[2].size_bytes == 0
    assert remove(items) == []
    assert disk.exists()
    assert dotfiles.exists()
    assert outer.exists()
    assert remove_empty_folders(places) == []


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_whole_folder_that_is_a_link_is_left_and_named(tmp_path: Path) -> None:
    disk = _write(tmp_path / "disk/models.json").parent
    data = tmp_path / "starpad"
    data.symlink_to(disk)
    places = Places(tmp_path / "no-config", data, tmp_path / "no-logs")
    assert find(places, Kind) == []
    assert remove_empty_folders(places) == [data]
    assert (disk / "models.json").exists()


def _with_models(places: Places, models: Path) -> Places:
    return Places(places.config, places.data, places.logs, models)


def test_a_models_folder_elsewhere_is_the_users(places: Places, tmp_path: Path) -> None:
    models = _write(tmp_path / "disk/models/a.gguf").parent
    moved = _with_models(places, models)
    assert moved.foreign_models == models
    assert find(moved, Kind) == []


def test_a_models_folder_of_another_name_inside_ours_is_ours(places: Places) -> None:
    models = _write(places.data / "large/mine/a.gguf").parent
    beside = _write(places.data / "large/notes.txt")
    moved = _with_models(places, models)
    assert moved.foreign_models is None
    assert [item.path for item in find(moved, Kind)] == [models]
    remove(find(moved, Kind))
    assert beside.exists()


@pytest.mark.parametrize("up", [0, 1])
def test_a_models_folder_that_holds_all_our_data_is_not_deleted(up: int, places: Places) -> None:
    models = [places.data, places.data.parent][up]
    _write(places.data / "conversations.sqlite3")
    moved = _with_models(places, models)
    assert moved.foreign_models == models
    assert find(moved, [Kind.MODELS]) == []


def test_one_folder_for_all_as_on_windows_is_looked_through_once(tmp_path: Path) -> None:
    folder = tmp_path / "starpad"
    _write(folder / "settings.json")
    _write(folder / "models.json")
    _write(folder / "Logs/starpad.log")
    places = Places(folder, folder, folder / "Logs")
    assert _names(places, *Kind) == ["models.json", "settings.json", "starpad.log"]
    assert remove(find(places, Kind)) == []
    assert remove_empty_folders(places) == []
    assert not folder.exists()
    assert tmp_path.exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the administrator may delete all")
def test_what_cannot_be_deleted_is_named(places: Places) -> None:
    pack = _write(places.data / "engines/pack/a.so").parent
    pack.chmod(0o500)
    try:
        assert remove(find(places, Kind)) == [places.data / "engines"]
    finally:
        pack.chmod(0o700)


def test_no_folder_at_all_is_nothing_to_delete(tmp_path: Path) -> None:
    places = Places(tmp_path / "a", tmp_path / "b", tmp_path / "c")
    assert find(places, Kind) == []
    assert remove_empty_folders(places) == []


def test_the_usual_places_are_this_users(home: Path) -> None:
    places = user_data.usual_places("")
    assert places.models is None
    assert all(home in folder.parents for folder in (places.config, places.data, places.logs))
    assert user_data.usual_places("elsewhere").models == Path("elsewhere")

"""`starpad engine` as a program of its own: lists, installs, uses and removes builds."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine_packs import ABORTS, broken_pack, linked_pack, write_wheel
from starpad.core import engine_pack, history_opening, paths, settings_store, user_data
from starpad.core.paths import host_environment
from starpad.core.setting_values import with_values
from starpad.core.settings import Settings

LIMIT_S = 120


def engine(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "starpad", "engine", *arguments],
        env=host_environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )


@pytest.fixture
def packs() -> Path:
    """Return the user's folder of packs."""
    return engine_pack.packs_folder(paths.data_folder())


def chosen() -> str:
    return settings_store.load(settings_store.default_path())[0].engine_pack


def test_the_engine_in_the_box_is_listed_as_what_is_used() -> None:
    listed = engine("list")
    assert listed.returncode == 0
    assert listed.stdout.startswith("* box ")
    assert "starpad engine build" in listed.stdout


def test_a_pack_that_works_is_used_shown_and_removed(packs: Path) -> None:
    pack = linked_pack(packs, "native")
    settings_store.save(
        with_values(Settings(), engine_program="/usr/bin/llama-server", font_size_pt=17),
        settings_store.default_path(),
    )
    used = engine("use", "native")
    assert used.stderr.startswith("native works")
    assert used.returncode == 0
    settings, _ = settings_store.load(settings_store.default_path())
    assert settings.engine_pack == str(pack.folder)
    # A llama-server of the user's would have gone before it; nothing else is touched.
    assert (settings.engine_program, settings.font_size_pt) == ("", 17)
    assert "* native " in engine("list").stdout
    removed = engine("remove", "native")
    assert removed.stderr == "native was removed.\n"
    assert chosen() == ""
    assert engine_pack.installed(packs) == []


def test_a_pack_that_dies_is_not_used(packs: Path) -> None:
    broken_pack(packs, "broken", ABORTS)
    used = engine("use", "broken")
    assert used.returncode == 1
    assert used.stderr.startswith("The engine pack broken does not work here: The engine crashed")
    assert used.stderr.endswith("The engine stays as it was.\n")
    assert chosen() == ""


def test_the_engine_in_the_box_can_be_used_again(packs: Path) -> None:
    pack = linked_pack(packs, "native")
    settings_store.save(
        with_values(Settings(), engine_pack=str(pack.folder)), settings_store.default_path()
    )
    assert engine("use", "box").returncode == 0
    assert chosen() == ""
    assert engine_pack.installed(packs) == [pack]


def test_a_file_that_is_no_engine_is_installed_but_not_used(packs: Path, tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path / "xllamacpp-2099.1.1-cp310-abi3-linux_x86_64.whl")
    ended = engine("install", str(wheel))
    assert ended.returncode == 1
    assert "does not work here" in ended.stderr
    assert [pack.name for pack in engine_pack.installed(packs)] == ["xllamacpp-2099.1.1"]
    assert chosen() == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("use", "nothing"), "There is no engine pack nothing. There are: box."),
        (("remove", "nothing"), "There is no engine pack nothing. There are: box."),
        (("install", "nothing"), "nothing is no file, and no pack for this system; there are: "),
    ],
)
def test_names_that_nobody_knows_are_told_so(arguments: tuple[str, ...], sentence: str) -> None:
    ended = engine(*arguments)
    assert ended.returncode == 1
    assert ended.stderr.startswith(sentence)


@pytest.fixture
def open_window() -> Iterator[None]:
    """Have the user's conversations in use, as an open window has."""
    opened = history_opening.open_history(paths.data_folder() / user_data.DATABASE, busy_s=1)
    yield
    opened.db.close()
    opened.use.close()


@pytest.mark.usefixtures("open_window")
def test_an_open_window_is_where_to_choose(packs: Path) -> None:
    linked_pack(packs, "native")
    ended = engine("use", "native")
    assert ended.returncode == 1
    assert "A window of Starpad is open" in ended.stderr
    assert chosen() == ""

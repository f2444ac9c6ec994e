"""What an earlier version left on the disk opens in today's Starpad with nothing lost.

Each folder of tests/data is a user's: settings, data, and `seen.json`, which tells what the version
that wrote it showed. `python tests/make_user_data.py` writes the one of this version; make it anew
as the last thing before a release, and never change it after. From the first release on each one
adds its folder, and all of them are tested.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

import starpad
import user_data
from starpad.core import history_schema, versions
from starpad.core.engine_status import EngineState
from starpad.core.history_database import connect
from user_data import DATABASE, FOLDER, conversations, lay_out, lost, seen, settings_file

if TYPE_CHECKING:
    from starpad.bootstrap import Starpad

FIXTURES = sorted(FOLDER.iterdir())
_TABLES = ("conversations", "messages")
OF_THIS = FOLDER / starpad.__version__


@contextmanager
def opened(qapp: QApplication, qtbot: QtBot, root: Path) -> Iterator["Starpad"]:
    """Run the real window on a user's folders; it ends without having saved the unsaved text."""
    from starpad.bootstrap import Starpad

    app = Starpad(qapp, settings_file(root), root / "data")
    app.start([], None)
    try:
        qtbot.waitUntil(lambda: app.engine.status.state is EngineState.READY, timeout=20_000)
        qtbot.waitUntil(lambda: bool(app.library.models), timeout=20_000)
        with qtbot.waitSignal(app.history.job_ended, timeout=20_000):  # the database is open
            app.chat.conversations.refresh()
        yield app
    finally:
        app.recovered.keep()
        app.recovered.shutdown()  # as a crash would: what is saved from here on is not seen
        for tab in app.window.tabs.tabs:
            tab.mark_saved()
        app.window.close()
        app.shutdown()
        app.window.deleteLater()
        app.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "user"


def test_this_version_has_a_fixture_that_holds_something_of_everything() -> None:
    told = json.loads((OF_THIS / user_data.SEEN).read_text("utf-8"))
    for name in (
        "tabs", "recent", "benchmarks", "downloads", "servers", "licences", "folders", "hits",
        "conversations", "token", "serve_key", "draft", "library",
    ):  # fmt: skip
        assert told[name], name
    assert len(told["conversations"]) > len(told["listed"]), "one was deleted"


def test_the_comparison_finds_what_is_lost_and_lets_more_be_there() -> None:
    assert lost({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}], "d": 3}) == []
    assert lost({"a": [{"b": 1}]}, {"a": [{"b": 2}]}) == ["/a/0/b: 1 became 2"]
    assert lost({"a": [1, 2], "b": 3}, {"a": [1]}) == [
        "/a: [1, 2] became [1]",
        "/b: 3 became None",
    ]


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.name)
def test_all_that_a_user_had_is_there_at_the_first_start_and_at_the_next(
    fixture: Path, root: Path, qapp: QApplication, qtbot: QtBot
) -> None:
    before = lay_out(fixture, root)
    for _ in range(2):
        with opened(qapp, qtbot, root) as app:
            now = seen(app, root) | conversations(root)
        assert lost(before, now) == []
        # Closing the window has noted its place anew, and not every system gives the same one.
        before["settings"].pop("window_geometry", "")
        before.pop("window", [])


def _older_database(root: Path) -> None:
    """Write the user's conversations as the first version of the database held them."""
    path, old = root / DATABASE, root / "data/old.sqlite3"
    with closing(connect(old)) as db:
        for statement in history_schema.STEPS[0]:
            db.execute(statement)
        db.execute("ATTACH ? AS new", (str(path),))
        for table, kept in (
            ("conversations", "deleted_at IS NULL"),
            ("messages", "conversation IN (SELECT id FROM main.conversations)"),
        ):
            names = ", ".join(
                row["name"] for row in db.execute(f"PRAGMA main.table_info({table})").fetchall()
            )
            db.execute(
                f"INSERT INTO main.{table} ({names}) SELECT {names} FROM new.{table} WHERE {kept}"
            )
        db.execute("PRAGMA user_version = 1")
    old.replace(path)


def _rows(path: Path) -> list[list[tuple[object, ...]]]:
    """Return all that lies in a database, byte for byte."""
    with closing(sqlite3.connect(path)) as db:
        db.text_factory = bytes
        questions = ("PRAGMA user_version", *map("SELECT * FROM {}".format, _TABLES))
        return [db.execute(question).fetchall() for question in questions]


def test_conversations_of_an_older_database_are_migrated_and_a_backup_stays(
    root: Path, qapp: QApplication, qtbot: QtBot
) -> None:
    before = lay_out(OF_THIS, root)
    _older_database(root)
    old = _rows(root / DATABASE)
    with opened(qapp, qtbot, root):
        now = conversations(root)
    not_deleted = [str(number) for number in before["listed"]]
    assert now["listed"] == before["listed"]
    assert now["hits"] == before["hits"]
    for number in not_deleted:
        assert lost(before["conversations"][number], now["conversations"][number]) == []
    backup = versions.backup_path(root / DATABASE, history_schema.VERSION)
    assert _rows(backup) == old


def _made_newer(root: Path) -> dict[Path, bytes]:
    """Let every file with a version be of a later one; return what they hold."""
    files = [settings_file(root), *(root / "data").glob("*.json")]
    for file in files:
        content: dict[str, Any] = json.loads(file.read_bytes())
        file.write_text(json.dumps(content | {"version": 99, "later": [1, 2, 3]}))
    with closing(sqlite3.connect(root / DATABASE)) as db:
        db.execute("PRAGMA user_version = 99")
    return {file: file.read_bytes() for file in (*files, root / DATABASE)}


def test_data_of_a_newer_version_is_shown_as_far_as_known_and_kept_as_it_was(
    root: Path, qapp: QApplication, qtbot: QtBot
) -> None:
    before = lay_out(OF_THIS, root)
    newer = _made_newer(root)
    with opened(qapp, qtbot, root) as app:
        now = seen(app, root)
        told = " ".join(note.message for note in app.window.messages.notifications)
        app.settings.change(font_size_pt=20)
    assert lost({name: before[name] for name in now if name != "problems"}, now) == []
    assert "written by a newer version of Starpad" in told
    for file, content in newer.items():
        backup = versions.backup_path(file, 1)
        is_unchanged = file.read_bytes() == content
        assert is_unchanged or backup.read_bytes() == content, file.name
    assert versions.backup_path(settings_file(root), 1).exists()
    assert (root / DATABASE).read_bytes() == newer[root / DATABASE]

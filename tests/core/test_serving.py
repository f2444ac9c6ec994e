"""The values of sharing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from starpad.core.errors import FileError
from starpad.core.serve_key import KeyFile, is_key, read_key
from starpad.core.serving import Activity, LogEntry, Totals, recent_clients

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def entry(client: str = "a", status: int = 200, minutes: float = 0, count: int = 1) -> LogEntry:
    at = NOW - timedelta(minutes=minutes)
    return LogEntry(at, client, "/", status, prompt_tokens=10, generated_tokens=2, count=count)


def test_totals_tell_failures_from_refusals_and_from_who_went_away() -> None:
    totals = Totals()
    for status, count in ((200, 1), (499, 1), (500, 1), (400, 1), (401, 7), (403, 2)):
        totals = totals.with_entry(entry(status=status, count=count))
    assert (totals.requests, totals.failed, totals.refused) == (13, 2, 9)
    assert (totals.prompt_tokens, totals.generated_tokens) == (60, 12)


def test_recent_programs_are_those_that_were_answered_in_five_minutes() -> None:
    entries = [entry("old", minutes=6), entry("a", minutes=4), entry("b"), entry("bad", 401)]
    assert recent_clients(entries, Activity(1, 0, ("now",)), NOW) == ("now", "b", "a")


def test_the_key_stays_until_it_is_renewed_and_is_the_users_alone(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "new folder" / "key")
    key = keys.key()
    assert is_key(key)
    assert keys.key() == key
    assert KeyFile(keys.path).key() == key
    assert keys.path.stat().st_mode & 0o777 == 0o600
    renewed = keys.renew()
    assert renewed != key
    assert keys.key() == renewed


@pytest.mark.parametrize("content", ["", "two words", "\x00", "ü"])
def test_a_file_without_a_key_gets_one(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key"
    path.write_text(content, encoding="utf-8")
    assert is_key(KeyFile(path).key())
    path.write_text(content, encoding="utf-8")
    with pytest.raises(FileError):
        read_key(path)


def test_a_key_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="cannot be kept"):
        KeyFile(tmp_path / "file" / "key").key()


def test_a_key_of_ones_own_is_read(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("mine\n")
    assert read_key(tmp_path / "key") == "mine"
    with pytest.raises(FileError, match="cannot be read"):
        read_key(tmp_path / "nothing")

"""Accepted licences: kept with date and text, for one model each, whatever happens to the file."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from starpad.core.errors import FileError
from starpad.core.license_acceptance import Acceptances

NOW = datetime(2026, 11, 2, 10, 30, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "accepted.json"


def _accept(acceptances: Acceptances, model: str = "starcoder2-3b", now: datetime = NOW) -> None:
    acceptances.accept(
        "bigcode-openrail-m",
        model,
        "You may use it.\n\nNot for malware.",
        repository="somebody/starcoder2-3b-GGUF",
        commit="c" * 40,
        app_version="0.3.0",
        now=now,
    )


def test_nothing_is_accepted_at_first(path: Path) -> None:
    assert not Acceptances(path).is_accepted("bigcode-openrail-m", "starcoder2-3b")
    assert not path.exists()


def test_what_was_accepted_stays_with_date_text_and_version(path: Path) -> None:
    _accept(Acceptances(path))
    again = Acceptances(path)
    assert again.is_accepted("bigcode-openrail-m", "starcoder2-3b")
    [one] = again.all()
    assert one.accepted_at == "2026-11-02T10:30:00+00:00"
    assert one.text == "You may use it.\n\nNot for malware."
    assert (one.repository, one.commit) == ("somebody/starcoder2-3b-GGUF", "c" * 40)
    assert one.app_version == "0.3.0"


def test_the_date_is_kept_in_utc(path: Path) -> None:
    acceptances = Acceptances(path)
    _accept(acceptances, now=NOW.astimezone(timezone(timedelta(hours=9))))
    assert acceptances.all()[0].accepted_at == "2026-11-02T10:30:00+00:00"


def test_it_counts_for_that_model_and_that_licence_only(path: Path) -> None:
    acceptances = Acceptances(path)
    _accept(acceptances)
    assert not acceptances.is_accepted("bigcode-openrail-m", "starcoder2-7b")
    assert not acceptances.is_accepted("bigscience-openrail-m", "starcoder2-3b")
    assert not acceptances.is_accepted("", "starcoder2-3b")


def test_repositories_are_the_same_in_capitals(path: Path) -> None:
    acceptances = Acceptances(path)
    _accept(acceptances, "Owner/Name-GGUF")
    assert acceptances.is_accepted("bigcode-openrail-m", "owner/name-gguf")


def test_two_windows_see_each_others(path: Path) -> None:
    one, other = Acceptances(path), Acceptances(path)
    assert not other.is_accepted("bigcode-openrail-m", "a/b")
    _accept(one, "a/b")
    _accept(other, "c/d")
    for window in (one, other):
        assert window.is_accepted("bigcode-openrail-m", "a/b")
        assert window.is_accepted("bigcode-openrail-m", "c/d")


def test_an_older_acceptance_is_kept_when_it_is_accepted_again(path: Path) -> None:
    acceptances = Acceptances(path)
    _accept(acceptances)
    _accept(acceptances, now=NOW + timedelta(days=1))
    assert [one.accepted_at[:10] for one in acceptances.all()] == ["2026-11-02", "2026-11-03"]


def test_a_damaged_file_accepts_nothing_and_is_kept(path: Path) -> None:
    path.write_bytes(b"\x00" * 50)
    acceptances = Acceptances(path)
    assert not acceptances.is_accepted("bigcode-openrail-m", "starcoder2-3b")
    assert "accepted licences" in acceptances.problems[0].message
    _accept(acceptances)
    assert acceptances.is_accepted("bigcode-openrail-m", "starcoder2-3b")
    assert path.with_name("accepted.json.damaged").read_bytes() == b"\x00" * 50


def test_one_bad_entry_costs_only_itself(path: Path) -> None:
    acceptances = Acceptances(path)
    _accept(acceptances)
    content = json.loads(path.read_text())
    [good] = content["accepted"]
    short = {"license_id": "bigcode-openrail-m", "model": "a/b"}
    content["accepted"] = [3, short, None, good | {"commit": 5}, good]
    path.write_text(json.dumps(content))
    assert len(acceptances.all()) == 1
    assert not acceptances.is_accepted("bigcode-openrail-m", "a/b")


def test_what_cannot_be_kept_is_not_taken_for_accepted(path: Path) -> None:
    path.mkdir()
    acceptances = Acceptances(path)
    with pytest.raises(FileError, match="could not be saved"):
        _accept(acceptances)
    assert not acceptances.is_accepted("bigcode-openrail-m", "starcoder2-3b")

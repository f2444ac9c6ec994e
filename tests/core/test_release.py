"""Versions are ordered as people mean them, and a stranger's answer is believed only so far."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from release_server import PAGE, RELEASE
from starpad.core import paths, release
from starpad.core.release import is_newer, release_from

IN_ORDER = [
    "0.1.dev3", "0.1.0a1", "0.1.0-beta.2", "0.1.0b3", "0.1.0rc1", "v0.1.0-rc.2", "0.1",
    "0.1.0.post1", "0.1.1", "0.2", "0.10.0", "v1.0.0-alpha", "1.0", "1.0.0.1", "2026.11.2",
]  # fmt: skip


def test_versions_are_ordered_as_they_were_made() -> None:
    for at, version in enumerate(IN_ORDER):
        assert all(is_newer(version, older) for older in IN_ORDER[:at])
        assert not any(is_newer(version, newer) for newer in IN_ORDER[at:])


@pytest.mark.parametrize("same", ["0.1", "v0.1.0", "0.1.0.0", "0.1.0+build.7", " 0.1.0 "])
def test_one_version_can_be_written_in_several_ways(same: str) -> None:
    assert not is_newer(same, "0.1.0")
    assert not is_newer("0.1.0", same)


_NUMBERS = st.lists(st.integers(0, 30), min_size=1, max_size=4).map(
    lambda numbers: ".".join(map(str, numbers))
)
_STAGE = st.sampled_from(["", "a1", "b2", "rc1", "rc10", ".post1", ".dev4"])


@given(_NUMBERS, _STAGE, _NUMBERS, _STAGE)
def test_the_order_is_that_of_python_packages(one: str, a: str, other: str, b: str) -> None:
    first, second = one + a, other + b
    assert is_newer(first, second) == (Version(first) > Version(second))


@pytest.mark.parametrize("text", ["", "latest", "1.x", "1..2", "1.0 final", "9" * 5000, "1.0\n2"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no version"):
        is_newer(text, "0.1.0")


def test_a_release_is_read_with_its_notes_page_and_date() -> None:
    found = release_from(RELEASE)
    assert (found.version, found.page, found.date) == ("0.2.0", PAGE, "2027-01-31")
    assert found.notes.startswith("# News")


@pytest.mark.parametrize("others", [{"body": None, "published_at": None}, {"body": 3}])
def test_a_release_without_notes_or_date_is_one(others: dict[str, object]) -> None:
    found = release_from(RELEASE | {"published_at": "soon"} | others)
    assert (found.notes, found.date) == ("", "")


@pytest.mark.parametrize(
    "change",
    [
        {"html_url": PAGE.replace("https", "http")},
        {"html_url": PAGE.replace("github.com", "github.com.example.org")},
        {"html_url": PAGE.replace("github.com", "github.com@example.org")},
        {"html_url": PAGE.replace("github.com", "github.com:8443")},
        {"html_url": "file:///usr/bin/true"},
        {"html_url": None},
        {"tag_name": "nightly"},
        {"tag_name": 2},
    ],
)
def test_another_page_or_no_version_makes_no_release(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"is no version|not on github|no release"):
        release_from(RELEASE | change)


@pytest.mark.parametrize("content", [None, [], "x", 3, {}])
def test_anything_else_is_no_release(content: object) -> None:
    with pytest.raises(ValueError, match="no release"):
        release_from(content)


def test_very_long_notes_are_cut() -> None:
    assert len(release_from(RELEASE | {"body": "a" * 1_000_000}).notes) == 100_000


def test_a_checkout_does_not_know_where_it_is_published() -> None:
    assert release.repository() == ""


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (json.dumps({"repository": "some-one/star.pad_2"}), "some-one/star.pad_2"),
        (json.dumps({"repository": "a/b/../../c"}), ""),
        (json.dumps({"repository": "a b/c"}), ""),
        (json.dumps({"repository": 3}), ""),
        (json.dumps([]), ""),
        ("{", ""),
        ("{}", ""),
    ],
)
def test_a_build_knows_it_from_the_file_in_it(
    content: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources" / "home.json").write_text(content)
    monkeypatch.setattr(paths, "PACKAGE", tmp_path)
    assert release.repository() == name

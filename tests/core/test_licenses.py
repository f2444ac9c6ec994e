"""Licences in plain words: those that are known, and an honest word about all others."""

from pathlib import Path

import pytest

from starpad.core import paths
from starpad.core.errors import ModelFileError
from starpad.core.licenses import license_for

KNOWN = ["bigcode-openrail-m", "bigscience-openrail-m", "apache-2.0", "cc-by-nc-4.0"]


@pytest.mark.parametrize("license_id", KNOWN)
def test_a_known_licence_has_its_text_elsewhere_and_a_summary_here(license_id: str) -> None:
    license_ = license_for(license_id, page="https://huggingface.co/a/b")
    assert license_.is_known
    assert license_.id == license_id
    assert license_.name != license_id
    assert license_.url.startswith("https://")
    assert "huggingface.co/a/b" not in license_.url
    assert "not legal advice" in license_.summary


def test_no_description_is_shipped_without_being_tested_here() -> None:
    shipped = {path.stem for path in paths.resource("licenses").iterdir()}
    assert shipped == set(KNOWN)


def test_openrail_says_what_is_allowed_what_binds_and_what_must_be_passed_on() -> None:
    summary = license_for("bigcode-openrail-m").summary
    assert "free of charge" in summary
    assert "commercial" in summary
    assert "bind you" in summary
    assert "malware" in summary
    assert "same restrictions" in summary
    assert "quantized file" in summary


def test_a_non_commercial_licence_says_so() -> None:
    assert "not for commercial purposes" in license_for("cc-by-nc-4.0").summary


def test_an_unknown_licence_is_named_and_links_to_the_models_page() -> None:
    license_ = license_for("llama2", page="https://huggingface.co/a/b")
    assert not license_.is_known
    assert license_.name == "llama2"
    assert license_.url == "https://huggingface.co/a/b"
    assert "does not know the licence llama2" in license_.summary


@pytest.mark.parametrize("license_id", ["", "other", "unknown"])
def test_a_model_without_a_licence_is_not_called_free(license_id: str) -> None:
    license_ = license_for(license_id)
    assert not license_.is_known
    assert license_.name == "Unknown licence"
    assert license_.url == ""
    assert "does not know this model's licence" in license_.summary


@pytest.mark.parametrize("license_id", ["../catalog/families", "a/b", "MIT\n", "x" * 5000, "."])
def test_an_id_from_a_hub_is_never_taken_for_a_path(license_id: str) -> None:
    assert not license_for(license_id).is_known


@pytest.mark.parametrize("text", ["", "[]", '{"name": "x", "url": "file:///x", "summary": ["x"]}'])
def test_a_damaged_description_is_refused_with_the_way_out(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text)
    monkeypatch.setattr(paths, "resource", lambda name: path)
    with pytest.raises(ModelFileError, match="cannot be read") as caught:
        license_for("mine")
    assert "Install Starpad again" in caught.value.hint

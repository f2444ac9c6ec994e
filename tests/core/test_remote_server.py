"""Addresses of remote servers: what is meant, what is refused, what the user is warned of."""

import pytest

from starpad.core.errors import StarpadError
from starpad.core.remote_server import RemoteOptions, RemoteServer, usable_address, warning


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("gpu.example.com", "https://gpu.example.com"),
        (" https://gpu.example.com:8000/v1/ ", "https://gpu.example.com:8000"),
        ("https://example.com/llm/v1", "https://example.com/llm"),
        ("http://10.0.0.7:11434", "http://10.0.0.7:11434"),
        ("localhost:8080", "http://localhost:8080"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("https://example.com/?a=b#c", "https://example.com"),
    ],
)
def test_what_people_write_is_understood(text: str, address: str) -> None:
    assert usable_address(text) == address
    assert usable_address(address) == address


@pytest.mark.parametrize(
    "text",
    ["", "  ", "ftp://example.com", "https://", "https://me:secret@example.com", "http://a b",
     "http://example.com:port", "http://example.com:99999", "http://[::1"],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(StarpadError, match="no address") as refused:
        usable_address(text)
    assert "https://" in refused.value.hint


@pytest.mark.parametrize(
    ("address", "has_key", "words"),
    [
        ("https://gpu.example.com", True, ""),
        ("http://127.0.0.1:8080", True, ""),
        ("http://localhost:8080", True, ""),
        ("http://gpu.example.com", True, "the key"),
        ("http://10.0.0.7", False, "Your code travels"),
    ],
)
def test_what_others_could_read_is_warned_of(address: str, has_key: bool, words: str) -> None:
    sentence = warning(RemoteServer("x", address), has_key=has_key)
    assert words in sentence
    assert bool(words) == bool(sentence)


def test_a_key_is_in_no_log() -> None:
    options = RemoteOptions(RemoteServer("x", "https://gpu.example.com", "a/b"), "sk-secret")
    assert "sk-secret" not in f"{options} {options!r}"
    assert "gpu.example.com" in str(options.path)

"""Tokens lie in the keyring, or in a file that only the user can read; garbage is no token."""

import os
import stat
import sys
from pathlib import Path

import keyring
import pytest
from keyring.backends import fail, null
from keyring.errors import KeyringLocked, PasswordDeleteError

from starpad.core.errors import StarpadError
from starpad.hub.token_store import TokenStore, found_token

HUB = "https://huggingface.co"
MIRROR = "https://hub.example:8443"
TOKEN = "hf_abcdefgh"


class MemoryKeyring:
    """A keyring that works, until `error` is set."""

    name = "memory Keyring"

    def __init__(self, priority: float = 5) -> None:
        self.priority = priority
        self.passwords: dict[tuple[str, str], str] = {}
        self.error: Exception | None = None

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error

    def get_password(self, service: str, user: str) -> str | None:
        self._fail()
        return self.passwords.get((service, user))

    def set_password(self, service: str, user: str, password: str) -> None:
        self._fail()
        self.passwords[service, user] = password

    def delete_password(self, service: str, user: str) -> None:
        self._fail()
        if self.passwords.pop((service, user), None) is None:
            raise PasswordDeleteError("not found")


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own keyring out of it."""
    monkeypatch.setattr(keyring, "get_keyring", fail.Keyring)


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    ring = MemoryKeyring()
    monkeypatch.setattr(keyring, "get_keyring", lambda: ring)
    return ring


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "config" / "tokens"


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def test_without_a_keyring_a_private_file_has_the_token(folder: Path) -> None:
    store = TokenStore(folder)
    assert store.load(HUB) is None
    assert store.place(HUB) == ""
    assert store.save(HUB, TOKEN) is False
    assert TokenStore(folder).load(HUB) == TOKEN
    (file,) = files(folder)
    assert str(file) in store.place(HUB)
    assert TOKEN not in store.place(HUB) + repr(store)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_nobody_else_can_read_the_file(folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o777)
    folder.chmod(0o777)
    old_mask = os.umask(0)
    try:
        TokenStore(folder).save(HUB, TOKEN)
    finally:
        os.umask(old_mask)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(file.stat().st_mode) for file in files(folder)] == [0o600]


def test_a_keyring_has_the_token_and_no_file_is_left(ring: MemoryKeyring, folder: Path) -> None:
    store = TokenStore(folder)
    assert store.save(HUB, TOKEN) is True
    assert TokenStore(folder).load(HUB) == TOKEN
    assert list(ring.passwords.values()) == [TOKEN]
    assert "memory Keyring" in store.place(HUB)
    assert not folder.exists()


def test_each_hub_has_its_own_token(folder: Path) -> None:
    store = TokenStore(folder)
    store.save(HUB, TOKEN)
    store.save(MIRROR + "/", "mirror_token")
    assert store.load(HUB + "/") == TOKEN
    assert store.load(MIRROR) == "mirror_token"
    assert store.load("https://hub.example") is None
    assert store.load("http://huggingface.co") is None
    store.forget(HUB)
    assert store.load(HUB) is None
    assert store.load(MIRROR) == "mirror_token"


@pytest.mark.parametrize("error", [KeyringLocked("locked"), OSError("D-Bus"), RuntimeError("?")])
def test_a_keyring_that_refuses_is_replaced_by_the_file(
    ring: MemoryKeyring, folder: Path, error: Exception
) -> None:
    store = TokenStore(folder)
    ring.error = error
    assert store.load(HUB) is None
    assert store.save(HUB, TOKEN) is False
    assert store.load(HUB) == TOKEN


def test_a_keyring_that_cannot_even_be_chosen_is_replaced_by_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ImportError("PYTHON_KEYRING_BACKEND names nonsense")

    monkeypatch.setattr(keyring, "get_keyring", broken)
    assert TokenStore(folder).save(HUB, TOKEN) is False


def test_a_keyring_that_forgets_or_keeps_plain_text_is_not_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = MemoryKeyring(priority=0.5)
    for backend in (null.Keyring(), plain):
        monkeypatch.setattr(keyring, "get_keyring", lambda backend=backend: backend)
        assert TokenStore(folder).save(HUB, TOKEN) is False
    assert not plain.passwords


def test_the_newer_token_wins_when_the_keyring_was_locked_meanwhile(
    ring: MemoryKeyring, folder: Path
) -> None:
    store = TokenStore(folder)
    store.save(HUB, "hf_old")
    ring.error = KeyringLocked("locked")
    store.save(HUB, "hf_new")
    ring.error = None
    assert store.load(HUB) == "hf_new"
    assert store.save(HUB, "hf_newest") is True
    assert store.load(HUB) == "hf_newest"
    assert "hf_new" not in files(folder)[0].read_text()


def test_forgetting_takes_it_out_of_the_keyring_and_the_file(
    ring: MemoryKeyring, folder: Path
) -> None:
    store = TokenStore(folder)
    store.forget(HUB)
    store.save(HUB, "hf_in_keyring")
    ring.error = KeyringLocked("locked")
    store.save(HUB, "hf_in_file")
    ring.error = None
    store.forget(HUB)
    assert store.load(HUB) is None
    assert not ring.passwords


def test_a_keyring_that_does_not_delete_is_told(
    ring: MemoryKeyring, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = TokenStore(folder)
    store.save(HUB, TOKEN)
    monkeypatch.setattr(ring, "delete_password", lambda service, user: None)
    with pytest.raises(StarpadError, match="did not delete"):
        store.forget(HUB)


@pytest.mark.parametrize(
    "garbage",
    [
        b"", b"\0\xff", b"[]", b"null", b'"hf_x"', b"[" * 100_000, b'{"https://huggingface.co": 5}',
        b'{"https://huggingface.co": ["hf_x"]}', b'{"https://huggingface.co": "two words"}',
        b'{"https://huggingface.co": "line\\nfeed"}', b'{"https://huggingface.co": ""}',
    ],
)  # fmt: skip
def test_a_garbage_file_holds_no_token_and_is_written_anew(folder: Path, garbage: bytes) -> None:
    store = TokenStore(folder)
    store.save(HUB, TOKEN)
    (file,) = files(folder)
    file.write_bytes(garbage)
    assert store.load(HUB) is None
    assert store.place(HUB) == ""
    store.save(HUB, TOKEN)
    assert store.load(HUB) == TOKEN


@pytest.mark.parametrize("text", ["", "two words", "hf_\n", "hf_ü", "x" * 5000])
def test_what_cannot_be_a_token_is_not_kept(folder: Path, text: str) -> None:
    with pytest.raises(StarpadError, match="not an access token"):
        TokenStore(folder).save(HUB, text)
    assert not folder.exists()


def test_a_place_that_takes_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file where the folder should be")
    with pytest.raises(StarpadError, match="cannot be kept"):
        TokenStore(tmp_path / "config" / "tokens").save(HUB, TOKEN)


def test_the_token_of_the_hf_command_is_found_on_request_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path
) -> None:
    path = tmp_path / "token"
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(path))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
    assert found_token() is None
    path.write_text("hf_left_there\n")
    assert found_token() == "hf_left_there"
    assert TokenStore(folder).load(HUB) is None
    path.write_bytes(b"\xff\xfe")
    assert found_token() is None


@pytest.mark.parametrize("has_keyring", [True, False])
def test_another_service_has_tokens_of_its_own(
    folder: Path, has_keyring: bool, request: pytest.FixtureRequest
) -> None:
    if has_keyring:
        request.getfixturevalue("ring")
    hub, servers = TokenStore(folder), TokenStore(folder, service="Servers", file_name="keys.json")
    hub.save(HUB, TOKEN)
    assert servers.load(HUB) is None
    servers.save(HUB, "sk-other")
    hub.forget(HUB)
    assert servers.load(HUB) == "sk-other"
    assert hub.load(HUB) is None

"""Signing in and out, and where the token goes: to the endpoint that it was saved for."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants
from PySide6.QtCore import QObject, Slot
from pytestqt.qtbot import QtBot

from fakehub import FakeHub, FaultKind
from starpad.core.catalog import HUB
from starpad.core.device_code import DeviceCode
from starpad.core.errors import StarpadError
from starpad.core.hub_errors import HubError, HubProblem
from starpad.hub.token_store import TokenStore
from starpad.services.background import BackgroundJobs
from starpad.services.hub_account import HubAccount, default_endpoint

TOKEN, OTHER_TOKEN = "hf_demo", "hf_other"


class Listener(QObject):
    """Keeps what the account says."""

    def __init__(self, account: HubAccount) -> None:
        super().__init__()
        self.heard: list[str] = []
        self.code: DeviceCode | None = None
        self.errors: list[StarpadError] = []
        self.signed_in: list[tuple[str, str]] = []
        account.changed.connect(self._on_changed)
        account.code_received.connect(self._on_code_received)
        account.signed_in.connect(self._on_signed_in)
        account.failed.connect(self._on_failed)

    @Slot()
    def _on_changed(self) -> None:
        self.heard.append("changed")

    @Slot(object)
    def _on_code_received(self, code: DeviceCode) -> None:
        self.heard.append("code")
        self.code = code

    @Slot(str, str)
    def _on_signed_in(self, account: str, place: str) -> None:
        self.heard.append("signed in")
        self.signed_in.append((account, place))

    @Slot(object)
    def _on_failed(self, error: StarpadError) -> None:
        self.heard.append("failed")
        self.errors.append(error)


@pytest.fixture(autouse=True)
def no_foreign_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the `hf` command have left nothing, wherever the library was told to look."""
    path = tmp_path / "hf-token"
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(path))
    monkeypatch.setattr(constants, "HF_STORED_TOKENS_PATH", str(tmp_path / "stored_tokens"))
    return path


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add_account("demo", TOKEN)
        hub.sign_in_interval_s = 0.02
        yield hub


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[BackgroundJobs]:
    jobs = BackgroundJobs()
    yield jobs
    jobs.shutdown()


@pytest.fixture
def account(jobs: BackgroundJobs, hub: FakeHub, tmp_path: Path) -> HubAccount:
    account = HubAccount(jobs, tmp_path / "tokens")
    account.set_endpoint(hub.endpoint)
    return account


@pytest.fixture
def listener(account: HubAccount) -> Listener:
    return Listener(account)


def _kept(tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "tokens" / "hub-tokens.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    assert isinstance(kept, dict)
    return kept


def _begin_with_browser(account: HubAccount, listener: Listener, qtbot: QtBot) -> str:
    account.sign_in_with_browser()
    qtbot.waitUntil(lambda: listener.code is not None)
    assert listener.code is not None
    assert listener.code.user_code in listener.code.url
    return listener.code.user_code


def test_the_usual_hub_is_hugging_face_or_what_its_own_tools_are_told(
    monkeypatch: pytest.MonkeyPatch, jobs: BackgroundJobs, tmp_path: Path
) -> None:
    assert default_endpoint() == HUB
    monkeypatch.setenv("HF_ENDPOINT", " https://mirror.example.com/ ")
    account = HubAccount(jobs, tmp_path)
    assert account.endpoint == "https://mirror.example.com"
    account.set_endpoint(" https://hub.example.com// ")
    assert account.endpoint == "https://hub.example.com"
    account.set_endpoint("  ")
    assert account.endpoint == "https://mirror.example.com"


def test_signing_in_with_the_browser(
    account: HubAccount, listener: Listener, hub: FakeHub, qtbot: QtBot, tmp_path: Path
) -> None:
    assert not account.is_signed_in
    hub.approve(_begin_with_browser(account, listener, qtbot))
    qtbot.waitUntil(lambda: bool(listener.signed_in))
    assert listener.heard == ["code", "changed", "signed in"]
    [(name, place)] = listener.signed_in
    assert name == account.account == "demo"
    assert place == account.place
    assert str(tmp_path / "tokens") in place
    assert account.is_signed_in
    assert set(_kept(tmp_path)) == {hub.endpoint}
    folder = tmp_path / "tokens"
    assert (
        folder.stat().st_mode & 0o777,
        *(p.stat().st_mode & 0o777 for p in folder.iterdir()),
    ) == (0o700, 0o600)


@pytest.mark.parametrize(
    ("decide", "words"), [("deny", "was not let in"), ("expire", "has expired")]
)
def test_a_sign_in_that_comes_to_nothing_says_why_and_may_be_begun_again(
    decide: str,
    words: str,
    account: HubAccount,
    listener: Listener,
    hub: FakeHub,
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    getattr(hub, decide)(_begin_with_browser(account, listener, qtbot))
    qtbot.waitUntil(lambda: bool(listener.errors))
    assert listener.heard == ["code", "failed"]
    assert words in str(listener.errors[0])
    assert not account.is_signed_in
    assert _kept(tmp_path) == {}
    listener.code = None
    hub.approve(_begin_with_browser(account, listener, qtbot))
    qtbot.waitUntil(lambda: bool(listener.signed_in))


def test_a_cancelled_sign_in_is_not_heard_of_again_even_if_it_is_approved_then(
    account: HubAccount, listener: Listener, hub: FakeHub, qtbot: QtBot, tmp_path: Path
) -> None:
    code = _begin_with_browser(account, listener, qtbot)
    account.cancel_sign_in()
    account.cancel_sign_in()
    hub.approve(code)
    qtbot.wait(100)
    assert listener.heard == ["code"]
    assert not account.is_signed_in
    assert _kept(tmp_path) == {}


def test_only_the_last_of_two_sign_ins_counts(
    account: HubAccount, listener: Listener, hub: FakeHub, qtbot: QtBot
) -> None:
    _begin_with_browser(account, listener, qtbot)
    account.sign_in_with_token(TOKEN)
    qtbot.waitUntil(lambda: bool(listener.signed_in))
    qtbot.wait(50)
    assert listener.heard == ["code", "changed", "signed in"]


def test_a_pasted_token_is_checked_before_it_is_kept(
    account: HubAccount, listener: Listener, hub: FakeHub, qtbot: QtBot, tmp_path: Path
) -> None:
    for wrong in ("hf_wrong", "two words", ""):
        listener.errors.clear()
        account.sign_in_with_token(wrong)
        qtbot.waitUntil(lambda: bool(listener.errors))
        [error] = listener.errors
        assert isinstance(error, HubError)
        assert error.problem is HubProblem.BAD_TOKEN
        assert not wrong or wrong not in str(error)
        assert not account.is_signed_in
    assert _kept(tmp_path) == {}
    account.sign_in_with_token(f"  {TOKEN}\n")
    qtbot.waitUntil(lambda: bool(listener.signed_in))
    assert _kept(tmp_path) == {hub.endpoint: TOKEN}


def test_the_token_of_the_hf_command_is_only_taken_when_the_user_says_so(
    account: HubAccount,
    listener: Listener,
    hub: FakeHub,
    no_foreign_token: Path,
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    account.sign_in_with_found_token()
    qtbot.waitUntil(lambda: bool(listener.errors))
    assert "no token" in str(listener.errors[0])
    no_foreign_token.write_text(f"{TOKEN}\n")
    account.look()
    qtbot.waitUntil(lambda: account.has_found_token)
    assert not account.is_signed_in
    assert hub.requests == []
    account.sign_in_with_found_token()
    qtbot.waitUntil(lambda: bool(listener.signed_in))
    assert _kept(tmp_path) == {hub.endpoint: TOKEN}


def test_looking_for_tokens_asks_nobody_even_if_that_of_the_hf_command_is_about_to_expire(
    account: HubAccount, no_foreign_token: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(
        "huggingface_hub.utils._auth.refresh_access_token", lambda token: asked.append(token)
    )
    no_foreign_token.write_text(TOKEN)
    Path(constants.HF_STORED_TOKENS_PATH).write_text(
        f"[demo]\nhf_token = {TOKEN}\nrefresh_token = again\nexpires_at = 1\n"
    )
    with qtbot.waitSignal(account.changed):
        account.look()
    assert account.has_found_token
    assert not asked


def test_a_kept_token_is_found_in_the_next_session(
    account: HubAccount,
    listener: Listener,
    jobs: BackgroundJobs,
    hub: FakeHub,
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    account.sign_in_with_token(TOKEN)
    qtbot.waitUntil(lambda: bool(listener.signed_in))
    later = HubAccount(jobs, tmp_path / "tokens")
    later.set_endpoint(hub.endpoint)
    assert not later.is_signed_in
    with qtbot.waitSignal(later.changed):
        later.look()
    assert later.is_signed_in
    assert later.place == account.place
    assert later.token_for(hub.endpoint) == TOKEN


def test_signing_out_deletes_the_token_and_says_so_if_it_could_not(
    account: HubAccount,
    listener: Listener,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account.sign_in_with_token(TOKEN)
    qtbot.waitUntil(lambda: bool(listener.signed_in))
    with qtbot.waitSignal(account.changed):
        account.sign_out()
    assert (account.is_signed_in, account.account, account.place) == (False, "", "")
    assert account.token_for(account.endpoint) is None
    qtbot.waitUntil(lambda: _kept(tmp_path) == {})

    def refuse(_store: TokenStore, _endpoint: str) -> None:
        raise StarpadError("The system's keyring did not delete the access token.")

    monkeypatch.setattr(TokenStore, "forget", refuse)
    account.sign_out()
    qtbot.waitUntil(lambda: bool(listener.errors))
    assert "keyring" in str(listener.errors[0])


def test_a_slow_sign_out_does_not_delete_what_was_signed_in_meanwhile(
    account: HubAccount, listener: Listener, jobs: BackgroundJobs, qtbot: QtBot, tmp_path: Path
) -> None:
    account.sign_in_with_token(TOKEN)
    qtbot.waitUntil(lambda: bool(listener.signed_in))
    with qtbot.waitSignal(jobs.job_ended), account._store_lock:  # the keyring takes its time
        account.sign_out()
        with account._lock:
            account._tokens[account.endpoint] = OTHER_TOKEN
    assert _kept(tmp_path) == {account.endpoint: TOKEN}


def test_a_token_is_for_its_own_endpoint_and_for_no_other(
    account: HubAccount, listener: Listener, hub: FakeHub, qtbot: QtBot
) -> None:
    account.sign_in_with_token(TOKEN)
    qtbot.waitUntil(lambda: bool(listener.signed_in))
    with FakeHub() as mirror:
        account.set_endpoint(f"{mirror.endpoint}/")
        assert (account.is_signed_in, account.account, account.place) == (False, "", "")
        assert account.token_for(mirror.endpoint) is None
        with pytest.raises(HubError):
            account.client(mirror.endpoint).repository("owner/name")
        assert mirror.requests
        assert not any("authorization" in request.headers for request in mirror.requests)
        account.set_endpoint(hub.endpoint)
        assert account.is_signed_in
        assert account.client(hub.endpoint).account() == "demo"


def test_another_endpoint_ends_a_sign_in_and_what_is_known_there_is_looked_up(
    account: HubAccount, listener: Listener, hub: FakeHub, qtbot: QtBot, tmp_path: Path
) -> None:
    with qtbot.waitSignal(account.changed):
        account.look()
    TokenStore(tmp_path / "tokens").save("https://hub.example.com", OTHER_TOKEN)
    code = _begin_with_browser(account, listener, qtbot)
    account.set_endpoint("https://hub.example.com")
    [error] = listener.errors
    assert error.hint == "Sign in again."
    hub.approve(code)
    qtbot.waitUntil(lambda: account.is_signed_in)
    qtbot.waitUntil(lambda: bool(account.place))
    assert account.account == ""
    assert listener.signed_in == []
    assert set(_kept(tmp_path)) == {"https://hub.example.com"}


def test_a_hub_that_hangs_is_left_at_once(
    account: HubAccount, listener: Listener, jobs: BackgroundJobs, hub: FakeHub, qtbot: QtBot
) -> None:
    for begin in (account.sign_in_with_browser, lambda: account.sign_in_with_token(TOKEN)):
        hub.add_fault("whoami|oauth", FaultKind.HANG)
        begin()
        qtbot.waitUntil(lambda: hub.faults[-1].matched == 1)
        with qtbot.waitSignal(jobs.job_ended, timeout=100):
            account.cancel_sign_in()
    assert listener.heard == []

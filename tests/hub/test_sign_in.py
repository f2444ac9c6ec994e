"""Signing in with the browser: the code, the wait, and every way in which it ends."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from fakehub import FakeHub, FaultKind
from starpad.core.hub_errors import HubError, HubProblem
from starpad.hub.client import HubClient
from starpad.hub.session import StopSignal
from starpad.hub.sign_in import check_token, request_code, wait_for_token

GATED = "bigcode/starcoder"


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add_repository(GATED, {"m.gguf": b"GGUF"}, gating="auto")
        yield hub


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def wait_until(condition: Callable[[], object]) -> None:
    pause, deadline = threading.Event(), time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        pause.wait(0.005)


def questions(hub: FakeHub) -> int:
    return sum(request.route == "/oauth/token" for request in hub.requests)


def outcome(hub: FakeHub, decide: Callable[[str], None]) -> str | HubError:
    """Sign in, let the user decide once the hub has been asked, and return how it ends."""
    code = request_code(hub.endpoint)
    ends: list[str | HubError] = []

    def work() -> None:
        try:
            ends.append(wait_for_token(hub.endpoint, code, StopSignal()))
        except HubError as error:
            ends.append(error)

    thread = in_thread(work)
    wait_until(lambda: questions(hub) >= 1)
    decide(code.user_code)
    thread.join(5)
    return ends[0]


def test_a_code_names_the_page_and_keeps_its_secret(hub: FakeHub) -> None:
    code = request_code(hub.endpoint + "/")
    assert code.user_code in code.url
    assert code.url.startswith(hub.endpoint)
    assert code.expires_s == 900
    assert code.secret
    assert code.secret not in repr(code)


def test_an_approved_code_becomes_a_token_that_opens_what_was_granted(hub: FakeHub) -> None:
    token = outcome(hub, lambda code: hub.approve(code, "ada"))
    assert isinstance(token, str)
    assert check_token(hub.endpoint, token) == "ada"
    hub.grant("ada", GATED)
    HubClient(hub.endpoint, token).check_access(GATED)


def test_a_refusal_on_the_page_ends_the_wait(hub: FakeHub) -> None:
    error = outcome(hub, hub.deny)
    assert isinstance(error, HubError)
    assert error.problem is HubProblem.NEEDS_SIGN_IN
    assert "not let in" in error.message


def test_a_code_that_the_hub_lets_run_out_ends_the_wait(hub: FakeHub) -> None:
    error = outcome(hub, hub.expire)
    assert isinstance(error, HubError)
    assert "expired" in error.message


def test_a_code_that_is_never_entered_ends_by_our_own_clock(hub: FakeHub) -> None:
    code = replace(request_code(hub.endpoint), expires_s=0.2)
    with pytest.raises(HubError, match="expired"):
        wait_for_token(hub.endpoint, code, StopSignal())
    assert questions(hub) >= 2


@pytest.mark.parametrize("is_hanging", [False, True])
def test_the_wait_ends_at_once_when_it_is_stopped(hub: FakeHub, is_hanging: bool) -> None:
    code = request_code(hub.endpoint)
    if is_hanging:
        hub.add_fault("/oauth/token", FaultKind.HANG, times=None)
    stop = StopSignal()
    ended: list[float] = []

    def work() -> None:
        with pytest.raises(HubError, match="cancelled"):
            wait_for_token(hub.endpoint, replace(code, interval_s=0.05), stop)
        ended.append(time.monotonic())

    thread = in_thread(work)
    wait_until(lambda: questions(hub) >= 1)
    began = time.monotonic()
    stop.stop()
    thread.join(5)
    assert ended[0] - began < 1  # against 20 s of silence


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (FaultKind.DROP, {}),
        (FaultKind.HTML, {}),
        (FaultKind.STATUS, {"status": 502}),
        (FaultKind.STATUS, {"status": 429}),
        (FaultKind.STATUS, {"status": 400, "text": '{"error": "slow_down"}'}),
        (FaultKind.STATUS, {"status": 200, "text": '["no dictionary"]'}),
    ],
)
def test_breakdowns_during_the_wait_are_waited_out(
    hub: FakeHub, kind: FaultKind, options: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("starpad.hub.sign_in._INTERVAL_S", 0.01)
    hub.add_fault("/oauth/token", kind, times=2, **options)
    assert isinstance(outcome(hub, lambda code: hub.approve(code)), str)


def test_an_answer_of_another_kind_ends_the_wait(hub: FakeHub) -> None:
    code = request_code(hub.endpoint)
    with pytest.raises(HubError, match="refused"):
        wait_for_token(hub.endpoint, replace(code, secret="unknown"), StopSignal())


@pytest.mark.parametrize(
    ("kind", "options", "problem"),
    [
        (FaultKind.HTML, {}, HubProblem.NOT_A_HUB),
        (FaultKind.DROP, {}, HubProblem.INTERRUPTED),
        (FaultKind.STATUS, {"status": 503}, HubProblem.SERVER_BUSY),
        (FaultKind.STATUS, {"status": 404}, HubProblem.NOT_FOUND),
        (FaultKind.STATUS, {"status": 200, "text": "{}"}, HubProblem.NOT_A_HUB),
        (
            FaultKind.STATUS,
            {
                "status": 200,
                "text": '{"user_code":"A","device_code":"B","verification_uri":"file:///etc"}',
            },
            HubProblem.NOT_A_HUB,
        ),
    ],
)
def test_a_hub_that_gives_no_code_is_told(
    hub: FakeHub, kind: FaultKind, options: dict[str, object], problem: HubProblem
) -> None:
    hub.add_fault("/oauth/device", kind, **options)
    with pytest.raises(HubError) as caught:
        request_code(hub.endpoint)
    assert caught.value.problem is problem


def test_neither_the_code_nor_its_secret_follows_a_redirect(hub: FakeHub) -> None:
    code = request_code(hub.endpoint)
    with FakeHub() as other:
        hub.add_fault(
            "/oauth", FaultKind.REDIRECT, status=307, location=f"{other.endpoint}/x", times=None
        )
        with pytest.raises(HubError):
            request_code(hub.endpoint)
        with pytest.raises(HubError):
            wait_for_token(hub.endpoint, replace(code, expires_s=0.1), StopSignal())
        assert not other.requests


def test_a_pasted_token_is_checked(hub: FakeHub) -> None:
    hub.add_account("ada", "hf_pasted")
    assert check_token(hub.endpoint, "hf_pasted") == "ada"
    for text in ("hf_wrong", "", "two words", "hf_\n", "hf_ü"):
        with pytest.raises(HubError) as caught:
            check_token(hub.endpoint, text)
        assert caught.value.problem is HubProblem.BAD_TOKEN
    assert len(hub.requests) == 2

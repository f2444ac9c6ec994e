"""Who may read what; where the token goes, and where it never does; requests that hang."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakehub import FakeHub, FaultKind
from gguf_files import gguf
from starpad.core.hub_errors import HubError, HubProblem
from starpad.core.remote import RemoteFile
from starpad.hub import session
from starpad.hub.client import HubClient
from starpad.hub.session import StopSignal

TOKEN = "hf_the_right_one"
GATED = "bigcode/starcoder"
OPEN = "bigcode/open"
MODEL = gguf()
FILE = RemoteFile("m-Q4_K_M.gguf", len(MODEL), "")


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add_repository(GATED, {FILE.path: MODEL}, gating="auto")
        hub.add_repository(OPEN, {FILE.path: MODEL, "config.json": b"{}"})
        hub.add_account("ada", TOKEN)
        yield hub


def problem_of(question: Callable[[], object]) -> HubError:
    with pytest.raises(HubError) as caught:
        question()
    assert TOKEN not in str(caught.value) + caught.value.url
    return caught.value


def test_the_way_into_a_gated_repository_is_told_step_by_step(hub: FakeHub) -> None:
    commit = HubClient(hub.endpoint).repository(GATED).commit

    def ask(token: str | None) -> HubError:
        client = HubClient(hub.endpoint, token)
        errors = [
            problem_of(lambda: client.check_access(GATED)),
            problem_of(lambda: client.resolve(GATED, commit, FILE.path)),
            problem_of(lambda: client.header(GATED, commit, FILE)),
        ]
        assert len({error.problem for error in errors}) == 1
        return errors[0]

    assert ask(None).problem is HubProblem.NEEDS_SIGN_IN
    assert ask("hf_revoked").problem is HubProblem.BAD_TOKEN
    hub.add_account("ada", "hf_narrow", can_read_gated=False)
    assert ask("hf_narrow").problem is HubProblem.NEEDS_SCOPE
    error = ask(TOKEN)
    assert error.problem is HubProblem.NEEDS_LICENSE
    assert error.url == f"{hub.endpoint}/{GATED}"
    hub.grant("ada", GATED)
    client = HubClient(hub.endpoint, TOKEN)
    client.check_access(GATED)
    assert client.resolve(GATED, commit, FILE.path).size_bytes == len(MODEL)
    assert client.header(GATED, commit, FILE).layers == 30


def test_a_bad_token_fails_even_for_what_everybody_may_read(hub: FakeHub) -> None:
    client = HubClient(hub.endpoint, "hf_revoked")
    assert problem_of(lambda: client.search("open")).problem is HubProblem.BAD_TOKEN
    assert problem_of(client.account).problem is HubProblem.BAD_TOKEN
    assert HubClient(hub.endpoint).search("open")


def test_a_disabled_repository_is_named_so(hub: FakeHub) -> None:
    hub.disable_repository(OPEN)
    client = HubClient(hub.endpoint)
    assert problem_of(lambda: client.repository(OPEN)).problem is HubProblem.DISABLED
    question = problem_of(lambda: client.resolve(OPEN, "a" * 40, FILE.path))
    assert question.problem is HubProblem.DISABLED


def test_the_account_has_a_name_and_nobody_has_none(hub: FakeHub) -> None:
    assert HubClient(hub.endpoint, TOKEN).account() == "ada"
    client = HubClient(hub.endpoint)
    assert problem_of(client.account).problem is HubProblem.NEEDS_SIGN_IN


def test_the_token_never_reaches_the_content_network(hub: FakeHub) -> None:
    client = HubClient(hub.endpoint, TOKEN)
    commit = client.repository(OPEN).commit
    assert "authorization" not in client.resolve(OPEN, commit, FILE.path).headers
    small = client.resolve(OPEN, commit, "config.json")
    assert small.headers["authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in repr(small)
    client.header(OPEN, commit, FILE)
    assert hub.requests_of("content")
    assert not hub.leaked_tokens
    assert all(request.token == TOKEN for request in hub.requests_of("hub"))


def test_the_token_for_a_mirror_does_not_follow_it_to_another_hub(hub: FakeHub) -> None:
    commit = hub.repositories[OPEN].commit
    with FakeHub() as mirror:
        location = f"{hub.endpoint}/{OPEN}/resolve/{commit}/{FILE.path}"
        mirror.add_fault("resolve", FaultKind.REDIRECT, status=308, location=location, times=None)
        client = HubClient(mirror.endpoint, TOKEN)
        resolved = client.resolve(OPEN, commit, FILE.path)
        client.header(OPEN, commit, FILE)
        assert all(request.token == TOKEN for request in mirror.requests)
    assert resolved.location.startswith(hub.content_endpoint)
    assert len(hub.requests) >= 3
    assert not any(request.token for request in hub.requests)


def test_a_token_in_the_environment_or_of_another_program_is_never_sent(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    left_by_hf = tmp_path / "token"
    left_by_hf.write_text("hf_from_file")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(left_by_hf))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_IMPLICIT_TOKEN", False)
    monkeypatch.setenv("HF_TOKEN", "hf_from_environment")
    client = HubClient(hub.endpoint)
    commit = client.repository(OPEN).commit
    client.search("open")
    client.search(OPEN)
    client.check_access(OPEN)
    client.resolve(OPEN, commit, FILE.path)
    client.header(OPEN, commit, FILE)
    client.readme(OPEN, commit)
    problem_of(client.account)
    assert len(hub.requests) > 8
    assert not any("authorization" in request.headers for request in hub.requests)


def test_a_request_says_who_asks_and_nothing_about_this_computer(hub: FakeHub) -> None:
    client = HubClient(hub.endpoint)
    client.resolve(OPEN, client.repository(OPEN).commit, FILE.path)
    assert all(request.headers["user-agent"].startswith("starpad/") for request in hub.requests)


def questions(client: HubClient) -> dict[str, Callable[[], object]]:
    commit = "a" * 40
    return {
        "search": lambda: client.search("open"),
        "repository": lambda: client.repository(OPEN),
        "header": lambda: client.header(OPEN, commit, FILE),
        "resolve": lambda: client.resolve(OPEN, commit, FILE.path),
        "check_access": lambda: client.check_access(OPEN),
        "account": client.account,
        "readme": lambda: client.readme(OPEN, commit),
    }


def test_a_server_that_hangs_is_given_up(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "SILENCE_SECONDS", 0.2)
    hub.add_fault(".", FaultKind.HANG, times=None)
    for question in questions(HubClient(hub.endpoint, TOKEN)).values():
        began = time.monotonic()
        assert problem_of(question).problem is HubProblem.INTERRUPTED
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("name", list(questions(HubClient())))
def test_a_question_to_a_server_that_hangs_can_be_stopped(hub: FakeHub, name: str) -> None:
    fault = hub.add_fault(".", FaultKind.HANG, times=None)
    stop = StopSignal()
    ended: list[float] = []
    errors: list[HubError] = []

    def ask() -> None:
        with stop.watching():
            errors.append(problem_of(questions(HubClient(hub.endpoint, TOKEN))[name]))
            ended.append(time.monotonic())

    worker = threading.Thread(target=ask)
    worker.start()
    deadline = time.monotonic() + 5
    while not fault.matched and time.monotonic() < deadline:
        stop.wait(0.005)
    began = time.monotonic()
    stop.stop()
    worker.join(5)
    assert errors[0].problem is HubProblem.INTERRUPTED
    assert ended[0] - began < 1  # against 20 s of silence

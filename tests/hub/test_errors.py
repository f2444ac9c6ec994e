"""Every failure of a request or a disk gets the right problem, and a sentence without secrets."""

import errno
import json
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest
from huggingface_hub import errors as library
from huggingface_hub import hf_hub_url, hf_raise_for_status

from starpad.core.hub_errors import HubError, HubProblem
from starpad.hub.errors import host_of, hub_error

ENDPOINT = "https://hub.example"
REPOSITORY = "bigcode/starcoder"
TOKEN = "hf_secretsecret"
NO_LIST = "you are not in the authorized list. Visit the page to ask for access."


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def told(error: BaseException, subject: str = REPOSITORY) -> HubError:
    result = hub_error(error, endpoint=ENDPOINT, subject=subject)
    assert result.message
    assert result.hint
    assert TOKEN not in str(result)
    assert "Signature" not in str(result) + result.url
    return result


def refused(
    status: int,
    message: str = "",
    code: str = "",
    *,
    token: str = "",
    url: str = f"{ENDPOINT}/{REPOSITORY}/resolve/main/m.gguf?X-Amz-Signature=abc",
    content_type: str = "application/json",
    **headers: str,
) -> Exception:
    """Return what huggingface_hub raises for an answer."""
    sent = {"authorization": f"Bearer {token}"} if token else {}
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    given |= {"X-Error-Code": code} if code else {}
    given |= {"X-Error-Message": message} if message else {}
    response = httpx2.Response(
        status,
        headers={"content-type": content_type, **given},
        text="<html>" if "html" in content_type else json.dumps({"error": message}),
        request=httpx2.Request("GET", url, headers=sent),
    )
    try:
        hf_raise_for_status(response)
    except Exception as error:
        return error
    raise AssertionError("not refused")


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: refused(401, "Please log in.", "GatedRepo"), HubProblem.NEEDS_SIGN_IN),
        (lambda: refused(401), HubProblem.NEEDS_SIGN_IN),
        (lambda: refused(401, "x", url=f"{ENDPOINT}/api/whoami-v2"), HubProblem.NEEDS_SIGN_IN),
        (lambda: refused(403, NO_LIST, "GatedRepo", token=TOKEN), HubProblem.NEEDS_LICENSE),
        (
            lambda: refused(403, "enable gated in your fine-grained token settings", token=TOKEN),
            HubProblem.NEEDS_SCOPE,
        ),
        (lambda: refused(403, "no", token=TOKEN), HubProblem.NEEDS_SCOPE),
        (lambda: refused(403, "no"), HubProblem.NEEDS_SIGN_IN),
        (lambda: refused(403, url="https://cdn.example/x?Signature=1"), HubProblem.SERVER_BUSY),
        (
            lambda: refused(401, "Invalid credentials in Authorization header", token=TOKEN),
            HubProblem.BAD_TOKEN,
        ),
        (
            lambda: refused(401, "?", url=f"{ENDPOINT}/api/whoami-v2", token=TOKEN),
            HubProblem.BAD_TOKEN,
        ),
        (lambda: refused(401, "Invalid username", "RepoNotFound"), HubProblem.NOT_FOUND),
        (lambda: refused(404, "Repository not found", "RepoNotFound"), HubProblem.NOT_FOUND),
        (lambda: refused(404, "Entry not found", "EntryNotFound"), HubProblem.NOT_FOUND),
        (lambda: refused(404, "Invalid rev id", "RevisionNotFound"), HubProblem.NOT_FOUND),
        (lambda: refused(410), HubProblem.NOT_FOUND),
        (lambda: refused(403, "Access to this resource is disabled."), HubProblem.DISABLED),
        (lambda: refused(451), HubProblem.DISABLED),
        (lambda: refused(400, "bad"), HubProblem.BAD_REQUEST),
        (lambda: refused(422, "bad"), HubProblem.BAD_REQUEST),
        (lambda: refused(429), HubProblem.RATE_LIMITED),
        (lambda: refused(408), HubProblem.SERVER_BUSY),
        (lambda: refused(416), HubProblem.INTERRUPTED),
        (lambda: refused(500), HubProblem.SERVER_BUSY),
        (lambda: refused(503, content_type="text/html"), HubProblem.SERVER_BUSY),
        (lambda: refused(404, content_type="text/html; charset=utf-8"), HubProblem.NOT_A_HUB),
        (lambda: refused(403, content_type="text/html"), HubProblem.NOT_A_HUB),
        (lambda: refused(511, content_type="text/html"), HubProblem.NOT_A_HUB),
        (lambda: refused(407), HubProblem.PROXY),
        (lambda: library.OfflineModeIsEnabled("no"), HubProblem.OFFLINE),
        (lambda: library.FileMetadataError("no etag"), HubProblem.NOT_A_HUB),
        (lambda: library.LocalTokenNotFoundError("no"), HubProblem.NEEDS_SIGN_IN),
        (lambda: httpx2.ProxyError("no"), HubProblem.PROXY),
        (lambda: httpx2.ConnectError("refused"), HubProblem.OFFLINE),
        (lambda: httpx2.ConnectTimeout("slow"), HubProblem.OFFLINE),
        (lambda: httpx2.ReadTimeout("stall"), HubProblem.INTERRUPTED),
        (lambda: httpx2.ReadError("reset"), HubProblem.INTERRUPTED),
        (lambda: httpx2.WriteError("reset"), HubProblem.INTERRUPTED),
        (lambda: httpx2.RemoteProtocolError("cut"), HubProblem.INTERRUPTED),
        (lambda: httpx2.DecodingError("gzip"), HubProblem.NOT_A_HUB),
        (lambda: httpx2.TooManyRedirects("loop"), HubProblem.NOT_A_HUB),
        (lambda: httpx2.UnsupportedProtocol("gopher"), HubProblem.BAD_REQUEST),
        (lambda: httpx2.InvalidURL("?"), HubProblem.BAD_REQUEST),
        (lambda: json.JSONDecodeError("no", "<html>", 0), HubProblem.NOT_A_HUB),
        (lambda: KeyError("sha"), HubProblem.NOT_A_HUB),
        (lambda: RuntimeError("client closed"), HubProblem.INTERRUPTED),
        (lambda: ConnectionResetError(errno.ECONNRESET, "reset"), HubProblem.INTERRUPTED),
        (lambda: OSError(errno.ENOSPC, "full"), HubProblem.DISK_FULL),
        (lambda: OSError(errno.EDQUOT, "quota"), HubProblem.DISK_FULL),
        (lambda: OSError(errno.EFBIG, "big"), HubProblem.DISK_FULL),
        (lambda: OSError(errno.EACCES, "no", "/models/m.part"), HubProblem.NO_PERMISSION),
        (lambda: OSError(errno.EROFS, "read-only"), HubProblem.NO_PERMISSION),
        (lambda: OSError(errno.ENOENT, "gone", "/models/m.part"), HubProblem.FOLDER_GONE),
        (lambda: OSError(errno.EIO, "unplugged"), HubProblem.FOLDER_GONE),
    ],
)
def test_each_failure_has_its_problem(
    make: Callable[[], BaseException], problem: HubProblem
) -> None:
    assert told(make()).problem is problem


@pytest.mark.parametrize(
    ("cause", "problem"),
    [
        (refused(403, "Access to this resource is disabled."), HubProblem.DISABLED),
        (refused(502), HubProblem.SERVER_BUSY),
        (httpx2.ConnectError("refused"), HubProblem.OFFLINE),
        (library.FileMetadataError("no commit"), HubProblem.NOT_A_HUB),
        (library.OfflineModeIsEnabled("offline"), HubProblem.OFFLINE),
    ],
)
def test_what_the_library_hides_behind_not_found_locally_is_looked_up(
    cause: Exception, problem: HubProblem
) -> None:
    assert told(caused(library.LocalEntryNotFoundError("no"), cause)).problem is problem


def test_a_bad_name_is_a_bad_request() -> None:
    with pytest.raises(library.HFValidationError) as caught:
        hf_hub_url("../../etc/passwd", "m.gguf")
    assert told(caught.value, "../../etc/passwd").problem is HubProblem.BAD_REQUEST


def test_an_untrusted_certificate_is_told_from_a_cut_handshake() -> None:
    untrusted = ssl.SSLCertVerificationError(1, "self-signed certificate")
    cut = ssl.SSLEOFError(8, "EOF occurred in violation of protocol")
    wrapped = caused(httpx2.ConnectError("x"), caused(OSError("x"), untrusted))
    assert told(wrapped).problem is HubProblem.CERTIFICATE
    assert told(caused(httpx2.ConnectError("x"), cut)).problem is HubProblem.INTERRUPTED


def test_a_firewall_in_the_way_is_no_matter_of_the_disk() -> None:
    wrapped = caused(httpx2.ConnectError("x"), PermissionError(errno.EACCES, "blocked"))
    assert told(wrapped).problem is HubProblem.OFFLINE


def test_a_dead_proxy_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:geheim@proxy.example:3128")
    error = told(httpx2.ConnectError("refused"))
    assert error.problem is HubProblem.PROXY
    assert "proxy.example:3128" in error.message
    assert "geheim" not in str(error)


def test_a_proxy_that_is_not_used_for_the_hub_is_not_blamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "hub.example")
    assert told(httpx2.ConnectError("refused")).problem is HubProblem.OFFLINE


def test_a_license_to_accept_leads_to_the_page_of_the_repository() -> None:
    error = told(refused(403, NO_LIST, "GatedRepo", token=TOKEN), "m.gguf")
    assert error.url == f"{ENDPOINT}/{REPOSITORY}"
    assert "Check again" in error.hint
    assert not error.retryable


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("Your request to access model x is awaiting a review from the repo authors.", "waits"),
        ("Your request to access model x has been rejected by the repo's authors.", "another"),
    ],
)
def test_the_owners_own_answer_is_passed_on(said: str, word: str) -> None:
    error = told(refused(403, said, "GatedRepo", token=TOKEN))
    assert error.problem is HubProblem.NEEDS_LICENSE
    assert word in error.hint


def test_problems_with_a_token_lead_to_the_page_of_tokens() -> None:
    missing_scope = refused(403, "see your fine-grained token settings", token=TOKEN)
    invalid = refused(401, "Invalid credentials in Authorization header", token=TOKEN)
    assert told(missing_scope).url == told(invalid).url == f"{ENDPOINT}/settings/tokens"


@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_that_the_server_asks_for_is_kept(status: int) -> None:
    assert told(refused(status, Retry_After="7")).retry_after_s == 7
    assert told(refused(status)).retry_after_s is None
    assert told(refused(status, Retry_After="soon")).retry_after_s is None
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=1), usegmt=True)
    assert told(refused(status, Retry_After=later)).retry_after_s == pytest.approx(60, abs=3)
    assert told(refused(status, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")).retry_after_s == 0


def test_a_used_up_limit_tells_the_wait_and_an_unused_one_does_not() -> None:
    assert told(refused(429, ratelimit='"api";r=0;t=55')).retry_after_s == 55
    assert told(refused(503, ratelimit='"api";r=499;t=55')).retry_after_s is None


def test_transient_problems_may_be_retried_and_a_hub_error_stays_as_it_is() -> None:
    error = told(httpx2.ReadTimeout("stall"))
    assert error.retryable
    assert hub_error(error, endpoint="https://other.example", subject="x") is error


def test_a_circle_of_causes_ends() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert told(first).problem is HubProblem.NOT_A_HUB


def test_a_hub_is_called_as_a_person_knows_it() -> None:
    assert host_of("https://huggingface.co") == "huggingface.co"
    assert host_of("https://user:secret@mirror.example:8443/hf") == "mirror.example:8443"
    assert host_of("nonsense") == "nonsense"

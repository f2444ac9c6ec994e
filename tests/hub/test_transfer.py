"""What arrives is a model, the right one, and fetched once; who may have it is respected."""

import errno
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from downloading import (
    FAST,
    NAME,
    REPOSITORY,
    SIZE,
    Window,
    assert_installed,
    assert_stopped,
    bytes_sent,
    model,
    order_of,
    part,
)
from fakehub import FakeHub, FaultKind
from starpad.core.download import DownloadOrder, DownloadState
from starpad.core.hub_errors import HubError, HubProblem
from starpad.core.remote import RemoteFile
from starpad.hub.job import Run

HALF = SIZE // 2
TOKEN = "hf_secret"


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add_repository(REPOSITORY, {NAME: model()})
        yield hub


def _cut_once(hub: FakeHub, at: int = HALF) -> None:
    hub.add_fault(".", FaultKind.CUT, origin="content", after_bytes=at)


@pytest.mark.parametrize(
    ("data", "problem", "sentence"),
    [
        (os.urandom(64) * 500_000, HubProblem.WRONG_FILE, "not a model file"),
        (bytes(30_000_000), HubProblem.WRONG_FILE, "starts with zeros only"),
        (b"PK\x03\x04" + bytes(30_000_000), HubProblem.WRONG_FILE, "PyTorch or zip file"),
        (b"version https://git-lfs.github.com/spec/v1\n", HubProblem.WRONG_FILE, "Git LFS pointer"),
        (b"tjgg" + bytes(30_000_000), HubProblem.WRONG_FILE, "no engine here can open"),
        (b"\n<!DOCTYPE html>" + b" " * 30_000_000, HubProblem.NOT_A_HUB, "a web page arrived"),
    ],
)
def test_what_is_no_model_is_given_up_after_its_first_bytes(
    hub: FakeHub, tmp_path: Path, data: bytes, problem: HubProblem, sentence: str
) -> None:
    hub.add_repository(REPOSITORY, {NAME: data})
    with Window(tmp_path) as window:
        download = window.fetch(order_of(hub))
    assert download.state is DownloadState.FAILED
    assert_stopped(tmp_path, download, problem, sentence, 0)
    # What is under way in the sockets of both sides is lost.
    assert bytes_sent(hub) < 15_000_000
    assert not part(tmp_path).exists()


def test_a_legacy_ggml_file_is_a_model_too(hub: FakeHub, tmp_path: Path) -> None:
    name = "starcoder.ggmlv3.q4_0.bin"
    hub.add_repository(REPOSITORY, {name: b"lmgg" + bytes(100_000)})
    with Window(tmp_path) as window:
        assert window.fetch(order_of(hub, name)).state is DownloadState.DONE
    assert_installed(tmp_path, window.download.order)


def test_a_small_text_without_a_hash_is_checked_by_its_size(hub: FakeHub, tmp_path: Path) -> None:
    hub.add_repository(REPOSITORY, {"LICENSE": b"<license>" * 100})
    with Window(tmp_path) as window:
        assert window.fetch(order_of(hub, "LICENSE")).state is DownloadState.DONE
    assert_installed(tmp_path, window.download.order)


def test_a_hash_that_is_not_the_orders_is_refused_before_a_byte_comes(
    hub: FakeHub, tmp_path: Path
) -> None:
    order = order_of(hub)
    other = replace(order.files[0], sha256="0" * 64)
    with Window(tmp_path) as window:
        download = window.fetch(replace(order, files=(other,)))
    assert_stopped(tmp_path, download, HubProblem.WRONG_FILE, "now announces another", 0)
    assert bytes_sent(hub) == 0


@pytest.mark.parametrize(
    ("repository", "name"),
    [
        ("owner/model", "../../../evil.gguf"),
        ("owner/model", "folder/../../x.gguf"),
        ("owner/model", "/etc/x.gguf"),
        ("owner/model", "C:\\x.gguf"),
        ("owner/model", "nul.gguf"),
        ("owner/model", "x\n.gguf"),
        ("../model", "x.gguf"),
        ("", "x.gguf"),
    ],
)
def test_a_name_that_leaves_the_folder_is_refused(
    tmp_path: Path, repository: str, name: str
) -> None:
    file = RemoteFile(name, 10, "0" * 64)
    order = DownloadOrder("https://hub.invalid", repository, "0" * 40, (file,))
    folder = tmp_path / "models"
    with Window(folder) as window:
        with pytest.raises(HubError) as caught:
            window.queue.add(order)
        assert caught.value.problem is HubProblem.WRONG_FILE
        assert window.queue.downloads == ()
    assert not folder.exists()


def test_a_gated_model_needs_a_sign_in_then_the_license_then_comes(
    hub: FakeHub, tmp_path: Path
) -> None:
    hub.add_repository(REPOSITORY, {NAME: model()}, gating="auto")
    hub.add_account("anna", TOKEN)
    tokens: dict[str, str] = {}
    with Window(tmp_path, tokens=tokens) as window:
        download = window.fetch(order_of(hub))
        assert download.problem is HubProblem.NEEDS_SIGN_IN
        tokens[hub.endpoint] = TOKEN
        window.queue.resume(download.id)
        window.wait_until(lambda: window.download.problem is HubProblem.NEEDS_LICENSE)
        assert window.download.url == f"{hub.endpoint}/{REPOSITORY}"
        hub.grant("anna", REPOSITORY)
        window.queue.resume(download.id)
        window.wait_for(DownloadState.DONE)
        assert_installed(tmp_path, download.order)
    assert hub.leaked_tokens == []


def test_a_token_that_is_revoked_in_the_middle_keeps_what_arrived(
    hub: FakeHub, tmp_path: Path
) -> None:
    hub.add_repository(REPOSITORY, {NAME: model()}, gating="auto")
    for token in (TOKEN, "hf_new"):
        hub.add_account("anna", token)
    hub.grant("anna", REPOSITORY)
    tokens = {hub.endpoint: TOKEN}
    hub.add_fault(".", FaultKind.STALL, origin="content", after_bytes=HALF, seconds=60)
    with Window(tmp_path, tokens=tokens) as window:
        window.queue.add(order_of(hub))
        window.wait_for_bytes(HALF)
        record = (tmp_path / f"{window.download.id}.part.json").read_text()
        assert TOKEN not in record
        assert "X-Amz" not in record
        hub.revoke(TOKEN)
        download = window.wait_for(DownloadState.FAILED)
        assert_stopped(tmp_path, download, HubProblem.BAD_TOKEN, "access token", HALF)
        tokens[hub.endpoint] = "hf_new"
        window.queue.resume(download.id)
        window.wait_for(DownloadState.DONE)
        assert_installed(tmp_path, download.order)
    assert hub.requests_of("content")[-1].headers["range"] == f"bytes={HALF}-"


def test_the_waits_double_until_bytes_come_and_obey_the_server(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(Run, "wait", lambda self, seconds: waits.append(seconds))
    hub.add_fault(".", FaultKind.STATUS, origin="content", times=7)
    hub.add_fault(".", FaultKind.CUT, origin="content", after_bytes=HALF)
    hub.add_fault(
        ".", FaultKind.STATUS, origin="content", status=429, headers={"Retry-After": "120"}, skip=8
    )
    limits = replace(FAST, first_wait_s=1, longest_wait_s=30)
    with Window(tmp_path, limits=limits) as window:
        window.fetch(order_of(hub))
    assert waits == [1, 2, 4, 8, 16, 30, 30, 1, 120]


def test_the_countdown_and_the_reason_are_shown_and_waking_skips_the_wait(
    hub: FakeHub, tmp_path: Path
) -> None:
    hub.add_fault(".", FaultKind.DROP, origin="hub")
    with Window(tmp_path, limits=replace(FAST, first_wait_s=600, longest_wait_s=600)) as window:
        window.queue.add(order_of(hub))
        download = window.wait_for(DownloadState.WAITING)
        assert download.note == (
            "Waiting for the network, next try in 600 s. "
            f"The connection to {hub.endpoint[7:]} was interrupted."
        )
        assert download.seconds_left is None
        window.queue.wake()
        window.wait_for(DownloadState.DONE)


def test_no_network_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with FakeHub() as hub:
        hub.add_repository(REPOSITORY, {NAME: model()})
        order = order_of(hub)
    with Window(tmp_path) as window:
        window.queue.add(order)
        download = window.wait_for(DownloadState.WAITING)
        assert download.problem is HubProblem.OFFLINE
        assert "There is no connection to 127.0.0.1" in download.note


def test_a_proxy_that_refuses_is_named_and_waited_for(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import close_session

    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    close_session()  # which has read the environment already
    with Window(tmp_path) as window:
        window.queue.add(order_of(hub))
        download = window.wait_for(DownloadState.WAITING)
        assert download.problem is HubProblem.PROXY
        assert "The proxy 127.0.0.1:9 cannot be reached" in download.note
        monkeypatch.delenv("HTTP_PROXY")
        close_session()
        window.wait_for(DownloadState.DONE)


def test_it_works_without_a_console(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _cut_once(hub)
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "stdout", None)
    with Window(tmp_path) as window:
        assert window.fetch(order_of(hub)).state is DownloadState.DONE


@pytest.mark.parametrize("years", [-20, 20])
def test_a_clock_that_jumps_changes_nothing(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, years: int
) -> None:
    hub.add_fault(".", FaultKind.STALL, origin="content", after_bytes=HALF, seconds=60)
    now = time.time
    with Window(tmp_path) as window:
        window.queue.add(order_of(hub))
        window.wait_for_bytes(HALF)
        monkeypatch.setattr(time, "time", lambda: now() + years * 365 * 86_400)
        window.wait_for(DownloadState.DONE)
        assert_installed(tmp_path, window.download.order)
    assert bytes_sent(hub) == SIZE


def test_too_little_space_is_found_before_a_byte_comes(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = 1_000_000_000
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    with Window(tmp_path, limits=replace(FAST, spare_bytes=5_000_000_000)) as window:
        download = window.fetch(order_of(hub))
        assert download.state is DownloadState.PAUSED
        assert download.problem is HubProblem.DISK_FULL
        assert "5.0 GB are needed" in download.note
        assert "1.0 GB are free" in download.note
        assert bytes_sent(hub) == 0
        free = 6_000_000_000
        window.queue.resume(download.id)
        window.wait_for(DownloadState.DONE)


def test_a_disk_that_fills_pauses_and_keeps_what_fitted(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(descriptor: int, data: memoryview) -> int:
        if os.fstat(descriptor).st_size >= HALF:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real_write(descriptor, data)

    real_write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        with Window(tmp_path) as window:
            download = window.fetch(order_of(hub))
            assert download.state is DownloadState.PAUSED
            assert_stopped(tmp_path, download, HubProblem.DISK_FULL, "Not enough space", HALF)
    kept = part(tmp_path).stat().st_size
    before = bytes_sent(hub)
    with Window(tmp_path) as window:
        assert window.download.state is DownloadState.PAUSED
        assert "Not enough space" in window.download.note
        window.queue.resume(download.id)
        window.wait_for(DownloadState.DONE)
        assert_installed(tmp_path, download.order)
    assert bytes_sent(hub) - before == SIZE - kept


def test_a_part_that_is_longer_than_the_file_is_begun_anew(hub: FakeHub, tmp_path: Path) -> None:
    part(tmp_path).parent.mkdir(parents=True)
    part(tmp_path).write_bytes(b"x" * (SIZE + 1))
    with Window(tmp_path) as window:
        assert window.fetch(order_of(hub)).state is DownloadState.DONE
        assert_installed(tmp_path, window.download.order)


def test_what_lies_there_under_another_downloads_name_is_found_out(
    hub: FakeHub, tmp_path: Path
) -> None:
    part(tmp_path).parent.mkdir(parents=True)
    part(tmp_path).write_bytes(model(seed=1)[:HALF])
    with Window(tmp_path) as window:
        assert window.fetch(order_of(hub)).state is DownloadState.DONE
        assert_installed(tmp_path, window.download.order)
    assert bytes_sent(hub) == HALF + SIZE


@pytest.mark.parametrize("offset", [4, 511, 512, HALF - 1, HALF, SIZE - 1])
def test_a_flipped_byte_is_found_wherever_it_is(hub: FakeHub, tmp_path: Path, offset: int) -> None:
    _cut_once(hub)
    hub.add_fault(".", FaultKind.FLIP, origin="content", offset=offset, times=2)
    with Window(tmp_path) as window:
        assert window.fetch(order_of(hub)).state is DownloadState.DONE
        assert_installed(tmp_path, window.download.order)
    # Wrong bytes in what came over two connections, so all was fetched once more.
    assert bytes_sent(hub) == 2 * SIZE

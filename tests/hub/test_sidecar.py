"""The record of a download survives everything but nonsense, and nonsense costs no bytes."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloading import (
    NAME,
    REPOSITORY,
    SIZE,
    Window,
    assert_installed,
    bytes_sent,
    model,
    order_of,
    part,
    temporary_files,
)
from fakehub import FakeHub
from starpad.core.download import DownloadOrder, DownloadState
from starpad.core.hub_errors import HubProblem
from starpad.core.remote import RemoteFile
from starpad.hub import sidecar
from starpad.hub.sidecar import Sidecar

HALF = SIZE // 2
ORDER = DownloadOrder(
    "https://hub.example",
    "owner/name",
    "0123456789" * 4,
    (RemoteFile("sub/m.gguf", 7_000_000_000, "ab" * 32), RemoteFile("n.gguf", 1, "")),
    "Q4_K_M",
    "bigcode-openrail-m",
)
SIDECAR = Sidecar(
    ORDER, "2026-01-01T00:00:00+00:00", 3, True, HubProblem.NEEDS_LICENSE, "Nö.", "https://x"
)


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add_repository(REPOSITORY, {NAME: model()})
        yield hub


def _write(folder: Path, kept: Sidecar) -> Path:
    path = sidecar.sidecar_path(folder, kept.order)
    path.parent.mkdir(parents=True, exist_ok=True)
    sidecar.write(folder, kept)
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = _write(tmp_path, SIDECAR)
    assert path == tmp_path / "owner/name/sub/m.gguf.part.json"
    assert sidecar.read(path) == SIDECAR
    assert sidecar.read_all(tmp_path) == ([SIDECAR], [])


def test_they_come_in_the_order_of_the_queue(tmp_path: Path) -> None:
    for position in (2, 0, 1):
        order = replace(ORDER, repository=f"owner/{position}")
        _write(tmp_path, replace(SIDECAR, order=order, position=position))
    found, _ = sidecar.read_all(tmp_path)
    assert [each.position for each in found] == [0, 1, 2]


def test_an_empty_or_missing_folder_holds_none(tmp_path: Path) -> None:
    assert sidecar.read_all(tmp_path / "none") == ([], [])
    assert sidecar.orphans(tmp_path / "none") == []


NONSENSE: list[tuple[str, Any]] = [
    ("version", 2),
    ("order.endpoint", "ftp://hub.example"),
    ("order.endpoint", "file:///etc/passwd"),
    ("order.repository", "../../outside"),
    ("order.repository", 7),
    ("order.commit", "main"),
    ("order.files", []),
    ("order.files.0.path", "../m.gguf"),
    ("order.files.0.path", "other.gguf"),
    ("order.files.0.size_bytes", -1),
    ("order.files.0.size_bytes", True),
    ("order.files.0.size_bytes", 1.5),
    ("order.files.0.sha256", "abc"),
    ("order.files.1.path", "sub/m.gguf"),
    ("problem", "never heard of"),
    ("position", "first"),
    ("note", None),
]


@pytest.mark.parametrize(("name", "value"), NONSENSE, ids=lambda value: str(value)[:30])
def test_nonsense_in_one_place_is_set_aside(tmp_path: Path, name: str, value: object) -> None:
    path = _write(tmp_path, SIDECAR)
    content = json.loads(path.read_bytes())
    target: Any = content
    *way, last = name.split(".")
    for step in way:
        target = target[int(step) if step.isdigit() else step]
    target[last] = value
    path.write_text(json.dumps(content))
    found, (sentence,) = sidecar.read_all(tmp_path)
    assert found == []
    assert "m.gguf was damaged" in sentence
    assert sidecar.orphans(tmp_path) == [path.with_name("m.gguf.part.json.damaged")]


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 4096, b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b"{" * 2_000_000]
)
def test_garbage_is_set_aside_and_what_arrived_is_used_again(
    hub: FakeHub, tmp_path: Path, data: bytes
) -> None:
    record = tmp_path / REPOSITORY / f"{NAME}.part.json"
    record.parent.mkdir(parents=True)
    record.write_bytes(data)
    part(tmp_path).write_bytes(model()[:HALF])
    with Window(tmp_path) as window:
        (sentence,) = window.wrong
        assert f"The record of the download of {NAME} was damaged" in sentence
        assert window.queue.downloads == ()
        damaged = record.with_name(record.name + ".damaged")
        assert window.queue.orphans() == [part(tmp_path), damaged]
        window.queue.add(order_of(hub))
        window.wait_for(DownloadState.DONE)
        window.queue.remove_orphan(damaged)
        assert_installed(tmp_path, window.download.order)
    assert bytes_sent(hub) == HALF


@given(data=st.binary(max_size=200))
def test_no_bytes_can_break_the_reading(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "m.gguf.part.json"
    path.write_bytes(data)
    found, wrong = sidecar.read_all(path.parent)
    assert (found, len(wrong)) == ([], 1)


def test_orphans_are_what_no_record_claims_and_only_they_can_be_removed(
    hub: FakeHub, tmp_path: Path
) -> None:
    order = order_of(hub)
    _write(tmp_path, Sidecar(order, "", 0, is_paused=True))
    part(tmp_path).write_bytes(model()[:HALF])
    stray = tmp_path / "someone" / "else.gguf.part"
    stray.parent.mkdir()
    stray.write_bytes(b"x")
    whole = tmp_path / "someone" / "whole.gguf"
    whole.write_bytes(model(1000))
    with Window(tmp_path) as window:
        assert window.download.done_bytes == HALF
        assert window.queue.orphans() == [stray]
        window.queue.remove_orphan(whole)
        window.queue.remove_orphan(part(tmp_path))
        window.queue.remove_orphan(stray)
        assert window.queue.orphans() == []
        assert whole.exists()
        assert part(tmp_path).exists()


def test_a_record_is_gone_with_its_download(hub: FakeHub, tmp_path: Path) -> None:
    with Window(tmp_path) as window:
        window.fetch(order_of(hub))
        assert temporary_files(tmp_path) == []

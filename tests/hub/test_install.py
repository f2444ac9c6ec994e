"""A model is there as a whole or not at all, whenever Starpad is killed or a file is in use."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

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
)
from fakehub import FakeHub, FaultKind
from starpad.core import origin
from starpad.core.download import DownloadState
from starpad.core.hub_errors import HubProblem
from starpad.hub import install, sidecar
from starpad.hub.sidecar import Sidecar

PARTS = tuple(f"big-{number:05}-of-00003.gguf" for number in (1, 2, 3))


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add_repository(REPOSITORY, {NAME: model()})
        yield hub


@pytest.fixture
def split(hub: FakeHub) -> FakeHub:
    hub.add_repository(REPOSITORY, {name: model(seed=n) for n, name in enumerate(PARTS)})
    return hub


def _final(folder: Path, name: str = NAME) -> Path:
    return folder / REPOSITORY / name


def test_the_first_part_of_a_split_model_gets_its_name_last(
    split: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named: list[str] = []
    real = os.replace

    def spy(source: Path, target: Path) -> None:
        real(source, target)
        if Path(target).suffix == ".gguf":
            named.append(Path(target).name)

    monkeypatch.setattr(os, "replace", spy)
    with Window(tmp_path) as window:
        assert window.fetch(order_of(split, *PARTS)).state is DownloadState.DONE
        assert window.download.total_bytes == window.download.done_bytes == 3 * SIZE
        assert_installed(tmp_path, window.download.order)
    assert named == list(reversed(PARTS))


def test_no_part_gets_its_name_before_all_are_whole(split: FakeHub, tmp_path: Path) -> None:
    split.add_fault(PARTS[2], FaultKind.FLIP, origin="content", offset=5, times=None)
    with Window(tmp_path) as window:
        download = window.fetch(order_of(split, *PARTS))
    assert download.problem is HubProblem.CHECKSUM
    assert PARTS[2] in download.note
    assert not list(tmp_path.rglob("*.gguf"))
    # The right ones are kept, and only the wrong one is fetched again.
    assert bytes_sent(split) == 4 * SIZE
    split.faults.clear()
    with Window(tmp_path) as window:
        window.queue.resume(download.id)
        window.wait_for(DownloadState.DONE)
        assert_installed(tmp_path, download.order)
    assert bytes_sent(split) == 5 * SIZE


@pytest.mark.parametrize("step", range(6))
def test_a_death_between_any_two_steps_of_installing_costs_no_byte(
    split: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Each of the three parts gets an origin and its name: die before each of these steps."""
    order = order_of(split, *PARTS)
    steps = iter(range(6))
    real_replace, real_write = os.replace, origin.write

    def die() -> None:
        if next(steps) == step:
            raise KeyboardInterrupt

    def rename(source: Path, target: Path) -> None:
        if Path(target).suffix == ".gguf":
            die()
        real_replace(source, target)

    def write(path: Path, known: origin.Origin) -> None:
        die()
        real_write(path, known)

    def install_all() -> None:
        for file in reversed(order.files):
            install.install(tmp_path, order, file)

    for name in PARTS:
        part(tmp_path, name).parent.mkdir(parents=True, exist_ok=True)
        part(tmp_path, name).write_bytes(model(seed=PARTS.index(name)))
    sidecar.write(tmp_path, Sidecar(order, "2026-01-01T00:00:00+00:00", 0))
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", rename)
        patch.setattr(origin, "write", write)
        with pytest.raises(KeyboardInterrupt):
            install_all()
    assert not _final(tmp_path, PARTS[0]).exists()
    with Window(tmp_path) as window:
        window.wait_for(DownloadState.DONE)
        assert_installed(tmp_path, order)
    assert bytes_sent(split) == 0


def test_an_update_takes_the_old_files_place_only_when_it_is_whole(
    hub: FakeHub, tmp_path: Path
) -> None:
    with Window(tmp_path) as window:
        window.fetch(order_of(hub))
        old = window.download.order
        hub.replace_file(REPOSITORY, NAME, model(SIZE, seed=1))
        hub.add_fault(".", FaultKind.STALL, origin="content", after_bytes=1_000_000, seconds=60)
        newer = order_of(hub)
        window.queue.add(newer)
        window.wait_for_bytes(1_000_000)
        assert _final(tmp_path).read_bytes() == model()
        known = origin.read(_final(tmp_path))
        assert known is not None
        assert known.commit == old.commit
        window.wait_for(DownloadState.DONE)
        assert_installed(tmp_path, newer)


def test_a_model_in_use_is_not_replaced_until_it_is_unloaded(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where a file that is mapped into memory keeps its name."""
    real = os.replace

    def refuse(source: Path, target: Path) -> None:
        if Path(target).suffix == ".gguf":
            raise PermissionError(13, "The process cannot access the file", str(target))
        real(source, target)

    with Window(tmp_path) as window:
        window.fetch(order_of(hub))
        old = origin.read(_final(tmp_path))
        hub.replace_file(REPOSITORY, NAME, model(seed=1))
        newer = order_of(hub)
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", refuse)
            window.queue.add(newer)
            download = window.wait_for(DownloadState.FAILED)
        assert download.problem is HubProblem.IN_USE
        assert "Unload the model, then retry" in download.note
        assert part(tmp_path).stat().st_size == SIZE
        assert origin.read(_final(tmp_path)) == old
        before = bytes_sent(hub)
        window.queue.resume(download.id)
        window.wait_for(DownloadState.DONE)
        assert_installed(tmp_path, newer)
    assert bytes_sent(hub) == before


def test_a_file_that_somebody_put_there_is_read_and_kept(hub: FakeHub, tmp_path: Path) -> None:
    order = order_of(hub)
    _final(tmp_path).parent.mkdir(parents=True)
    _final(tmp_path).write_bytes(model())
    with Window(tmp_path) as window:
        assert window.fetch(order).state is DownloadState.DONE
        assert_installed(tmp_path, order)
    assert bytes_sent(hub) == 0


def test_a_damaged_file_in_the_place_is_replaced(hub: FakeHub, tmp_path: Path) -> None:
    _final(tmp_path).parent.mkdir(parents=True)
    _final(tmp_path).write_bytes(b"GGUF" + bytes(SIZE - 4))
    with Window(tmp_path) as window:
        assert window.fetch(order_of(hub)).state is DownloadState.DONE
        assert_installed(tmp_path, window.download.order)


def test_an_origin_of_another_version_or_size_is_no_proof(hub: FakeHub, tmp_path: Path) -> None:
    order = order_of(hub)
    with Window(tmp_path) as window:
        window.fetch(order)
    file = order.files[0]
    assert install.is_installed(tmp_path, order, file)
    other = replace(file, sha256="0" * 64)
    assert not install.is_installed(tmp_path, order, other)
    _final(tmp_path).write_bytes(b"GGUF")
    assert not install.is_installed(tmp_path, order, file)
    _final(tmp_path).unlink()
    assert not install.is_installed(tmp_path, order, file)

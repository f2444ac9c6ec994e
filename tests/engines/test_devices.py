"""Cores and memory, a container's limit heeded."""

import sys
from pathlib import Path

import psutil
import pytest

from starpad.engines.devices import available_memory_bytes, cgroup_free_bytes, physical_cores


def group(folder: Path, limit: str, used: int, cached: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(limit + "\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {cached}\nfile 3\n")


def membership(folder: Path, line: str) -> Path:
    path = folder / "membership"
    path.write_text(f"4:memory:/old\n{line}\n")
    return path


def test_there_is_at_least_one_core_and_no_more_than_all() -> None:
    assert 1 <= physical_cores() <= (psutil.cpu_count() or 1)


def test_unknown_physical_cores_fall_back_to_logical_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 1 if logical else None)
    assert physical_cores() == 1
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: None)
    assert physical_cores() == 1


@pytest.mark.skipif(sys.platform != "linux", reason="affinity is asked on Linux")
def test_cores_that_this_process_may_not_use_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 64)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0, 5, 7})
    assert physical_cores() == 3


def test_free_memory_is_a_plausible_number() -> None:
    assert 1 << 20 < available_memory_bytes() <= psutil.virtual_memory().total


@pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")
def test_a_containers_limit_lowers_the_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("starpad.engines.devices.cgroup_free_bytes", lambda root, member: 1000)
    assert available_memory_bytes() == 1000


def test_cached_files_count_as_free(tmp_path: Path) -> None:
    group(tmp_path / "app", "1000", used=700, cached=250)
    assert cgroup_free_bytes(tmp_path, membership(tmp_path, "0::/app")) == 550


def test_the_tightest_group_above_decides(tmp_path: Path) -> None:
    group(tmp_path / "a" / "b", "1000", used=100, cached=0)
    group(tmp_path / "a", "500", used=450, cached=0)
    assert cgroup_free_bytes(tmp_path, membership(tmp_path, "0::/a/b")) == 50


def test_no_limit_is_none(tmp_path: Path) -> None:
    group(tmp_path / "a", "max", used=100, cached=0)
    assert cgroup_free_bytes(tmp_path, membership(tmp_path, "0::/a")) is None
    assert cgroup_free_bytes(tmp_path, membership(tmp_path, "5:cpu:/")) is None
    assert cgroup_free_bytes(tmp_path, tmp_path / "none") is None


def test_an_overdrawn_limit_leaves_nothing(tmp_path: Path) -> None:
    group(tmp_path, "1000", used=1200, cached=0)
    assert cgroup_free_bytes(tmp_path, membership(tmp_path, "0::/")) == 0

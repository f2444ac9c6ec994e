"""Compiling the engine: what is run and fetched, and what a failure says. Slow: really compiled."""

import os
import re
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from external_server import script
from starpad.core import engine_pack
from starpad.core.errors import EngineError
from starpad.core.paths import resource
from starpad.engines import pack_build
from starpad.engines.pack_build import build_environment, build_wheel, compiled_fraction
from starpad.engines.pack_probe import probe
from starpad.hub.pack_install import install_wheel

ROOT = Path(__file__).parents[2]
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="stand-ins are shell scripts")


def _be_built_by(monkeypatch: pytest.MonkeyPatch, folder: Path, pip: str) -> None:
    """Take a program for Python that makes an environment whose pip is the shell script `pip`."""
    inner = script(folder / "inner-python", pip)
    outer = f'mkdir -p venv/bin && cp "{inner}" venv/bin/python'
    python = script(folder / "outer-python", outer)
    monkeypatch.setattr(pack_build, "python_that_builds", lambda: python)


def test_the_source_is_the_version_in_the_box_and_its_hash_is_locked() -> None:
    source = resource("engine_source.txt").read_text("utf-8")
    name, digest = re.fullmatch(r"(xllamacpp==\S+) --hash=sha256:([0-9a-f]{64})\n", source).groups()  # type: ignore[union-attr]
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    entry = re.search(rf"^{re.escape(name)} .*?(?=^\S)", lock, re.MULTILINE | re.DOTALL)
    assert entry is not None
    assert digest in entry[0]


def test_each_tool_is_locked_by_its_hash_and_comes_from_no_named_place() -> None:
    lock = resource("engine_build.lock").read_text("utf-8")
    for tool in ("cmake", "cython", "ninja", "setuptools", "versioneer"):
        assert re.search(rf"^{tool}==\S+ \\\n    --hash=sha256:", lock, re.MULTILINE)
    assert "://" not in lock


def test_the_compiler_sees_the_users_environment_and_nothing_of_ours() -> None:
    given = {
        "PATH": "/usr/bin",
        "CXX": "clang++",
        "PIP_CERT": "/etc/certs.pem",
        "PYTHONPATH": "/x",
        "XLLAMACPP_RELEASE": "1",
        "STARPAD_ENGINE_PACK": "/y",
    }
    environment = build_environment(given, Path("/venv/bin"))
    assert environment["PATH"] == f"/venv/bin{os.pathsep}/usr/bin"
    assert environment["CXX"] == "clang++"
    assert environment["PIP_CERT"] == "/etc/certs.pem"
    assert "-DGGML_NATIVE=ON" in environment["CMAKE_ARGS"]
    # Else the build itself fetches a web page from Hugging Face (seen).
    assert "-DLLAMA_USE_PREBUILT_UI=OFF" in environment["CMAKE_ARGS"]
    assert not {"PYTHONPATH", "XLLAMACPP_RELEASE", "STARPAD_ENGINE_PACK"} & environment.keys()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("  [50/200] Building CXX object a.o", 0.25),
        ("[ 37%] Building CXX object a.o", 0.37),
        ("[7/0] odd", 1.0),
        ("Collecting xllamacpp", None),
        ("warning: [1/2] of these", None),
    ],
)
def test_progress_is_read_from_what_the_build_says(line: str, expected: float | None) -> None:
    assert compiled_fraction(line) == expected


@linux_only
def test_the_wheel_is_returned_and_progress_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = (
        'case "$*" in *" wheel "*) echo "[1/2] Building"; mkdir wheel; touch wheel/x.whl;; '
        '*) test -f "${11}";; esac'
    )
    _be_built_by(monkeypatch, tmp_path, pip)
    said: list[str] = []
    assert build_wheel(tmp_path, said.append) == tmp_path / "wheel/x.whl"
    assert said[0].startswith("Fetching the tools")
    assert said[-1] == "50%"


@linux_only
@pytest.mark.parametrize(
    ("pip", "message"),
    [
        (
            "echo 'ERROR: no matching distribution'; exit 1",
            "The tools could not be fetched: ERROR: no matching distribution.",
        ),
        (
            'case "$*" in *" wheel "*) echo "a.cpp:1: error: what is this"; echo x; exit 1;; esac',
            "The engine could not be compiled: a.cpp:1: error: what is this.",
        ),
        ("exit 0", "The engine was compiled, but no package came of it."),
    ],
)
def test_a_build_that_fails_says_why_and_where_the_rest_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pip: str, message: str
) -> None:
    _be_built_by(monkeypatch, tmp_path, pip)
    with pytest.raises(EngineError) as caught:
        build_wheel(tmp_path, lambda _: None)
    assert caught.value.message == message
    assert caught.value.hint == f"All that was said is in {tmp_path / 'build.log'}."


@linux_only
def test_too_full_a_disk_is_told_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _be_built_by(monkeypatch, tmp_path, "exit 0")
    monkeypatch.setattr(pack_build, "_SPACE_BYTES", 1 << 60)
    with pytest.raises(EngineError, match="needs 1152921505 GB of free disk space"):
        build_wheel(tmp_path, lambda _: None)
    assert not (tmp_path / "venv").exists()


@linux_only
def test_a_build_that_is_interrupted_leaves_no_compiler_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _be_built_by(monkeypatch, tmp_path, "sleep 611 & echo '[1/2] Building'; wait")

    def interrupt(_text: str) -> None:
        if _text.endswith("%"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_wheel(tmp_path, interrupt)

    def sleepers() -> list[psutil.Process]:
        wanted = ["sleep", "611"]
        return [each for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"] == wanted]

    deadline = time.monotonic() + 20
    while sleepers() and time.monotonic() < deadline:
        threading.Event().wait(0.02)
    assert not sleepers()


@pytest.mark.slow
@linux_only
def test_a_pack_that_was_compiled_here_says_what_the_box_says(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    wheel = build_wheel(work, lambda _: None)
    pack = install_wheel(
        wheel, engine_pack.packs_folder(tmp_path), "native", built_for="here", source="here"
    )
    assert probe(pack.folder).tokens == probe(None).tokens

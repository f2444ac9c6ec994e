"""Finding a llama-server, and saying what is wrong with a program that is none."""

import sys
from pathlib import Path

import pytest

from external_server import llama_server, script
from starpad.core import server_program
from starpad.core.errors import EngineError
from starpad.core.server_program import check_server, find_servers, program_environment
from starpad.core.server_program import program_path as path_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stand-ins are shell scripts")


def refusal(path: Path) -> EngineError:
    with pytest.raises(EngineError) as caught:
        check_server(path)
    return caught.value


def test_a_real_one_says_its_version(tmp_path: Path) -> None:
    found = check_server(llama_server(tmp_path))
    assert found.version.startswith("0.6")


def test_one_on_the_path_is_found_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = script(tmp_path / "llama-server", "exit 0")
    other = tmp_path / "links"
    other.mkdir()
    (other / "llama-server").symlink_to(program)
    monkeypatch.setattr(server_program, "_FOLDERS", {})
    monkeypatch.setenv("PATH", f"{tmp_path}:{other}:/nowhere")
    assert find_servers() == (program,)
    assert path_of("llama-server") == program
    assert path_of(" /x/llama-server ") == Path("/x/llama-server")
    monkeypatch.setenv("PATH", "")
    assert find_servers() == ()


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("exit 3", "is not a llama-server", "llama.cpp"),
        ("echo version: 1; echo hello", "is not a llama-server", "llama.cpp"),
        ("echo version: 1; echo --port --ctx-size", "is too old", "2025"),
        ("kill -SEGV $$", "crashes", "processor"),
        (
            "echo 'llama-server: error while loading shared libraries: libcudart.so.12: cannot "
            "open shared object file'; exit 127",
            "libcudart.so.12",
            "Install",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, message: str, hint: str) -> None:
    error = refusal(script(tmp_path / "llama-server", text))
    assert message in error.message
    assert hint in error.hint


def test_what_is_no_program_is_said(tmp_path: Path) -> None:
    assert "There is no" in refusal(tmp_path / "gone").message
    assert "is a folder" in refusal(tmp_path).message
    program = script(tmp_path / "llama-server", "exit 0")
    assert refusal(tmp_path).hint == f"Choose {program}."
    program.chmod(0o644)
    assert "may not be run" in refusal(program).message
    program.write_bytes(b"\x7fELF of another kind")
    program.chmod(0o755)
    assert "no program for this computer" in refusal(program).message


def test_one_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_program, "_ANSWER_S", 0.2)
    assert "does not answer" in refusal(script(tmp_path / "llama-server", "exec sleep 60")).message


def test_what_the_user_told_their_own_llama_server_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/mine")
    monkeypatch.setenv("LLAMA_ARG_PORT", "1")
    environment = program_environment()
    assert environment["LD_LIBRARY_PATH"] == "/mine"
    assert "LLAMA_ARG_PORT" not in environment

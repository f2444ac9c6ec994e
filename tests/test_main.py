"""What the command line says when the machine lacks something."""

import sys

import pytest

from starpad import __main__ as command_line


class _WithoutLibrary:
    """Fails to import `starpad.bootstrap`, as on a system that lacks one of Qt's libraries."""

    def __init__(self, message: str) -> None:
        self.message = message

    def find_spec(self, name: str, *_: object) -> None:
        if name == "starpad.bootstrap":
            raise ImportError(self.message)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.delitem(sys.modules, "starpad.bootstrap", raising=False)
    monkeypatch.delattr("starpad.bootstrap", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_WithoutLibrary(request.param), *sys.meta_path])


@pytest.mark.parametrize(
    "failing",
    ["libGL.so.1: cannot open shared object file: No such file or directory"],
    indirect=True,
)
@pytest.mark.usefixtures("failing")
def test_a_library_that_is_missing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["--self-test"]) == command_line.NOT_HERE
    said = capsys.readouterr().err
    assert said.startswith("This system lacks libGL.so.1, which the window needs.")


@pytest.mark.parametrize("failing", ["cannot import name 'x'"], indirect=True)
@pytest.mark.usefixtures("failing")
def test_a_fault_of_ours_is_not_taken_for_a_missing_library() -> None:
    with pytest.raises(ImportError, match="cannot import name"):
        command_line.main(["--self-test"])

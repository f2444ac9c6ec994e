"""What only other machines run: the workflows, the lock of the tools, what signs for macOS."""

import plistlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
INSTALLERS = ROOT / "installers"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
RELEASE = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8"))


def _steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def _all_steps() -> list[dict[str, Any]]:
    return [step for path in WORKFLOWS for step in _steps(yaml.safe_load(path.read_text("utf-8")))]


def test_every_action_has_a_whole_version() -> None:
    used = [step["uses"] for step in _all_steps() if "uses" in step]
    assert used
    for action in used:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@(v\d+\.\d+\.\d+|[0-9a-f]{40})", action), action


def test_every_step_either_runs_or_uses() -> None:
    for step in _all_steps():
        assert ("run" in step) != ("uses" in step), step


def test_the_workflow_calls_only_what_build_py_knows() -> None:
    asked = [sys.executable, INSTALLERS / "build.py", "--help"]
    known = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    runs = "\n".join(step.get("run", "") for step in _steps(RELEASE))
    called = re.findall(r"installers/build\.py (\w+)", runs)
    assert {"freeze", "sbom", "deb", "appdir", "nsis", "msi", "dmg"} == set(called)
    for command in called:
        assert re.search(rf"^\s+{command}\s", known, re.M), command
    for script in re.findall(r"python (\S+\.py)", runs):
        assert (ROOT / script).is_file(), script


def test_rights_are_given_to_jobs_one_by_one() -> None:
    assert RELEASE["permissions"] == {}
    writing = {
        name: {right for right, how in job["permissions"].items() if how == "write"}
        for name, job in RELEASE["jobs"].items()
    }
    assert writing["publish"] == {"contents"}
    assert writing["tables"] == writing["msi"] == set()
    assert writing["build"] == writing["sign-msi"] == {"id-token", "attestations"}


def test_no_words_from_outside_are_pasted_into_a_shell() -> None:
    for step in _all_steps():
        for expression in re.findall(r"\$\{\{(.*?)\}\}", step.get("run", "")):
            assert expression.strip() == "matrix.name", expression


def test_secrets_reach_only_the_steps_that_need_them() -> None:
    for name, job in RELEASE["jobs"].items():
        for variable, value in job.get("env", {}).items():
            assert "secrets" not in str(value) or value.endswith("!= '' }}"), f"{name}: {variable}"


def test_tests_come_before_freezing_and_the_smoke_run_before_packages() -> None:
    names = [step.get("name", "") for step in RELEASE["jobs"]["build"]["steps"]]
    order = ["Tests", "Freeze", "Smoke run", "Bill of materials", "Packages, Linux"]
    places = [next(i for i, name in enumerate(names) if name.startswith(n)) for n in order]
    assert places == sorted(places)


def test_the_lock_of_the_tools_pins_hashes_and_holds_no_address() -> None:
    text = (INSTALLERS / "requirements-package.lock").read_text("utf-8")
    assert "://" not in text
    entries = re.split(r"\n(?=\S)", text.strip())
    pins = {}
    for entry in entries:
        first, *hashes = entry.split("\\\n")
        assert hashes, first
        assert all(re.fullmatch(r"\s+--hash=sha256:[0-9a-f]{64}\s*", line) for line in hashes)
        pin = Requirement(first)
        pins[canonicalize_name(pin.name)] = pin
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    for wanted in map(Requirement, project["dependency-groups"]["package"]):
        (found,) = pins[canonicalize_name(wanted.name)].specifier
        assert found.version in wanted.specifier
    # Both locks go into one environment.
    for line in re.findall(
        r"^[\w.-]+==[^\\\n]*", (ROOT / "requirements.lock").read_text("utf-8"), re.M
    ):
        pin = Requirement(line)
        other = pins.get(canonicalize_name(pin.name), pin)
        assert other.specifier == pin.specifier, pin.name


def test_the_entitlements_allow_another_qt_and_nothing_that_needs_a_reason() -> None:
    allowed = plistlib.loads((INSTALLERS / "macos" / "entitlements.plist").read_bytes())
    assert allowed == {
        "com.apple.security.cs.allow-unsigned-executable-memory": True,
        "com.apple.security.cs.disable-library-validation": True,
    }


def test_the_icon_of_macos_holds_all_sizes() -> None:
    icon = (ROOT / "resources" / "icons" / "starpad.icns").read_bytes()
    assert icon[:4] == b"icns"
    assert int.from_bytes(icon[4:8]) == len(icon)
    kinds, place = set(), 8
    while place < len(icon):
        kinds.add(icon[place : place + 4])
        place += int.from_bytes(icon[place + 4 : place + 8])
    assert {b"is32", b"il32", b"it32", b"ic08", b"ic09", b"ic10"} <= kinds


@pytest.fixture
def build_dmg(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the module, which is no part of a package."""
    monkeypatch.syspath_prepend(str(INSTALLERS / "macos"))
    import build_dmg  # type: ignore[import-not-found,unused-ignore]

    return build_dmg


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Return a folder that is laid out like Starpad.app."""
    contents = tmp_path / "Starpad.app" / "Contents"
    framework = "Frameworks/PySide6/Qt/lib/QtCore.framework"
    for place in (
        "MacOS/starpad",
        "MacOS/starpad-engine",
        "Frameworks/libpython3.12.dylib",
        "Frameworks/xllamacpp/xllamacpp.abi3.so",
        f"{framework}/Versions/A/QtCore",
    ):
        path = contents / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01")
    (contents / "Frameworks" / "notes.txt").write_text("no library")
    (contents / framework / "QtCore").symlink_to("Versions/A/QtCore")
    with (contents / "Info.plist").open("wb") as file:
        plistlib.dump({"CFBundleExecutable": "starpad"}, file)
    return contents.parent


def test_what_is_inside_is_signed_before_what_holds_it(build_dmg: Any, app: Path) -> None:
    order = build_dmg.signing_order(app)
    names = [path.relative_to(app / "Contents" / "Frameworks").as_posix() for path in order]
    qt = "PySide6/Qt/lib/QtCore.framework"
    assert names == [
        f"{qt}/Versions/A/QtCore", qt, "xllamacpp/xllamacpp.abi3.so", "libpython3.12.dylib"
    ]  # fmt: skip
    assert build_dmg.main_program(app) == "starpad"


@pytest.mark.skipif(sys.platform == "darwin", reason="there it would sign")
def test_elsewhere_one_sentence_says_that_it_needs_macos(build_dmg: Any, app: Path) -> None:
    with pytest.raises(SystemExit, match="needs macOS"):
        build_dmg.build(app, "0.1.0", app.parent)

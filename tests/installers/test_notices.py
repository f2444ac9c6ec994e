"""The notices hold a text for every part, and what stands in the app belongs to one."""

import hashlib
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
INSTALLERS = ROOT / "installers"
CLEAN = {"SOURCE_DATE_EPOCH": "1700000000", "PATH": "", "SYSTEMROOT": "C:\\Windows"}


def _run(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, INSTALLERS / script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=CLEAN, check=False)


@pytest.fixture(scope="module")
def notices(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the notices of this very environment, made strictly."""
    out = tmp_path_factory.mktemp("notices") / "sub" / "NOTICES.txt"
    made = _run("notices.py", out, "--strict")
    assert made.returncode == 0, made.stderr
    assert made.stderr == ""
    return out.read_text("utf-8")


def _section(notices: str, title: str) -> str:
    found = re.search(rf"^={{78}}\n{re.escape(title)}.*?(?=^={{78}}|\Z)", notices, re.M | re.S)
    assert found is not None, title
    return found[0]


def test_each_package_that_the_app_needs_is_there_with_its_version(notices: str) -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    for pin in map(Requirement, re.findall(r"^[\w.-]+==[^\\\n]*", lock, re.M)):
        is_here = pin.marker is None or pin.marker.evaluate()
        if is_here and pin.name != "hf-xet":  # which starpad.spec keeps out
            installed = metadata.distribution(pin.name)
            assert f"{installed.metadata['Name']} {installed.version}" in notices


def test_qt_is_given_under_the_lgpl_with_both_texts_the_way_to_replace_it_and_the_offer(
    notices: str,
) -> None:
    head = notices.partition("PARTS")[0]
    for words in ("Lesser General Public License", "You may replace them", "Written offer"):
        assert words in head
    qt = _section(notices, "Qt ")
    assert "LGPL-3.0-only" in qt
    assert notices.count("GNU LESSER GENERAL PUBLIC LICENSE\n") == 1
    assert notices.count("GNU GENERAL PUBLIC LICENSE\n                       Version 3") == 1
    assert "Commercial" not in _section(notices, "PySide6_Essentials")


def test_what_a_package_says_was_compiled_into_it_is_listed(notices: str) -> None:
    assert "pkg:cargo/pyo3@" in _section(notices, "cryptography ")
    assert "pkg:generic/openssl@" in _section(notices, "cryptography ")
    assert "pkg:cargo/derivre@0.3.8" in notices


@pytest.mark.parametrize(
    "part",
    [
        "Crates that cryptography",
        "llama.cpp and ggml", "BoringSSL", "llguidance", "CPython", "OpenSSL", "SQLite", "ICU",
        "PyInstaller's boot loader", "JetBrains Mono", "GCC's run-time", "Microsoft's Visual C++",
        "ctransformers' models", "libffi", "bzip2", "XZ Utils", "zlib", "Expat",
    ],
)  # fmt: skip
def test_native_parts_are_there_with_licence_source_and_text(notices: str, part: str) -> None:
    section = _section(notices, part)
    assert re.search(r"^Licence: \S", section, re.M)
    assert re.search(r"^Source: https://\S", section, re.M)
    assert "\n--- " in section
    assert len(section) > 250


def _copy(tmp_path: Path) -> Path:
    """Return a copy of what notices.py reads, to take something away from."""
    copy = tmp_path / "copy"
    ignore = shutil.ignore_patterns("windows", "linux", "macos", "__pycache__")
    shutil.copytree(INSTALLERS, copy / "installers", ignore=ignore)
    shutil.copytree(ROOT / "resources" / "fonts", copy / "resources" / "fonts")
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def test_a_missing_text_is_named_and_strictness_fails(tmp_path: Path) -> None:
    copy = _copy(tmp_path)
    (copy / "installers" / "licenses" / "icu.txt").unlink()
    script = copy / "installers" / "notices.py"
    for strict, code in (([], 0), (["--strict"], 1)):
        out = tmp_path / f"out{code}"
        command = [sys.executable, script, out, *strict]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        assert made.returncode == code
        assert "ICU: licenses/icu.txt is missing or empty" in made.stderr
        assert out.exists() == (code == 0)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Return a folder that is laid out like a frozen app, with real beginnings of libraries."""
    bundle = tmp_path / "starpad"
    elf, pe, mach = b"\x7fELF\x02\x01", b"MZ\x90\x00", b"\xcf\xfa\xed\xfe"
    places = {
        "starpad": elf,
        "starpad-engine": elf,
        "starpad.exe": pe,
        "_internal/libpython3.12.so.1.0": elf,
        "_internal/python312.dll": pe,
        "_internal/_ssl.pyd": pe,
        "_internal/PySide6/Qt/lib/libQt6Core.so.6": elf,
        "_internal/PySide6/Qt6Widgets.dll": pe,
        "_internal/PySide6/Qt/plugins/platforms/libqxcb.so": elf,
        "_internal/shiboken6/MSVCP140.dll": pe,
        "Contents/Frameworks/PySide6/Qt/lib/QtCore.framework/Versions/A/QtCore": mach,
        "Contents/Frameworks/libcrypto.3.dylib": mach,
        "Contents/Frameworks/lib-dynload/_ssl.cpython-312-darwin.so": mach,
        "Contents/MacOS/starpad": mach,
        "_internal/resources/readme.txt": b"text",
    }
    for place, content in places.items():
        path = bundle / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return bundle


def test_every_library_of_an_app_belongs_to_a_part(bundle: Path, tmp_path: Path) -> None:
    made = _run("notices.py", tmp_path / "out", "--strict", "--bundle", bundle)
    assert made.returncode == 0, made.stderr


@pytest.mark.parametrize(
    "stranger",
    [
        "_internal/PySide6/Qt/lib/libQt6VirtualKeyboard.so.6",
        "_internal/PySide6/Qt/plugins/platforminputcontexts/libqtvirtualkeyboardplugin.so",
        "_internal/PySide6/Qt6Charts.dll",
        "_internal/libreadline.so.8",
        "_internal/hf_xet/hf_xet.abi3.so",
    ],
)
def test_a_library_that_nobody_listed_is_named(bundle: Path, tmp_path: Path, stranger: str) -> None:
    path = bundle / stranger
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x7fELF\x02\x01")
    made = _run("notices.py", tmp_path / "out", "--strict", "--bundle", bundle)
    assert made.returncode == 1
    assert stranger in made.stderr
    assert not (tmp_path / "out").exists()


def test_an_empty_folder_is_no_app(tmp_path: Path) -> None:
    made = _run("notices.py", tmp_path / "out", "--strict", "--bundle", tmp_path)
    assert made.returncode == 1
    assert "no libraries" in made.stderr


@pytest.mark.skipif(
    importlib.util.find_spec("cyclonedx") is None,
    reason="needs installers/requirements-package.lock, which build.py installs",
)
def test_the_bill_of_materials_is_valid_complete_and_the_same_each_time(
    bundle: Path, tmp_path: Path
) -> None:
    bills = []
    for name in ("one", "two"):
        made = _run("sbom.py", tmp_path / name, "--bundle", bundle)
        assert (made.returncode, made.stderr) == (0, "")
        bills.append((tmp_path / name).read_text("utf-8"))
    assert bills[0] == bills[1]
    bill = json.loads(bills[0])
    assert bill["specVersion"] == "1.6"
    assert bill["metadata"]["timestamp"].startswith("2023-11-14")
    parts = {part["name"]: part for part in bill["components"]}
    httpx = parts["httpx2"]
    assert httpx["purl"] == f"pkg:pypi/httpx2@{metadata.version('httpx2')}"
    digest = hashlib.sha256((bundle / "_internal" / "python312.dll").read_bytes()).hexdigest()
    files = parts["CPython and its extension modules"]["components"]
    hashes = [file["hashes"][0]["content"] for file in files if file["name"].endswith("312.dll")]
    assert hashes == [digest]
    assert '"pkg:cargo/derivre@0.3.8"' in bills[0]

"""What can be known of Windows' packages without Windows: that their parts agree."""

import ast
import re
import struct
import subprocess
import sys
import uuid
from pathlib import Path
from xml.etree import ElementTree

import pytest
from platformdirs import windows

from starpad import __version__
from starpad.core import paths

ROOT = Path(__file__).resolve().parents[2]
WINDOWS = ROOT / "installers" / "windows"
ICON = ROOT / "resources" / "icons" / "starpad.ico"
NSI = (WINDOWS / "starpad.nsi").read_text("utf-8")
WXS = ElementTree.parse(WINDOWS / "starpad.wxs")
WIX = "{http://schemas.microsoft.com/wix/2006/wi}"

sys.path.append(str(WINDOWS))
import build_windows  # noqa: E402
import version_info  # noqa: E402


def script(text: str) -> str:
    """Return an NSIS script with its own definitions filled in."""
    definitions = dict(re.findall(r'^!define (\w+) "(.*)"$', text, re.MULTILINE))
    for _ in range(2):
        for name, value in definitions.items():
            text = text.replace(f"${{{name}}}", value)
    return text


def test_every_registry_key_that_is_written_is_deleted() -> None:
    text = script(NSI)
    written = set(re.findall(r'^ *WriteReg\w+ HKCU "(.+?)"', text, re.MULTILINE))
    deleted = set(re.findall(r'^ *DeleteRegKey (?:/ifempty )?HKCU "(.+?)"', text, re.MULTILINE))
    assert len(written) >= 7
    left = {key for key in written if not any((key + "\\").startswith(d + "\\") for d in deleted)}
    assert not left


def test_keys_of_other_programs_are_deleted_only_when_empty() -> None:
    whole = re.findall(r'^ *DeleteRegKey HKCU "(.+?)"', script(NSI), re.MULTILINE)
    assert whole
    assert all("starpad" in key.rpartition("\\")[2].lower() for key in whole)


def test_nothing_that_opens_files_today_is_taken_over() -> None:
    writes = re.findall(
        r'^ *WriteRegStr HKCU "(Software\\Classes\\.+?)"', script(NSI), re.MULTILINE
    )
    ours = re.compile(
        r"(?i)\\(Starpad\.gguf|Applications\\starpad\.exe|OpenWithList\\starpad\.exe)"
    )
    assert all(ours.search(key) or key.endswith("OpenWithProgids") for key in writes)


def test_programs_that_are_installed_are_uninstalled() -> None:
    uninstaller = NSI[NSI.index('Section "un.Starpad"') :]
    for name in (*build_windows.PROGRAMS, build_windows.NOTICES_NAME, "uninstall.exe"):
        assert f'Delete "$INSTDIR\\{name}"' in uninstaller
    # A folder that the user chose may hold more than Starpad.
    assert 'RMDir "$INSTDIR"' in uninstaller
    assert not re.search(r'RMDir /r "\$INSTDIR"', NSI)


def test_user_data_is_deleted_only_on_request() -> None:
    assert 'Section /o "un.Also delete my models, conversations and settings" RemoveData' in NSI
    assert NSI.count('RMDir /r "${DATA}"') == 1
    assert NSI.index("RemoveData") < NSI.index('RMDir /r "${DATA}"')


def test_the_data_folder_is_the_one_that_starpad_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "win32":
        monkeypatch.setattr(windows, "get_win_folder", lambda name: name)
    folder = re.search(r'^!define DATA "\$LOCALAPPDATA\\(.+)"$', NSI, re.MULTILINE)
    assert folder is not None
    assert paths.data_folder().name == folder[1]
    own = windows.Windows(folder[1], appauthor=False)
    for place in (own.user_config_dir, own.user_log_dir):
        assert Path(place).is_relative_to(own.user_data_dir)


def test_the_upgrade_code_never_changes() -> None:
    product = WXS.find(f"{WIX}Product")
    assert product is not None
    assert product.get("UpgradeCode") == "8C0B3B0C-6B8B-4D7C-9E0D-6E6E3A4B1F10"
    assert product.get("Id") == "*"


def test_a_file_keeps_its_component_from_version_to_version() -> None:
    place = Path("_internal", "Qt6Core.dll")
    assert build_windows.component_id(place) == uuid.UUID("d1b61e54-4c59-545e-b5f2-99b007f798fa")
    source = build_windows.components({place: Path("one"), Path("starpad.exe"): Path("two")})
    root = ElementTree.fromstring(source)
    guids = [component.get("Guid") for component in root.iter(f"{WIX}Component")]
    assert len(set(guids)) == 2
    assert str(build_windows.component_id(place)).upper() in guids
    folder = root.find(f"{WIX}Fragment/{WIX}DirectoryRef/{WIX}Directory")
    assert folder is not None
    assert folder.get("Name") == "_internal"
    references = [one.get("Id") for one in root.iter(f"{WIX}ComponentRef")]
    assert references == [one.get("Id") for one in root.iter(f"{WIX}Component")]


def test_both_packages_tell_windows_the_same() -> None:
    setup = set(re.findall(r'WriteRegStr HKCU "(Software\\(?:Classes|Microsoft).+?)"', script(NSI)))
    package = {value.get("Key") for value in WXS.iter(f"{WIX}RegistryValue")}
    assert {key for key in setup if r"\Uninstall" not in key} == package - {r"Software\Starpad"}


def test_the_icon_holds_the_sizes_that_windows_shows() -> None:
    data = ICON.read_bytes()
    reserved, kind, count = struct.unpack_from("<HHH", data)
    assert (reserved, kind) == (0, 1)
    sizes = {data[6 + 16 * index] or 256 for index in range(count)}
    assert sizes >= {16, 20, 24, 32, 40, 48, 64, 128, 256}


def test_the_version_resource_is_python_that_names_the_version() -> None:
    text = version_info.version_info(__version__, "starpad-engine", "Starpad's engines")
    call = ast.parse(text, mode="eval").body
    assert isinstance(call, ast.Call)
    strings = {node.value for node in ast.walk(call) if isinstance(node, ast.Constant)}
    assert {__version__, "starpad-engine.exe", "Starpad's engines"} <= strings
    assert version_info.version_numbers("1.20.3") == (1, 20, 3, 0)


def test_a_folder_that_is_no_windows_app_is_refused_in_a_sentence(tmp_path: Path) -> None:
    for kind, tool in (("setup", "makensis"), ("msi", "wixl")):
        command = [sys.executable, WINDOWS / "build_windows.py", kind, tmp_path, "0.1.0", tmp_path]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert f"{tool} is missing" in done.stderr or "starpad.exe" in done.stderr
        assert "Traceback" not in done.stderr

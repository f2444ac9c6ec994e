"""The table of packs is filled from an index page, or stays as it was."""

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "installers" / "update_packs.py"
VERSION = "2026.10.11549"
LINUX = f"xllamacpp-{VERSION}-cp310-abi3-manylinux_2_35_x86_64.whl"
WINDOWS = f"xllamacpp-{VERSION}+cu1-cp310-abi3-win_amd64.whl"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Serve a folder; return it and its address."""
    folder = tmp_path / "site"
    (folder / "files").mkdir(parents=True)
    (folder / "index").mkdir()
    handler = partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def table(tmp_path: Path, site: tuple[Path, str]) -> Path:
    wheels = [
        {"system": system, "architecture": architecture, "url": None, "size_bytes": 5}
        for system, architecture in (("linux", "x86_64"), ("linux", "aarch64"), ("win32", "x86_64"))
    ]
    packs = [{"name": "cu1", "page": f"{site[1]}/index/", "wheels": wheels}]
    path = tmp_path / "table.json"
    path.write_text(json.dumps({"xllamacpp": "1", "packs": packs}))
    return path


def update(table: Path) -> "subprocess.CompletedProcess[str]":
    lock = table.with_name("lock")
    lock.write_text(f"other==1 \\\n    --hash=sha256:0\nxllamacpp=={VERSION} \\\n")
    command = [sys.executable, SCRIPT, "--table", table, "--lock", lock]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def write_page(folder: Path, *addresses: str) -> None:
    rows = "".join(f'<a href="{address}">{address}</a><br>' for address in addresses)
    (folder / "index" / "index.html").write_text(f"<html><body>{rows}</body></html>")


def test_addresses_sizes_and_hashes_are_filled_in(site: tuple[Path, str], table: Path) -> None:
    folder, address = site
    for name in (LINUX, WINDOWS):
        (folder / "files" / name).write_bytes(name.encode() * 1000)
    digest = hashlib.sha256(LINUX.encode() * 1000).hexdigest()
    write_page(
        folder,
        f"../files/{LINUX.replace(VERSION, '2026.9.1')}",
        f"../files/{LINUX.replace('abi3', 'cp310')}",
        "../files/readme.txt",
        f"../files/{LINUX}#sha256={digest}",
        f"{address}/files/{WINDOWS.replace('+', '%2B')}",
    )
    result = update(table)
    assert result.returncode == 0, result.stderr
    assert "cu1, linux aarch64: not in the index" in result.stdout
    values = json.loads(table.read_text())
    assert values["xllamacpp"] == VERSION
    linux, arm, windows = values["packs"][0]["wheels"]
    assert linux["url"] == f"{address}/files/{LINUX}"
    assert (linux["sha256"], linux["size_bytes"]) == (digest, len(LINUX) * 1000)
    assert (arm["url"], arm["size_bytes"], arm["sha256"]) == (None, None, None)
    assert windows["sha256"] == hashlib.sha256(WINDOWS.encode() * 1000).hexdigest()


def test_a_wrong_hash_in_the_index_changes_nothing(site: tuple[Path, str], table: Path) -> None:
    folder, _ = site
    (folder / "files" / LINUX).write_bytes(b"other bytes")
    write_page(folder, f"../files/{LINUX}#sha256={'0' * 64}")
    before = table.read_bytes()
    result = update(table)
    assert result.returncode != 0
    assert "its index says" in result.stderr
    assert table.read_bytes() == before


def test_a_missing_index_changes_nothing(site: tuple[Path, str], table: Path) -> None:
    before = table.read_bytes()
    table.write_bytes(before.replace(b"/index/", b"/elsewhere/"))
    changed = table.read_bytes()
    assert update(table).returncode != 0
    assert table.read_bytes() == changed

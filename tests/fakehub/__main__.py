"""Runs the fake hub by hand, to try Starpad against it: `python -m tests.fakehub`."""

import argparse
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path

from . import shelf
from .faults import FaultKind
from .hub import FakeHub

BIG_REPOSITORY = "starpad/big-GGUF"
BIG_FILE = "big.Q4_K_M.gguf"
_BLOCK_BYTES = 1 << 20
_SIGN_IN_INTERVAL_S = 2


def main() -> None:
    """Serve the demo repositories until Ctrl+C."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakehub", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="the hub's port (default: any)")
    parser.add_argument("--rate", type=int, metavar="BYTES_PER_S", help="the speed of downloads")
    parser.add_argument("--big", type=int, metavar="MIB", help=f"add {BIG_REPOSITORY}")
    arguments = parser.parse_args()
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    hub = FakeHub(arguments.port)
    hub.sign_in_interval_s = _SIGN_IN_INTERVAL_S
    shelf.fill(hub)
    if arguments.rate:
        hub.add_fault(
            "", FaultKind.RATE, times=None, origin="content", bytes_per_second=arguments.rate
        )
    with tempfile.TemporaryDirectory() as folder:
        if arguments.big:
            big = _write_big(Path(folder) / BIG_FILE, arguments.big)
            hub.add_repository(BIG_REPOSITORY, {BIG_FILE: big})
        with hub:
            sys.stdout.write(_instructions(hub))
            sys.stdout.flush()
            stopping.wait()


def _write_big(path: Path, mebibytes: int) -> Path:
    """Write a file that starts as a GGUF file does, and no two blocks of which are the same."""
    noise = os.urandom(_BLOCK_BYTES - 8)
    with path.open("wb") as file:
        for number in range(mebibytes):
            file.write(b"GGUF" + number.to_bytes(4, "little") + noise)
    return path


def _instructions(hub: FakeHub) -> str:
    big = ""
    if BIG_REPOSITORY in hub.repositories:
        # Hashed here, so that the first request does not wait for it.
        big = f"BIG_SHA256={hub.content(BIG_REPOSITORY, BIG_FILE).sha256}\n"
    repositories = "\n".join(
        f"  {each.id}{'' if each.gating == 'open' else f' (gated: {each.gating})'}"
        for each in hub.repositories.values()
    )
    return f"""\
HF_ENDPOINT={hub.endpoint}
CONTENT={hub.content_endpoint}
{big}
Start Starpad against it: python run.py, with HF_ENDPOINT and NO_PROXY=127.0.0.1 in its
environment.

Repositories:
{repositories}

Access tokens of the account "{shelf.DEMO_ACCOUNT}":
  {shelf.DEMO_TOKEN}
  {shelf.FINE_GRAINED_TOKEN} (may not read gated repositories)
Accept a licence on a repository's page, as in {hub.endpoint}/{shelf.GATED}

Ctrl+C ends it.
"""


if __name__ == "__main__":
    main()

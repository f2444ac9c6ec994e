"""Whether OpenClaw, a real program from npm, gets a streamed answer with the settings that we show.

Installs Node 24 and OpenClaw into FOLDER with npm unless they are there (300 packages, a minute),
writes our settings for it, serves a model with `starpad serve`, has OpenClaw run one prompt, and
prints what arrived. Needs npm, and a model with 16,384 tokens of context.

    python benchmarks/openclaw_client.py FOLDER [--model FILE]

Without --model a StarCoder2-shaped one of random bytes is made: it writes nonsense, quickly.
"""

import argparse
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from starpad.core import paths
from starpad.core.client_snippets import Program, Shared, snippet
from starpad.core.serving import KEY_VARIABLE, OPENCLAW_LEAST_TOKENS

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from zero_model import Shape, write_zero_model

LIMIT_S = 300


def install(folder: Path) -> None:
    """Install both packages unless they are there. OpenClaw's newest refuses an older Node."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is not installed.")
    if not (folder / "package.json").exists():
        (folder / "package.json").write_text("{}")
    options = ["--no-audit", "--no-fund", "--loglevel=error"]
    if not node(folder).exists():
        subprocess.run([npm, "install", *options, "node@24"], cwd=folder, check=True)
    if not script(folder).exists():
        subprocess.run(
            [npm, "install", *options, "--ignore-scripts", "openclaw@latest"],
            cwd=folder, env=with_node(folder), check=True,
        )  # fmt: skip


def node(folder: Path) -> Path:
    return folder / "node_modules" / "node" / "bin" / "node"


def script(folder: Path) -> Path:
    return folder / "node_modules" / "openclaw" / "openclaw.mjs"


def with_node(folder: Path) -> dict[str, str]:
    return dict(os.environ) | {
        "PATH": f"{node(folder).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder / "home"),
    }


def run(folder: Path, model: Path) -> int:
    """Serve, configure, ask; return the exit code."""
    install(folder)
    key = f"sk-{secrets.token_urlsafe(16)}"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "starpad", "serve", str(model), "--port", str(port)]
    with subprocess.Popen(
        [*command, "--context", str(OPENCLAW_LEAST_TOKENS)],
        env=paths.host_environment() | {KEY_VARIABLE: key},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        print(server.stdout.readline().strip())
        try:
            answer = ask(folder, f"http://127.0.0.1:{port}", key, name_of(port, key))
        finally:
            server.terminate()
            _, log = server.communicate(timeout=LIMIT_S)
    print(log.strip())
    print(f"OpenClaw got {len(answer)} characters: {answer[:80]!r}…")
    is_streamed = any(" 200 /v1/chat/" in line and "streamed" in line for line in log.splitlines())
    return 0 if answer and is_streamed else 1


def name_of(port: int, key: str) -> str:
    from urllib.request import ProxyHandler, Request, build_opener

    request = Request(
        f"http://127.0.0.1:{port}/v1/models", headers={"Authorization": f"Bearer {key}"}
    )
    with build_opener(ProxyHandler({})).open(request, timeout=LIMIT_S) as answer:
        return str(json.load(answer)["data"][0]["id"])


def ask(folder: Path, address: str, key: str, model: str) -> str:
    """Have OpenClaw run one prompt with our settings; return what it says it got."""
    work = folder / "work"
    work.mkdir(exist_ok=True)
    settings = folder / "openclaw.json"
    shared = Shared(address, key, model, OPENCLAW_LEAST_TOKENS, has_fim=True)
    settings.write_text(snippet(Program.OPENCLAW, shared).text, encoding="utf-8")
    began = time.perf_counter()
    done = subprocess.run(
        [
            str(node(folder)), str(script(folder)), "agent", "exec", "Say hello.", "--json",
            "--config", str(settings), "--cwd", str(work), "--thinking", "off",
        ],
        cwd=work, env=with_node(folder), capture_output=True, text=True, timeout=LIMIT_S,
    )  # fmt: skip
    print(f"OpenClaw took {time.perf_counter() - began:.1f} s, exit code {done.returncode}")
    try:
        return str(json.loads(done.stdout)["final"])
    except (ValueError, KeyError):
        print(done.stdout[-2000:], done.stderr[-2000:])
        return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path)
    options = parser.parse_args()
    folder: Path = options.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return run(folder, options.model or write_zero_model(folder, Shape()))


if __name__ == "__main__":
    sys.exit(main())

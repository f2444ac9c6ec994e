"""`starpad --self-test` as a user's machine runs it: one process, real engine, one JSON object."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KEYS = {
    "completion",
    "tokens",
    "tokens_per_second",
    "time_to_first_token_ms",
    "prompt_tokens",
    "evaluated_tokens",
    "model",
    "model_sha256",
    "engine",
    "screenshot",
}


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "starpad", "--self-test", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _report(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    picture = tmp_path / "picture.png"
    result = _run("--json", "--screenshot", str(picture), *arguments)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    report: dict[str, Any] = json.loads(result.stdout)
    assert report["screenshot"] == str(picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    return report


def test_it_prints_one_object_that_comes_from_the_model(tmp_path: Path, demo_model: Path) -> None:
    report = _report(tmp_path)
    assert report.keys() >= KEYS
    assert report["completion"]
    assert 0 < report["evaluated_tokens"] <= report["prompt_tokens"]
    assert report["tokens"] > 0
    assert report["tokens_per_second"] > 0
    assert report["time_to_first_token_ms"] > 0
    assert report["model_sha256"] == hashlib.sha256(demo_model.read_bytes()).hexdigest()


def test_prefix_suffix_and_seed_decide_the_completion(tmp_path: Path) -> None:
    prefix = "import os\n\ndef size(path):\n    if not os.path."
    suffix = "\n        return 0\n    return os.path.getsize(path)\n"
    first = _report(tmp_path, "--prefix", prefix, "--suffix", suffix)
    again = _report(tmp_path, "--prefix", prefix, "--suffix", suffix)
    assert again["completion"] == first["completion"]
    assert _report(tmp_path, "--prefix", prefix)["prompt_tokens"] < first["prompt_tokens"]
    seeded = {
        seed: _report(tmp_path, "--prefix", prefix, "--suffix", suffix, "--seed", seed)
        for seed in ("1", "2", "3")
    }
    assert len({report["completion"] for report in seeded.values()}) > 1
    same = _report(tmp_path, "--prefix", prefix, "--suffix", suffix, "--seed", "1")
    assert same["completion"] == seeded["1"]["completion"]


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><html>", b"GGUF\x03\x00\x00\x00"])
def test_an_unusable_model_is_one_sentence_and_exit_code_1(tmp_path: Path, content: bytes) -> None:
    model = tmp_path / "model.gguf"
    model.write_bytes(content)
    result = _run("--json", "--model", str(model))
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("The self-test failed: ")
    assert "model.gguf" in result.stderr
    assert "Traceback" not in result.stderr


def test_without_json_it_is_for_people(tmp_path: Path) -> None:
    result = _run("--screenshot", str(tmp_path / "p.png"), "--prefix", "for i in range(")
    assert result.returncode == 0, result.stderr
    assert "tokens per second" in result.stdout
    assert result.stdout.startswith("for i in range([")

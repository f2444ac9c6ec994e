"""Measures what guessing ahead brings: each way to guess, on code that repeats itself and on other.

    python benchmarks/speculation.py [--times 8] [--texts 6] [--ways WORD...]

The model says what the demonstration model says (`benchmarks/tiled_model.py`), so that as many
guesses are right as with a trained one; the demonstration model itself is the draft model.
"""

import argparse
import ast
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from starpad.core.paths import demo_model
from starpad.engines.spec import NGRAM_GUESSES, NGRAM_TOKENS
from tiled_model import write

_TOKENS = 96
_METHOD = '''    def {0}(self, value):
        """Set the {0} of this object."""
        if value is None:
            raise ValueError("{0}")
        self._{0} = value
        self.changed.emit("{0}")

'''
_NAMES = [
    "title",
    "width",
    "height",
    "color",
    "border",
    "margin",
    "padding",
    "opacity",
    "layout",
    "weight",
]
_SIZES = {"size_n": NGRAM_TOKENS, "size_m": NGRAM_GUESSES}
_OUR = f"{NGRAM_TOKENS}/{NGRAM_GUESSES}"
_WAYS: dict[str, dict[str, Any]] = {
    "off": {},
    "ngram-simple, 12/48 (llama.cpp's own)": {"kind": "NGRAM_SIMPLE"},
    f"ngram-simple, {_OUR}": {"kind": "NGRAM_SIMPLE", "set": {"ngram_simple": _SIZES}},
    "ngram-map-k, 12/48 (llama.cpp's own)": {"kind": "NGRAM_MAP_K"},
    f"ngram-map-k, {_OUR}": {"kind": "NGRAM_MAP_K", "set": {"ngram_map_k": _SIZES}},
    "ngram-mod, 24/48-64 (llama.cpp's own)": {"kind": "NGRAM_MOD"},
    "ngram-mod, 6/1-8": {
        "kind": "NGRAM_MOD",
        "set": {"ngram_mod": {"n_match": 6, "n_min": 1, "n_max": 8}},
    },
    "draft model, 3 at a time": {"kind": "DRAFT_SIMPLE"},
    "draft model, 6 at a time": {"kind": "DRAFT_SIMPLE", "set": {"draft": {"n_max": 6}}},
}


def prompts() -> dict[str, list[str]]:
    """Return texts to go on with: classes of like methods, and the tool's own sources."""
    head = 'class Shape:\n    """A shape."""\n\n'
    alike = [
        head + "".join(map(_METHOD.format, _NAMES[at : at + 4])) + f"    def {_NAMES[at + 4]}("
        for at in range(6)
    ]
    files = sorted((Path(__file__).parents[1] / "app/starpad/core").glob("*.py"))
    other = [file.read_text(encoding="utf-8")[:1400] for file in files[:24:4]]
    return {"repeats itself": alike, "other code": other}


def measure(model: Path, way: dict[str, Any], most_texts: int) -> None:
    """Load the model in this process and print its figures as JSON."""
    import urllib.request

    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.n_parallel, parameters.n_ctx, parameters.n_batch = 1, 1024, 128
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = os.cpu_count() or 1
    parameters.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    parameters.fit_params, parameters.cache_ram_mib, parameters.port = False, 0, 0
    if way:
        kinds = xllamacpp.common_speculative_type
        kind = getattr(kinds, f"COMMON_SPECULATIVE_TYPE_{way['kind']}")
        parameters.speculative.types = [kind]
        for part, values in way.get("set", {}).items():
            for name, value in values.items():
                setattr(getattr(parameters.speculative, part), name, value)
        if way["kind"].startswith("DRAFT"):
            parameters.speculative.draft.mparams.path = str(demo_model())
            parameters.speculative.draft.cpuparams.n_threads = 1
    server = xllamacpp.Server(parameters)
    found = {}
    for name, texts in prompts().items():
        tokens, ms, guesses, right, said = 0, 0.0, 0, 0, []
        for text in texts[:most_texts]:
            body = {"prompt": text, "n_predict": _TOKENS, "temperature": 0, "return_tokens": True}
            request = urllib.request.Request(
                f"{server.listening_address}/completion",
                json.dumps(body).encode(),
                {"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request) as response:
                answer = json.load(response)
            timings = answer["timings"]
            tokens += timings["predicted_n"] - 1
            ms += timings["predicted_ms"]
            guesses += timings.get("draft_n", 0)
            right += timings.get("draft_n_accepted", 0)
            said.append(answer["tokens"])
        found[name] = [tokens * 1000 / ms, guesses, right, said]
    print(json.dumps(found), flush=True)
    os._exit(0)  # the server's destructor may wait for ever for its loop


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=8)
    parser.add_argument("--texts", type=int, default=6, help="of each kind")
    parser.add_argument("--ways", nargs="*", default=[], help="only those with one of these words")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        model, way = arguments.measure
        measure(Path(model), ast.literal_eval(way), arguments.texts)
    with tempfile.TemporaryDirectory() as folder:
        file = write(Path(folder) / "tiled.gguf", arguments.times)
        plain: dict[str, Any] = {}
        for name, way in _WAYS.items():
            if way and arguments.ways and not any(word in name for word in arguments.ways):
                continue
            found = json.loads(
                subprocess.run(
                    [sys.executable, __file__, "--measure", str(file), repr(way),
                     "--texts", str(arguments.texts)],
                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, timeout=300,
                    env=os.environ | {"GOMP_SPINCOUNT": "1000"},
                ).stdout
            )  # fmt: skip
            plain = plain or found
            for text, (speed, guesses, right, said) in found.items():
                factor = speed / plain[text][0]
                share = f"{right / guesses:4.0%} of {guesses}" if guesses else "-"
                same = sum(a == b for a, b in zip(said, plain[text][3], strict=True))
                print(f"{name:40} {text:15} {speed:6.1f} tok/s {factor:5.2f}  right {share:12} "
                      f"same texts {same} of {len(said)}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()

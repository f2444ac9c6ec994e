"""StarCoder-like repositories under real names; every model in them is the embedded demo model."""

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

from . import gguf_parts
from .content import Source
from .state import HubState

DEMO_MODEL = Path(__file__).parents[2] / "resources" / "models" / "starpad-demo-q8_0.gguf"
DEMO_ACCOUNT = "demo"
DEMO_TOKEN = "hf_demo"
FINE_GRAINED_TOKEN = "hf_demo_fine_grained"
"""Of the same account, without the permission to read gated repositories."""

THREE_B = "RichardErkhov/bigcode_-_starcoder2-3b-gguf"
GATED = "bigcode/starcoderbase-1b"
GATED_BY_HAND = "bigcode/starcoderbase-7b"
SPLIT = "RichardErkhov/bigcode_-_starcoder2-15b-gguf"
LEGACY = "TheBloke/starcoder-GGML"

_SMALL = ("Q2_K", "Q4_K_M", "Q8_0")
_MANY = ("Q2_K", "Q3_K_M", "IQ4_XS", "Q4_0", "Q4_K_S", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0")
_SIZE_STEP_BYTES = 4096


@dataclass(frozen=True, slots=True)
class _Row:
    id: str
    file_name: str
    """`{}` stands for the quantization."""
    quantizations: tuple[str, ...]
    base_model: str
    parameters: int
    downloads: int
    gating: str = "open"
    license: str = "bigcode-openrail-m"
    is_lower_case: bool = False


_ROWS = (
    _Row(THREE_B, "starcoder2-3b.{}.gguf", _MANY, "bigcode/starcoder2-3b", 3_181_390_848, 4200),
    _Row(
        "second-state/StarCoder2-3B-GGUF", "starcoder2-3b-{}.gguf", _MANY,
        "bigcode/starcoder2-3b", 3_181_390_848, 900,
    ),
    _Row(
        "mradermacher/starcoder2-3b-i1-GGUF", "starcoder2-3b.i1-{}.gguf", _SMALL,
        "bigcode/starcoder2-3b", 3_181_390_848, 310,
    ),
    _Row(
        "neopolita/starcoder2-3b-gguf", "starcoder2-3b_{}.gguf", _SMALL,
        "bigcode/starcoder2-3b", 3_181_390_848, 40, is_lower_case=True,
    ),
    _Row(
        "QuantFactory/starcoder2-7b-GGUF", "starcoder2-7b.{}.gguf", _SMALL,
        "bigcode/starcoder2-7b", 7_400_416_256, 800,
    ),
    _Row(
        SPLIT, "starcoder2-15b.{}.gguf", ("Q2_K", "Q4_K_M"),
        "bigcode/starcoder2-15b", 15_957_889_024, 700,
    ),
    _Row(
        "bartowski/starcoder2-15b-instruct-v0.1-GGUF", "starcoder2-15b-instruct-v0.1-{}.gguf",
        _SMALL, "bigcode/starcoder2-15b-instruct-v0.1", 15_957_889_024, 2100,
    ),
    _Row(
        "RichardErkhov/smallcloudai_-_starcoderbase-1b-gguf", "starcoderbase-1b.{}.gguf", _SMALL,
        "smallcloudai/starcoderbase-1b", 1_137_207_296, 350,
    ),
    _Row(
        GATED, "starcoderbase-1b.{}.gguf", _SMALL, "", 1_137_207_296, 9000, gating="auto",
    ),
    _Row(
        GATED_BY_HAND, "starcoderbase-7b.{}.gguf", _SMALL, "", 7_327_002_624, 5000,
        gating="manual",
    ),
    _Row(
        "mradermacher/starcoder-GGUF", "starcoder.{}.gguf", _SMALL,
        "bigcode/starcoder", 15_517_456_384, 260,
    ),
    _Row(
        "RichardErkhov/bigcode_-_tiny_starcoder_py-gguf", "tiny_starcoder_py.{}.gguf", _SMALL,
        "bigcode/tiny_starcoder_py", 164_204_032, 150,
    ),
    _Row(
        "mike-ravkine/WizardCoder-15B-V1.0-GGUF", "WizardCoder-15B-V1.0.{}.gguf", _SMALL,
        "WizardLMTeam/WizardCoder-15B-V1.0", 15_517_456_384, 60, license="bigscience-openrail-m",
    ),
)  # fmt: skip


def fill(hub: HubState) -> None:
    """Add the demo repositories, and the account `demo` with its two tokens.

    No file has the same bytes as another one, except the `Q4_K` of THREE_B, which is its
    `Q4_K_M` under a second name, as there.
    """
    model = DEMO_MODEL.read_bytes()
    for row in _ROWS:
        files: dict[str, Source] = {
            _name(row, each): _variant(model, row, each) for each in row.quantizations
        }
        if row.id == THREE_B:
            files["starcoder2-3b.Q4_K.gguf"] = files["starcoder2-3b.Q4_K_M.gguf"]
        if row.id == SPLIT:
            first, second = gguf_parts.split(model)
            files["starcoder2-15b.Q8_0-00001-of-00002.gguf"] = first
            files["starcoder2-15b.Q8_0-00002-of-00002.gguf"] = second
        is_second_series = "starcoder2" in row.file_name
        hub.add_repository(
            row.id,
            files,
            license=row.license,
            gating=row.gating,
            downloads=row.downloads,
            likes=row.downloads // 100,
            base_model=row.base_model,
            gguf={
                "total": row.parameters,
                "architecture": "starcoder2" if is_second_series else "starcoder",
                "context_length": 16384 if is_second_series else 8192,
            },
        )
    # Tokens, context, embedding, heads, layers, Q4_0 in its second layout; the rest is missing.
    numbers = struct.pack("<7i", 49152, 8192, 6144, 48, 40, 2002, 49152)
    legacy = b"lmgg" + numbers + bytes(60_000)
    hub.add_repository(LEGACY, {"starcoder.ggmlv3.q4_0.bin": legacy}, downloads=120, likes=60)
    hub.add_account(DEMO_ACCOUNT, DEMO_TOKEN)
    hub.add_account(DEMO_ACCOUNT, FINE_GRAINED_TOKEN, can_read_gated=False)


def _name(row: _Row, quantization: str) -> str:
    return row.file_name.format(quantization.lower() if row.is_lower_case else quantization)


def _variant(model: bytes, row: _Row, quantization: str) -> Source:
    """Return the model under another name: distinct bytes, and larger with better quality."""
    mark = hashlib.sha256(f"{row.id} {quantization}".encode()).digest()
    steps = row.quantizations.index(quantization)
    return gguf_parts.named(model, quantization, mark + bytes(steps * _SIZE_STEP_BYTES))

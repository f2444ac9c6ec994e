"""Quantizations, and which files of a repository are models, as their names tell."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

from starpad.core.remote import RemoteFile, RemoteModel

# Nominal bits of a weight (ggml-quants and llama.cpp's own table), and what that does to a model
# that writes code. Smaller models suffer more than the words say, larger ones less.
_KNOWN = {
    "IQ1_S": (1.6, "tiny, hardly usable for code"),
    "TQ1_0": (1.7, "only for models trained with three values"),
    "IQ1_M": (1.8, "tiny, hardly usable for code"),
    "IQ2_XXS": (2.1, "very small, much worse"),
    "TQ2_0": (2.1, "only for models trained with three values"),
    "IQ2_XS": (2.3, "very small, much worse"),
    "IQ2_S": (2.5, "very small, much worse"),
    "IQ2_M": (2.7, "very small, clearly worse"),
    "Q2_K_S": (2.9, "very small, much worse"),
    "Q2_K": (3.2, "very small, clearly worse"),
    "Q2_K_L": (3.3, "very small, clearly worse"),
    "IQ3_XXS": (3.1, "small, clearly worse"),
    "IQ3_XS": (3.3, "small, noticeably worse"),
    "IQ3_S": (3.4, "small, noticeably worse"),
    "Q3_K_S": (3.5, "small, clearly worse"),
    "IQ3_M": (3.7, "small, noticeably worse"),
    "Q3_K_M": (3.9, "small, noticeably worse"),
    "Q3_K_L": (4.3, "small, noticeably worse"),
    "Q3_K_XL": (4.4, "small, noticeably worse"),
    "MXFP4": (4.25, "small loss where the model was trained for it"),
    "IQ4_XS": (4.3, "small loss"),
    "IQ4_NL": (4.5, "small loss"),
    "Q4_0": (4.55, "some loss; Q4_K_M is better at this size"),
    "Q4_K_S": (4.6, "small loss"),
    "Q4_K_M": (4.8, "recommended: small loss"),
    "Q4_K_L": (4.9, "small loss"),
    "Q4_K_XL": (4.95, "small loss"),
    "Q4_1": (5.0, "some loss; Q4_K_M is better and smaller"),
    "Q5_0": (5.5, "very small loss"),
    "Q5_K_S": (5.55, "very small loss"),
    "Q5_K_M": (5.7, "very small loss"),
    "Q5_K_L": (5.8, "very small loss"),
    "Q5_K_XL": (5.85, "very small loss"),
    "Q5_1": (6.0, "very small loss"),
    "Q6_K": (6.6, "nearly lossless"),
    "Q6_K_L": (6.7, "nearly lossless"),
    "Q6_K_XL": (6.75, "nearly lossless"),
    "Q8_0": (8.5, "practically lossless"),
    "Q8_K_XL": (9.0, "practically lossless"),
    "BF16": (16.0, "as trained: no loss, very large"),
    "F16": (16.0, "as trained: no loss, very large"),
    "F32": (32.0, "larger than the model was trained in; no gain over F16"),
}

_BEST_FIRST = (
    "Q4_K_M", "UD-Q4_K_XL", "Q4_K_XL", "Q4_K_L", "Q4_K_S", "Q5_K_S", "Q5_K_M", "UD-Q5_K_XL",
    "Q5_K_XL", "Q5_K_L", "IQ4_NL", "IQ4_XS", "Q5_0", "Q4_1", "Q4_0", "Q5_1", "Q6_K", "UD-Q6_K_XL",
    "Q6_K_L", "Q6_K_XL", "MXFP4", "Q8_0", "UD-Q8_K_XL", "Q8_K_XL", "Q3_K_XL", "UD-Q3_K_XL",
    "Q3_K_L", "Q3_K_M", "IQ3_M", "IQ3_S", "BF16", "F16", "Q3_K_S", "IQ3_XS", "Q2_K_L", "Q2_K",
    "UD-Q2_K_XL", "IQ3_XXS", "IQ2_M", "F32", "IQ2_S", "Q2_K_S", "IQ2_XS", "IQ2_XXS", "IQ1_M",
    "IQ1_S",
)  # fmt: skip

_ALIASES = {
    "Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M", "FP16": "F16", "FP32": "F32",
    "Q8": "Q8_0", "MXFP4_MOE": "MXFP4",
}  # fmt: skip

# Neither letters nor digits may touch it: `_` may, as in coder_q4_k_m.gguf.
_QUANTIZATION = re.compile(
    r"""(?<![A-Z0-9])
    ( (?:UD-)? I?Q[1-8] (?: _K(?:_(?:XXL|XXS|XL|XS|L|M|S|P))? | _[01](?:_[48]_[48])?
                          | _(?:NL|XXS|XS|S|M|L|XL) )?
    | TQ[12]_0 | MXFP4(?:_MOE)? | NVFP4 | BF16 | FP?16 | FP?32 )
    (?![A-Z0-9])""",
    re.IGNORECASE | re.VERBOSE,
)
# Layouts for ARM processors of 2024, dropped by llama.cpp: it repacks Q4_0 while loading.
_REPACKED = re.compile(r"I?Q4_(0|NL)_[48]_[48]")

_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
# Vision projectors, calibration data and bare tokenizers: GGUF files, but no models.
_NO_MODEL = re.compile(
    r"mmproj | (?:^|[-._]) imatrix \.gguf$ | ^ggml-vocab | (?:^|[-._]) vocab \.gguf$",
    re.IGNORECASE | re.VERBOSE,
)

# What Windows keeps for devices, with any ending; a models folder may be moved there.
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [name + digit for name in ("com", "lpt") for digit in "0123456789\N{SUPERSCRIPT ONE}"
       "\N{SUPERSCRIPT TWO}\N{SUPERSCRIPT THREE}"]
)  # fmt: skip
_MAX_NAME_BYTES = 240  # of 255 on most disks: `.part.json` and the like come on top
_MAX_PATH_BYTES = 1024


def from_name(name: str) -> str:
    """Return the quantization that a file's path names, as in Q4_K_M; empty when unknown."""
    for part in reversed(name.split("/")):
        if found := _QUANTIZATION.findall(part):
            quantization = str(found[-1]).upper()
            return _ALIASES.get(quantization, quantization)
    return ""


def sort_key(quantization: str) -> tuple[float, str]:
    """Order quantizations from the coarsest to the finest; unknown ones come last."""
    base = quantization.removeprefix("UD-")
    if base in _KNOWN:
        return _KNOWN[base][0], quantization
    digits = re.search(r"\d+", base)
    return float(digits[0]) if digits else 99.0, quantization


def quality(quantization: str) -> str:
    """Return in plain words what a quantization costs; empty when unknown."""
    if _REPACKED.fullmatch(quantization):
        return "a layout that the engine no longer opens; take Q4_0 instead"
    return _KNOWN.get(quantization.removeprefix("UD-"), (0, ""))[1]


def recommended(quantizations: Iterable[str]) -> str:
    """Return the one to suggest: Q4_K_M, or what comes nearest; empty when none is known."""
    offered = set(quantizations)
    return next((name for name in _BEST_FIRST if name in offered), "")


def is_safe_path(path: str) -> bool:
    """Say whether a hub's path may be made below a folder of ours, on every system."""
    if len(path.encode("utf-8", "surrogatepass")) > _MAX_PATH_BYTES:
        return False
    return all(_is_safe_name(name) for name in path.split("/"))


def _is_safe_name(name: str) -> bool:
    if not name.strip(".") or name != name.strip() or name.endswith("."):
        return False
    if name.partition(".")[0].rstrip().lower() in _DEVICES:
        return False
    # Controls, surrogates, and what turns the direction of text so that a name reads otherwise.
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") for letter in name):
        return False
    return not set(name) & set('\\:*?"<>|') and len(name.encode()) <= _MAX_NAME_BYTES


def models_of(files: Sequence[RemoteFile]) -> tuple[RemoteModel, ...]:
    """Return the models among a repository's files, smallest first.

    Parts become one model if all are there. What is no model (projectors, tokenizers), has an
    unsafe name or no content is left out, and of several names for the same content all but one.
    """
    singles: list[tuple[RemoteFile, ...]] = []
    parts: dict[tuple[str, int], dict[int, RemoteFile]] = defaultdict(dict)
    for file in files:
        if not file.size_bytes or not is_safe_path(file.path) or _NO_MODEL.search(file.name):
            continue
        if part := _PART.fullmatch(file.path):
            parts[part["stem"], int(part["count"])][int(part["number"])] = file
        elif file.name.lower().endswith(".gguf") or _is_legacy_ggml(file):
            singles.append((file,))
    whole = [
        tuple(found[number] for number in range(1, count + 1))
        for (_, count), found in parts.items()
        if found.keys() == set(range(1, count + 1))
    ]
    models: dict[tuple[str, ...], RemoteModel] = {}
    for group in (*singles, *whole):
        model = RemoteModel(from_name(group[0].path), group, _is_legacy_ggml(group[0]))
        # Without a hash from the hub nothing is known to be the same.
        content = tuple(file.sha256 or file.path for file in group)
        twin = models.get(content)
        # The longer name says more: Q4_K_M where the other says only Q4_K.
        if twin is None or len(twin.files[0].path) < len(group[0].path):
            models[content] = model
    return tuple(sorted(models.values(), key=_by_size))


def _by_size(model: RemoteModel) -> tuple[int, tuple[float, str], str]:
    return model.size_bytes, sort_key(model.quantization), model.files[0].path


def _is_legacy_ggml(file: RemoteFile) -> bool:
    name = file.name.lower()
    return name.endswith(".bin") and "ggml" in name

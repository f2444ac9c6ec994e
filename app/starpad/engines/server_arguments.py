"""What a llama-server is started with: the spec in the words of the version at hand.

llama-server's options change from month to month, and it refuses to start over one that it does
not know. So its own help is read first, and what the help does not name is left out.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from starpad.core.load_options import FlashAttention, KvType, Speculation, Weights
from starpad.engines.placement import LOG_LEVEL
from starpad.engines.spec import NGRAM_GUESSES, NGRAM_TOKENS, EngineSpec

GPU_BATCH_TOKENS = 512
KEY_VARIABLE = "LLAMA_API_KEY"
"""What llama-server reads its key from, since September 2024."""

Options = Mapping[str, str]
"""Every option that a version knows, and the part of its help that is about it."""

_NAMES = re.compile(r"--?\w[\w.-]*(?:,\s+--?\w[\w.-]*)*")
# No number chooses all of them for the versions that have no word for it.
_ALL_LAYERS = 999


def read_help(text: str) -> dict[str, str]:
    """Return the options that `llama-server --help` names, each with its whole entry."""
    options: dict[str, str] = {}
    names: list[str] = []
    for line in text.splitlines():
        if found := _NAMES.match(line):
            names = re.split(r",\s+", found[0])
            options |= dict.fromkeys(names, "")
        for name in names:
            options[name] += line + "\n"
    return {name: entry for name, entry in options.items() if "has been removed" not in entry}


def arguments(
    spec: EngineSpec, options: Options, *, port: int, has_gpu: bool, template: Path | None
) -> list[str]:
    """Return the arguments for a model; `template` is a file that holds its chat template.

    `has_gpu` says that this llama-server sees one. The key is none of them: a command line is
    everybody's to read. Raises ValueError, with a sentence, for what cannot be said.
    """
    words = [
        *("--model", str(spec.model), "--host", "127.0.0.1", "--port", str(port)),
        *("--ctx-size", str(spec.context_tokens * spec.slots), "--parallel", str(spec.slots)),
        *("--threads", str(spec.threads)),
    ]

    def add(name: str, *values: str) -> bool:
        """Add an option if this version knows it."""
        if is_known := name in options:
            words.extend((name, *values))
        return is_known

    add("--threads-batch", str(spec.prompt_threads or spec.threads))
    usual = GPU_BATCH_TOKENS if has_gpu and spec.gpu_layers else spec.processor_batch_tokens
    add("--batch-size", str(spec.batch_tokens or usual))
    add("--alias", spec.name.replace(",", " "))  # a comma would make two names of it
    add("--no-kv-unified")  # or one slot takes what the other needs
    add("--no-context-shift")
    if spec.kv_type is not KvType.F16:
        add("--cache-type-k", str(spec.kv_type))
        add("--cache-type-v", str(spec.kv_type))
    add("--cache-ram", str(spec.cache_ram_mib))
    if not spec.cache_ram_mib:
        add("--no-cache-idle-slots")
    words += _flash_attention(spec, options)
    words += _weights(spec, options)
    words += _gpu(spec, options, has_gpu=has_gpu)
    words += _lora(spec, options)
    words += _speculation(spec, options)
    add("--jinja")
    if template is not None:
        add("--chat-template-file", str(template))
    _ = add("--no-ui") or add("--no-webui")
    add("--offline")
    add("--check-tensors")  # weights that are no numbers would be generated with without a word
    add("--cors-origins", "")
    add("--no-cors-credentials")
    add("--log-prefix")
    add("--log-timestamps")
    if f"{LOG_LEVEL}: trace" in options.get("--log-verbosity", ""):
        add("--log-verbosity", str(LOG_LEVEL))
    return words


def _flash_attention(spec: EngineSpec, options: Options) -> list[str]:
    entry = options.get("--flash-attn")
    if entry is None:
        return []
    if "auto" in entry:
        return ["--flash-attn", str(spec.flash_attention)]
    # Until August 2025 it was a switch, and smaller values in the context could not do without.
    is_needed = spec.flash_attention is FlashAttention.AUTO and spec.kv_type is not KvType.F16
    return ["--flash-attn"] if is_needed or spec.flash_attention is FlashAttention.ON else []


def _weights(spec: EngineSpec, options: Options) -> list[str]:
    if "--load-mode" in options:
        modes = {Weights.READ: "none", Weights.MAPPED: "mmap", Weights.LOCKED: "mlock"}
        return ["--load-mode", modes[spec.weights]]
    wanted = {
        Weights.READ: ["--no-mmap"],
        Weights.MAPPED: ["--mmap"],
        Weights.LOCKED: ["--no-mmap", "--mlock"],
    }
    return [name for name in wanted[spec.weights] if name in options]


def _gpu(spec: EngineSpec, options: Options, *, has_gpu: bool) -> list[str]:
    words: list[str] = []
    name = "--n-gpu-layers"
    if spec.gpu_layers >= 0 and name in options:
        words += [name, str(spec.gpu_layers)]
    elif has_gpu and name in options and "auto" not in options[name]:
        words += [name, str(_ALL_LAYERS)]  # left alone, older versions use no GPU at all
    if not spec.gpu_layers:
        # Without layers there, a GPU would still read prompts, and take memory for it.
        words += ["--device", "none"] if "--device" in options else []
    elif spec.device and "--device" in options:
        words += ["--device", spec.device]
        words += ["--split-mode", "none"] if "--split-mode" in options else []
    if "--fit" in options and not (has_gpu and spec.gpu_layers):
        words += ["--fit", "off"]  # it would read the vocabulary a second time, for nothing
    return words


def _lora(spec: EngineSpec, options: Options) -> list[str]:
    name = "--lora-scaled"
    if not spec.lora or name not in options:
        return []
    if "FNAME:SCALE" not in options[name]:
        return [word for each in spec.lora for word in (name, str(each.path), f"{each.scale:g}")]
    odd = next((each.path.name for each in spec.lora if "," in str(each.path)), "")
    if odd:
        raise ValueError(f"llama-server takes no LoRA file with a comma in its path: rename {odd}")
    return [name, ",".join(f"{each.path}:{each.scale:g}" for each in spec.lora)]


def _speculation(spec: EngineSpec, options: Options) -> list[str]:
    kinds = options.get("--spec-type", "")
    if spec.speculation is Speculation.NGRAM:
        kind = next((kind for kind in ("ngram-map-k", "ngram-simple") if kind in kinds), "")
        sizes = (
            (f"--spec-{kind}-size-n", NGRAM_TOKENS),
            (f"--spec-{kind}-size-m", NGRAM_GUESSES),
        )
        words = [word for name, size in sizes if name in options for word in (name, str(size))]
        return ["--spec-type", kind, *words] if kind else []
    if spec.speculation is not Speculation.DRAFT or "--model-draft" not in options:
        return []
    words = ["--model-draft", spec.draft_model]
    words += ["--spec-type", "draft-simple"] if "draft-simple" in kinds else []
    if spec.gpu_layers >= 0 and "--n-gpu-layers-draft" in options:
        words += ["--n-gpu-layers-draft", str(_ALL_LAYERS if spec.gpu_layers else 0)]
    return words

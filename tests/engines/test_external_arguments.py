"""The spec in the words of llama-server's versions: those of today, of 2025, and too old ones."""

from dataclasses import replace
from pathlib import Path

import pytest

from external_server import llama_server
from starpad.core.load_options import FlashAttention, KvType, LoraAdapter, Speculation, Weights
from starpad.core.server_program import Query
from starpad.engines.server_arguments import arguments, read_help
from starpad.engines.server_devices import read_devices
from starpad.engines.spec import EngineSpec

SPEC = EngineSpec(Path("/models/m.gguf"), "Coder, small", 1024, 3, 4)
# In the words of early 2025: switches where today's options take a value.
OLD = read_help(
    """----- common params -----

-h,    --help, --usage                  print usage and exit
-tb,   --threads-batch N                number of threads to use during batch and prompt processing
-c,    --ctx-size N                     size of the prompt context (default: 4096)
-b,    --batch-size N                   logical maximum batch size (default: 2048)
-fa,   --flash-attn                     enable Flash Attention (default: disabled)
-ctk,  --cache-type-k TYPE              KV cache data type for K
-ctv,  --cache-type-v TYPE              KV cache data type for V
--mlock                                 force system to keep model in RAM
--no-mmap                               do not memory-map model
-dev,  --device <dev1,dev2,..>          comma-separated list of devices to use for offloading
--list-devices                          print list of available devices and exit
-ngl,  --gpu-layers, --n-gpu-layers N   number of layers to store in VRAM
                                        (env: LLAMA_ARG_N_GPU_LAYERS)
-sm,   --split-mode {none,layer,row}    how to split the model across multiple GPUs, one of:
--lora FNAME                            path to LoRA adapter (can be repeated)
--lora-scaled FNAME SCALE               path to LoRA adapter with user defined scaling (can be
                                        repeated to use multiple adapters)
-lv,   --verbosity, --log-verbosity N   Set the verbosity threshold.
-ngld, --gpu-layers-draft, --n-gpu-layers-draft N
                                        number of layers to store in VRAM for the draft model
-md,   --model-draft FNAME              draft model for speculative decoding (default: unused)
--no-webui                              Disable the Web UI (default: enabled)
-a,    --alias STRING                   set alias for model name (to be used by REST API)
--port PORT                             port to listen (default: 8080)
--api-key KEY                           API key to use for authentication (default: none)
                                        (env: LLAMA_API_KEY)
"""
)


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what a llama-server of October 2026 says of itself."""
    return read_help(Query(llama_server(tmp_path_factory.mktemp("new")), "--help").answer())


def said(spec: EngineSpec, options: dict[str, str], *, has_gpu: bool = False) -> str:
    return " ".join(arguments(spec, options, port=81, has_gpu=has_gpu, template=None)) + " "


def test_every_name_of_an_option_is_known_with_its_whole_entry(new: dict[str, str]) -> None:
    assert new["-fa"] == new["--flash-attn"]
    assert "LLAMA_ARG_FLASH_ATTN" in new["--flash-attn"]
    assert {"--no-ui", "--no-kv-unified", "--fim-qwen-1.5b-default"} <= set(new)
    assert "--draft-max" not in new, "it is named as removed"
    assert "--n-gpu-layers" in OLD


def test_nothing_is_said_that_a_version_does_not_know(new: dict[str, str]) -> None:
    everything = replace(
        SPEC, gpu_layers=9, kv_type=KvType.Q8_0, device="CUDA1", speculation=Speculation.DRAFT,
        draft_model="/d.gguf", lora=(LoraAdapter(Path("/l"), 0.5),), weights=Weights.LOCKED,
    )  # fmt: skip
    basic = {"--model", "--host", "--port", "--ctx-size", "--parallel", "--threads"}
    for options in (OLD, new):
        words = arguments(everything, options, port=81, has_gpu=True, template=Path("/t"))
        names = {word for word in words if word.startswith("--")}
        assert names - basic <= set(options)
        assert "--chat-template-file" in names or options is OLD


def test_the_context_is_for_every_slot_and_the_alias_stays_one(new: dict[str, str]) -> None:
    for options in (OLD, new):
        words = said(SPEC, options)
        assert "--ctx-size 2048 --parallel 2 --threads 3 --threads-batch 4 " in words
        assert "--host 127.0.0.1 --port 81 " in words
        assert "Coder  small" in words


def test_flash_attention_is_a_choice_today_and_was_a_switch(new: dict[str, str]) -> None:
    assert "--flash-attn auto " in said(SPEC, new)
    assert "--flash-attn off " in said(replace(SPEC, flash_attention=FlashAttention.OFF), new)
    assert "--flash-attn" not in said(SPEC, OLD)
    assert "--flash-attn" in said(replace(SPEC, flash_attention=FlashAttention.ON), OLD)
    assert "--flash-attn" in said(replace(SPEC, kv_type=KvType.Q4_0), OLD)


@pytest.mark.parametrize(
    ("weights", "today", "earlier"),
    [
        (Weights.READ, "--load-mode none ", "--no-mmap "),
        (Weights.MAPPED, "--load-mode mmap ", ""),
        (Weights.LOCKED, "--load-mode mlock ", "--no-mmap --mlock "),
    ],
)
def test_where_the_weights_are(
    new: dict[str, str], weights: Weights, today: str, earlier: str
) -> None:
    spec = replace(SPEC, weights=weights)
    assert today in said(spec, new)
    assert earlier in said(spec, OLD)
    assert ("mmap" in said(spec, OLD)) == (weights is not Weights.MAPPED)


def test_layers_are_left_to_the_engine_where_it_can_choose(new: dict[str, str]) -> None:
    assert "--n-gpu-layers" not in said(SPEC, new, has_gpu=True)
    assert "--fit" not in said(SPEC, new, has_gpu=True)
    assert "--n-gpu-layers 999 " in said(SPEC, OLD, has_gpu=True)
    assert "--n-gpu-layers" not in said(SPEC, OLD)
    assert "--fit off " in said(SPEC, new)


def test_no_layers_means_no_gpu_and_a_device_means_that_one(new: dict[str, str]) -> None:
    for options in (OLD, new):
        none = said(replace(SPEC, gpu_layers=0), options, has_gpu=True)
        assert "--n-gpu-layers 0 --device none " in none
        one = said(replace(SPEC, device="CUDA1", gpu_layers=20), options, has_gpu=True)
        assert "--n-gpu-layers 20 --device CUDA1 --split-mode none " in one


def test_a_gpu_reads_more_tokens_at_a_time(new: dict[str, str]) -> None:
    assert "--batch-size 128 " in said(SPEC, new)
    assert "--batch-size 512 " in said(SPEC, new, has_gpu=True)
    assert "--batch-size 128 " in said(replace(SPEC, gpu_layers=0), new, has_gpu=True)
    assert "--batch-size 99 " in said(replace(SPEC, batch_tokens=99), new, has_gpu=True)


def test_lora_files_with_their_scales(new: dict[str, str]) -> None:
    two = (LoraAdapter(Path("/a"), 1.0), LoraAdapter(Path("/b"), 0.25))
    assert "--lora-scaled /a:1,/b:0.25 " in said(replace(SPEC, lora=two), new)
    assert "--lora-scaled /a 1 --lora-scaled /b 0.25 " in said(replace(SPEC, lora=two), OLD)
    with pytest.raises(ValueError, match="comma"):
        said(replace(SPEC, lora=(LoraAdapter(Path("/a,b")),)), new)


def test_speculation_where_there_is_one(new: dict[str, str]) -> None:
    ngram = replace(SPEC, speculation=Speculation.NGRAM)
    assert "--spec-type ngram-" in said(ngram, new)
    assert "--spec-type" not in said(ngram, OLD)
    draft = replace(SPEC, speculation=Speculation.DRAFT, draft_model="/d.gguf", gpu_layers=0)
    assert "--model-draft /d.gguf --spec-type draft-simple --n-gpu-layers-draft 0 " in said(
        draft, new
    )
    assert "--model-draft /d.gguf --n-gpu-layers-draft 0 " in said(draft, OLD)


def test_the_log_says_what_went_where_and_only_where_that_takes_a_word(
    new: dict[str, str],
) -> None:
    assert "--log-verbosity 4 " in said(SPEC, new)
    assert "--log-verbosity" not in said(SPEC, OLD)


def test_devices_are_read_with_what_is_their_own_memory() -> None:
    listing = """ggml_cuda_init: found 1 CUDA devices:
Available devices:
  CUDA0: NVIDIA H100 80GB HBM3 (81106 MiB, 80600 MiB free)
  Vulkan0: Intel(R) UHD Graphics 770 (ADL-S GT1) (32000 MiB, 31000 MiB free)
  Vulkan1: llvmpipe (LLVM 15.0.6, 256 bits) (2048 MiB, 2048 MiB free)
  BLAS: OpenBLAS (0 MiB, 0 MiB free)
"""
    cuda, intel, software, blas = read_devices(listing)
    assert (cuda.name, cuda.description) == ("CUDA0", "NVIDIA H100 80GB HBM3")
    assert (cuda.memory_bytes >> 20, cuda.memory_free_bytes >> 20) == (81106, 80600)
    assert software.description == "llvmpipe (LLVM 15.0.6, 256 bits)"
    assert [device.is_gpu for device in (cuda, intel, software, blas)] == [True, True, True, False]
    assert (intel.memory_free_bytes, software.memory_free_bytes) == (0, 0)
    assert read_devices("Available devices:\n  (none)\n") == ()

"""Where a model is, read from logs as llama.cpp's versions write them."""

from starpad.core.engine_status import Placement
from starpad.engines.placement import PlacementReader

MIB = 1 << 20
NEW = """
0.00.054.295 I llama_model_loader: loaded meta data with 21 key-value pairs and 99 tensors
0.00.085.418 I print_info: n_layer               = 6
0.00.085.418 I print_info: n_layer_all           = 6
0.00.086.547 I load_tensors: offloading output layer to GPU
0.00.086.566 I load_tensors: offloading 2 repeating layers to GPU
0.00.086.567 I load_tensors: offloaded 3/7 layers to GPU
0.00.086.569 I load_tensors:      Vulkan0 model buffer size =     2.50 MiB
0.00.086.570 I load_tensors:  Vulkan_Host model buffer size =     4.13 MiB
0.00.094.774 I llama_context: Vulkan_Host  output buffer size =     0.06 MiB
0.00.094.833 I llama_kv_cache:    Vulkan0 KV buffer size =     3.00 MiB
""".splitlines()
LOADED = "0.00.603.492 I srv  llama_server: model loaded"


def placement(*lines: str) -> Placement:
    reader = PlacementReader()
    for line in lines:  # one by one, as a pipe may bring them
        reader.feed([line])
    return reader.placement


def test_layers_and_weights_are_counted_by_their_place() -> None:
    weights = (("Vulkan0", round(2.5 * MIB)), ("Vulkan_Host", round(4.13 * MIB)))
    assert placement(*NEW) == Placement(7, 3, weights)


def test_an_engine_without_a_gpu_says_only_how_many_layers_there_are() -> None:
    found = placement(
        "0.1 I llama_model_loader: loaded meta data with 21 key-value pairs",
        "0.1 I print_info: n_layer               = 40",
        "0.2 I load_tensors:          CPU model buffer size =  1000.00 MiB",
    )
    assert found == Placement(41, 0, (("CPU", 1000 * MIB),))


def test_the_words_of_older_versions_count_too() -> None:
    found = placement(
        "llm_load_tensors: offloaded 33/33 layers to GPU",
        "llm_load_tensors:        CPU buffer size =    70.31 MiB",
        "llm_load_tensors:      CUDA0 buffer size =  3577.56 MiB",
    )
    assert (found.layers, found.gpu_layers) == (33, 33)
    assert [name for name, _ in found.weights_bytes] == ["CPU", "CUDA0"]


def test_what_fitting_tried_first_does_not_count_twice() -> None:
    assert placement(*NEW, *NEW) == placement(*NEW)


def test_buffers_of_one_place_are_added() -> None:
    line = "load_tensors:   CPU_Mapped model buffer size =     1.00 MiB"
    assert placement(line, line).weights_bytes == (("CPU_Mapped", 2 * MIB),)


def test_a_draft_model_is_not_the_model() -> None:
    draft = ["0.6 I init_result: loading draft model '/d.gguf'", *NEW[:6]]
    draft.append("0.7 I load_tensors: offloaded 99/99 layers to GPU")
    assert placement(*NEW, *draft, LOADED) == placement(*NEW)


def test_nothing_after_the_load_counts() -> None:
    reader = PlacementReader()
    reader.feed(NEW)
    assert not reader.has_loaded.is_set()
    reader.feed([LOADED, "offloaded 9/9 layers to GPU"])
    assert reader.has_loaded.is_set()
    assert reader.placement.gpu_layers == 3


def test_a_log_that_says_nothing_places_nothing() -> None:
    assert placement("hello", "") == Placement()

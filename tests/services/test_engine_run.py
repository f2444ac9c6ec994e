"""What memory of a GPU counts for the next model."""

from pathlib import Path

from starpad.core.engine_status import Device, LoadedModel
from starpad.core.load_options import LoadOptions
from starpad.services.engine_run import gpu_free_for

MODEL = LoadedModel(
    Path("/m.gguf"), "m", "Q8_0", 4096, None, frozenset(), on_gpu=True, is_demo=False,
    devices=(
        Device("CUDA0", "one", True, 80, 70),
        Device("CUDA1", "another", True, 40, 30),
        Device("CPU", "processor", False, 16, 0),
    ),
    program="/mine",
)  # fmt: skip


def test_only_gpus_that_the_next_models_engine_sees_and_may_use_count() -> None:
    def free(*, layers: int = -1, device: str = "", program: str = "/mine") -> int:
        options = LoadOptions(Path("/n.gguf"), gpu_layers=layers, device=device, program=program)
        return gpu_free_for(options, MODEL)

    assert free() == 100
    assert free(device="CUDA1") == 30
    assert free(layers=0) == 0
    assert free(program="") == 0
    assert gpu_free_for(LoadOptions(Path("/n.gguf")), None) == 0

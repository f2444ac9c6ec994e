"""What travels between the app and the engine's process survives the way."""

from pathlib import Path

import pytest

from starpad.core.engine_status import Device
from starpad.core.load_options import KvType
from starpad.engines.spec import EngineReady, EngineSpec


def test_a_spec_is_one_line_and_comes_back_the_same() -> None:
    spec = EngineSpec(
        Path("/models/näme with\nbreak.gguf"),
        "a name",
        4096,
        2,
        4,
        port=8080,
        chat_template="{% x %}\n",
        kv_type=KvType.Q8_0,
    )
    line = spec.to_json()
    assert "\n" not in line
    assert EngineSpec.from_json(line.encode()) == spec


def test_an_answer_comes_back_the_same() -> None:
    ready = EngineReady(
        "http://127.0.0.1:1", "1.0", (Device("CPU", "a CPU", False, 1 << 40, 1 << 39),), True
    )
    assert EngineReady.from_json(ready.to_json()) == ready


@pytest.mark.parametrize("line", ["", "oops", "[]", "7", '{"event": "failed", "reason": "x"}'])
def test_anything_else_is_no_answer(line: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        EngineReady.from_json(line)

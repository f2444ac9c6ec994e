"""How a model file is talked to, from its name, its place and its own template."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gguf_files import STARCODER, gguf, write
from starpad.core import catalog, chat_format
from starpad.core.chat import ChatOptions, Role, Turn
from starpad.core.chat_format import EMBEDDED, ChatFormat
from starpad.core.engine_status import LoadedModel
from starpad.core.errors import ChatTemplateError, ModelFileError
from starpad.core.load_options import LoadOptions
from starpad.core.model_file import read_header
from starpad.engines.chat_choice import format_of
from starpad.engines.chat_prompt import ChatPrompter
from starpad.engines.converse import converse
from starpad.engines.process import new_log
from starpad.engines.session import Loaded, hold_model, prepare
from zero_model import Shape, write_zero_model

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


def format_in(folder: Path, template: str = "", name: str = "some.gguf") -> ChatFormat:
    metadata = {**STARCODER, **({"tokenizer.chat_template": template} if template else {})}
    return format_of(read_header(write(folder, gguf(metadata), name)))


def test_a_familys_file_is_known_by_its_name(tmp_path: Path) -> None:
    assert format_in(tmp_path, CHATML, "starchat2-15b-v0.1.Q4_0.gguf").id == "starchat2"
    assert format_in(tmp_path, CHATML, "starcoder2-3b-Q4_0.gguf").is_base


@pytest.mark.parametrize(
    "place",
    [
        "models--bartowski--starcoder2-15b-instruct-v0.1-GGUF/snapshots/0/x.gguf",
        "bartowski/starcoder2-15b-instruct-v0.1-GGUF/x.gguf",
    ],
)
def test_a_familys_file_is_known_by_its_place(tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    path.write_bytes(gguf())
    assert format_of(read_header(path)).id == "starcoder2-instruct"


def test_another_models_template_is_used_and_tried_out(tmp_path: Path) -> None:
    assert format_in(tmp_path, CHATML).id == EMBEDDED
    assert format_in(tmp_path, CHATML).has_system
    refusal = "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}"
    assert not format_in(tmp_path, refusal + CHATML).has_system


@pytest.mark.parametrize("template", ["{% bad", "{{ raise_exception('never') }}", ENDLESS])
def test_a_template_that_does_not_work_is_named_and_not_handed_on(
    tmp_path: Path, template: str
) -> None:
    found = format_in(tmp_path, template)
    assert "template" in found.problem
    assert found.template != template


def test_a_model_without_a_template_is_a_base_model(tmp_path: Path) -> None:
    assert format_in(tmp_path).is_base


def test_a_catalog_that_cannot_be_read_is_no_reason_not_to_chat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> tuple[()]:
        raise ModelFileError("broken")

    monkeypatch.setattr(catalog, "load", broken)
    assert format_in(tmp_path).is_base


def loaded(path: Path, *, long_preamble: bool = False) -> tuple[LoadedModel, str]:
    """Return a model as it was loaded, and why chat failed, empty if it did not."""

    async def main() -> tuple[LoadedModel, str]:
        ready: asyncio.Future[Loaded] = asyncio.get_running_loop().create_future()
        options = LoadOptions(path, 512, 1, gpu_layers=0, long_preamble=long_preamble)
        holding = asyncio.create_task(
            hold_model(prepare(options), new_log(), ready.set_result, lambda _: None)
        )
        first: set[asyncio.Future[Any]] = {holding, ready}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        model, problem = ready.result().model, ""
        try:
            await converse(
                ready.result().client,
                lambda _: None,
                prompter=ChatPrompter(model),
                conversation=1,
                turns=[Turn(Role.USER, "hello")],
                options=ChatOptions(max_tokens=2),
                model=model,
            )
        except ChatTemplateError as error:
            problem = error.message
        holding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await holding
        return model, problem

    return asyncio.run(main())


def test_a_loaded_model_of_another_family_chats_by_its_own_template(tmp_path: Path) -> None:
    model, problem = loaded(write_zero_model(tmp_path, Shape(), chat_template=CHATML))
    assert (model.chat.id, problem) == (EMBEDDED, "")
    assert model.eos_text == "<|endoftext|>"
    assert model.chat_stop_ids >= model.stop_ids


@pytest.mark.parametrize("template", ["{% bad", ENDLESS, "{{ messages[0].content | forceescape }}"])
def test_a_model_with_a_bad_template_is_loaded_and_chat_says_why_it_cannot(
    tmp_path: Path, template: str
) -> None:
    _, problem = loaded(write_zero_model(tmp_path, Shape(), chat_template=template))
    assert "template" in problem


def test_the_long_preamble_is_chosen_when_the_model_is_loaded(tmp_path: Path) -> None:
    path = write_zero_model(tmp_path, Shape())
    assert format_of(read_header(path), long_preamble=True).id == "tech-assistant-long"
    assert chat_format.own_format("tech-assistant-long").is_base


def test_the_demonstration_model_knows_where_its_answers_end(demo_model: Path) -> None:
    model, problem = loaded(demo_model)
    assert (problem, model.chat.problem) == ("", "")
    assert 0 in model.chat_stop_ids
    assert model.chat.stop_texts == ("### Instruction",)

"""Each family is talked to as it was trained; every other model as its file says."""

import pytest

from starpad.core import catalog
from starpad.core.catalog import Ability
from starpad.core.chat_format import EMBEDDED, FORMAT_IDS, choose_format, own_format

FILE_TEMPLATE = "{% for m in messages %}{{ m.content }}{% endfor %}"


@pytest.mark.parametrize(
    ("family", "format_id"),
    [
        ("starcoder2-15b-instruct-v0.1", "starcoder2-instruct"),
        ("starcoder2-7b-instruct", "techxgenus-instruct"),
        ("starchat2-15b-v0.1", "starchat2"),
        ("starchat-beta", "starchat"),
        ("wizardcoder-15b-v1.0", "wizardcoder"),
        ("octocoder", "octocoder"),
        ("starcoder2-3b", "tech-assistant-short"),
        ("tiny_starcoder_py", "tech-assistant-short"),
    ],
)
def test_a_known_family_gets_its_own_format_whatever_its_file_says(
    family: str, format_id: str
) -> None:
    assert choose_format(family, FILE_TEMPLATE).id == format_id


def test_every_family_of_the_catalog_that_can_chat_has_a_format_and_no_other() -> None:
    for family in catalog.load():
        can_chat = Ability.CHAT in family.abilities
        assert choose_format(family.id, "").is_base is not can_chat, family.id


def test_another_model_is_talked_to_as_its_file_says() -> None:
    chosen = choose_format("", FILE_TEMPLATE)
    assert (chosen.id, chosen.template, chosen.is_trusted) == (EMBEDDED, FILE_TEMPLATE, False)
    assert chosen.badge == ""


def test_headings_in_a_files_template_end_an_answer() -> None:
    assert choose_format("", "### Instruction\n{{ x }}").stop_texts == ("### Instruction",)


@pytest.mark.parametrize("template", ["", " \n"])
def test_a_model_without_a_template_is_a_base_model_and_says_what_to_expect(template: str) -> None:
    chosen = choose_format("", template)
    assert chosen.is_base
    assert "not trained to chat" in chosen.badge


def test_the_preamble_is_short_or_long() -> None:
    short, long = choose_format("", ""), choose_format("", "", long_preamble=True)
    assert (short.id, long.id) == ("tech-assistant-short", "tech-assistant-long")
    assert len(long.template) > 4 * len(short.template)


@pytest.mark.parametrize("format_id", FORMAT_IDS)
def test_every_format_has_a_template_and_stops(format_id: str) -> None:
    found = own_format(format_id)
    assert found.template
    assert found.label
    assert found.is_trusted
    assert "<|endoftext|>" in found.stop_tokens


def test_the_stops_are_those_that_the_families_need() -> None:
    stops = {one: own_format(one) for one in FORMAT_IDS}
    assert "<|end|>" in stops["starchat"].stop_tokens
    assert "<|im_end|>" in stops["starchat2"].stop_tokens
    assert stops["starcoder2-instruct"].stop_texts == ("### Instruction",)
    assert stops["wizardcoder"].stop_texts == ("### Instruction:",)
    assert stops["octocoder"].stop_texts == ("\nQuestion:",)
    assert stops["techxgenus-instruct"].stop_texts == ("### Instruction",)
    assert stops["tech-assistant-short"].stop_texts == ("\nHuman:", "-----")

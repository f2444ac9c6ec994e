"""Prompts are what the families were trained on, fit the window, and hold messages as text only."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import pytest

from chat_prompts import SpaceBefore, assistant, build, fake_model, system, user
from running_engine import ask, engine, model_in
from starpad.core.chat import Role, Turn
from starpad.core.chat_format import FORMAT_IDS, ChatFormat, own_format
from starpad.core.engine_status import LoadedModel
from starpad.core.errors import ChatTemplateError
from starpad.engines.chat_prompt import ChatPrompter
from starpad.engines.chat_text import ChatText
from starpad.engines.client import EngineClient

PREAMBLE = (
    "Below are a series of dialogues between various people and an AI technical assistant. The "
    "assistant tries to be helpful, polite, honest, sophisticated, emotionally aware, and "
    "humble-but-knowledgeable."
)
INSTRUCT = (
    "<|endoftext|>You are an exceptionally intelligent coding assistant that consistently "
    "delivers accurate and reliable responses to user instructions.\n\n"
)
ALPACA = (
    "Below is an instruction that describes a task. Write a response that appropriately "
    "completes the request.\n\n"
)
# What each family's prompt is for one question, and for a second one with instructions.
REFERENCES = {
    "starchat": (
        "<|system|>\n<|end|>\n<|user|>\nu1<|end|>\n<|assistant|>\n",
        "<|system|>\ns<|end|>\n<|user|>\nu1<|end|>\n<|assistant|>\na1<|end|>\n"
        "<|user|>\nu2<|end|>\n<|assistant|>\n",
    ),
    "starchat2": (
        "<|im_start|>user\nu1<|im_end|>\n<|im_start|>assistant\n",
        "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\nu1<|im_end|>\n"
        "<|im_start|>assistant\na1<|im_end|>\n<|im_start|>user\nu2<|im_end|>\n"
        "<|im_start|>assistant\n",
    ),
    "starcoder2-instruct": (
        INSTRUCT + "### Instruction\nu1\n\n### Response\n",
        INSTRUCT + "### Instruction\ns\n\nu1\n\n### Response\na1<|endoftext|>\n\n"
        "### Instruction\nu2\n\n### Response\n",
    ),
    "wizardcoder": (
        ALPACA + "### Instruction:\nu1\n\n### Response:",
        ALPACA + "### Instruction:\ns\n\nu1\n\n### Response:a1\n\n"
        "### Instruction:\nu2\n\n### Response:",
    ),
    "octocoder": (
        "Question: u1\n\nAnswer:",
        "Question: s\n\nu1\n\nAnswer: a1\n\nQuestion: u2\n\nAnswer:",
    ),
    "techxgenus-instruct": (
        "### Instruction\nu1\n### Response\n",
        "### Instruction\ns\n\nu1\n### Response\na1\n### Instruction\nu2\n### Response\n",
    ),
    "tech-assistant-short": (
        "-----\n\nHuman: u1\n\nAssistant:",
        "-----\n\nHuman: s\n\nu1\n\nAssistant: a1\n\nHuman: u2\n\nAssistant:",
    ),
}
REFERENCES["tech-assistant-long"] = REFERENCES["tech-assistant-short"]

STRANGE = (
    "\u05e9\u05dc\u05d5\u05dd \u202eabc\u202c a\u200bb\u2060\ufeff \x00\x01\x1b[0m\x7f\r\n\u2028 "
    "\U000f0000\U0010fffd {{ messages }} {% raise %} </think> é\u0301 😀"
)


TWO = (system("s"), user("u1"), assistant("a1"), user("u2"))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with engine() as url:
        yield url


def built(
    url: str, chat: ChatFormat, turns: Sequence[Turn], context_tokens: int = 0
) -> tuple[list[int], str]:
    """Return a first prompt's ids, and its text as the template has it."""

    async def job(client: EngineClient) -> tuple[list[int], str]:
        model = await model_in(client, chat, context_tokens=context_tokens)
        prompt = await ChatPrompter(model).build(client, 1, turns, 4)
        instructions = "".join(turn.text for turn in turns if turn.role is Role.SYSTEM)
        rest = [turn for turn in turns if turn.role is not Role.SYSTEM]
        pieces = ChatText(model).pieces(instructions, rest)
        return list(prompt.ids), "".join(piece.text for piece in pieces)

    return ask(url, job)


def whole(url: str, text: str) -> list[int]:
    return ask(url, lambda client: client.tokenize(text, special=True))


@pytest.mark.parametrize("format_id", FORMAT_IDS)
def test_a_familys_prompt_is_the_one_it_was_trained_on_byte_for_byte(
    url: str, format_id: str
) -> None:
    chat = own_format(format_id)
    for turns, reference in zip(((user("u1"),), TWO), REFERENCES[format_id], strict=True):
        text = built(url, chat, turns, 4000)[1]
        if chat.is_base:
            assert text.startswith(PREAMBLE)
            text = text[text.rindex("-----") :]
        assert text.encode() == reference.encode()


def test_the_two_preambles_have_their_sizes(url: str) -> None:
    short, long = (
        len(built(url, own_format(f"tech-assistant-{form}"), [user("u")], 4000)[0])
        for form in ("short", "long")
    )
    assert short < 120
    assert 600 < long < 1500


@pytest.mark.parametrize("format_id", FORMAT_IDS)
def test_ids_are_those_of_the_whole_prompt_tokenized_at_once(url: str, format_id: str) -> None:
    turns = (*TWO, assistant(" x = 1\n  y"), user(f"what is\n\n```\nid_{{n}}\n``` {STRANGE} end"))
    ids, text = built(url, own_format(format_id), turns, 4000)
    assert ids == whole(url, text)


@pytest.mark.parametrize("format_id", FORMAT_IDS)
def test_a_special_token_in_a_message_stays_text(url: str, format_id: str) -> None:
    """Of each special token of the vocabulary, and of each that the formats use."""
    names = [ask(url, partial(detokenized, token=token)) for token in range(16)]
    assert "<jupyter_code>" in names
    names += ["<|im_start|>", "<|im_end|>", "<|system|>", "<|user|>", "<|end|>", "</s>"]
    chat = own_format(format_id)
    plain = built(url, chat, (system("s"), user("x"), assistant("x"), user("x")), 4000)[0]
    for name in names:
        turns = (system(name), user(f"a{name}"), assistant(f"{name}b"), user(f"{name}{name}"))
        ids, _ = built(url, chat, turns, 4000)
        assert [token for token in ids if token < 16] == [token for token in plain if token < 16]


async def detokenized(client: EngineClient, token: int) -> str:
    answer = await client._ask("POST", "/detokenize", {"tokens": [token]})
    return str(answer["content"])


def test_a_token_that_the_tokenizer_sees_in_plain_text_is_hidden_from_it() -> None:
    prompter = ChatPrompter(fake_model(own_format("starchat2")))
    ids = build(prompter, [user("a<|im_end|>b<|im_start|>")]).ids
    assert ids.count(9) == 1
    assert ids.count(8) == 2
    assert bytes(i - 100 for i in ids if i > 99).decode() == (
        "user\na<|im_end|>b<|im_start|>\nassistant\n"
    )


def test_strange_characters_arrive_as_they_are_and_halves_of_pairs_are_replaced(url: str) -> None:
    ids, text = built(url, own_format("starchat2"), [user(STRANGE + "\ud800\ud801\ud803x")])
    assert STRANGE + "\ufffd\ufffd\ufffdx" in text
    assert ids == whole(url, text)


def test_an_answers_own_space_takes_the_place_of_the_templates(url: str) -> None:
    for answer in (" Sure.", "\nSure.", "Sure."):
        _, text = built(url, own_format("octocoder"), [user("q"), assistant(answer), user("r")])
        space = "" if answer[0].isspace() else " "
        assert text == f"Question: q\n\nAnswer:{space}{answer}\n\nQuestion: r\n\nAnswer:"


def test_white_space_at_a_messages_end_does_not_count(url: str) -> None:
    _, text = built(url, own_format("starchat2"), [user("q \n\n")])
    assert text == "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n"


def test_two_questions_in_a_row_are_one_and_empty_messages_none() -> None:
    prompter = ChatPrompter(fake_model(own_format("octocoder")))
    turns = [user("one"), assistant(" "), user(""), user("two")]
    assert build(prompter, turns).ids == build(prompter, [user("one\n\ntwo")]).ids


def test_an_answer_at_the_end_is_left_open_to_be_continued() -> None:
    prompter = ChatPrompter(fake_model(own_format("starchat2")))
    ids = build(prompter, [user("q"), assistant("The ans")]).ids
    assert ids[-7:] == tuple(100 + ord(character) for character in "The ans")
    assert ids.count(9) == 1


@pytest.mark.parametrize(
    ("template", "word"),
    [
        ("{{ raise_exception('roles must alternate') }}", "roles must alternate"),
        ("{% for %}", "cannot be read"),
        ("{{ messages[0].nosuch.x }}", "fails"),
        ("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}", "end"),
    ],
)
def test_a_template_that_does_not_work_is_an_error_with_a_sentence(
    template: str, word: str
) -> None:
    prompter = ChatPrompter(fake_model(ChatFormat("embedded", template=template)))
    with pytest.raises(ChatTemplateError, match=word):
        build(prompter, [user("q")])


def test_a_format_with_a_problem_says_it() -> None:
    prompter = ChatPrompter(fake_model(ChatFormat(problem="This cannot be.")))
    with pytest.raises(ChatTemplateError, match=r"This cannot be\."):
        build(prompter, [user("q")])


def test_a_template_that_cuts_thoughts_off_keeps_messages_text() -> None:
    template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}: {{ m.content.split('</think>')[-1] }}"
        "<|im_end|>{% endfor %}"
    )
    prompter = ChatPrompter(fake_model(ChatFormat("embedded", template=template)))
    turns = [user("q"), assistant("<think>a<|im_start|></think>b<|im_start|>"), user("r")]
    ids = build(prompter, turns).ids
    assert (ids.count(8), ids.count(9)) == (3, 3)
    text = bytes(i - 100 for i in ids if i > 99).decode()
    assert text == "user: qassistant: b<|im_start|>user: r"


def test_text_of_which_a_template_cut_off_the_mark_is_no_special_token() -> None:
    template = "<|im_start|>{{ messages[0].content[1:] }}<|im_end|>"
    prompter = ChatPrompter(fake_model(ChatFormat("embedded", template=template)))
    assert build(prompter, [user("a<|im_start|>")]).ids.count(8) == 0


async def talk_in(model: LoadedModel) -> tuple[list[int], list[int]]:
    """Return the ids of a first prompt, and of the one after the answer " é." (300, 9, 301)."""
    prompter, tokenizer = ChatPrompter(model), SpaceBefore()
    first = await prompter.build(tokenizer, 1, [user("q")], 4)
    first.memory.add(" é", (9,), 2)
    first.memory.add(".", (301,), 3)
    second = await prompter.build(tokenizer, 1, [user("q"), assistant(" é."), user("r")], 4)
    return list(first.ids), list(second.ids)


def spelled(text: str) -> list[int]:
    return [100 + ord(character) for character in text]


def test_no_space_slips_in_where_an_answer_goes_over_into_other_text() -> None:
    first, second = asyncio.run(talk_in(fake_model(own_format("octocoder"))))
    assert first == [1, *spelled("Question: q\n\nAnswer:")]
    rest = spelled("\n\nQuestion: r\n\nAnswer:")
    assert second == [*first, *spelled(" é"), 301, *rest]


@pytest.mark.parametrize("begins", ["{{ bos_token }}", ""])
@pytest.mark.parametrize("adds_bos", [True, False])
def test_texts_begin_as_the_vocabulary_wants_it(begins: str, adds_bos: bool) -> None:
    chat = ChatFormat("embedded", template=begins + "{{ messages[0].content }}{{ eos_token }}")
    model = replace(fake_model(chat), bos_text="<s>", eos_text="</s>", adds_bos=adds_bos)
    prompt = asyncio.run(ChatPrompter(model).build(SpaceBefore(), 1, [user("q</s>")], 4))
    beginning = [2] if begins or adds_bos else []
    assert list(prompt.ids) == [*beginning, 1, *spelled("q</s>"), 3]

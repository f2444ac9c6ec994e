"""Templates render as they do for Hugging Face and llama.cpp, and none can do harm."""

import httpx2
import pytest

from running_engine import DEMO, KEY, engine
from starpad.core.chat_format import FORMAT_IDS, own_format
from starpad.core.errors import ChatTemplateError
from starpad.engines.chat_template import ChatTemplate, Message, takes_system_message


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def assistant(text: str) -> Message:
    return {"role": "assistant", "content": text}


def system(text: str) -> Message:
    return {"role": "system", "content": text}


CONVERSATIONS = [
    [user("hi")],
    [user(" a\n"), assistant(' b "x" \\n \''), user("c\n\n\u05d0\u200b{{ d }} {% e %}")],
    [system("Be brief."), user("hi")],
    [system("s"), user("u1"), assistant("a1"), user("u2"), assistant("a2"), user("u3")],
]


def render(source: str, *messages: Message) -> str:
    return ChatTemplate(source, "<s>", "</s>").render(messages, add_generation_prompt=True)


@pytest.mark.parametrize("format_id", FORMAT_IDS)
def test_llama_cpp_writes_the_same_for_other_programs(format_id: str) -> None:
    template = own_format(format_id).template
    with engine(DEMO.__class__(DEMO.model, "demo", 256, 1, chat_template=template)) as url:
        for conversation in CONVERSATIONS:
            if format_id == "starcoder2-instruct" and conversation[0]["role"] == "system":
                continue  # refused by the template; llama.cpp then moves it into the question
            theirs = httpx2.post(
                f"{url}/apply-template", json={"messages": conversation}, trust_env=False,
                headers={"Authorization": f"Bearer {KEY}"},
            )  # fmt: skip
            assert theirs.json()["prompt"] == render(template, *conversation)


def test_a_system_role_is_refused_where_the_original_refuses_it() -> None:
    template = own_format("starcoder2-instruct").template
    with pytest.raises(ChatTemplateError, match="refuses this conversation: This model knows no"):
        render(template, system("s"), user("u"))


def test_whether_a_template_takes_a_system_message_is_found_out() -> None:
    assert takes_system_message(ChatTemplate(own_format("starchat2").template))
    assert not takes_system_message(ChatTemplate(own_format("starcoder2-instruct").template))
    silent = "{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}"
    assert not takes_system_message(ChatTemplate(silent))


@pytest.mark.parametrize(
    "source",
    ["{% bad", "{{ x | nosuch }}", "{% for %}", "{% include 'x' %}{{", "{{ 'a' is odd_ }}"],
)
def test_what_is_no_jinja_is_said_to_be_unreadable(source: str) -> None:
    with pytest.raises(ChatTemplateError, match="cannot be read") as caught:
        ChatTemplate(source)
    assert "another model" in caught.value.hint


@pytest.mark.parametrize(
    "source",
    [
        "{{ messages[0].content.nosuch.deeper }}",
        "{{ 1 / 0 }}",
        "{{ messages[0].content + 1 }}",
        "{{ messages[7].content.upper() }}",
        "{% include 'other' %}",
        "{{ tools[0].function.name }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{% set _ = messages.clear() %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    ],
)
def test_what_a_template_cannot_do_is_one_error(source: str) -> None:
    with pytest.raises(ChatTemplateError, match="fails"):
        render(source, user("hi"))


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
        "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(90) }}",
        "{{ 'x' * 9999999999 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '%9999999999d' % 1 }}",
        "{% for a in range(50000) %}{{ 'x' * 10000 }}{% endfor %}",
    ],
)
def test_a_template_without_end_is_ended(source: str) -> None:
    with pytest.raises(ChatTemplateError):
        render(source, user("hi"))


def test_a_template_has_what_the_hub_gives_it() -> None:
    assert (
        render("{{ bos_token }}{{ messages[0].content }}{{ eos_token }}", user("é")) == "<s>é</s>"
    )
    assert render("{{ messages[0] | tojson }}", user("<é>")) == '{"role": "user", "content": "<é>"}'
    assert len(render("{{ strftime_now('%Y') }}", user(""))) == 4
    assert render("{% generation %}a{% endgeneration %}", user("")) == "a"
    loop = "{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}"
    assert render(loop, user("")) == "01"
    assert render("{{ 7 % 4 }}{{ 'ab' * 2 }}{{ 2 * 3 }}", user("")) == "3abab6"


def test_one_template_can_be_used_many_times() -> None:
    template = ChatTemplate("{% for i in range(90000) %}{% endfor %}ok")
    for _ in range(5):
        assert template.render([user("")], add_generation_prompt=True) == "ok"

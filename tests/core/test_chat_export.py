"""An exported conversation: to be read by people and by programs, whatever was said in it."""

import json
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from starpad.core.chat import (
    AnswerFigures,
    ChatOptions,
    Conversation,
    Message,
    MessageState,
    Role,
)
from starpad.core.chat_export import file_name, from_json, to_json, to_markdown
from starpad.core.errors import FileError
from starpad.core.sampling import Sampling

CONVERSATION = Conversation(3, "Loops in Python", 1_700_000_000.0, 1_700_000_060.0, 2)
QUESTION = Message(1, None, Role.USER, "What is a loop?", created_at=1_700_000_000.0)
ANSWER = Message(
    2,
    1,
    Role.ASSISTANT,
    "It *repeats*:\n\n```python\nwhile True:\n    pass\n```",
    model="starcoder2-3b_Q4",
    figures=AnswerFigures(tokens=12, tokens_per_second=7.5, stop_reason="eos"),
)


def _answer(text: str, **values: object) -> Message:
    return Message(2, 1, Role.ASSISTANT, text, **values)  # type: ignore[arg-type]


def test_markdown_says_who_speaks_and_keeps_an_answers_own_markdown() -> None:
    assert to_markdown(CONVERSATION, (QUESTION, ANSWER)) == (
        "# Loops in Python\n\n"
        "*Started 2023-11-14 22:13 UTC.*\n\n"
        "## You\n\nWhat is a loop?\n\n"
        "## Answer (starcoder2-3b\\_Q4)\n\n"
        "It *repeats*:\n\n```python\nwhile True:\n    pass\n```\n"
    )


def test_markdown_tells_the_instructions() -> None:
    options = ChatOptions(system_prompt="Be brief.\n")
    text = to_markdown(replace(CONVERSATION, options=options), (QUESTION,))
    assert "\n\n## Instructions\n\nBe brief.\n\n## You\n\n" in text


def test_markdown_tells_why_an_answer_ended_early() -> None:
    failed = _answer("", state=MessageState.FAILED, problem="No <memory> left.")
    assert to_markdown(CONVERSATION, (failed,)).endswith(
        "## Answer\n\n*Failed. No \\<memory\\> left.*\n"
    )
    for state in (MessageState.STOPPED, MessageState.CUT, MessageState.STREAMING):
        assert to_markdown(CONVERSATION, (_answer("a", state=state),)).endswith(".*\n")


def test_a_title_is_one_line_that_means_nothing_to_markdown() -> None:
    text = to_markdown(replace(CONVERSATION, title="*a*\n# <b>\u202e"), ())
    assert text.startswith("# \\*a\\* \\# \\<b\\>\n")
    assert to_markdown(replace(CONVERSATION, title=""), ()).startswith("# Conversation\n")


@pytest.mark.parametrize("created_at", [1e300, -1e300, float("nan"), float("inf")])
def test_a_date_that_there_is_not_is_left_out(created_at: float) -> None:
    text = to_markdown(replace(CONVERSATION, created_at=created_at), (QUESTION,))
    assert "Started" not in text
    assert text.endswith("What is a loop?\n")


def test_markdown_can_be_written_as_utf_8_and_has_one_kind_of_line_end() -> None:
    text = to_markdown(CONVERSATION, (_answer("a\ud800b\r\nc\rd\U0001f600"),))
    assert text.encode().decode().endswith("a\ufffdb\nc\nd\U0001f600\n")


@pytest.mark.parametrize(
    "answer",
    [
        "See:\n\n1. One:\n   ```sh\n   ls\n   ```\n2. Two",
        "````md\n```\n````\n\n~~~\n```\n~~~",
        "> ```\n> a\n\n- use `a<b`\n- x < y",
        "Use ``` to fence `code`",
    ],
)
def test_an_ordinary_answer_is_not_quoted(answer: str) -> None:
    assert f"\n\n{answer}\n" in to_markdown(CONVERSATION, (_answer(answer),))


def test_an_answer_with_an_open_fence_is_quoted() -> None:
    text = to_markdown(CONVERSATION, (_answer("Code:\n\n```python\nx = 1"), QUESTION))
    assert "## Answer\n\n> Code:\n>\n> ```python\n> x = 1\n\n## You\n\nWhat" in text


_FENCES = ("```", "````", "~~~", "```py", "``` `x`", "```\xa0", "~~~ `", "~~~~  ")
_STARTS = ("", " ", "  ", "   ", "    ", "\t", "- ", "1. ", "> ", "  - ", ">", "-   ", "- - ", "* ")
_WORDS = ("a", "", "<!--", "-->", "<script>", "</pre>", "<pre>", "<div>", "<?", "<a b>", "***", "=")
_LINES = st.tuples(st.sampled_from(_STARTS), st.sampled_from(_FENCES + _WORDS)).map("".join)


@given(st.lists(st.lists(_LINES, max_size=7).map("\n".join), min_size=1, max_size=3))
def test_no_message_swallows_the_heading_of_the_next(texts: list[str]) -> None:
    path = [replace(_answer(text), model=f"m{n}") for n, text in enumerate(texts)]
    tokens = MarkdownIt("commonmark").parse(to_markdown(CONVERSATION, path))
    headings = [
        inline.content
        for before, inline in pairwise(tokens)
        if (before.type, before.level) == ("heading_open", 0)
    ]
    for n in range(len(texts)):
        assert f"Answer (m{n})" in headings


# Any text of Python's, halves of characters too.
_TEXTS = st.text(st.characters(), max_size=20) | st.just("\ud800 \udfff")
_FIGURES = st.builds(AnswerFigures, tokens=st.integers(0), stop_reason=_TEXTS)
_MESSAGES = st.builds(
    Message,
    id=st.integers(1),
    parent=st.none() | st.integers(1),
    role=st.sampled_from(Role),
    text=_TEXTS,
    state=st.sampled_from(MessageState),
    created_at=st.floats(0, 1e12),
    model=_TEXTS,
    figures=st.none() | _FIGURES,
    problem=_TEXTS,
)
_OPTIONS = st.builds(
    ChatOptions,
    system_prompt=_TEXTS,
    max_tokens=st.integers(1, 1 << 20),
    sampling=st.builds(Sampling, temperature=st.floats(0, 2), seed=st.integers(-1, 2**31 - 1)),
    preset=_TEXTS,
)
_CONVERSATIONS = st.builds(
    Conversation,
    id=st.integers(1),
    title=_TEXTS,
    created_at=st.floats(0, 1e12),
    updated_at=st.floats(0, 1e12),
    leaf=st.none() | st.integers(1),
    options=_OPTIONS,
)


@given(_CONVERSATIONS, st.lists(_MESSAGES, unique_by=lambda each: each.id, max_size=4))
def test_json_is_ascii_and_read_back_equal(
    conversation: Conversation, messages: list[Message]
) -> None:
    text = to_json(conversation, messages)
    assert text.isascii()
    by_id = tuple(sorted(messages, key=lambda each: each.id))
    assert from_json(text) == (conversation, by_id)


def test_json_has_the_documented_shape() -> None:
    content = json.loads(to_json(CONVERSATION, (ANSWER, QUESTION)))
    assert list(content) == ["format", "version", "conversation", "messages"]
    assert (content["format"], content["version"]) == ("starpad-conversation", 1)
    assert content["conversation"]["leaf"] == 2
    assert content["conversation"]["options"]["sampling"]["top_k"] == 40
    question, answer = content["messages"]
    assert (question["role"], question["parent"], question["figures"]) == ("user", None, None)
    assert (answer["role"], answer["parent"], answer["state"]) == ("assistant", 1, "complete")
    assert answer["figures"]["tokens_per_second"] == 7.5


def _changed(**values: object) -> str:
    return json.dumps(json.loads(to_json(CONVERSATION, (QUESTION,))) | values)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        "{}",
        '"' + "\\",
        "[" * 100_000,
        _changed(version=2),
        _changed(format="other"),
        _changed(conversation=None),
        _changed(conversation={"id": 1}),
        _changed(messages=7),
        _changed(messages=[{"id": 1}]),
        _changed(messages=[asdict(QUESTION) | {"role": "robot"}]),
        _changed(messages=[asdict(QUESTION) | {"figures": 7}]),
        _changed(messages=[asdict(QUESTION) | {"more": 7}]),
    ],
)
def test_json_of_another_making_is_refused(text: str) -> None:
    with pytest.raises(FileError, match="not a conversation"):
        from_json(text)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Loops in Python", "Loops in Python.md"),
        ("a/b\\c: d?", "a b c d.md"),
        ("", "Conversation.md"),
        (" ... ", "Conversation.md"),
        ("..\\..\\etc", "etc.md"),
        (".hidden", "hidden.md"),
        ("What is this...", "What is this.md"),
        ("con", "Conversation con.md"),
        ("Com1.txt", "Conversation Com1.txt.md"),
        ("LPT²", "Conversation LPT².md"),
        ("console", "console.md"),
        ("a\n\tb\x00c\x7f", "a bc.md"),
        ("\u202egpj\u200b\ufeff.exe\ud800", "gpj.exe.md"),
        ("Bug 🐛 é", "Bug 🐛 é.md"),
        ("e\u0301", "é.md"),
    ],
)
def test_a_title_becomes_a_file_name_that_every_system_takes(title: str, expected: str) -> None:
    assert file_name(title, ".md") == expected


@given(st.text(st.characters(), max_size=300) | st.text("🐛.", min_size=70, max_size=90))
def test_any_title_gives_a_file_that_can_be_made(title: str) -> None:
    name = file_name(title, ".json")
    assert len(name.encode()) <= 205
    assert Path(name).name == name
    assert name.removesuffix(".json") == name.removesuffix(".json").strip(" .")

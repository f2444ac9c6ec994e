"""The conversation on screen: streamed as at once, safe to read, select and scroll meanwhile."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QGuiApplication, QTextCursor, QTextDocument
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from starpad.core.chat import AnswerFigures, Entry, Message, MessageState, Role
from starpad.core.settings import ThemeChoice
from starpad.services.highlighting import HighlightService
from starpad.ui.chat.transcript import Transcript
from starpad.ui.chat.transcript_writer import SHOWN_CHARACTERS
from starpad.ui.theme import Theme

ANSWER = """Here is **how** it `works`:

1. Open the file
   - read it
   - close it
2. Count

```python
def count(path: str) -> int:
    \"\"\"Count lines.\"\"\"

    with open(path) as file:
        return sum(1 for _ in file)


```

> Mind the encoding.

| call | result |
|------|--------|
| `count("a")` | 3 |

### Next

See [the manual](https://example.com/manual) and
~~this~~ that.

---

```
plain
"""


@pytest.fixture(scope="module")
def highlighting(qapp: QApplication) -> Iterator[HighlightService]:
    service = HighlightService()
    yield service
    service.shutdown()


@pytest.fixture(scope="module")
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp)


@pytest.fixture
def transcript(qtbot: QtBot, highlighting: HighlightService, theme: Theme) -> Transcript:
    view = Transcript(highlighting, theme)
    qtbot.addWidget(view)
    view.resize(480, 400)
    view.show()
    return view


def _question(text: str = "How?", number: int = 1) -> Entry:
    return Entry(Message(number, number - 1 or None, Role.USER, text))


def _answer(text: str, state: MessageState = MessageState.COMPLETE, number: int = 2) -> Entry:
    return Entry(Message(number, number - 1, Role.ASSISTANT, text, state, model="Coder"))


def _stream(
    transcript: Transcript, text: str, step: int, before: tuple[Entry, ...] = (), start: int = 0
) -> None:
    """Show an answer that grows from `start` characters on, then its end."""
    for at in range(start + step, len(text) + step, step):
        transcript.show_entries([*before, _answer(text[:at], MessageState.STREAMING)])
        transcript.finish()
    transcript.show_entries([*before, _answer(text.rstrip())])
    transcript.finish()


def _at_once(transcript: Transcript, text: str, before: tuple[Entry, ...] = ()) -> str:
    transcript.show_entries([])
    transcript.show_entries([*before, _answer(text.rstrip())])
    transcript.finish()
    return transcript.toHtml()


@pytest.mark.parametrize("step", [1, 7, 64])
def test_a_streamed_answer_ends_as_one_that_is_shown_at_once(
    transcript: Transcript, step: int
) -> None:
    before = (_question("Please\n\n```c\nint x;\n```\nthis __init__"),)
    _stream(transcript, ANSWER, step, before)
    streamed = transcript.toHtml()
    assert streamed == _at_once(transcript, ANSWER, before)
    assert "count" in streamed


_TEXTS = st.lists(
    st.sampled_from(
        ["```\n", "```py\n", "word ", "- a\n", "\n", "\n\n", "**b** ", "# h\n", "| a | b |\n",
         "|---|---|\n", "1. x\n", "> q\n", "    y\n", "\u2029", "\u2028", "\ufdd0", "\x00", "\r\n",
         "\x1b[31m", "שלום ", "\u202e", "\u200b", "\U0001f600", "<img src=x>",
         "![i](file:///etc/passwd)"]
    ),
    max_size=30,
)  # fmt: skip


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parts=_TEXTS, step=st.integers(1, 20))
def test_so_does_any_text(transcript: Transcript, parts: list[str], step: int) -> None:
    text = "x" + "".join(parts)
    transcript.show_entries([])
    _stream(transcript, text, step)
    streamed = transcript.toHtml()
    assert streamed == _at_once(transcript, text)
    assert "<img" not in streamed


def test_what_is_settled_is_not_touched_again(transcript: Transcript) -> None:
    changed: list[int] = []
    text = "one\n\ntwo\n\nthree four\n\nfive"
    transcript.show_entries([_question(), _answer(text[:14], MessageState.STREAMING)])
    transcript.finish()
    settled = transcript.document().toRawText().index("two")
    transcript.document().contentsChange.connect(lambda at, _removed, _added: changed.append(at))
    _stream(transcript, text, 3, (_question(),), start=14)
    assert min(changed) >= settled - 1


def test_only_the_end_is_written_anew_for_another_branch(transcript: Transcript) -> None:
    first = [_question(), _answer("one"), _question("more", 3)]
    transcript.show_entries([*first, _answer("two", number=4)])
    transcript.finish()
    changed: list[int] = []
    transcript.document().contentsChange.connect(lambda at, _removed, _added: changed.append(at))
    start = transcript.document().toRawText().index("two")
    transcript.show_entries([*first, _answer("another", number=5)])
    transcript.finish()
    text = transcript.toPlainText()
    assert "another" in text
    assert "two" not in text
    assert min(changed) > start - 20


def _select(transcript: Transcript, text: str) -> None:
    cursor = transcript.document().find(text)
    assert not cursor.isNull()
    transcript.setTextCursor(cursor)


@pytest.mark.parametrize("text", ["settled", "open"])
def test_a_selection_survives_streaming(transcript: Transcript, text: str) -> None:
    transcript.show_entries([_answer("settled\n\nopen", MessageState.STREAMING)])
    transcript.finish()
    _select(transcript, text)
    transcript.show_entries([_answer("settled\n\nopen and more", MessageState.STREAMING)])
    transcript.finish()
    assert transcript.textCursor().selectedText() == text


def test_the_end_stays_in_view_until_the_reader_scrolls_up(transcript: Transcript) -> None:
    bar = transcript.verticalScrollBar()
    long = "line\n\n" * 60
    transcript.show_entries([_answer(long, MessageState.STREAMING)])
    transcript.finish()
    assert bar.value() == bar.maximum() > 0
    long += "more\n\n" * 20
    transcript.show_entries([_answer(long, MessageState.STREAMING)])
    transcript.finish()
    assert bar.value() == bar.maximum()
    bar.setValue(100)
    transcript.show_entries([_answer(long + "and more\n\n" * 20, MessageState.STREAMING)])
    transcript.finish()
    assert bar.value() == 100


def test_nothing_is_loaded_and_no_html_is_executed(transcript: Transcript) -> None:
    evil = (
        "<b>bold</b> <script>x</script> <img src='http://127.0.0.1:9/a.png'>\n\n"
        "![picture](http://127.0.0.1:9/b.png) [click](javascript:alert(1)) [file](file:///etc)\n\n"
        "<style>body{background:url(http://127.0.0.1:9/c)}</style>"
    )
    transcript.show_entries([_answer(evil)])
    transcript.finish()
    text, html = transcript.toPlainText(), transcript.toHtml()
    assert "<b>bold</b> <script>x</script>" in text
    assert "[picture]" in text
    assert "<img" not in html
    anchors = re.findall(r'href="([^"]+)"', html)
    assert [a for a in anchors if not a.startswith("message:")] == ["http://127.0.0.1:9/b.png"]
    kind = QTextDocument.ResourceType.ImageResource.value
    assert transcript.loadResource(kind, QUrl("http://127.0.0.1:9/b.png")) is None


def _click(qtbot: QtBot, transcript: Transcript, text: str) -> None:
    """Click on the last place where a text stands."""
    cursor = QTextCursor(transcript.document())
    cursor.movePosition(QTextCursor.MoveOperation.End)
    found = transcript.document().find(text, cursor, QTextDocument.FindFlag.FindBackward)
    assert not found.isNull(), text
    found.setPosition(found.selectionStart())
    transcript.setTextCursor(found)
    transcript.ensureCursorVisible()
    place = transcript.cursorRect(found).center() + QPoint(3, 0)
    qtbot.mouseClick(transcript.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_a_click_on_a_link_asks_and_opens_nothing(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.show_entries([_answer("[manual](https://example.com/a?b=c)")])
    transcript.finish()
    with qtbot.waitSignal(transcript.link_clicked) as signal:
        _click(qtbot, transcript, "manual")
    assert signal.args == ["https://example.com/a?b=c"]


@pytest.mark.parametrize(
    ("label", "action", "message"),
    [
        ("Edit", "edit", 2),
        ("Regenerate", "regenerate", 2),
        ("Delete", "delete", 2),
        ("▸", "next", 2),
    ],
)
def test_what_can_be_done_with_a_message_is_asked_for_by_a_click(
    qtbot: QtBot, transcript: Transcript, label: str, action: str, message: int
) -> None:
    answer = replace(_answer("text"), alternative=1, alternatives=2)
    transcript.show_entries([_question(), answer])
    transcript.finish()
    with qtbot.waitSignal(transcript.message_action) as signal:
        _click(qtbot, transcript, label)
    assert signal.args == [action, message]


@pytest.mark.parametrize(
    ("state", "label"),
    [
        (MessageState.CUT, "Continue"),
        (MessageState.STOPPED, "Continue"),
        (MessageState.FAILED, "Retry"),
    ],
)
def test_an_unfinished_answer_can_be_gone_on_with(
    transcript: Transcript, state: MessageState, label: str
) -> None:
    figures = AnswerFigures(tokens=12, tokens_per_second=34.56, time_to_first_token_ms=78.9)
    message = Message(
        2, 1, Role.ASSISTANT, "text", state, figures=figures, problem="The engine stopped."
    )
    transcript.show_entries([_question(), Entry(message, is_last=True)])
    transcript.finish()
    text = transcript.toPlainText()
    assert label in text
    assert "12 tokens · 35 tokens/s · first token after 79 ms" in text


def test_the_code_of_a_block_is_handed_out_as_it_was_written(
    qtbot: QtBot, transcript: Transcript
) -> None:
    transcript.show_entries([_answer("a\n\n```py\nx = 1\n\n\ty\n```\n\n~~~\nsecond\n~~~\nb")])
    transcript.finish()
    with qtbot.waitSignal(transcript.code_action) as signal:
        _click(qtbot, transcript, "Insert")
    action, code = signal.args
    assert (action, code.text, code.language) == ("insert", "second\n", "")
    assert [code.text for code in transcript.codes] == ["x = 1\n\n\ty\n", "second\n"]


def test_code_gets_its_colors_from_the_highlighter(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.show_entries([_answer("```python\ndef f():\n    return 'x'\n```")])
    transcript.finish()
    block = transcript.document().findBlockByNumber(transcript.codes[0].first_block)
    assert block.text() == "def f():"
    qtbot.waitUntil(lambda: bool(block.layout().formats()), timeout=10_000)
    keyword = block.layout().formats()[0]
    assert (keyword.start, keyword.length) == (0, 3)


def test_code_that_grows_is_colored_on(qtbot: QtBot, transcript: Transcript) -> None:
    whole = '```python\nimport os\n"""a\nb\n"""\nclass X: pass\nx'
    for end in (21, 27, len(whole)):
        transcript.show_entries([_answer(whole[:end], MessageState.STREAMING)])
        transcript.finish()
    code = transcript.codes[0]
    qtbot.waitUntil(lambda: len(code.spans) >= 4 and bool(code.spans[-1]), timeout=10_000)
    assert code.spans[2][0][2].startswith("Literal.String")


def test_another_theme_writes_everything_anew(
    qtbot: QtBot, transcript: Transcript, theme: Theme
) -> None:
    transcript.show_entries([_question(), _answer(ANSWER)])
    transcript.finish()
    text = transcript.toPlainText()
    theme.set_choice(ThemeChoice.DARK)
    try:
        transcript.finish()
        assert transcript.toPlainText() == text
        transcript.grab()
    finally:
        theme.set_choice(ThemeChoice.SYSTEM)


def test_a_selection_is_copied_as_plain_text(transcript: Transcript) -> None:
    transcript.show_entries([_answer("**bold** words\nsecond line")])
    transcript.finish()
    transcript.selectAll()
    transcript.copy()
    data = QGuiApplication.clipboard().mimeData()
    assert not data.hasHtml()
    assert "bold words\nsecond line" in data.text()


def test_a_huge_message_is_shown_in_part(transcript: Transcript) -> None:
    transcript.show_entries([_question("word " * 210_000)])
    transcript.finish()
    text = transcript.toPlainText()
    assert f"{1_050_000 - SHOWN_CHARACTERS:,} more characters are not shown" in text
    assert len(text) < SHOWN_CHARACTERS * 1.01


def test_a_message_that_was_searched_for_comes_into_view(transcript: Transcript) -> None:
    entries = [_answer("text\n\n" * 50, number=number) for number in range(1, 6)]
    transcript.show_entries(entries)
    transcript.scroll_to_message(3)
    bar = transcript.verticalScrollBar()
    assert 0 < bar.value() < bar.maximum()
    assert transcript.cursorForPosition(QPoint(5, 5)).block().text() == "Coder"

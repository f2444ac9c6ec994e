"""Chat through the real window, with the real engine and a real database."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog, QInputDialog, QLabel, QMessageBox
from pytestqt.qtbot import QtBot

from chatting import ENDLESS, QUICK, Chat
from starpad.bootstrap import Starpad
from starpad.core.chat import ChatOptions, ChatState, MessageState
from starpad.core.sampling import Sampling
from starpad.ui.actions import ActionId
from starpad.ui.chat.chat_pane import ChatPane
from starpad.ui.chat.options_dialog import OptionsDialog
from starpad.ui.diff_dialog import DiffDialog


@pytest.fixture
def pane(fresh_starpad: Starpad) -> ChatPane:
    pane = fresh_starpad.window.chat_pane
    fresh_starpad.window.activateWindow()
    pane.bar.field.setFocus()
    return pane


@pytest.fixture
def chat(fresh_starpad: Starpad, qtbot: QtBot, pane: ChatPane) -> Chat:
    return Chat(fresh_starpad, qtbot)


def test_a_question_is_answered_word_by_word_and_kept(chat: Chat) -> None:
    seen: list[int] = []
    chat.service.entries_changed.connect(
        lambda: seen.append(len(chat.service.entries[-1].message.text))
    )
    chat.set_options(ENDLESS)
    chat.send("Write a loop")
    chat.wait(lambda: len(set(seen)) > 5)
    chat.qtbot.keyClick(chat.pane.bar.field, Qt.Key.Key_Escape)
    answer = chat.ended()
    assert answer.state is MessageState.STOPPED
    assert seen == sorted(seen)
    assert chat.pane.bar.field.text == ""
    assert chat.pane.header.title == "Write a loop"
    assert answer.figures is not None
    assert answer.figures.tokens > 5
    assert "Stopped by you" in chat.pane.transcript.toPlainText()
    assert "tokens/s" in chat.pane.transcript.toPlainText()


def test_stop_keeps_what_has_come_and_it_can_be_continued(chat: Chat) -> None:
    chat.begin_long()
    assert chat.pane.bar.send.text() == "Stop"
    chat.qtbot.mouseClick(chat.pane.bar.send, Qt.MouseButton.LeftButton)
    stopped = chat.ended()
    chat.set_options(QUICK)
    chat.click("Continue")
    chat.wait(lambda: chat.service.entries[-1].message.text != stopped.text)
    longer = chat.ended()
    assert longer.id == stopped.id
    assert longer.text.startswith(stopped.text)


def test_an_edited_question_begins_a_branch_and_the_old_one_stays(chat: Chat) -> None:
    chat.ask("first question")
    chat.ask("second question")
    old = chat.path
    chat.write("a draft")
    chat.click("Edit", after="first question")
    assert chat.pane.bar.field.text == "first question"
    chat.pane.bar.field.selectAll()
    chat.write("another question")
    before = len(chat.service.messages)
    chat.qtbot.keyClick(chat.pane.bar.field, Qt.Key.Key_Return)
    chat.wait(lambda: len(chat.service.messages) == before + 2)
    chat.ended()
    assert chat.path[0] == "another question"
    assert len(chat.path) == 2
    assert chat.pane.bar.field.text == "a draft"
    assert "2 of 2" in chat.pane.transcript.toPlainText()
    chat.click("◂")
    chat.wait(lambda: chat.path == old)


def test_an_answer_is_corrected_in_a_branch_of_its_own(chat: Chat) -> None:
    first = chat.ask("question")
    chat.click("Edit", after="starpad-demo")
    chat.pane.bar.field.selectAll()
    chat.write("what it should have said")
    chat.qtbot.keyClick(chat.pane.bar.field, Qt.Key.Key_Return)
    chat.wait(lambda: chat.path == ["question", "what it should have said"])
    assert chat.service.entries[-1].message.parent == first.parent
    chat.wait(lambda: chat.pane.bar.field.text == "")
    assert chat.ask("go on from there").state is not MessageState.FAILED


def test_escape_gives_an_edit_up_and_the_draft_comes_back(chat: Chat) -> None:
    chat.ask("question")
    chat.write("a draft")
    chat.click("Edit")
    chat.qtbot.keyClick(chat.pane.bar.field, Qt.Key.Key_Escape)
    assert chat.pane.bar.field.text == "a draft"
    assert not chat.pane.bar.edited


def test_a_draft_stays_when_another_conversation_is_opened(chat: Chat) -> None:
    chat.ask("first")
    chat.do(ActionId.NEW_CONVERSATION)
    chat.write("a draft")
    chat.do(ActionId.CONVERSATIONS)
    chat.wait(lambda: chat.pane.list.items)
    chat.qtbot.keyClick(chat.pane.list.search, Qt.Key.Key_Return)
    chat.wait(lambda: chat.path[:1] == ["first"])
    assert chat.pane.bar.field.text == "a draft"
    chat.click("Edit")
    chat.do(ActionId.NEW_CONVERSATION)
    assert chat.pane.bar.field.text == "a draft"
    assert not chat.pane.bar.edited


def test_regenerate_writes_another_answer_beside_the_first(chat: Chat) -> None:
    first = chat.ask("question")
    chat.set_options(ChatOptions(max_tokens=24, sampling=Sampling(temperature=1.5, seed=99)))
    chat.click("Regenerate")
    chat.wait(lambda: chat.service.entries[-1].message.id != first.id)
    second = chat.ended()
    assert second.parent == first.parent
    assert len(chat.path) == 2
    chat.click("◂")
    chat.wait(lambda: chat.service.entries[-1].message.id == first.id)


def test_a_message_is_copied_and_deleted_with_what_follows(chat: Chat) -> None:
    answer = chat.ask("question one")
    chat.ask("question two")
    chat.click("Copy", after="question one")
    assert QGuiApplication.clipboard().text() == "question one"
    chat.click("Delete", after="question two")
    box = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox))
    box.accept()
    chat.wait(lambda: len(chat.path) == 2)
    assert chat.service.entries[-1].message.text == answer.text


def test_conversations_are_listed_searched_renamed_deleted_and_brought_back(chat: Chat) -> None:
    chat.ask("about zebras")
    chat.do(ActionId.NEW_CONVERSATION)
    chat.ask("about lions")
    listing = chat.pane.list
    chat.do(ActionId.CONVERSATIONS)
    chat.wait(lambda: [item.title for item in listing.items] == ["about lions", "about zebras"])
    chat.qtbot.keyClicks(listing.search, "zebra")
    chat.wait(lambda: [item.title for item in listing.items] == ["about zebras"])
    chat.qtbot.keyClick(listing.search, Qt.Key.Key_Return)
    chat.wait(lambda: chat.path[:1] == ["about zebras"])
    chat.pane.header.actions_by_text["Rename…"].trigger()
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QInputDialog))
    dialog.setTextValue("Striped horses")
    dialog.accept()
    chat.wait(lambda: chat.pane.header.title == "Striped horses")
    chat.pane.header.actions_by_text["Delete"].trigger()
    chat.wait(lambda: chat.path == [])
    messages = chat.window.messages
    chat.wait(lambda: any("deleted" in n.message for n in messages.notifications))
    undo = next(n for n in messages.notifications if "deleted" in n.message).actions[0]
    undo.callback()
    chat.wait(lambda: len(chat.starpad.chat.conversations.conversations) == 2)


def test_a_found_message_comes_into_view(chat: Chat) -> None:
    _show_answer(chat, "word\n\n" * 80 + "needle\n\n" + "word\n\n" * 80)
    chat.ask("later question")
    bar = chat.pane.transcript.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    chat.do(ActionId.CONVERSATIONS)
    chat.qtbot.keyClicks(chat.pane.list.search, "needle")
    chat.wait(lambda: len(chat.pane.list.items) == 1 and chat.pane.list.items[0].title)
    chat.pane.list.grab()
    model = chat.pane.list.view.model()
    start, length = model.data(model.index(0, 0), Qt.ItemDataRole.UserRole + 1)
    snippet = model.data(model.index(0, 0), Qt.ItemDataRole.UserRole)
    assert snippet[start : start + length] == "needle"
    chat.qtbot.keyClick(chat.pane.list.search, Qt.Key.Key_Return)
    chat.wait(lambda: 0 < bar.value() < bar.maximum() // 2)


def test_the_list_is_used_by_keys(chat: Chat) -> None:
    chat.ask("first words")
    chat.do(ActionId.NEW_CONVERSATION)
    chat.ask("other words")
    chat.do(ActionId.CONVERSATIONS)
    listing = chat.pane.list
    chat.wait(lambda: len(listing.items) == 2)
    chat.qtbot.keyClicks(listing.search, "nothing like this")
    chat.wait(lambda: len(listing.items) == 0)
    chat.qtbot.keyClick(listing.search, Qt.Key.Key_Return)
    listing.search.clear()
    chat.wait(lambda: len(listing.items) == 2)
    listing.grab()
    chat.qtbot.keyClick(listing.search, Qt.Key.Key_Down)
    assert listing.view.hasFocus()
    chat.qtbot.keyClick(listing.view, Qt.Key.Key_Down)
    chat.qtbot.keyClick(listing.view, Qt.Key.Key_F2)
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QInputDialog))
    assert dialog.textValue() == "first words"
    dialog.setTextValue("Renamed")
    dialog.accept()
    chat.wait(lambda: [item.title for item in listing.items] == ["other words", "Renamed"])
    listing.view.setCurrentIndex(listing.view.model().index(0, 0))
    chat.qtbot.keyClick(listing.view, Qt.Key.Key_Delete)
    chat.wait(lambda: [item.title for item in listing.items] == ["Renamed"])
    chat.wait(lambda: chat.path == [])  # it was the one on screen
    chat.qtbot.keyClick(listing.view, Qt.Key.Key_Return)
    chat.wait(lambda: True)


def test_a_right_click_offers_what_can_be_done_with_a_conversation(chat: Chat) -> None:
    chat.ask("words")
    chat.do(ActionId.CONVERSATIONS)
    listing = chat.pane.list
    chat.wait(lambda: listing.items)
    assert listing.menu_at(QPoint(5, 500)) is None
    menu = listing.menu_at(QPoint(5, 5))
    assert menu is not None
    assert [action.text() for action in menu.actions()] == ["Rename…", "Export…", "Delete"]
    menu.actions()[2].trigger()
    chat.wait(lambda: not listing.items)
    menu.close()


def test_deleting_a_conversation_stops_its_answer(chat: Chat) -> None:
    chat.begin_long()
    chat.pane.header.actions_by_text["Delete"].trigger()
    chat.wait(lambda: chat.path == [])
    chat.wait(lambda: chat.service.state is ChatState.IDLE)


def test_another_conversation_is_read_while_one_is_answered(chat: Chat) -> None:
    chat.ask("about tea")
    tea = chat.service.conversation
    assert tea is not None
    chat.service.begin()
    chat.begin_long("about coffee")
    coffee = chat.service.conversation
    assert coffee is not None
    chat.service.open(tea.id)
    chat.wait(lambda: chat.path[:1] == ["about tea"])
    assert chat.pane.bar.state_text == "Another conversation is being answered."
    assert not chat.pane.bar.send.isEnabled()
    chat.service.open(coffee.id)
    chat.wait(lambda: chat.path[:1] == ["about coffee"])
    assert chat.pane.bar.send.text() == "Stop"
    length = len(chat.path[-1])
    chat.wait(lambda: len(chat.path[-1]) > length)
    chat.service.stop()
    chat.ended()


def test_a_question_that_is_not_sent_comes_back_in_the_next_session(chat: Chat) -> None:
    chat.write("half a thou")
    for tab in chat.window.tabs.tabs:
        tab.mark_saved()
    chat.window.close()
    assert chat.starpad.settings.current.chat_draft == "half a thou"
    pane = ChatPane(chat.starpad.chat, chat.starpad.highlighting, chat.starpad.theme)
    chat.qtbot.addWidget(pane)
    pane.bar.field.set_text(chat.starpad.settings.current.chat_draft)
    assert pane.bar.draft == "half a thou"


@pytest.mark.parametrize("ending", [".md", ".json"])
def test_a_conversation_is_exported(
    chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    answer = chat.ask("export me")
    target = tmp_path / f"export{ending}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (str(target), ""))
    chat.pane.header.actions_by_text["Export…"].trigger()
    chat.wait(target.exists)
    text = target.read_text("utf-8")
    assert "export me" in text
    if ending == ".json":
        texts = [message["text"] for message in json.loads(text)["messages"]]
        assert texts == ["export me", answer.text]


def test_the_options_of_a_conversation_are_kept_with_it(chat: Chat, qtbot: QtBot) -> None:
    chat.ask("question")
    chat.do(ActionId.ANSWER_OPTIONS)
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, OptionsDialog))
    assert dialog.values.max_tokens == QUICK.max_tokens
    dialog.accept()
    chat.do(ActionId.NEW_CONVERSATION)
    assert chat.service.options == QUICK  # a new one goes on as the last one


def test_the_meter_tells_how_full_the_window_is(chat: Chat) -> None:
    chat.ask("question")
    chat.wait(lambda: "tokens" in chat.pane.bar.meter_text)
    used = int(chat.pane.bar.meter_text.split(" of ")[0].replace(",", ""))
    chat.ask("another question")
    chat.wait(lambda: int(chat.pane.bar.meter_text.split(" of ")[0].replace(",", "")) > used)


def test_a_base_model_says_what_to_expect(chat: Chat, tmp_path: Path, demo_model: Path) -> None:
    assert chat.service.format.badge == ""
    base = tmp_path / "starcoder2-3b-Q8_0.gguf"
    shutil.copy(demo_model, base)
    chat.window.models.open(base)
    chat.wait(lambda: "Base model" in chat.service.format.badge)
    labels = [label.text() for label in chat.pane.findChildren(QLabel)]
    assert chat.service.format.badge in labels


def _editor_text(chat: Chat) -> str:
    tab = chat.window.tabs.current
    assert tab is not None
    return tab.editor.text()


def _set_editor(chat: Chat, text: str) -> None:
    tab = chat.window.tabs.current
    assert tab is not None
    tab.editor.selectAll()
    tab.editor.insertPlainText(text)


@pytest.mark.parametrize(
    ("action", "word"),
    [
        (ActionId.EXPLAIN, "Explain"),
        (ActionId.FIX, "fix"),
        (ActionId.WRITE_TESTS, "tests"),
        (ActionId.DOCUMENT, "Document"),
    ],
)
def test_one_click_asks_about_the_file_or_the_selection(
    chat: Chat, action: ActionId, word: str
) -> None:
    _set_editor(chat, "first = 1\nsecond = 2\n")
    tab = chat.window.tabs.current
    assert tab is not None
    tab.editor.setTextCursor(tab.editor.document().find("second = 2"))
    chat.do(action)
    chat.wait(lambda: len(chat.path) == 2)
    chat.ended()
    assert word in chat.path[0]
    assert "second = 2" in chat.path[0]
    assert "first = 1" not in chat.path[0]


def test_code_is_added_to_a_question_that_is_being_written(chat: Chat) -> None:
    _set_editor(chat, "x = 1\n")
    chat.write("What is this?")
    chat.do(ActionId.ADD_CODE)
    text = chat.pane.bar.field.text
    assert text.startswith("What is this?")
    assert "x = 1" in text


def _show_answer(chat: Chat, text: str) -> None:
    """Put an answer with these words into the history, as if the model had written it."""
    chat.ask("question")
    entry = chat.service.entries[-1].message
    changed = replace(entry, text=text, state=MessageState.COMPLETE)
    done: list[object] = []
    calls = chat.starpad.answerer._calls
    calls.ask(lambda store: store.update(changed), done.append)
    chat.wait(lambda: done)
    chat.starpad.answerer.message = changed
    chat.service.open(chat.service.conversation.id)  # type: ignore[union-attr]
    chat.wait(lambda: chat.path[-1] == text)
    chat.pane.transcript.finish()


def test_code_of_an_answer_goes_to_the_caret_or_into_a_tab(chat: Chat) -> None:
    _set_editor(chat, "def f():\n    ")
    _show_answer(chat, "Here:\n\n```python\nreturn 1\n```\n")
    chat.click("Insert", after="Here:")
    assert _editor_text(chat).startswith("def f():\n    return 1")
    chat.click("New tab", after="Here:")
    assert _editor_text(chat) == "return 1\n"
    tab = chat.window.tabs.current
    assert tab is not None
    assert tab.language.alias == "python"
    assert tab.is_modified


def test_code_of_an_answer_replaces_the_selection_hunk_by_hunk(chat: Chat) -> None:
    _set_editor(chat, "a = 1\nb = 2\nc = 3\nd = 4\n")
    tab = chat.window.tabs.current
    assert tab is not None
    _show_answer(chat, "Fixed:\n\n```python\na = 10\nb = 2\nc = 3\nd = 40\n```\n")
    chat.click("Apply", after="Fixed:")
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, DiffDialog))
    chat.qtbot.keyClick(dialog.focusWidget(), Qt.Key.Key_Space)  # refuses the first
    chat.qtbot.keyClick(
        dialog.focusWidget(), Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier
    )
    assert _editor_text(chat) == "a = 1\nb = 2\nc = 3\nd = 40\n"
    tab.editor.undo()
    assert _editor_text(chat) == "a = 1\nb = 2\nc = 3\nd = 4\n"


def test_a_text_that_changed_meanwhile_is_left_alone(chat: Chat) -> None:
    _set_editor(chat, "a = 1\n")
    _show_answer(chat, "Fixed:\n\n```python\na = 2\n```\n")
    chat.click("Apply", after="Fixed:")
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, DiffDialog))
    _set_editor(chat, "a = 5\n")
    dialog.accept()
    assert _editor_text(chat) == "a = 5\n"
    assert any("changed" in n.message for n in chat.window.messages.notifications)


def test_a_link_is_opened_after_a_question_only(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(
        "starpad.ui.chat_commands.QDesktopServices.openUrl",
        lambda url: opened.append(url.toString()),
    )
    _show_answer(chat, "See [the page](https://example.com/page).")
    chat.click("the page")
    assert opened == []
    box = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox))
    assert "https://example.com/page" in box.informativeText()
    box.accept()
    assert opened == ["https://example.com/page"]


def test_edit_commands_go_to_the_text_that_has_the_focus(chat: Chat) -> None:
    _set_editor(chat, "of the editor")
    tab = chat.window.tabs.current
    assert tab is not None
    tab.editor.selectAll()
    _show_answer(chat, "of the answer")
    view, field = chat.pane.transcript, chat.pane.bar.field
    view.setFocus()
    view.setTextCursor(view.document().find("of the answer"))
    chat.qtbot.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "of the answer"
    field.setFocus()
    chat.do(ActionId.PASTE)
    assert field.text == "of the answer"
    chat.do(ActionId.UNDO)
    assert field.text == ""
    assert _editor_text(chat) == "of the editor"
    tab.editor.setFocus()
    chat.do(ActionId.CUT)
    assert _editor_text(chat) == ""
    assert QGuiApplication.clipboard().text() == "of the editor"


def test_the_chat_is_reached_and_hidden_by_its_key(chat: Chat) -> None:
    tab = chat.window.tabs.current
    assert tab is not None
    tab.editor.setFocus()
    chat.do(ActionId.CHAT)
    assert chat.pane.bar.field.hasFocus()
    chat.do(ActionId.CHAT)
    assert not chat.pane.isVisible()
    assert tab.editor.hasFocus()
    chat.do(ActionId.CHAT)
    assert chat.pane.isVisible()

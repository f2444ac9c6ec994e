"""The page for other programs, with a real engine and real requests."""

import http.client
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from starpad.core.client_snippets import Program
from starpad.core.engine_status import EngineState
from starpad.core.load_options import LoadOptions
from starpad.core.serving import ServingState
from starpad.core.settings import Settings
from starpad.services.engine import EngineService
from starpad.services.serving import ServingService
from starpad.ui.engine.sharing_page import SharingPage
from starpad.ui.engine.snippet_view import HIDDEN_KEY

LIMIT_MS = 20_000


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, qapp: object) -> Iterator[EngineService]:
    engine = EngineService()
    yield engine
    engine.shutdown()


@pytest.fixture
def page(
    engine: EngineService, demo_model: Path, tmp_path: Path, qtbot: QtBot
) -> Iterator[SharingPage]:
    if engine.status.state is EngineState.EMPTY:
        engine.load(LoadOptions(demo_model, context_tokens=1024))
    qtbot.waitUntil(lambda: engine.status.state is EngineState.READY, timeout=LIMIT_MS)
    serving = ServingService(engine, tmp_path / "serve-key")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    serving.apply(replace(Settings(), serve_port=port))
    page = SharingPage(serving, engine)
    qtbot.addWidget(page)
    page.resize(900, 650)
    page.show()
    yield page
    serving.shutdown()


def button(page: QWidget, text: str) -> QAbstractButton:
    buttons = page.findChildren(QAbstractButton)
    return next(each for each in buttons if each.text().replace("&", "").startswith(text))


def switch_on(page: SharingPage, qtbot: QtBot) -> None:
    qtbot.mouseClick(button(page, "Share"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page._serving.status.state is ServingState.ON, timeout=LIMIT_MS)


def clipboard() -> str:
    return QGuiApplication.clipboard().text()


def ask(page: SharingPage, **fields: object) -> int:
    port = int(page._serving.status.address.rsplit(":", 1)[1])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"Authorization": f"Bearer {page._serving.key}", "User-Agent": "a program"}
        body = json.dumps({"prompt": "def f", "max_tokens": 4, **fields})
        connection.request("POST", "/v1/completions", body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def test_one_switch_opens_and_closes_the_door(page: SharingPage, qtbot: QtBot) -> None:
    assert page._headline.text().startswith("Off")
    assert not page._copy_address.isEnabled()
    switch_on(page, qtbot)
    assert page._headline.text().startswith("On")
    assert page._address.text() == f"{page._serving.status.address}/v1"
    assert ask(page) == 200
    qtbot.mouseClick(button(page, "Stop"), Qt.MouseButton.LeftButton)
    assert page._serving.status.state is ServingState.OFF
    assert page._address.text() == ""


def test_address_and_key_are_copied_and_the_key_is_hidden(page: SharingPage, qtbot: QtBot) -> None:
    switch_on(page, qtbot)
    qtbot.mouseClick(button(page, "Copy address"), Qt.MouseButton.LeftButton)
    assert clipboard() == page._address.text()
    qtbot.mouseClick(button(page, "Copy key"), Qt.MouseButton.LeftButton)
    assert clipboard() == page._serving.key
    assert page._key.echoMode() == QLineEdit.EchoMode.Password
    assert page._serving.key not in page.snippets._text.toPlainText()
    qtbot.mouseClick(button(page, "Show"), Qt.MouseButton.LeftButton)
    assert page._key.displayText() == page._serving.key
    assert page._serving.key in page.snippets._text.toPlainText()


def test_settings_are_copied_with_the_key_even_while_it_is_hidden(
    page: SharingPage, qtbot: QtBot
) -> None:
    switch_on(page, qtbot)
    for program in Program:
        page.snippets.choose(program)
        qtbot.mouseClick(button(page, "Copy settings"), Qt.MouseButton.LeftButton)
        assert page._serving.status.address in clipboard()
        assert HIDDEN_KEY not in clipboard()
    assert page._serving.key in clipboard()


def test_openclaw_is_said_to_need_more_context(page: SharingPage, qtbot: QtBot) -> None:
    switch_on(page, qtbot)
    page.snippets.choose(Program.OPENCLAW)
    notes = page.snippets._notes.text()
    assert "16,384" in notes
    assert "StarCoder 1" in notes
    assert "tools" in notes


def test_requests_are_listed_the_newest_first(page: SharingPage, qtbot: QtBot) -> None:
    switch_on(page, qtbot)
    assert ask(page) == 200
    assert ask(page, n=2) == 400
    model = page.requests.model()
    qtbot.waitUntil(lambda: model.rowCount() == 2, timeout=LIMIT_MS)
    rows = [
        [model.index(row, column).data() for column in range(model.columnCount())]
        for row in range(2)
    ]
    assert [row[3] for row in rows] == ["failed (400)", "answered"]
    assert rows[0][1] == "a program"
    assert rows[1][5] == "4"
    assert "2 so far, 1 failed" in page._activity.text()
    assert "a program" in page._clients.text()


def test_many_requests_keep_the_list_short(page: SharingPage, qtbot: QtBot) -> None:
    switch_on(page, qtbot)
    ask(page)
    qtbot.waitUntil(lambda: len(page._serving.entries) == 1, timeout=LIMIT_MS)
    entry = page._serving.entries[0]
    for number in range(700):
        page._serving.entries.append(replace(entry, client=f"program {number}"))
        if number % 50 == 0:
            page.requests.show_entries(list(page._serving.entries))
    page.requests.show_entries(list(page._serving.entries))
    model = page.requests.model()
    assert model.rowCount() == 500
    assert model.index(0, 1).data() == "program 699"
    assert model.index(499, 1).data() == "program 200"


def test_a_new_key_is_made_only_after_a_question(page: SharingPage, qtbot: QtBot) -> None:
    switch_on(page, qtbot)
    old = page._serving.key
    for answer, is_new in (("Keep", False), ("Make", True)):
        qtbot.mouseClick(button(page, "New key"), Qt.MouseButton.LeftButton)
        box = page.findChild(QMessageBox)
        assert box is not None
        with qtbot.waitSignal(box.finished):
            button(box, answer).click()
        box.setParent(None)
        assert (page._serving.key != old) is is_new
    assert page._key.text() == page._serving.key


def test_a_taken_port_is_told_with_what_to_do(page: SharingPage, qtbot: QtBot) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        page._serving.apply(replace(Settings(), serve_port=port))
        qtbot.mouseClick(button(page, "Share"), Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: page._serving.status.state is ServingState.FAILED, timeout=LIMIT_MS)
    assert page._notice.isVisible()
    assert str(port) in page._notice.accessibleName()
    assert button(page, "Share").isEnabled()


def test_without_a_model_the_page_says_so(
    page: SharingPage, engine: EngineService, qtbot: QtBot
) -> None:
    switch_on(page, qtbot)
    engine.unload()
    qtbot.waitUntil(page._notice.isVisible, timeout=LIMIT_MS)
    assert "No model" in page._notice.accessibleName()
    assert not button(page, "Copy settings").isEnabled()


def test_everything_is_reached_by_tab_and_has_a_name(page: SharingPage, qtbot: QtBot) -> None:
    switch_on(page, qtbot)
    page.activateWindow()
    reached: list[QWidget] = []
    widget: QWidget | None = button(page, "Stop")
    assert widget is not None
    widget.setFocus()
    for _ in range(20):
        focused = page.focusWidget()
        assert focused is not None
        reached.append(focused)
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
    wanted = [
        page._copy_address, page._copy_key, page._show_key, page._new_key, page.requests,
        page.snippets._programs, page.snippets._copy, page.snippets._text,
    ]  # fmt: skip
    assert [each for each in wanted if each not in reached] == []
    for each in wanted:
        assert each.accessibleName() or getattr(each, "text", lambda: "")()

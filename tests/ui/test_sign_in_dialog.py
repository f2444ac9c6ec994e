"""SignInDialog: every way in by keyboard, what leaves the machine, and no token in sight."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from starpad.ui.models.sign_in_dialog import SignInDialog

ENDPOINT = "https://hub.example"
PLACE = "The token is kept in the system's keyring (Test)."
CODE_PAGE = "https://hub.example/oauth/device?user_code=ABCD-1234"


def make(qtbot: QtBot, *, account: str = "", has_found_token: bool = False) -> SignInDialog:
    dialog = SignInDialog(
        None,
        endpoint=ENDPOINT,
        account=account,
        place=PLACE,
        has_found_token=has_found_token,
    )
    qtbot.addWidget(dialog)
    with qtbot.waitActive(dialog):
        dialog.show()
        dialog.activateWindow()
    return dialog


@pytest.fixture
def dialog(qtbot: QtBot) -> SignInDialog:
    return make(qtbot, has_found_token=True)


@pytest.fixture
def heard(dialog: SignInDialog) -> list[tuple[object, ...]]:
    """Return what the dialog asks for, in order."""
    heard: list[tuple[object, ...]] = []
    for name in ("browser_requested", "token_entered", "found_token_requested",
                 "sign_out_requested", "page_requested"):  # fmt: skip
        getattr(dialog, name).connect(lambda *values, name=name: heard.append((name, *values)))
    return heard


def labels(dialog: SignInDialog) -> str:
    shown = [label for label in dialog.findChildren(QLabel) if label.isVisible()]
    return "\n".join(label.text() for label in shown)


def buttons(dialog: SignInDialog) -> list[str]:
    found = [b for b in dialog.findChildren(QAbstractButton) if b.isVisible() and b.isEnabled()]
    return [button.text().replace("&", "") for button in found]


def button(dialog: SignInDialog, text: str) -> QAbstractButton:
    [found] = [
        b for b in dialog.findChildren(QAbstractButton)
        if b.text().replace("&", "") == text and b.isVisible()
    ]  # fmt: skip
    return found


def press(dialog: SignInDialog, text: str) -> None:
    QTest.mouseClick(button(dialog, text), Qt.MouseButton.LeftButton)


def token_field(dialog: SignInDialog) -> QLineEdit:
    [field] = dialog.findChildren(QLineEdit)
    return field


def focused() -> QWidget:
    focus = QApplication.focusWidget()
    assert focus is not None
    return focus


def default_button(dialog: SignInDialog) -> str:
    [found] = [b for b in dialog.findChildren(QPushButton) if b.isDefault() and b.isVisible()]
    return found.text().replace("&", "")


def test_each_way_says_what_leaves_the_computer(dialog: SignInDialog) -> None:
    text = labels(dialog)
    assert "Nothing but this request and Starpad's name leaves your computer." in text
    assert "sent to hub.example and nowhere else, to ask whose it is." in text
    assert "kept in the system's keyring, or where there is none in a file" in text
    assert "leaves the command's copy as it is" in text
    assert "sent to hub.example" in button(dialog, "Sign in").accessibleDescription()


def test_the_hf_commands_token_is_offered_only_where_there_is_one(
    dialog: SignInDialog, qtbot: QtBot
) -> None:
    assert "Use the token of the hf command" in buttons(dialog)
    assert "Use the token of the hf command" not in buttons(make(qtbot))


def test_enter_asks_for_a_code_which_is_then_shown_and_can_be_copied(
    dialog: SignInDialog, heard: list[tuple[object, ...]]
) -> None:
    assert focused() is button(dialog, "Sign in with the browser")
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert heard == [("browser_requested",)]
    assert "Asking hub.example…" in labels(dialog)
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Space):
        QTest.keyClick(focused(), key)
    assert heard == [("browser_requested",)], "one at a time"
    assert dialog.isVisible()
    dialog.show_code("ABCD-1234", CODE_PAGE)
    assert "ABCD-1234" in labels(dialog)
    assert CODE_PAGE in labels(dialog)
    assert "Asking hub.example…" not in labels(dialog)
    assert heard == [("browser_requested",)], "no page opens by itself"
    assert focused() is button(dialog, "Open the page")
    press(dialog, "Copy")
    assert QGuiApplication.clipboard().text() == "ABCD-1234"
    assert "Copied" in buttons(dialog)
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert heard[1:] == [("page_requested", CODE_PAGE)]


def test_the_code_is_large_and_can_be_read_by_keyboard_and_ear(dialog: SignInDialog) -> None:
    dialog.show_code("ABCD-1234", CODE_PAGE)
    [code] = [label for label in dialog.findChildren(QLabel) if label.text() == "ABCD-1234"]
    assert code.font().pointSizeF() >= 2 * dialog.font().pointSizeF()
    assert code.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert code.accessibleName() == "Code: ABCD-1234"
    assert any(bar.isVisible() for bar in dialog.findChildren(QProgressBar))


def test_while_a_code_waits_a_token_can_still_be_pasted(
    dialog: SignInDialog, heard: list[tuple[object, ...]]
) -> None:
    dialog.show_code("ABCD-1234", CODE_PAGE)
    token_field(dialog).setFocus()
    QTest.keyClicks(token_field(dialog), "hf_x")
    QTest.keyClick(token_field(dialog), Qt.Key.Key_Return)
    assert heard == [("token_entered", "hf_x")]


def test_a_pasted_token_is_sent_without_the_spaces_around_it(
    dialog: SignInDialog, heard: list[tuple[object, ...]]
) -> None:
    field = token_field(dialog)
    field.setFocus()
    assert not button(dialog, "Sign in").isEnabled()
    QGuiApplication.clipboard().setText("  hf_secret \n")
    QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert default_button(dialog) == "Sign in"
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert heard == [("token_entered", "hf_secret")]
    assert "Asking hub.example…" in labels(dialog)
    assert "Sign in with the browser" not in buttons(dialog)


def test_without_a_token_enter_means_the_browser_again(dialog: SignInDialog) -> None:
    field = token_field(dialog)
    field.setText("hf_x")
    assert default_button(dialog) == "Sign in"
    field.setText("   ")
    assert default_button(dialog) == "Sign in with the browser"
    assert not button(dialog, "Sign in").isEnabled()


def test_the_token_is_hidden_until_it_is_asked_for(dialog: SignInDialog) -> None:
    field = token_field(dialog)
    field.setText("hf_secret")
    assert field.displayText() != "hf_secret"
    press(dialog, "Show")
    assert field.displayText() == "hf_secret"
    press(dialog, "Hide")
    assert field.displayText() != "hf_secret"
    interface = QAccessible.queryAccessibleInterface(field)
    assert interface.text(QAccessible.Text.Name) == "Access token"
    assert "hf_secret" not in interface.text(QAccessible.Text.Value)


def test_the_page_of_tokens_is_that_of_the_endpoint(
    dialog: SignInDialog, heard: list[tuple[object, ...]]
) -> None:
    where = button(dialog, "Where do I get one?")
    assert "https://hub.example/settings/tokens" in where.toolTip()
    press(dialog, "Where do I get one?")
    assert heard == [("page_requested", "https://hub.example/settings/tokens")]


def test_the_found_token_is_only_asked_for(
    dialog: SignInDialog, heard: list[tuple[object, ...]]
) -> None:
    press(dialog, "Use the token of the hf command")
    assert heard == [("found_token_requested",)]
    assert "Asking hub.example…" in labels(dialog)


def test_an_error_is_shown_told_and_leads_back_to_the_token(
    dialog: SignInDialog, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def update(event: QAccessibleAnnouncementEvent) -> None:
        if isinstance(event, QAccessibleAnnouncementEvent):
            told.append(event.message())

    field = token_field(dialog)
    field.setText("hf_wrong")
    press(dialog, "Sign in")
    monkeypatch.setattr(QAccessible, "updateAccessibility", update)
    dialog.show_error("This token is not valid.", "Make a new one.")
    assert "This token is not valid." in labels(dialog)
    assert "Make a new one." in labels(dialog)
    assert told == ["This token is not valid. Make a new one."]
    assert field.hasFocus()
    assert field.hasSelectedText()
    press(dialog, "Sign in")
    assert "This token is not valid." not in labels(dialog), "it is out of date now"


def test_an_expired_code_leads_back_to_the_browser_button(dialog: SignInDialog) -> None:
    dialog.show_code("ABCD-1234", CODE_PAGE)
    dialog.show_error("The code has expired.", "Ask for another.")
    assert "ABCD-1234" not in labels(dialog)
    assert focused() is button(dialog, "Sign in with the browser")


def test_who_is_signed_in_is_shown_and_the_token_forgotten(
    dialog: SignInDialog, heard: list[tuple[object, ...]]
) -> None:
    token_field(dialog).setText("hf_secret")
    press(dialog, "Sign in")
    dialog.show_signed_in("ada", PLACE)
    assert "Signed in: ada" in labels(dialog)
    assert f"{PLACE} Starpad sends it to hub.example and nowhere else." in labels(dialog)
    assert token_field(dialog).text() == ""
    assert set(buttons(dialog)) == {"Sign out", "Close"}
    press(dialog, "Sign out")
    assert heard[-1] == ("sign_out_requested",)
    assert "Sign in with the browser" in buttons(dialog)


def test_opened_while_signed_in_it_says_so_at_once(qtbot: QtBot) -> None:
    dialog = make(qtbot, account="ada")
    assert "Signed in: ada" in labels(dialog)
    assert "Sign in with the browser" not in buttons(dialog)


def test_no_text_is_cut_in_any_state(dialog: SignInDialog) -> None:
    def check() -> None:
        QApplication.processEvents()
        for label in dialog.findChildren(QLabel):
            if label.isVisible() and label.wordWrap():
                assert label.height() >= label.heightForWidth(label.width()), label.text()

    check()
    dialog.show_waiting()
    check()
    dialog.show_code("ABCD-1234", CODE_PAGE)
    check()
    dialog.show_error("This access token is not valid. " * 4, "Copy it again. " * 10)
    check()
    dialog.show_signed_in("ada", f"{PLACE} " * 6)
    check()


def test_escape_closes_it(dialog: SignInDialog, qtbot: QtBot) -> None:
    dialog.show_code("ABCD-1234", CODE_PAGE)
    with qtbot.waitSignal(dialog.rejected):
        QTest.keyClick(dialog, Qt.Key.Key_Escape)

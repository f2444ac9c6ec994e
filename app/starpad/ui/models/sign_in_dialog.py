"""Signing in to a hub: with the browser, with a pasted token, or with one that is already here."""

from urllib.parse import urlsplit

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from starpad.ui.labels import Notice, text_label, title_label
from starpad.ui.models.device_code import DeviceCodePanel
from starpad.ui.spoken import announce

_WIDTH_CHARACTERS = 88
_WHY = (
    "Only models whose makers ask for an account need this. "
    "Searching, and downloading all others, works without."
)


class SignInDialog(QDialog):
    """Says what it is told and what the user wants; it keeps no token and asks no server."""

    browser_requested = Signal()
    """Ask the hub for a code, then call `show_code`."""
    token_entered = Signal(str)
    found_token_requested = Signal()
    """Use the token that the `hf` command has saved."""
    sign_out_requested = Signal()
    page_requested = Signal(str)
    """The address of a page to show in the browser."""

    def __init__(
        self,
        parent: QWidget | None,
        *,
        endpoint: str,
        account: str,
        place: str,
        has_found_token: bool,
    ) -> None:
        """No `account`: nobody is signed in. `place` says in a sentence where the token is."""
        super().__init__(parent)
        self._endpoint = endpoint.rstrip("/")
        self._host = urlsplit(endpoint).netloc or endpoint
        self.setWindowTitle(f"Sign in to {self._host}")
        self._notice = Notice("error")
        self._waiting = _Waiting(f"Asking {self._host}…")
        self._browser = QPushButton("Sign in with the &browser")
        self._code = DeviceCodePanel()
        self._token = QLineEdit()
        self._reveal = QPushButton("&Show")
        self._use_token = QPushButton("Sign &in")
        self._where = QPushButton("&Where do I get one?")
        self._found = QPushButton("&Use the token of the hf command")
        self._account = title_label(scale=1.15)
        self._kept = text_label()
        self._sign_out = QPushButton("Sign &out")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        self._close = buttons.button(QDialogButtonBox.StandardButton.Close)
        self._close.setAutoDefault(False)
        self._ways = self._make_ways(has_found_token)
        self._account_page = self._make_account_page()
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(14)
        column.addWidget(self._notice)
        column.addWidget(self._ways)
        column.addWidget(self._account_page)
        column.addWidget(self._waiting)
        column.addStretch()
        column.addWidget(buttons)
        self._connect()
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * _WIDTH_CHARACTERS)
        self._show_idle()
        if account:
            self._show_account(account, place)
        else:
            self._show_ways()

    def show_code(self, user_code: str, url: str) -> None:
        """Show the code that the user types in on the page at `url`, and wait."""
        self._show_idle()
        self._browser.hide()
        self._code.show_code(user_code, url)
        self._fit()
        announce(self, f"Your code is {user_code}.")

    @Slot()
    def show_waiting(self) -> None:
        """Show that the hub is being asked; meanwhile nothing can be pressed twice."""
        self._notice.show_sentence("", "")
        self._waiting.show()
        self._waiting.setFocus()  # not Close: a second Enter or Space must not end it
        self._ways.setEnabled(False)
        self._fit()

    def show_error(self, sentence: str, hint: str) -> None:
        """Show why it did not work, and let the user try again."""
        self._show_idle()
        self._notice.show_sentence(sentence, hint)
        self._fit()
        announce(self, f"{sentence} {hint}".strip(), is_urgent=True)
        if self._token.text():
            self._token.setFocus()
            self._token.selectAll()
        else:
            self._browser.setFocus()

    def show_signed_in(self, account: str, place: str) -> None:
        """Show who is signed in and where the token is kept (as in the constructor)."""
        self._show_idle()
        self._show_account(account, place)
        announce(self, self._account.text())

    def _show_account(self, account: str, place: str) -> None:
        self._token.clear()
        self._account.setText(f"Signed in: {account}")
        kept = place or "The token is kept on this computer."
        self._kept.setText(
            f"{kept} Starpad sends it to {self._host} and nowhere else. "
            "Signing out deletes it from this computer."
        )
        self._ways.hide()
        self._account_page.show()
        self._close.setDefault(True)
        self._close.setFocus()
        self._fit()

    def _show_ways(self) -> None:
        self._account_page.hide()
        self._ways.show()
        self._show_idle()
        self._browser.setFocus()
        self._fit()

    def _show_idle(self) -> None:
        self._notice.show_sentence("", "")
        self._waiting.hide()
        self._code.hide()
        self._ways.setEnabled(True)
        self._browser.show()
        self._on_token_changed()

    def _fit(self) -> None:
        """Take the height that the texts need; dialogs do not follow texts that wrap."""
        layout = self.layout()
        assert layout is not None
        layout.activate()
        self.resize(self.width(), layout.totalHeightForWidth(self.width()))

    def _make_ways(self, has_found_token: bool) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(text_label(_WHY))
        column.addSpacing(10)
        column.addWidget(title_label("With your browser", scale=1.1))
        browser_sends = (
            f"Starpad asks {self._host} for a short code, which you enter on its page. "
            "Nothing but this request and Starpad's name leaves your computer."
        )
        column.addWidget(text_label(browser_sends))
        column.addLayout(_left(self._browser))
        column.addWidget(self._code)
        column.addSpacing(10)
        column.addWidget(title_label("With an access token", scale=1.1))
        token_sends = (
            f"The token is sent to {self._host} and nowhere else, to ask whose it is. Then it is "
            "kept in the system's keyring, or where there is none in a file that only you can read."
        )
        column.addWidget(text_label(token_sends))
        entry = QHBoxLayout()
        entry.setSpacing(8)
        entry.addWidget(self._token, 1)
        entry.addWidget(self._reveal)
        entry.addWidget(self._use_token)
        column.addLayout(entry)
        column.addLayout(_left(self._where))
        if has_found_token:
            column.addSpacing(10)
            column.addWidget(title_label("With what is already here", scale=1.1))
            found_sends = (
                "The hf command has saved a token on this computer. Starpad sends it to "
                f"{self._host} like one that you paste, and leaves the command's copy as it is."
            )
            column.addWidget(text_label(found_sends))
            column.addLayout(_left(self._found))
        column.addStretch()
        self._browser.setAccessibleDescription(browser_sends)
        self._use_token.setAccessibleDescription(token_sends)
        return page

    def _make_account_page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._account)
        column.addWidget(self._kept)
        column.addSpacing(4)
        column.addLayout(_left(self._sign_out))
        column.addStretch()
        return page

    def _connect(self) -> None:
        self._token.setEchoMode(QLineEdit.EchoMode.Password)
        self._token.setPlaceholderText("hf_…")
        self._token.setAccessibleName("Access token")
        self._reveal.setCheckable(True)
        self._reveal.setAccessibleName("Show the token")
        self._use_token.setAccessibleName("Sign in with this token")
        tokens_page = f"{self._endpoint}/settings/tokens"
        self._where.setToolTip(f"Opens {tokens_page} in your browser")
        self._where.setAccessibleDescription(f"Opens {tokens_page} in your browser")
        for button in (self._reveal, self._where, self._found, self._sign_out):
            button.setAutoDefault(False)
        self._browser.clicked.connect(self._on_browser_clicked)
        self._token.textChanged.connect(self._on_token_changed)
        self._reveal.toggled.connect(self._on_reveal_toggled)
        self._use_token.clicked.connect(self._on_use_token_clicked)
        self._where.clicked.connect(self._on_where_clicked)
        self._found.clicked.connect(self._on_found_clicked)
        self._sign_out.clicked.connect(self._on_sign_out_clicked)
        self._code.page_requested.connect(self.page_requested)

    @Slot()
    def _on_browser_clicked(self) -> None:
        self.show_waiting()
        self.browser_requested.emit()

    @Slot()
    def _on_token_changed(self) -> None:
        has_token = bool(self._token.text().strip())
        self._use_token.setEnabled(has_token)
        (self._use_token if has_token else self._browser).setDefault(True)  # what Enter presses

    @Slot(bool)
    def _on_reveal_toggled(self, is_shown: bool) -> None:
        mode = QLineEdit.EchoMode.Normal if is_shown else QLineEdit.EchoMode.Password
        self._token.setEchoMode(mode)
        self._reveal.setText("&Hide" if is_shown else "&Show")

    @Slot()
    def _on_use_token_clicked(self) -> None:
        token = self._token.text().strip()
        self.show_waiting()
        self.token_entered.emit(token)

    @Slot()
    def _on_where_clicked(self) -> None:
        self.page_requested.emit(f"{self._endpoint}/settings/tokens")

    @Slot()
    def _on_found_clicked(self) -> None:
        self.show_waiting()
        self.found_token_requested.emit()

    @Slot()
    def _on_sign_out_clicked(self) -> None:
        self._show_ways()
        self.sign_out_requested.emit()


class _Waiting(QWidget):
    """A sentence and a bar that only moves."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(text)
        bar = QProgressBar()
        bar.setRange(0, 0)
        bar.setTextVisible(False)
        bar.setAccessibleName(text)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(text_label(text, is_quiet=True))
        column.addWidget(bar)


def _left(button: QPushButton) -> QHBoxLayout:
    """Return a row in which the button is no wider than it needs to be."""
    row = QHBoxLayout()
    row.addWidget(button)
    row.addStretch()
    return row

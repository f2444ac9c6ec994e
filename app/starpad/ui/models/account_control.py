"""The account button of the models window, and the dialog behind it."""

from urllib.parse import urlsplit

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QPushButton, QWidget

from starpad.core.device_code import DeviceCode
from starpad.core.errors import StarpadError
from starpad.services.hub_account import HubAccount
from starpad.ui.models.sign_in_dialog import SignInDialog


class AccountControl(QObject):
    """Between the sign-in dialog and the account."""

    page_requested = Signal(str)
    failed = Signal(object)
    """(StarpadError) with no dialog open to say it."""

    def __init__(self, account: HubAccount, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._account = account
        self.button = QPushButton()
        self.button.setObjectName("corner")
        self.dialog: SignInDialog | None = None
        self._asked = account.endpoint
        """The hub that the dialog names."""
        self.button.clicked.connect(self.show_dialog)
        account.changed.connect(self._on_account_changed)
        account.code_received.connect(self._on_account_code_received)
        account.signed_in.connect(self._on_account_signed_in)
        account.failed.connect(self._on_account_failed)
        self._on_account_changed()

    @Slot()
    def show_dialog(self) -> None:
        """Open the sign-in dialog."""
        account = self._account
        name = account.account or ("a saved token" if account.is_signed_in else "")
        dialog = SignInDialog(
            self._window,
            endpoint=account.endpoint,
            account=name,
            place=account.place,
            has_found_token=account.has_found_token,
        )
        self.dialog, self._asked = dialog, account.endpoint
        dialog.browser_requested.connect(account.sign_in_with_browser)
        dialog.token_entered.connect(account.sign_in_with_token)
        dialog.found_token_requested.connect(account.sign_in_with_found_token)
        dialog.sign_out_requested.connect(account.sign_out)
        dialog.page_requested.connect(self.page_requested)
        dialog.finished.connect(self._on_dialog_finished)
        dialog.open()

    @Slot()
    def _on_dialog_finished(self) -> None:
        self._account.cancel_sign_in()
        if self.dialog is not None:
            self.dialog.deleteLater()
        self.dialog = None

    @Slot()
    def _on_account_changed(self) -> None:
        host = urlsplit(self._account.endpoint).netloc
        if self.dialog is not None and self._asked != self._account.endpoint:
            self.dialog.reject()  # what is typed there was meant for another hub
        if not self._account.is_signed_in:
            self.button.setText("Sign &in…")
            self.button.setToolTip(f"Some repositories of {host} need an account")
            return
        self.button.setText(self._account.account or "Signed &in")
        self.button.setToolTip(f"Signed in to {host}")

    @Slot(object)
    def _on_account_code_received(self, code: DeviceCode) -> None:
        if self.dialog is not None:
            self.dialog.show_code(code.user_code, code.url)

    @Slot(str, str)
    def _on_account_signed_in(self, account: str, place: str) -> None:
        if self.dialog is not None:
            self.dialog.show_signed_in(account, place)

    @Slot(object)
    def _on_account_failed(self, error: StarpadError) -> None:
        if self.dialog is not None:
            self.dialog.show_error(error.message, error.hint)
        else:
            self.failed.emit(error)

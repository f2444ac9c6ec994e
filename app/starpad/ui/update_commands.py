"""Help > Check for updates: says what will be asked before it asks, shows the notes, no more."""

from collections.abc import Callable

from PySide6.QtCore import QDate, QLocale, QObject, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QTextCursor, QTextDocument
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from starpad import __version__
from starpad.core.errors import StarpadError
from starpad.core.release import Release, is_newer
from starpad.services.update_check import UpdateCheck
from starpad.ui.actions import ActionId
from starpad.ui.labels import text_label, title_label

_Role = QDialogButtonBox.ButtonRole
_WIDTH_CHARACTERS = 68
_LINES = 16
_MARGIN_PX = 10
_UNKNOWN = (
    "This Starpad does not know where its releases are published: it was started from its source, "
    "or built without that address. Look for a newer one where you got it from."
)


class UpdateCommands(QObject):
    """What the menu asks for."""

    def __init__(self, window: QWidget, updates: UpdateCheck) -> None:
        super().__init__(window)
        self._window = window
        self._updates = updates

    def handlers(self) -> dict[ActionId, Callable[[], object]]:
        """Return what the action does."""
        return {ActionId.CHECK_UPDATES: self._show}

    def _show(self) -> None:
        UpdateDialog(self._updates, self._window).open()


class NotesView(QTextBrowser):
    """Release notes: a stranger's text, of which nothing is loaded but itself."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("paper")
        self.setAccessibleName("Release notes")
        self.setOpenLinks(False)
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(_MARGIN_PX)
        self.anchorClicked.connect(_open)

    def show_notes(self, markdown: str) -> None:
        """Show the notes; HTML in them counts as text."""
        features = QTextDocument.MarkdownFeature
        self.document().setMarkdown(
            markdown, features.MarkdownDialectGitHub | features.MarkdownNoHTML
        )
        self.moveCursor(QTextCursor.MoveOperation.Start)

    def loadResource(self, _kind: int, _name: QUrl | str) -> object:
        """Load no picture, neither from the network nor from this computer."""
        return None


class UpdateDialog(QDialog):
    """Asks when its button is pressed; what it finds leads to a page in the browser."""

    def __init__(self, updates: UpdateCheck, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Updates")
        self._updates = updates
        self._page = ""
        self.sentence = title_label(f"You have Starpad {__version__}", scale=1.25)
        self.explanation = text_label(_what_is_asked(updates) if updates.repository else _UNKNOWN)
        self.explanation.setMinimumWidth(self.fontMetrics().averageCharWidth() * _WIDTH_CHARACTERS)
        self.notes = NotesView()
        self.notes.setMinimumHeight(self.fontMetrics().lineSpacing() * _LINES)
        self.notes.hide()
        self.buttons = QDialogButtonBox()
        self.check = self.buttons.addButton("&Check now", _Role.ActionRole)
        self.check.setDefault(True)
        self.check.setVisible(bool(updates.repository))
        self.check.clicked.connect(self._on_check_clicked)
        self.open_page = self.buttons.addButton("&Open its page", _Role.ActionRole)
        self.open_page.clicked.connect(self._on_open_page_clicked)
        self.open_page.hide()
        self.buttons.addButton(QDialogButtonBox.StandardButton.Close)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(12)
        for widget in (self.sentence, self.explanation, self.notes, self.buttons):
            column.addWidget(widget)
        column.setStretchFactor(self.notes, 1)
        updates.found.connect(self._on_updates_found)
        updates.failed.connect(self._on_updates_failed)

    def done(self, result: int) -> None:
        self._updates.cancel()
        super().done(result)

    @Slot()
    def _on_check_clicked(self) -> None:
        self.check.setEnabled(False)
        self._say("Asking…", _what_is_asked(self._updates))
        self._updates.check()

    @Slot(object)
    def _on_updates_found(self, release: Release) -> None:
        self.check.hide()
        if not is_newer(release.version, __version__):
            self._say(
                "You have the newest Starpad",
                f"It is {__version__}; the newest release is {release.version}.",
            )
            return
        self._page = release.page
        self._say(
            f"Starpad {release.version} is out",
            f"{_published(release)}You have {__version__}. Nothing was downloaded: the page has "
            "the files. Your settings, models and conversations stay when you install one.",
        )
        self.notes.show_notes(release.notes or "*The release has no notes.*")
        self.notes.show()
        self.open_page.setToolTip(f"Opens {release.page} in your browser")
        self.open_page.setAccessibleDescription(self.open_page.toolTip())
        self.open_page.show()
        self.open_page.setDefault(True)
        self.adjustSize()
        self.open_page.setFocus()

    @Slot(object)
    def _on_updates_failed(self, error: StarpadError) -> None:
        self.check.setEnabled(True)
        self._say(error.message, error.hint)

    def _say(self, sentence: str, explanation: str) -> None:
        self.sentence.setText(sentence)
        self.explanation.setText(explanation)

    @Slot()
    def _on_open_page_clicked(self) -> None:
        _open(QUrl(self._page))


def _what_is_asked(updates: UpdateCheck) -> str:
    host = QUrl(updates.api).host()
    return (
        f"Starpad asks {host} for the newest release of {updates.repository}. Nothing but this "
        f"request is sent, with the words Starpad/{__version__} and nothing about you; as with any "
        "request, the server sees your network's address. Nothing is downloaded or installed."
    )


def _published(release: Release) -> str:
    date = QDate.fromString(release.date, Qt.DateFormat.ISODate)
    if not date.isValid():
        return ""
    return f"It was published on {QLocale().toString(date, QLocale.FormatType.LongFormat)}. "


@Slot(QUrl)
def _open(address: QUrl) -> None:
    # Notes may hold links to anything; programs and files of this computer are not for them.
    if address.scheme() in ("https", "http"):
        QDesktopServices.openUrl(address)

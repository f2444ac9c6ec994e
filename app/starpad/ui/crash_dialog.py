"""What happens when Starpad itself is wrong: unsaved text is kept first, then the user is told."""

import logging
import sys
import threading
from collections import Counter
from collections.abc import Callable
from traceback import format_exception, walk_tb
from types import TracebackType

from PySide6.QtCore import QObject, Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QStyle,
    QVBoxLayout,
    QWidget,
)

from starpad import __version__
from starpad.core import paths

logger = logging.getLogger(__name__)

_Role = QDialogButtonBox.ButtonRole


QUIT = 2
"""The dialog's result when the user wants to quit; closing it any other way goes on."""


class CrashDialog(QDialog):
    """Asks whether to go on; `kept` is the sentence on what became of unsaved text."""

    def __init__(self, report: str, kept: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Starpad")
        self.setModal(True)
        self._report = report
        self._details = QPlainTextEdit(report)
        self._details.setReadOnly(True)
        self._details.setTabChangesFocus(True)
        self._details.setAccessibleName("Report")
        self._details.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._details.setMinimumSize(560, 220)
        self._details.hide()
        head = QHBoxLayout()
        head.setSpacing(14)
        head.addWidget(self._make_icon(), 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(_texts(kept), 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 18, 18, 14)
        column.setSpacing(14)
        column.addLayout(head)
        column.addWidget(self._details, 1)
        column.addWidget(self._make_buttons())
        self.setMinimumWidth(600)

    def _make_icon(self) -> QLabel:
        icon = QLabel()
        warning = QStyle.StandardPixmap.SP_MessageBoxWarning
        icon.setPixmap(self.style().standardIcon(warning).pixmap(32))
        return icon

    def _make_buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox()
        toggle = QPushButton("Details")
        toggle.setCheckable(True)
        toggle.toggled.connect(self._on_details_toggled)
        buttons.addButton(toggle, _Role.ResetRole)
        copy = buttons.addButton("Copy report", _Role.ResetRole)
        copy.clicked.connect(self._on_copy_clicked)
        folder = buttons.addButton("Open log folder", _Role.ResetRole)
        folder.clicked.connect(self._on_folder_clicked)
        folder.setToolTip(str(paths.log_folder()))
        go_on = buttons.addButton("Go on", _Role.AcceptRole)
        go_on.setDefault(True)
        buttons.addButton("Quit", _Role.DestructiveRole).clicked.connect(self._on_quit_clicked)
        buttons.accepted.connect(self.accept)
        return buttons

    @Slot(bool)
    def _on_details_toggled(self, is_checked: bool) -> None:
        self._details.setVisible(is_checked)
        self.adjustSize()

    @Slot()
    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self._report)

    @Slot()
    def _on_folder_clicked(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(paths.log_folder())))

    @Slot()
    def _on_quit_clicked(self) -> None:
        self.done(QUIT)


def _texts(kept: str) -> QVBoxLayout:
    title = QLabel("Something in Starpad went wrong.")
    font = title.font()
    font.setPointSizeF(font.pointSizeF() * 1.2)
    font.setBold(True)
    title.setFont(font)
    texts = QVBoxLayout()
    texts.setSpacing(8)
    texts.addWidget(title)
    for text in (
        "This is a mistake in Starpad, not yours. You can usually go on; save your work soon.",
        kept,
        "The report stays on this machine. Read it before you pass it on.",
    ):
        label = QLabel(text)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        texts.addWidget(label)
    return texts


class CrashGuard(QObject):
    """Catches what nothing else caught, in every thread; belongs to the GUI thread."""

    _caught = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._save_unsaved: Callable[[], str] = lambda: ""
        self._counts: Counter[str] = Counter()
        self._dialog: CrashDialog | None = None
        # Queued also from the GUI thread: a dialog must not open amid a paint event, say.
        self._caught.connect(self._on_caught, Qt.ConnectionType.QueuedConnection)

    def install(self, save_unsaved: Callable[[], str]) -> None:
        """Watch all threads from now on.

        `save_unsaved` keeps unsaved text and returns where, empty if there was none; it is called
        on the GUI thread and may fail.
        """
        self._save_unsaved = save_unsaved
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception

    def _on_thread_exception(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None and arguments.exc_type is not SystemExit:
            self._on_exception(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)

    def _on_exception(
        self, kind: type[BaseException], value: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, value, trace)
            return
        try:
            place = _place(kind, trace)
            self._counts[place] += 1
            if self._counts[place] == 1:  # a paint event can fail a hundred times a second
                thread = threading.current_thread().name
                logger.critical("Uncaught in %s", thread, exc_info=(kind, value, trace))
                report = "".join(format_exception(kind, value, trace))
                self._caught.emit(f"Starpad {__version__}, thread {thread}\n\n{report}")
        except Exception:  # nobody is left to catch it, and Python would end in silence
            sys.__excepthook__(kind, value, trace)

    @Slot(str)
    def _on_caught(self, report: str) -> None:
        kept = self._keep()
        if self._dialog is None:
            self._dialog = CrashDialog(report, kept, QApplication.activeWindow())
            self._dialog.finished.connect(self._on_dialog_finished)
            self._dialog.show()

    @Slot(int)
    def _on_dialog_finished(self, result: int) -> None:
        if self._dialog is not None:
            self._dialog.deleteLater()
            self._dialog = None
        if result == QUIT:
            self._keep()
            QApplication.exit(1)

    def _keep(self) -> str:
        """Keep unsaved text; return the sentence that says what came of it."""
        try:
            folder = self._save_unsaved()
        except Exception:
            logger.exception("Unsaved text could not be kept")
            return "Unsaved text could not be kept: save your documents now."
        if folder:
            return (
                f"Unsaved text was kept in {folder}; it comes back if Starpad ends before you save."
            )
        return "All documents are saved."


def _place(kind: type[BaseException], trace: TracebackType | None) -> str:
    """Return what makes two exceptions the same one: their type and the line that raised them."""
    frames = [f"{frame.f_code.co_filename}:{line}" for frame, line in walk_tb(trace)]
    return " ".join([kind.__qualname__, *frames[-1:]])

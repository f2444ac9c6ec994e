"""Help > About: what runs here, under which licences, and where the user's data lies."""

import platform
from functools import partial

import PySide6
from PySide6.QtCore import QSysInfo, Qt, QUrl, Slot, qVersion
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QLayout,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from starpad import __version__
from starpad.core import frozen, paths
from starpad.core.engine_status import EngineStatus
from starpad.core.user_data import Places
from starpad.ui.labels import text_label, title_label
from starpad.ui.text_dialog import TextDialog

_Role = QDialogButtonBox.ButtonRole
_WIDTH_CHARACTERS = 72

_PROMISE = (
    "StarCoder models on your own machine, offline. Nothing leaves it unless you press a button "
    "that says so."
)
_OWN_LICENSE = (
    "Starpad is free software under the Apache License 2.0, and so is its demonstration model. "
    "StarCoder models are under the BigCode OpenRAIL-M licence; llama.cpp, which runs them, is "
    "under the MIT licence."
)
_QT = (
    "Starpad uses Qt and PySide6 under the GNU Lesser General Public License, version 3 (LGPLv3); "
    "they are Copyright The Qt Company Ltd. and other contributors. You may change them and use "
    "your own versions instead: each is a shared library in a file of its own. The third-party "
    "licences say how, hold both licence texts, and offer the source code."
)
_FROM_SOURCE = (
    "This Starpad was started from its source. The installed one shows here\n"
    "the licences of all parts that it contains.\n\n"
    "To write them to a file: python installers/notices.py THIRD_PARTY_NOTICES.txt"
)


class AboutDialog(QDialog):
    """Shows the engine as it was when the dialog opened; asks nobody, changes nothing."""

    def __init__(self, status: EngineStatus, places: Places, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("About Starpad")
        # What a screen reader says when the dialog opens.
        self.setAccessibleDescription(f"Starpad {__version__}. {_PROMISE} {_OWN_LICENSE} {_QT}")
        self.details = QPlainTextEdit(details(status), readOnly=True)
        self.details.setObjectName("paper")
        self.details.setAccessibleName("Details for a bug report")
        self.details.setTabChangesFocus(True)
        self.details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        rows = self.details.document().blockCount() + 2
        self.details.setFixedHeight(self.fontMetrics().lineSpacing() * rows)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        # As large as its texts, also when a style or a larger font makes them grow.
        column.setSizeConstraint(QLayout.SizeConstraint.SetFixedSize)
        column.addWidget(title_label(f"Starpad {__version__}", scale=1.5))
        column.addWidget(self._paragraph(_PROMISE))
        column.addWidget(self._paragraph(_OWN_LICENSE))
        column.addWidget(title_label("Qt and PySide6"))
        column.addWidget(self._paragraph(_QT))
        column.addWidget(title_label("What Starpad keeps on this computer"))
        column.addLayout(_folders(places))
        column.addWidget(title_label("For a bug report"))
        column.addWidget(self.details)
        column.addWidget(self._make_buttons())
        # Not before the button is in the dialog: that would make the first one the default, too.
        self.close_button.setDefault(True)
        self.close_button.setFocus()

    def _paragraph(self, text: str) -> QLabel:
        label = text_label(text)
        # A wrapping label asks for too little height unless its width is known.
        label.setMinimumWidth(self.fontMetrics().averageCharWidth() * _WIDTH_CHARACTERS)
        return label

    def _make_buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox()
        self.licenses = buttons.addButton("&Third-party licences", _Role.ActionRole)
        self.licenses.clicked.connect(self._on_licenses_clicked)
        self.copy = buttons.addButton("C&opy details", _Role.ActionRole)
        self.copy.setToolTip("They hold no text, no file name and no folder of yours")
        self.copy.setAccessibleDescription(self.copy.toolTip())
        self.copy.clicked.connect(self._on_copy_clicked)
        self.close_button = buttons.addButton(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        return buttons

    @Slot()
    def _on_licenses_clicked(self) -> None:
        TextDialog("Third-party licences", _notices(), self).open()

    @Slot()
    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self.details.toPlainText())


def details(status: EngineStatus) -> str:
    """Return what a bug report should say of this machine; nothing that names the user."""
    how = "installed" if frozen.is_frozen() else "from source"
    model = status.model
    engine = "no model is loaded"
    if model is not None:
        where = "an engine pack" if model.pack else model.kind.value
        engine = " ".join(filter(None, [where, model.engine_version]))
        engine += ", on a GPU" if model.on_gpu else ", on the processor"
    return "\n".join(
        (
            f"Starpad {__version__}, {how}",
            f"Engine: {engine}",
            f"Python {platform.python_version()}, PySide6 {PySide6.__version__}, Qt {qVersion()}"
            f" ({QGuiApplication.platformName()})",
            f"{QSysInfo.prettyProductName()}, {platform.release()}, {platform.machine()}",
        )
    )


def _folders(places: Places) -> QGridLayout:
    """Return a row for each folder: what lies in it, and a button that opens it."""
    contents = {
        "Settings": places.config,
        "Conversations, unsaved text, engine packs": places.data,
        "Models": places.models or places.data / "models",
        "Logs": places.logs,
    }
    grid = QGridLayout()
    grid.setColumnStretch(1, 1)
    for row, (what, folder) in enumerate(contents.items()):
        button = QPushButton(str(folder))
        button.setObjectName("link")
        button.setAutoDefault(False)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.setToolTip("Open this folder")
        button.setAccessibleName(f"Open the folder of {what.lower()}: {folder}")
        button.setEnabled(folder.is_dir())
        address = QUrl.fromLocalFile(str(folder))
        button.clicked.connect(partial(QDesktopServices.openUrl, address))
        grid.addWidget(QLabel(what), row, 0)
        grid.addWidget(button, row, 1, Qt.AlignmentFlag.AlignLeft)
    return grid


def _notices() -> str:
    """Return the notices that the installed app carries, or where they are to be found."""
    try:
        return paths.resource("THIRD_PARTY_NOTICES.txt").read_text("utf-8")
    except FileNotFoundError:
        return _FROM_SOURCE

"""Which real StarCoder models there are, what each is good for, and where to get one."""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QScrollArea,
    QStyle,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from starpad.core import catalog
from starpad.core.catalog import Ability, Family
from starpad.core.engine_status import LoadedModel
from starpad.core.errors import ModelFileError

_GOOD_FOR = {Ability.COMPLETION: "Completing code", Ability.CHAT: "Chat"}
_COLUMNS = ("Model", "Good for", "Context (tokens)")


class ModelsDialog(QDialog):
    """Lists the families; opens a page in the user's browser only when a button is pressed."""

    open_requested = Signal()
    """The user has a file and wants to choose it."""

    def __init__(self, parent: QWidget | None = None, running: LoadedModel | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("StarCoder models")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._families: tuple[Family, ...] = ()
        self._page = QScrollArea()
        self._page.setWidgetResizable(True)
        self._page.setFrameShape(QFrame.Shape.NoFrame)
        self._page.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(12)
        column.addWidget(_title(_what_runs(running)))
        column.addWidget(_text(_HOW_TO))
        try:
            self._families = catalog.load()
        except ModelFileError as error:
            column.addWidget(_text(str(error)), 1)
        else:
            column.addLayout(self._make_body(), 1)
        column.addWidget(self._make_buttons())
        self.resize(940, 660)

    def _make_body(self) -> QHBoxLayout:
        table = _table(self._families)
        table.currentCellChanged.connect(self._on_row_changed)
        table.setCurrentCell(0, 0)
        body = QHBoxLayout()
        body.setSpacing(18)
        body.addWidget(table, 1)
        body.addWidget(self._page, 1)
        return body

    def _make_buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        choose = buttons.addButton("Open model file…", QDialogButtonBox.ButtonRole.ActionRole)
        choose.clicked.connect(self._on_open_clicked)
        choose.setDefault(True)
        return buttons

    @Slot(int)
    def _on_row_changed(self, row: int) -> None:
        self._page.setWidget(_page(self._families[row]))  # and the page before it is deleted

    @Slot()
    def _on_open_clicked(self) -> None:
        self.accept()
        self.open_requested.emit()


_HOW_TO = (
    "To get a real model: choose one below, open its page, and download one GGUF file from "
    "“Files and versions” there; Q4_K_M in the name is a good compromise, and the file should be "
    "clearly smaller than your free memory. Then press “Open model file…”. "
    "Downloading inside Starpad, and chat, come in later versions."
)


def _what_runs(running: LoadedModel | None) -> str:
    if running is not None and running.is_demo:
        return "What runs now is only a small demonstration model."
    if running is not None:
        return f"What runs now is {running.name}."
    return "The model that comes with Starpad is only a small demonstration model."


def _table(families: Sequence[Family]) -> QTableWidget:
    table = QTableWidget(len(families), len(_COLUMNS))
    table.setAccessibleName("StarCoder models")
    table.setHorizontalHeaderLabels(_COLUMNS)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setTabKeyNavigation(False)  # Tab goes on to the buttons; the arrows stay here
    table.setShowGrid(False)
    table.verticalHeader().hide()
    header = table.horizontalHeader()
    header.setHighlightSections(False)
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    for row, family in enumerate(families):
        for at, text in enumerate((family.name, _good_for(family), f"{family.context_tokens:,}")):
            table.setItem(row, at, QTableWidgetItem(text))
    return table


def _good_for(family: Family) -> str:
    return ", ".join(word for ability, word in _GOOD_FOR.items() if ability in family.abilities)


def _page(family: Family) -> QWidget:
    """Return all that is to say of one family."""
    content = QWidget()
    column = QVBoxLayout(content)
    column.setContentsMargins(0, 0, 12, 0)
    column.setSpacing(8)
    column.addWidget(_title(family.name))
    column.addWidget(_text(family.summary))
    for warning in family.warnings:
        column.addLayout(_warning(warning))
    facts = QFormLayout()
    facts.setVerticalSpacing(4)
    facts.setHorizontalSpacing(12)
    facts.addRow(_quiet("Good for"), _text(_good_for(family)))
    facts.addRow(_quiet("Size"), _text(f"{family.parameters} parameters"))
    facts.addRow(_quiet("Context"), _text(f"{family.context_tokens:,} tokens"))
    facts.addRow(_quiet("Licence"), _text(f"{family.license.name}, with restrictions of use"))
    column.addLayout(facts)
    column.addSpacing(6)
    column.addWidget(_title("Files in GGUF format"))
    for repository in family.repositories:
        column.addLayout(_link(repository.url, "Open page", repository.note))
    column.addSpacing(6)
    column.addWidget(_title("Licence and makers"))
    column.addLayout(_link(family.license.url, "Read licence", ""))
    gate = "Needs a sign-in; the files above do not, but the licence holds for them too."
    original = f"{catalog.HUB}/{family.original}"
    column.addLayout(_link(original, "Open page", gate if family.is_gated else ""))
    column.addStretch()
    return content


def _link(url: str, button_text: str, note: str) -> QHBoxLayout:
    """Return an address as text, a note below it, and the button that opens it."""
    texts = QVBoxLayout()
    texts.setSpacing(0)
    texts.addWidget(_text(url.removeprefix("https://")))
    if note:
        texts.addWidget(_quiet(note))
    button = QPushButton(button_text)
    button.setToolTip(f"Opens {url} in your browser")
    button.setAccessibleName(f"{button_text}: {url}")
    button.setAutoDefault(False)
    button.clicked.connect(partial(_open, url))
    row = QHBoxLayout()
    row.addLayout(texts, 1)
    row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
    return row


def _open(url: str, _is_checked: bool = False) -> None:
    QDesktopServices.openUrl(QUrl(url))


def _warning(text: str) -> QHBoxLayout:
    icon = QLabel()
    picture = icon.style().standardIcon(QStyle.StandardPixmap.SP_MessageBoxWarning)
    icon.setPixmap(picture.pixmap(icon.fontMetrics().height() + 2))
    icon.setAccessibleName("Warning")
    row = QHBoxLayout()
    row.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
    row.addWidget(_text(text), 1)
    return row


def _title(text: str) -> QLabel:
    label = _text(text)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    return label


def _quiet(text: str) -> QLabel:
    label = _text(text)
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label


def _text(text: str) -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label

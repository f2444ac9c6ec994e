"""The models of one repository, to choose a quantization from."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QBrush, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from starpad.core.memory_fit import Verdict
from starpad.ui.labels import text_label
from starpad.ui.models.offers import Offer, OfferState

_COLUMNS = ("Model", "Size", "Memory", "Speed here", "Remark")
_BUTTON_TEXTS = {
    OfferState.NEW: "&Download",
    OfferState.DOWNLOADING: "&Show download",
    OfferState.INSTALLED: "&Load",
    OfferState.LOADED: "&Load",
}


class OffersTable(QWidget):
    """Shows offers; the button does what suits the chosen one."""

    chosen = Signal(object)
    """(Offer) to download, to load or to show, by its state."""

    def __init__(self) -> None:
        super().__init__()
        self._offers: list[Offer] = []
        self._tree = QTreeWidget()
        self._tree.setAccessibleName("Models in this repository")
        self._tree.setHeaderLabels(_COLUMNS)
        self._tree.setRootIsDecorated(False)
        self._tree.setUniformRowHeights(True)
        self._tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = self._tree.header()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        self._numbers = text_label(is_quiet=True)
        self._numbers.setAccessibleName("Memory that the model needs")
        self._button = QPushButton(_BUTTON_TEXTS[OfferState.NEW])
        self._button.setDefault(True)
        row = QHBoxLayout()
        row.addWidget(self._numbers, 1)
        row.addWidget(self._button, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._tree, 1)
        column.addLayout(row)
        self._tree.currentItemChanged.connect(self._on_tree_current_item_changed)
        self._tree.itemActivated.connect(self._on_button_clicked)
        self._button.clicked.connect(self._on_button_clicked)
        self.setFocusProxy(self._tree)

    @property
    def offers(self) -> Sequence[Offer]:
        """What is shown, in its order."""
        return self._offers

    @property
    def current(self) -> Offer | None:
        """The chosen offer."""
        row = self._tree.currentIndex().row()
        return self._offers[row] if 0 <= row < len(self._offers) else None

    def show_offers(self, offers: Sequence[Offer]) -> None:
        """Show these; the choice stays on the same model, first on the recommended one."""
        before = self.current
        self._offers = list(offers)
        while self._tree.topLevelItemCount() > len(offers):
            self._tree.takeTopLevelItem(self._tree.topLevelItemCount() - 1)
        for row, offer in enumerate(offers):
            item = self._tree.topLevelItem(row)
            if item is None:
                item = QTreeWidgetItem(self._tree)
            self._fill(item, offer)
        same = [row for row, offer in enumerate(offers) if before and offer.model == before.model]
        best = [row for row, offer in enumerate(offers) if offer.is_recommended]
        self._choose((*same, *best, 0)[0])
        self._on_tree_current_item_changed()

    def choose(self, quantization: str) -> None:
        """Put the choice on the model of this quantization."""
        for row, offer in enumerate(self._offers):
            if offer.model.quantization == quantization:
                self._choose(row)

    def _choose(self, row: int) -> None:
        self._tree.setCurrentIndex(self._tree.model().index(row, 0))

    def _fill(self, item: QTreeWidgetItem, offer: Offer) -> None:
        star = " ★" if offer.is_recommended else ""
        texts = (offer.name + star, offer.size, offer.memory, offer.speed, offer.remark)
        for column, words in enumerate(texts):
            if item.text(column) != words:
                item.setText(column, words)
        recommended = "recommended · " if offer.is_recommended else ""
        item.setData(0, Qt.ItemDataRole.AccessibleTextRole, recommended + offer.sentence)
        font = item.font(0)
        font.setBold(offer.is_recommended)
        item.setFont(0, font)
        cannot = offer.fit is not None and offer.fit.verdict is Verdict.DOES_NOT_FIT
        role = QPalette.ColorRole.PlaceholderText if cannot else QPalette.ColorRole.Text
        brush = QBrush(self.palette().color(role))
        for column in range(len(_COLUMNS)):
            item.setForeground(column, brush)

    @Slot()
    def _on_tree_current_item_changed(self) -> None:
        offer = self.current
        self._button.setEnabled(offer is not None and offer.state is not OfferState.LOADED)
        if offer is None:
            self._numbers.clear()
            return
        self._button.setText(_BUTTON_TEXTS[offer.state])
        self._button.setAccessibleName(
            f"{_BUTTON_TEXTS[offer.state]} {offer.name}".replace("&", "")
        )
        self._numbers.setText(offer.fit.sentence if offer.fit else "")

    @Slot()
    def _on_button_clicked(self) -> None:
        offer = self.current
        if offer is not None and self._button.isEnabled():
            self.chosen.emit(offer)

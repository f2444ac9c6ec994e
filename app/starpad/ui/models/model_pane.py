"""One model: what is known of it, where its files come from, and which of them to take."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from starpad.core.catalog import Family, Repository
from starpad.core.errors import StarpadError
from starpad.core.remote import RepositorySummary
from starpad.ui.labels import EmptyState, Notice, text_label
from starpad.ui.models.family_card import Card, family_card, repository_card
from starpad.ui.models.offers import Offer
from starpad.ui.models.offers_table import OffersTable


class ModelPane(QWidget):
    """Nothing is asked of the hub before the user presses the button that says so."""

    files_requested = Signal(str)
    """The id of a repository: list its files."""
    chosen = Signal(object)
    """(Offer) to download, to load or to show."""
    page_requested = Signal(str)
    """The address of a page to open in the browser."""

    def __init__(self, host: str) -> None:
        super().__init__()
        self.family: Family | None = None
        self._host = host
        self._shown = ""
        self._card: Card | None = None
        self._card_area = QScrollArea()
        self._card_area.setAccessibleName("About the model")
        self._card_area.setWidgetResizable(True)
        self._card_area.setFrameShape(QFrame.Shape.NoFrame)
        self._card_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._source = QComboBox()
        self._source.setAccessibleName("Repository to get it from")
        self._note = text_label(is_quiet=True)
        self._ask = QPushButton("Show &files")
        self._notice = Notice("error")
        self.offers = OffersTable()
        self._before = EmptyState("", "")
        self._stack = QStackedWidget()
        self._stack.addWidget(self._before)
        self._stack.addWidget(self.offers)
        self._arrange()
        self._source.currentIndexChanged.connect(self._on_source_changed)
        self._ask.clicked.connect(self.ask_for_files)
        self.offers.chosen.connect(self.chosen)

    def _arrange(self) -> None:
        source = QHBoxLayout()
        source.addWidget(self._source, 1)
        source.addWidget(self._ask)
        files = QWidget()
        column = QVBoxLayout(files)
        column.setContentsMargins(8, 8, 0, 0)
        column.addLayout(source)
        column.addWidget(self._note)
        column.addWidget(self._notice)
        column.addWidget(self._stack, 1)
        halves = QSplitter(Qt.Orientation.Vertical)
        halves.setChildrenCollapsible(False)
        self._card_area.setContentsMargins(8, 0, 0, 0)
        halves.addWidget(self._card_area)
        halves.addWidget(files)
        halves.setStretchFactor(1, 1)
        halves.setSizes([250, 330])
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.addWidget(halves)

    @property
    def repository(self) -> str:
        """The id of the repository that is chosen."""
        item = self._source.currentData()
        return str(item.id) if isinstance(item, Repository) else self._source.currentText()

    def set_host(self, host: str) -> None:
        """Name the hub that is asked."""
        self._host = host
        self._ask.setToolTip(f"Asks {host} for this repository's files")

    def show_family(self, family: Family) -> None:
        """Show a family of the catalog."""
        self.family = family
        self._show_card(family_card(family))
        self._source.blockSignals(True)
        self._source.clear()
        for repository in family.repositories:
            self._source.addItem(repository.id, repository)
        self._source.blockSignals(False)
        self._on_source_changed()

    def show_repository_summary(self, summary: RepositorySummary) -> None:
        """Show a repository that a search has found."""
        self.family = None
        self._show_card(repository_card(summary, f"https://{self._host}"))
        self._source.blockSignals(True)
        self._source.clear()
        self._source.addItem(summary.id, Repository(summary.id, ""))
        self._source.blockSignals(False)
        self._on_source_changed()

    def show_offers(self, repository: str, offers: Sequence[Offer]) -> None:
        """Show a repository's models, unless another one has been chosen meanwhile."""
        if repository != self.repository:
            return
        self._ask.setEnabled(True)
        self._notice.show_sentence("", "")
        if not offers:
            self._say("No model files", "There is no GGUF file in this repository.")
            return
        is_new = self._shown != repository
        self._shown = repository
        self.offers.show_offers(offers)
        self._stack.setCurrentWidget(self.offers)
        if is_new:
            self.offers.setFocus()

    def show_error(self, error: StarpadError) -> None:
        """Say why the files cannot be listed."""
        self._ask.setEnabled(True)
        self._notice.show_sentence(error.message, error.hint)
        if not self._shown:
            self._say("No files to show", "What is on this computer can be used all the same.")

    def forget_files(self) -> None:
        """Show no files any more: they were another hub's."""
        self._on_source_changed()

    @Slot()
    def ask_for_files(self) -> None:
        """Ask the hub for the repository's files."""
        if not self.repository:
            return
        self._notice.show_sentence("", "")
        self._ask.setEnabled(False)
        if not self._shown:
            self._say("Asking…", f"{self._host} is asked for the files of {self.repository}.")
        self.files_requested.emit(self.repository)

    @Slot()
    def _on_source_changed(self) -> None:
        item = self._source.currentData()
        note = item.note if isinstance(item, Repository) else ""
        self._note.setText(note)
        self._note.setVisible(bool(note))
        self._notice.show_sentence("", "")
        self._ask.setEnabled(self._source.count() > 0)
        self._shown = ""
        self._say(
            "Quantizations and sizes",
            f"Press “Show files”: {self._host} is asked what this repository holds, "
            "and for the first bytes of a file, which say how much memory it needs.",
        )

    def _show_card(self, card: Card) -> None:
        self._card = card
        card.page_requested.connect(self.page_requested)
        self._card_area.setWidget(card)

    def _say(self, title: str, words: str) -> None:
        old, self._before = self._before, EmptyState(title, words)
        self._stack.addWidget(self._before)
        self._stack.setCurrentWidget(self._before)
        self._stack.removeWidget(old)
        old.deleteLater()

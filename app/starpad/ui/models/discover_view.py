"""Find a model: the StarCoder families in the box, or a search of the hub."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from starpad.core.catalog import Ability, Family
from starpad.core.errors import StarpadError
from starpad.core.remote import Gating, RepositorySummary
from starpad.ui.labels import Notice, text_label
from starpad.ui.models.model_pane import ModelPane

_ROLE = Qt.ItemDataRole.UserRole
_ABILITIES = {Ability.COMPLETION: "completion", Ability.CHAT: "chat"}


class DiscoverView(QWidget):
    """On the left what there is, on the right one model with its files."""

    search_requested = Signal(str)
    """What to look for on the hub: the user has pressed Search."""

    def __init__(self, families: Sequence[Family], host: str) -> None:
        super().__init__()
        self.pane = ModelPane(host)
        self._words = QLineEdit()
        self._words.setAccessibleName("Search Hugging Face")
        self._words.setClearButtonEnabled(True)
        self._words.setMaxLength(400)
        self._search = QPushButton("&Search")
        self._notice = Notice("error")
        self._families = _list("StarCoder models")
        self._found = _list("Repositories found")
        self._found.setColumnCount(1)
        self._lists = QStackedWidget()
        self._lists.addWidget(self._families)
        self._lists.addWidget(self._found)
        self._state = text_label(is_quiet=True)
        self._back = QPushButton("&Back to the StarCoder models")
        self._back.hide()
        self._arrange()
        self.set_host(host)
        self._show_families(families)
        self._search.clicked.connect(self._on_search_clicked)
        self._words.returnPressed.connect(self._on_search_clicked)
        self._back.clicked.connect(self._on_back_clicked)
        self._families.currentItemChanged.connect(self._on_families_current_item_changed)
        self._found.itemActivated.connect(self._on_found_item_activated)
        self._found.currentItemChanged.connect(self._on_found_current_item_changed)
        QShortcut(QKeySequence.StandardKey.Find, self, self._words.setFocus)
        _choose(self._families, 1)

    def _arrange(self) -> None:
        search = QHBoxLayout()
        search.addWidget(self._words, 1)
        search.addWidget(self._search)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 8, 0)
        column.addWidget(self._state)
        column.addWidget(self._lists, 1)
        column.addWidget(self._back)
        halves = QSplitter(Qt.Orientation.Horizontal)
        halves.setChildrenCollapsible(False)
        halves.addWidget(left)
        halves.addWidget(self.pane)
        halves.setStretchFactor(1, 1)
        halves.setSizes([300, 640])
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.addLayout(search)
        page.addWidget(self._notice)
        page.addWidget(halves, 1)
        self._state.hide()

    def set_host(self, host: str) -> None:
        """Name the hub that is asked."""
        self._words.setPlaceholderText(f"Words, author/, owner/name, or an address at {host}")
        self._search.setToolTip(f"Sends these words to {host}")
        self.pane.set_host(host)

    def search_for(self, words: str) -> None:
        """Put words into the field and ask for a search."""
        self._words.setText(words)
        self._on_search_clicked()

    def show_found(self, words: str, repositories: Sequence[RepositorySummary]) -> None:
        """Show what a search has found."""
        self._notice.show_sentence("", "")
        self._search.setEnabled(True)
        self._found.clear()
        for summary in repositories:
            item = QTreeWidgetItem(self._found, [_result_text(summary)])
            item.setData(0, _ROLE, summary)
            item.setToolTip(0, item.text(0))
        count = len(repositories)
        if not count:
            self._say(f"Nothing found for “{words}”. Try fewer words, or owner/name.")
        else:
            found = "1 repository" if count == 1 else f"{count} repositories"
            self._say(f"{found} for “{words}”. Enter shows the files of one.")
        self._lists.setCurrentWidget(self._found)
        self._back.show()
        if count:
            _choose(self._found, 0)
            self._found.setFocus()

    def show_search_error(self, error: StarpadError) -> None:
        """Say why there is nothing to show; what was there stays."""
        self._search.setEnabled(True)
        self._say("")
        self._notice.show_sentence(error.message, error.hint)

    def _show_families(self, families: Sequence[Family]) -> None:
        groups: dict[str, QTreeWidgetItem] = {}
        for family in families:
            group = groups.get(family.series)
            if group is None:
                group = groups[family.series] = QTreeWidgetItem(self._families, [family.series])
                group.setFlags(Qt.ItemFlag.ItemIsEnabled)
                font = group.font(0)
                font.setBold(True)
                group.setFont(0, font)
            item = QTreeWidgetItem(group, [family.name])
            item.setData(0, _ROLE, family)
            good_for = ", ".join(_ABILITIES[able] for able in Ability if able in family.abilities)
            item.setToolTip(0, family.summary)
            item.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{family.name}, for {good_for}")
        self._families.expandAll()

    def _say(self, words: str) -> None:
        self._state.setText(words)
        self._state.setVisible(bool(words))

    @Slot()
    def _on_search_clicked(self) -> None:
        words = self._words.text().strip()
        if not words:
            self._words.setFocus()
            return
        self._notice.show_sentence("", "")
        self._search.setEnabled(False)
        self._say("Searching…")
        self.search_requested.emit(words)

    @Slot()
    def _on_back_clicked(self) -> None:
        self._lists.setCurrentWidget(self._families)
        self._back.hide()
        self._say("")
        self._notice.show_sentence("", "")
        self._on_families_current_item_changed()
        self._families.setFocus()

    @Slot()
    def _on_families_current_item_changed(self) -> None:
        item = self._families.currentItem()
        family = item.data(0, _ROLE) if item is not None else None
        if isinstance(family, Family):
            self.pane.show_family(family)

    @Slot()
    def _on_found_current_item_changed(self) -> None:
        item = self._found.currentItem()
        if item is not None and self._lists.currentWidget() is self._found:
            self.pane.show_repository_summary(item.data(0, _ROLE))

    @Slot(QTreeWidgetItem)
    def _on_found_item_activated(self, _item: QTreeWidgetItem) -> None:
        self.pane.ask_for_files()


def _choose(tree: QTreeWidget, row: int) -> None:
    """Put the choice on a row, counted as they are seen."""
    tree.setCurrentIndex(tree.model().index(0, 0))
    for _ in range(row):
        tree.setCurrentIndex(tree.indexBelow(tree.currentIndex()))


def _list(name: str) -> QTreeWidget:
    tree = QTreeWidget()
    tree.setAccessibleName(name)
    tree.setHeaderHidden(True)
    tree.setRootIsDecorated(False)
    tree.setIndentation(10)
    tree.setItemsExpandable(False)
    tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    return tree


def _result_text(summary: RepositorySummary) -> str:
    access = "" if summary.gating is Gating.OPEN else "needs an account"
    numbers = (f"{summary.downloads:,} downloads", f"{summary.likes:,} likes")
    facts = (access, *numbers, summary.license)
    return f"{summary.id}\n{' · '.join(filter(None, facts))}"

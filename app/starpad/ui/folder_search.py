"""The side bar's page that finds text in the folder's files."""

import re
from pathlib import Path

from PySide6.QtCore import QModelIndex, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from starpad.core.folder_search import FileMatches, Progress, compiled
from starpad.core.text_search import SearchQuery
from starpad.services.folder_search import SearchEnd
from starpad.ui.hit_delegate import HIT_ROLE, HitDelegate
from starpad.ui.labels import text_label
from starpad.ui.spoken import announce
from starpad.ui.text_positions import utf16_length

_PATH, _MATCH = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
_BEFORE_HIT = 16
_OPEN_FILES = 20
"""So many files show their hits at once; of more, only the names."""


class FolderSearchView(QWidget):
    """Asks for what to find, and shows the hits by file, as they come."""

    search_requested = Signal()
    cancel_requested = Signal()
    match_activated = Signal(object, object)
    """(Path, LineMatch) to go to."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = Path()
        self._files: dict[str, QTreeWidgetItem] = {}
        self._hits = 0
        self.text = self._field("Find in the folder's files")
        self.include = self._field("Only in, such as *.py, docs/**")
        self.exclude = self._field("Not in, such as *.min.js, build")
        self._case = QCheckBox("Match &case")
        self._word = QCheckBox("&Whole words")
        self._regex = QCheckBox("&Regular expression")
        self.button = QPushButton("Find")
        self.button.clicked.connect(self._on_button_clicked)
        self.status = text_label(is_quiet=True)
        self.results = QTreeWidget()
        self.results.setAccessibleName("What was found")
        self.results.setHeaderHidden(True)
        self.results.setUniformRowHeights(True)
        self.results.setItemDelegate(HitDelegate(self.results))
        self.results.activated.connect(self._on_results_activated)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 0)
        column.setSpacing(6)
        for widget in (self.text, self.include, self.exclude, self._case, self._word, self._regex):
            column.addWidget(widget)
        row = QHBoxLayout()
        row.addWidget(self.status, 1)
        row.addWidget(self.button)
        column.addLayout(row)
        column.addWidget(self.results, 1)
        self._is_running = False

    def _field(self, name: str) -> QLineEdit:
        field = QLineEdit()
        field.setPlaceholderText(name)
        field.setAccessibleName(name)
        field.setClearButtonEnabled(True)
        field.returnPressed.connect(self._on_field_return_pressed)
        return field

    @property
    def query(self) -> SearchQuery:
        """What is looked for."""
        return SearchQuery(
            self.text.text(),
            is_regex=self._regex.isChecked(),
            matches_case=self._case.isChecked(),
            is_whole_word=self._word.isChecked(),
        )

    def start_in(self, folder: Path) -> bool:
        """Make room for hits in a folder; return whether there is something to look for."""
        try:
            compiled(self.query)
        except re.error as error:
            self._tell(f"This is no regular expression: {error}.")
            return False
        if not self.text.text():
            return False
        self._folder = folder
        self._files.clear()
        self._hits = 0
        self.results.clear()
        self.status.setText("Looking…")
        self._set_running(is_running=True)
        return True

    @Slot(object)
    def add(self, found: FileMatches) -> None:
        """Show the hits of one more file, or more of its hits."""
        item = self._files.get(found.path)
        if item is None:
            item = self._files[found.path] = QTreeWidgetItem()
            item.setData(0, _PATH, found.path)
            self.results.addTopLevelItem(item)
        lines = []
        for match in found.matches:
            # The hit must show in a narrow pane, too.
            start = max(0, match.preview_column - _BEFORE_HIT)
            head = f"{match.line}: " + ("…" if start else "")
            head += match.preview[start : match.preview_column]
            hit = match.preview[match.preview_column :][: match.length]
            line = QTreeWidgetItem([head + match.preview[match.preview_column :]])
            line.setData(0, HIT_ROLE, (utf16_length(head), utf16_length(hit)))
            line.setToolTip(0, match.preview)
            line.setData(0, _PATH, found.path)
            line.setData(0, _MATCH, match)
            lines.append(line)
        item.addChildren(lines)
        path = Path(found.path)
        place = path.relative_to(self._folder).parent.as_posix()
        where = "" if place == "." else f"  {place}"
        item.setText(0, f"{path.name} ({item.childCount()}){where}")
        item.setToolTip(0, found.path)
        item.setExpanded(len(self._files) <= _OPEN_FILES)
        self._hits += len(found.matches)
        if self.results.currentItem() is None:
            self.results.setCurrentItem(lines[0])

    @Slot(object)
    def show_progress(self, progress: Progress) -> None:
        """Show how far the search is."""
        text = f"{self._hits:,} in {len(self._files):,} files"
        if progress.is_cut_short:
            self.status.setText(f"The first {text}; there is more.")
        elif progress.done < progress.total:
            percent = 100 * progress.done // progress.total
            self.status.setText(f"{text}, {percent} % done")
        else:
            self.status.setText(f"{text}." if self._hits else "Nothing found.")

    @Slot(object)
    def show_end(self, end: SearchEnd) -> None:
        """Say how the search ended."""
        self._set_running(is_running=False)
        if end.error is not None:
            self._tell(end.error.message)
        elif end.is_cancelled:
            self._tell(f"Stopped; {self._hits:,} found so far.")
        else:
            self._tell(self.status.text())
            if self._hits and self.text.hasFocus():
                self.results.setFocus()

    def _tell(self, text: str) -> None:
        self.status.setText(text)
        announce(self.status, text)

    def _set_running(self, *, is_running: bool) -> None:
        self._is_running = is_running
        self.button.setText("Stop" if is_running else "Find")

    @Slot()
    def _on_field_return_pressed(self) -> None:
        self.search_requested.emit()

    @Slot()
    def _on_button_clicked(self) -> None:
        if self._is_running:
            self.cancel_requested.emit()
        else:
            self.search_requested.emit()

    @Slot(QModelIndex)
    def _on_results_activated(self, index: QModelIndex) -> None:
        match = index.data(_MATCH)
        if match is not None:
            self.match_activated.emit(Path(index.data(_PATH)), match)

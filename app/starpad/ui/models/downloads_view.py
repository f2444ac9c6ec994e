"""The list of downloads: each in its row, changed in place however often news come."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMessageBox,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from starpad.core.download import Download, DownloadState
from starpad.ui.labels import ElidedLabel, EmptyState
from starpad.ui.models.download_row import DownloadRow, name_of
from starpad.ui.models.download_steps import GO_ON, UNDER_WAY, Step, arrived_bytes
from starpad.ui.models.orphan_list import OrphanList
from starpad.ui.models.progress_text import size_text, summary_text
from starpad.ui.questions import ask


class DownloadsView(QWidget):
    """Shows what it is given and says what the user wants; it decides nothing."""

    pause_requested = Signal(str)
    """The download's id; so in the others."""
    resume_requested = Signal(str)
    cancel_requested = Signal(str)
    """After the user said yes to losing what has arrived."""
    move_requested = Signal(str, int)
    """The id, and its new place in the list, counted from 0."""
    forget_requested = Signal(str)
    open_requested = Signal(str)
    """A finished model is to be used."""
    sign_in_requested = Signal()
    page_requested = Signal(str)
    """The address of a page to show in the browser."""
    pause_all_requested = Signal()
    resume_all_requested = Signal()
    orphan_removal_requested = Signal(str)
    """The path of a left-over part, after the user said yes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Downloads")
        self._rows: dict[str, DownloadRow] = {}
        self._questions: dict[str, QMessageBox] = {}
        self._summary = ElidedLabel()
        self._pause_all = QPushButton("Pause &all")
        self._resume_all = QPushButton("&Resume all")
        self._pause_all.clicked.connect(self.pause_all_requested)
        self._resume_all.clicked.connect(self.resume_all_requested)
        self._head = self._make_head()
        self._empty = EmptyState(
            "No downloads",
            "What you download appears here, and goes on where it stopped, "
            "also after a lost connection or a restart.",
        )
        self._orphans = OrphanList()
        self._orphans.removal_requested.connect(self.orphan_removal_requested)
        self._list = QVBoxLayout()
        self._list.setSpacing(10)
        self._area = self._make_area()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(self._head)
        column.addWidget(self._area, 1)
        column.addWidget(self._empty, 1)
        self._show_what_there_is()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Pass the focus on to the first row: the view itself has nothing to press."""
        super().focusInEvent(event)
        if self._rows:
            next(iter(self._rows.values())).setFocus()

    def show_downloads(self, downloads: tuple[Download, ...]) -> None:
        """Show these, in this order; meant to be called as often as their numbers change."""
        has_new_order = [download.id for download in downloads] != list(self._rows)
        if has_new_order:
            self._remove_rows(downloads)
        for download in downloads:
            row = self._rows.get(download.id)
            if row is None:
                self._rows[download.id] = self._make_row(download)
            else:
                row.show_download(download)
            if download.state is DownloadState.DONE:
                self._close_question(download.id)
        if has_new_order:
            self._arrange_rows([download.id for download in downloads])
        self._summary.setText(summary_text(downloads))
        self._pause_all.setEnabled(any(d.state in UNDER_WAY for d in downloads))
        self._resume_all.setEnabled(any(d.state is DownloadState.PAUSED for d in downloads))

    def show_orphans(self, paths: Sequence[Path]) -> None:
        """Show parts on disk that no download goes on with."""
        self._orphans.show_paths(paths)
        self._show_what_there_is()

    def _make_head(self) -> QWidget:
        head = QWidget()
        row = QHBoxLayout(head)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self._summary, 1)
        for button in (self._pause_all, self._resume_all):
            button.setAutoDefault(False)
            row.addWidget(button)
        return head

    def _make_area(self) -> QScrollArea:
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(18)
        column.addLayout(self._list)
        column.addWidget(self._orphans)
        column.addStretch()
        area = QScrollArea()
        area.setWidget(content)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        return area

    def _make_row(self, download: Download) -> DownloadRow:
        row = DownloadRow(download)
        row.step_chosen.connect(partial(self._on_step_chosen, row))
        row.move_requested.connect(partial(self._on_move_requested, download.id))
        row.neighbor_requested.connect(partial(self._on_neighbor_requested, row))
        return row

    def _remove_rows(self, downloads: tuple[Download, ...]) -> None:
        kept = {download.id for download in downloads}
        for at, (id_, row) in enumerate(list(self._rows.items())):
            if id_ in kept:
                continue
            self._close_question(id_)
            focus = self.window().focusWidget()
            had_focus = focus is not None and (focus is row or row.isAncestorOf(focus))
            del self._rows[id_]
            if had_focus and self._rows:
                rows = list(self._rows.values())
                rows[min(at, len(rows) - 1)].setFocus()
            self._list.removeWidget(row)
            row.hide()
            row.deleteLater()

    def _arrange_rows(self, ids: list[str]) -> None:
        self._rows = {id_: self._rows[id_] for id_ in ids}
        stops: list[QWidget] = [self._resume_all]
        for place, row in enumerate(self._rows.values()):
            item = self._list.itemAt(place)
            if item is None or item.widget() is not row:
                self._list.removeWidget(row)
                self._list.insertWidget(place, row)
            row.show_place(is_first=place == 0, is_last=place == len(ids) - 1)
            stops += row.focus_chain()
        for one, following in pairwise(stops):
            QWidget.setTabOrder(one, following)
        self._show_what_there_is()

    def _show_what_there_is(self) -> None:
        has_any = bool(self._rows) or not self._orphans.isHidden()
        self._head.setVisible(bool(self._rows))
        self._area.setVisible(has_any)
        self._empty.setVisible(not has_any)

    def _on_step_chosen(self, row: DownloadRow, step: Step) -> None:
        download = row.download
        if step is Step.PAUSE:
            self.pause_requested.emit(download.id)
        elif step in GO_ON:
            self.resume_requested.emit(download.id)
        elif step is Step.SIGN_IN:
            self.sign_in_requested.emit()
        elif step is Step.OPEN_PAGE:
            self.page_requested.emit(download.url)
        elif step is Step.USE:
            self.open_requested.emit(download.id)
        elif step is Step.REMOVE:
            self.forget_requested.emit(download.id)
        else:
            self._cancel(download)

    def _cancel(self, download: Download) -> None:
        lost = arrived_bytes(download)
        cancel = partial(self.cancel_requested.emit, download.id)
        if not lost:
            cancel()
            return
        self._close_question(download.id)
        self._questions[download.id] = box = ask(
            self,
            f"Cancel the download of {name_of(download)}?",
            f"{size_text(lost)} that have arrived are deleted. To go on later, pause it instead.",
            "Cancel download",
            "Keep downloading",
            cancel,
        )
        box.finished.connect(partial(self._on_question_finished, download.id))

    def _on_question_finished(self, id_: str, _result: int) -> None:
        self._questions.pop(id_, None)

    def _close_question(self, id_: str) -> None:
        """Take back a question that nobody needs to answer any more."""
        box = self._questions.pop(id_, None)
        if box is not None:
            box.reject()

    def _on_move_requested(self, id_: str, delta: int) -> None:
        self.move_requested.emit(id_, list(self._rows).index(id_) + delta)

    def _on_neighbor_requested(self, row: DownloadRow, delta: int) -> None:
        rows = list(self._rows.values())
        place = rows.index(row) + delta
        if 0 <= place < len(rows):
            rows[place].setFocus()
            self._area.ensureWidgetVisible(rows[place])

"""The list of conversations, newest first, with a full-text search."""

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QPalette
from PySide6.QtWidgets import (
    QLabel,
    QLineEdit,
    QListView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from starpad.core.chat import Conversation
from starpad.core.history_search import SearchHit
from starpad.services.conversations import ConversationService

_SEARCH_MS = 30
_ROW_LINES = 2.7
_PADDING_PX = 10
_MARK_PX = 2
_SECOND = Qt.ItemDataRole.UserRole
_HIT = Qt.ItemDataRole.UserRole + 1
"""Where the hit stands in the second line: (start, length)."""
_BEFORE_HIT = 12
_Index = QModelIndex | QPersistentModelIndex


class _Rows(QAbstractListModel):
    """Conversations or search hits; only what is on screen is ever asked for."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.items: Sequence[Conversation | SearchHit] = ()

    def show(self, items: Sequence[Conversation | SearchHit]) -> None:
        self.beginResetModel()
        self.items = items
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 (Qt's signature)
        return 0 if parent.isValid() else len(self.items)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        item = self.items[index.row()]
        title = item.title or "Untitled"
        when = datetime.fromtimestamp(item.updated_at).astimezone()
        day = f"{when:%Y-%m-%d %H:%M}"
        hit = item if isinstance(item, SearchHit) else None
        second = hit.snippet.replace("\t", " ") if hit is not None else day
        if role == Qt.ItemDataRole.DisplayRole:
            return title
        if role == _SECOND:
            return second or day
        if role == _HIT:
            return (hit.start, hit.length) if hit is not None and hit.message_id else (0, 0)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{title}, {second}, {day}"
        return None


class _RowPainter(QStyledItemDelegate):
    """Two lines a row: the title, and below it when or what was found."""

    def sizeHint(self, option: QStyleOptionViewItem, _index: _Index) -> QSize:
        return QSize(100, int(option.fontMetrics.lineSpacing() * _ROW_LINES))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        self.initStyleOption(option, index)
        option.text = ""
        style = option.widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        room = option.rect.adjusted(_PADDING_PX, 0, -_PADDING_PX, 0)
        half = room.height() // 2
        metrics = option.fontMetrics
        for role, top, color, align in (
            (Qt.ItemDataRole.DisplayRole, 0, QPalette.ColorRole.Text, Qt.AlignmentFlag.AlignBottom),
            (_SECOND, half, QPalette.ColorRole.PlaceholderText, Qt.AlignmentFlag.AlignTop),
        ):
            line = QRect(room.left(), room.top() + top, room.width(), half)
            painter.setPen(option.palette.color(color))
            text, start, length = index.data(role), 0, 0
            if role == _SECOND:
                start, length = index.data(_HIT)
                text, start = _with_hit_in_view(text, start, start + length, line, metrics)
            text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, line.width())
            painter.drawText(line, align | Qt.AlignmentFlag.AlignLeft, text)
            if length:
                left = line.left() + metrics.horizontalAdvance(text[:start])
                width = metrics.horizontalAdvance(text[start : start + length])
                mark = QRect(left, line.top() + metrics.height(), width, _MARK_PX)
                painter.fillRect(mark, option.palette.color(QPalette.ColorRole.Accent))


def _with_hit_in_view(
    text: str, start: int, end: int, line: QRect, metrics: QFontMetrics
) -> tuple[str, int]:
    """Return a snippet, cut in front if its hit does not fit into the line, and the hit's start."""
    cut = start - _BEFORE_HIT
    if cut > 0 and metrics.horizontalAdvance(text[:end]) > line.width():
        return f"…{text[cut:]}", _BEFORE_HIT + 1
    return text, start


class ConversationList(QWidget):
    """Chooses a conversation; what is asked for leaves as signals."""

    chosen = Signal(int, int)
    """(conversation, the message that was found in it or 0)"""
    rename_requested = Signal(int)
    export_requested = Signal(int)

    def __init__(self, service: ConversationService, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._service = service
        self.search = QLineEdit(placeholderText="Search all conversations", clearButtonEnabled=True)
        self.search.setAccessibleName("Search all conversations")
        self._rows = _Rows(self)
        self.view = QListView()
        self.view.setAccessibleName("Conversations")
        self.view.setModel(self._rows)
        self.view.setItemDelegate(_RowPainter(self.view))
        self.view.setUniformItemSizes(True)
        self.view.setFrameShape(QListView.Shape.NoFrame)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._note = QLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self._note.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._timer = QTimer(self, singleShot=True, interval=_SEARCH_MS)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 0)
        layout.addWidget(self.search)
        layout.addWidget(self._note)
        layout.addWidget(self.view, 1)
        self._timer.timeout.connect(self._on_timer_timeout)
        self.search.textChanged.connect(self._on_search_text_changed)
        self.search.returnPressed.connect(self._on_search_return_pressed)
        self.view.activated.connect(self._on_view_activated)
        self.view.clicked.connect(self._on_view_activated)
        self.view.customContextMenuRequested.connect(self._on_menu_requested)
        service.changed.connect(self._on_service_changed)
        service.found.connect(self._on_service_found)

    @property
    def items(self) -> Sequence[Conversation | SearchHit]:
        """What is listed."""
        return self._rows.items

    def begin(self) -> None:
        """Get ready: the list as it is now, the keyboard in the search field."""
        self._service.refresh()
        self.search.setFocus()
        self.search.selectAll()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.view.currentIndex()
        if index.isValid() and event.key() == Qt.Key.Key_F2:
            self.rename_requested.emit(self._id(index))
        elif index.isValid() and event.key() == Qt.Key.Key_Delete:
            self._service.delete(self._id(index))
        elif event.key() == Qt.Key.Key_Down and self.search.hasFocus() and self._rows.rowCount():
            self.view.setFocus()
            self.view.setCurrentIndex(self._rows.index(0))
        else:
            super().keyPressEvent(event)

    def _id(self, index: QModelIndex) -> int:
        item = self._rows.items[index.row()]
        return item.conversation_id if isinstance(item, SearchHit) else item.id

    def _show(self, items: Sequence[Conversation | SearchHit], note: str) -> None:
        self._rows.show(items)
        self._note.setText(note)
        self._note.setVisible(bool(note))

    @Slot()
    def _on_service_changed(self) -> None:
        if self.search.text().strip():
            self._on_timer_timeout()
        else:
            note = "" if self._service.conversations else "Conversations will be listed here."
            self._show(self._service.conversations, note)

    @Slot(str, object)
    def _on_service_found(self, text: str, hits: tuple[SearchHit, ...]) -> None:
        if text == self.search.text():
            self._show(hits, "" if hits else "Nothing found.")

    @Slot()
    def _on_search_text_changed(self) -> None:
        if self.search.text().strip():
            self._timer.start()
        else:
            self._timer.stop()
            self._on_service_changed()

    @Slot()
    def _on_timer_timeout(self) -> None:
        self._service.search(self.search.text())

    @Slot()
    def _on_search_return_pressed(self) -> None:
        if self._rows.rowCount():
            self._on_view_activated(self._rows.index(0))

    @Slot(QModelIndex)
    def _on_view_activated(self, index: QModelIndex) -> None:
        item = self._rows.items[index.row()]
        found = (item.message_id or 0) if isinstance(item, SearchHit) else 0
        self.chosen.emit(self._id(index), found)

    def menu_at(self, point: QPoint) -> QMenu | None:
        """Return what can be done with the conversation under a point of the list."""
        index = self.view.indexAt(point)
        if not index.isValid():
            return None
        number = self._id(index)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Rename…").triggered.connect(lambda: self.rename_requested.emit(number))
        menu.addAction("Export…").triggered.connect(lambda: self.export_requested.emit(number))
        menu.addAction("Delete").triggered.connect(lambda: self._service.delete(number))
        return menu

    @Slot(QPoint)
    def _on_menu_requested(self, point: QPoint) -> None:
        menu = self.menu_at(point)
        if menu is not None:
            menu.popup(self.view.viewport().mapToGlobal(point))

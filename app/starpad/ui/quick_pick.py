"""A field to type into over a list of choices, in the upper middle of the window."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHeaderView,
    QLineEdit,
    QTreeView,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from starpad.core import fuzzy
from starpad.ui.spoken import announce

_WIDTH = 640
_MOST_ROWS = 14
_DETAIL_COUNTS = 0.5
_IS_DETAIL = 1000
_Index = QModelIndex | QPersistentModelIndex
_LIST_KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


@dataclass(frozen=True, slots=True)
class Choice:
    """One line: `key` tells it from the others, `detail` and `hint` stand right of its text.

    `problem` says why it cannot be chosen now; empty: it can.
    """

    key: str
    text: str
    detail: str = ""
    hint: str = ""
    problem: str = ""


class QuickPick(QFrame):
    """Covers part of the window until a choice is made, Esc is pressed or the focus goes away.

    A child of the window and no window itself: so it stands where it should on every desktop, and
    the focus is back where it was before what was chosen happens.
    """

    chosen = Signal(str)
    """The key of the choice."""
    closed = Signal()

    def __init__(self, title: str, choices: Sequence[Choice], window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.setObjectName("quickPick")
        self.setAccessibleName(title)
        self._choices = choices
        self._before = QApplication.focusWidget()
        self._is_closing = False
        self.field = _Field(self)
        self.field.setPlaceholderText(title)
        self.field.setAccessibleName(title)
        self.field.setClearButtonEnabled(False)
        self.field.textChanged.connect(self._on_field_text_changed)
        self.field.left.connect(self.dismiss)
        self._model = _Choices(self)
        self.list = _make_list(self._model, title)
        self.list.clicked.connect(self._on_list_clicked)
        self.list.selectionModel().currentRowChanged.connect(self._on_current_row_changed)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        column.addWidget(self.field)
        column.addWidget(self.list)
        window.installEventFilter(self)
        self.show()
        self.raise_()
        self._on_field_text_changed("")  # now that the rows' height is known
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)

    @property
    def shown(self) -> Sequence[Choice]:
        """The choices that fit what is typed, the best first."""
        return self._model.choices

    def choose(self) -> None:
        """Take the current choice, if it can be chosen."""
        row = self.list.currentIndex().row()
        if not 0 <= row < len(self.shown):
            return
        choice = self.shown[row]
        if choice.problem:
            announce(self.field, f"{choice.text}: {choice.problem}", is_urgent=True)
            return
        self._end()
        self.chosen.emit(choice.key)

    @Slot()
    def dismiss(self) -> None:
        """Go away without a choice."""
        self._end()

    def _end(self) -> None:
        if self._is_closing:
            return
        self._is_closing = True
        before = self._before
        if self.field.hasFocus() and before is not None and isValid(before):
            before.setFocus(Qt.FocusReason.PopupFocusReason)
        self.hide()
        self.deleteLater()
        self.closed.emit()

    def _place(self) -> None:
        width = min(_WIDTH, self._window.width() - 40)
        rows = max(1, min(_MOST_ROWS, len(self.shown)))
        row_height = max(self.list.sizeHintForRow(0), self.fontMetrics().height())
        self.list.setFixedHeight(rows * row_height + 2)
        self.resize(width, self._column.totalSizeHint().height())
        left, top = (self._window.width() - width) // 2, min(64, self._window.height() // 8)
        self.move(left, top)

    @Slot(str)
    def _on_field_text_changed(self, text: str) -> None:
        self._model.show(_fitting(text, self._choices))
        if self.shown:
            self.list.setCurrentIndex(self._model.index(0, 0))
        else:
            announce(self.field, "Nothing found")
        self._place()

    @Slot(QModelIndex)
    def _on_list_clicked(self, _index: QModelIndex) -> None:
        self.choose()

    @Slot()
    def _on_current_row_changed(self) -> None:
        row = self.list.currentIndex().row()
        if 0 <= row < len(self.shown):
            choice = self.shown[row]
            # The focus stays in the field, so a screen reader does not see the list move.
            parts = (choice.text, choice.detail, choice.hint, choice.problem)
            announce(self.field, ", ".join(filter(None, parts)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.choose()
        elif event.key() in _LIST_KEYS:
            QApplication.sendEvent(self.list, event)
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, _is_next: bool) -> bool:
        return True  # there is nowhere to go: Esc leaves

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)


class _Field(QLineEdit):
    """Says when another widget takes the focus; another window may, and come back."""

    left = Signal()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() not in (
            Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason,
        ):  # fmt: skip
            self.left.emit()


class _Choices(QAbstractTableModel):
    """The choices that are shown."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.choices: Sequence[Choice] = ()

    def show(self, choices: Sequence[Choice]) -> None:
        """Take other choices."""
        self.beginResetModel()
        self.choices = choices
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.choices)

    def columnCount(self, _parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 3

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        choice = self.choices[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            texts = (choice.text, choice.problem or choice.detail, choice.hint)
            return texts[index.column()]
        if role == Qt.ItemDataRole.ForegroundRole and (choice.problem or index.column()):
            group = QPalette.ColorGroup.Disabled if choice.problem else QPalette.ColorGroup.Active
            palette = QApplication.palette()
            return palette.brush(group, QPalette.ColorRole.PlaceholderText)
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == 2:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None


def _make_list(model: _Choices, title: str) -> QTreeView:
    view = QTreeView()
    view.setModel(model)
    view.setAccessibleName(f"{title}: what fits")
    view.setRootIsDecorated(False)
    view.setUniformRowHeights(True)
    view.setHeaderHidden(True)
    view.setAllColumnsShowFocus(True)
    view.setSelectionBehavior(QTreeView.SelectionBehavior.SelectRows)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    header = view.header()
    header.setStretchLastSection(False)
    header.setResizeContentsPrecision(0)  # only what is on the screen: each key fills the list
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    for column in (1, 2):
        header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
    return view


def _fitting(query: str, choices: Iterable[Choice]) -> list[Choice]:
    """Return the choices that fit, the best first; what cannot be chosen comes last."""
    fitting = [pair for each in choices if (pair := (_score(query, each), each))[0]]
    if query.strip():
        fitting.sort(key=lambda pair: (bool(pair[1].problem), -pair[0]))
    else:
        fitting.sort(key=lambda pair: bool(pair[1].problem))
    return [choice for _, choice in fitting]


def _score(query: str, choice: Choice) -> float:
    """Return how well a choice fits: by its text, or less well with what stands beside it."""
    if query and query.strip().casefold() == choice.detail.casefold():
        return _IS_DETAIL
    with_detail = fuzzy.score(query, f"{choice.text} {choice.detail}")
    return max(fuzzy.score(query, choice.text), with_detail * _DETAIL_COUNTS)

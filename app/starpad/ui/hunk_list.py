"""A list of hunks with a check box each; only what is on the screen is drawn."""

import unicodedata
from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPalette,
)
from PySide6.QtWidgets import (
    QCheckBox,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionButton,
    QStyleOptionViewItem,
    QWidget,
)

from starpad.core.patch import Hunk

MINUS = "\N{MINUS SIGN}"
# Over the background of light and dark alike; pale enough for the text on them.
_TINTS = {MINUS: QColor(224, 64, 64, 56), "+": QColor(40, 160, 72, 56)}
_REFUSED_SHARE = 0.3
_BORDER_SHARE = 0.2
_NO_LINE_END = "(no line end)"

_MARGIN = 10
_LINE_GAP = 2
_CORNER = 6
_TAB_COLUMNS = 4
_LONGEST_LINE = 400
_SPOKEN_LINES = 20
# Control characters, and those that hide themselves or turn the reading direction.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

_Index = QModelIndex | QPersistentModelIndex
_Role = Qt.ItemDataRole
_MIDDLE = int(Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine)


class HunkModel(QAbstractListModel):
    """The hunks, and which of them are accepted; all of them at first."""

    accepted_changed = Signal()

    def __init__(self, hunks: Sequence[Hunk], first_line: int, parent: QWidget) -> None:
        """`first_line` is the number, counted from 1, that the old text begins with."""
        super().__init__(parent)
        self.hunks = hunks
        self.accepted = set(range(len(hunks)))
        self._first_line = first_line

    def accept_all(self, are_accepted: bool) -> None:
        """Accept all hunks, or refuse them."""
        self.accepted = set(range(len(self.hunks))) if are_accepted else set()
        self.dataChanged.emit(self.index(0), self.index(len(self.hunks) - 1))
        self.accepted_changed.emit()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.hunks)

    def flags(self, index: _Index) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsUserCheckable

    def data(self, index: _Index, role: int = _Role.DisplayRole) -> object:
        if role == _Role.CheckStateRole:
            is_accepted = index.row() in self.accepted
            return Qt.CheckState.Checked if is_accepted else Qt.CheckState.Unchecked
        if role == _Role.DisplayRole:
            return place_of(self.hunks[index.row()], self._first_line)
        if role == _Role.AccessibleTextRole:
            return self._spoken(index.row())
        return None

    def setData(self, index: _Index, value: object, role: int = _Role.EditRole) -> bool:
        if role != _Role.CheckStateRole:
            return False
        self.accepted ^= {index.row()}
        self.dataChanged.emit(index, index)
        self.accepted_changed.emit()
        return True

    def _spoken(self, row: int) -> str:
        hunk = self.hunks[row]
        parts = [
            f"{name}: {', '.join(visible(line) for line in lines[:_SPOKEN_LINES])}"
            for name, lines in (("Removed", hunk.old_lines), ("Added", hunk.new_lines))
            if lines
        ]
        place = place_of(hunk, self._first_line)
        return f"Change {row + 1} of {len(self.hunks)}. {place}. {'. '.join(parts)}"


class HunkList(QListView):
    """Shows a HunkModel; Up and Down go from hunk to hunk, Space accepts or refuses one."""

    def __init__(self, font: QFont) -> None:
        super().__init__()
        self.setItemDelegate(_HunkPainter(font, self))
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.verticalScrollBar().setSingleStep(QFontMetrics(font).height() * 2)
        self.setSpacing(5)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Show the rest of a hunk that is higher than the list before going to the next."""
        area = self.visualRect(self.currentIndex())
        bar, height = self.verticalScrollBar(), self.viewport().height()
        down, up = area.bottom() - height, -area.top()
        if event.key() == Qt.Key.Key_Down and area.height() > height and down > 0:
            bar.setValue(bar.value() + min(down + self.spacing() + 1, height // 2))
        elif event.key() == Qt.Key.Key_Up and area.height() > height and up > 0:
            bar.setValue(bar.value() - min(up + self.spacing(), height // 2))
        else:
            super().keyPressEvent(event)


class _HunkPainter(QStyledItemDelegate):
    """Draws a hunk: its check box and place, then its lines with a sign each."""

    def __init__(self, font: QFont, view: HunkList) -> None:
        super().__init__(view)
        self._view = view
        self._font = font
        self._metrics = QFontMetrics(font)
        self._line_height = self._metrics.height() + _LINE_GAP
        self._sign_width = self._metrics.horizontalAdvance("+") * 3
        # Never shown; it lends its look.
        self._box = QCheckBox(view)
        self._box.hide()

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        lines = [line for _, line in _lines_of(_hunk(index))]
        # Bytes tell wide characters better than their number; to measure each line takes long.
        longest = max(lines, key=lambda line: len(line.encode(errors="replace")))
        width = self._metrics.horizontalAdvance(visible(longest))
        return QSize(
            self._sign_width + width + 2 * _MARGIN,
            self._header_height() + len(lines) * self._line_height + _MARGIN,
        )

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        palette = option.palette
        is_current = bool(option.state & QStyle.StateFlag.State_HasFocus)
        border = palette.color(QPalette.ColorRole.Text)
        border.setAlphaF(_BORDER_SHARE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(palette.color(QPalette.ColorRole.Highlight) if is_current else border)
        painter.drawRoundedRect(option.rect.adjusted(0, 0, -1, -1), _CORNER, _CORNER)
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        is_accepted = index.data(_Role.CheckStateRole) == Qt.CheckState.Checked
        self._paint_header(painter, option.rect, index, is_accepted)
        self._paint_lines(painter, option.rect, _hunk(index), is_accepted)
        painter.restore()

    def editorEvent(
        self,
        event: QEvent,
        model: QAbstractItemModel,
        option: QStyleOptionViewItem,
        index: _Index,
    ) -> bool:
        """Let a click on the header or the space bar accept or refuse the hunk."""
        if isinstance(event, QMouseEvent):
            is_click = event.type() == QEvent.Type.MouseButtonRelease
            is_on_header = event.position().y() < option.rect.top() + self._header_height()
            is_toggle = is_click and is_on_header and event.button() == Qt.MouseButton.LeftButton
        else:
            is_toggle = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Space
        return is_toggle and model.setData(index, None, _Role.CheckStateRole)

    def _header_height(self) -> int:
        return self._view.fontMetrics().height() + 2 * _MARGIN

    def _paint_header(
        self, painter: QPainter, area: QRect, index: _Index, is_accepted: bool
    ) -> None:
        # It stays in place when long lines are scrolled.
        left, height = max(area.left(), 0) + _MARGIN, self._header_height()
        style, part = self._box.style(), QStyle.StateFlag
        button = QStyleOptionButton()
        button.initFrom(self._box)
        button.state = part.State_Enabled | (part.State_On if is_accepted else part.State_Off)
        size = style.subElementRect(
            QStyle.SubElement.SE_CheckBoxIndicator, button, self._box
        ).size()
        button.rect = QRect(QPoint(left, area.top() + (height - size.height()) // 2), size)
        indicator = QStyle.PrimitiveElement.PE_IndicatorCheckBox
        style.drawPrimitive(indicator, button, painter, self._box)
        hunk, place = _hunk(index), index.data(_Role.DisplayRole)
        text = QRect(button.rect.right() + _MARGIN, area.top(), self._view.width(), height)
        font = QFont(self._view.font())
        font.setBold(True)
        painter.setFont(font)
        painter.drawText(text, _MIDDLE, place)
        text.setLeft(painter.boundingRect(text, _MIDDLE, place).right() + 2 * _MARGIN)
        painter.setFont(self._view.font())
        painter.drawText(text, _MIDDLE, f"{MINUS}{len(hunk.old_lines)}  +{len(hunk.new_lines)}")

    def _paint_lines(self, painter: QPainter, area: QRect, hunk: Hunk, is_accepted: bool) -> None:
        lines = _lines_of(hunk)
        top = area.top() + self._header_height()
        # A hunk may have thousands of lines, of which few are on the screen.
        first = max(0, -top // self._line_height)
        last = min(len(lines), (self._view.viewport().height() - top) // self._line_height + 1)
        painter.setFont(self._font)
        row = QRect(area.left() + 1, 0, area.width() - 3, self._line_height)
        for number in range(first, last):
            sign, line = lines[number]
            row.moveTop(top + number * self._line_height)
            if sign in _TINTS:
                tint = QColor(_TINTS[sign])
                tint.setAlphaF(tint.alphaF() * (1 if is_accepted else _REFUSED_SHARE))
                painter.fillRect(row, tint)
            painter.drawText(row.adjusted(_MARGIN, 0, 0, 0), _MIDDLE, sign)
            painter.drawText(row.adjusted(self._sign_width, 0, 0, 0), _MIDDLE, visible(line))


def place_of(hunk: Hunk, first_line: int = 1) -> str:
    """Say where a hunk is in the old text, whose first line has the number `first_line`."""
    start, end = hunk.old_start + first_line, hunk.old_end + first_line - 1
    if start > end:
        return f"After line {end}" if hunk.old_start else f"Before line {start}"
    return f"Line {start}" if start == end else f"Lines {start}\N{EN DASH}{end}"


def visible(line: str) -> str:
    """Return a line as it is shown: no character of it can hide or reorder others."""
    shown = line.removesuffix("\n").expandtabs(_TAB_COLUMNS)
    if len(shown) > _LONGEST_LINE:
        shown = f"{shown[:_LONGEST_LINE]}…"
    if not shown.isprintable():
        shown = "".join(
            f"<U+{ord(c):04X}>" if unicodedata.category(c) in _HIDDEN else c for c in shown
        )
    return shown if line.endswith("\n") else f"{shown} {_NO_LINE_END}".lstrip()


def _lines_of(hunk: Hunk) -> list[tuple[str, str]]:
    """Return all lines of a hunk, each with its sign."""
    signs = (" ", MINUS, "+", " ")
    parts = (hunk.before, hunk.old_lines, hunk.new_lines, hunk.after)
    return [(sign, line) for sign, part in zip(signs, parts, strict=True) for line in part]


def _hunk(index: _Index) -> Hunk:
    model = index.model()
    assert isinstance(model, HunkModel)
    return model.hunks[index.row()]

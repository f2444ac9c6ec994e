"""Draws lines of text in a list with what was looked for marked in them."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPalette, QTextCharFormat, QTextLayout
from PySide6.QtWidgets import QApplication, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from starpad.core.editor_styles import hit_colors

HIT_ROLE = Qt.ItemDataRole.UserRole + 100
"""Start and length of the hit in the item's text, in UTF-16 units."""
_Role = QPalette.ColorRole


class HitDelegate(QStyledItemDelegate):
    """Marks the hit of each item that has one; by weight, too, not by color alone."""

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        hit = index.data(HIT_ROLE)
        if hit is None:
            super().paint(painter, option, index)
            return
        item = QStyleOptionViewItem(option)
        self.initStyleOption(item, index)
        widget = item.widget
        style = widget.style() if widget else QApplication.style()
        area = style.subElementRect(QStyle.SubElement.SE_ItemViewItemText, item, widget)
        text, item.text = item.text, ""
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, item, painter, widget)
        layout = _layout(text, item.font, hit, item.palette)
        painter.save()
        painter.setClipRect(area)
        # As the style sheet has it, also where the line is selected.
        painter.setPen(item.palette.color(_Role.Text))
        top = area.top() + (area.height() - layout.boundingRect().height()) / 2
        margin = style.pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin, item, widget) + 1
        layout.draw(painter, QPointF(area.left() + margin, top))
        painter.restore()


def _layout(text: str, font: QFont, hit: tuple[int, int], palette: QPalette) -> QTextLayout:
    colors = (palette.color(role).name() for role in (_Role.Base, _Role.Highlight, _Role.Text))
    back, front = hit_colors(*colors)
    mark = QTextLayout.FormatRange()
    mark.start, mark.length = hit
    mark.format = QTextCharFormat()
    mark.format.setBackground(QColor(back))
    mark.format.setForeground(QColor(front))
    mark.format.setFontWeight(QFont.Weight.Bold)
    layout = QTextLayout(text, font)
    layout.setFormats([mark])
    layout.beginLayout()
    layout.createLine()
    layout.endLayout()
    return layout

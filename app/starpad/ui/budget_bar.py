"""A bar that shows what fills a context window, each part in its color and in words below."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

_BAR_LINES = 1.0
_GAP = 6
_SWATCH_SHARE = 0.6


class BudgetBar(QWidget):
    """Draws shares of a whole; what it shows is also its description."""

    def __init__(self, colors: Mapping[str, QColor]) -> None:
        super().__init__()
        self._colors = colors
        self._shares: list[tuple[str, int]] = []
        self.setAccessibleName("What fills the context window")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_shares(self, shares: Sequence[tuple[str, int]]) -> None:
        """Show these names and amounts, in this order."""
        self._shares = list(shares)
        self.setAccessibleDescription(", ".join(f"{name}: {count:,}" for name, count in shares))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(480, int(self.fontMetrics().height() * (2 + _BAR_LINES)) + 2 * _GAP)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        height = self.fontMetrics().height()
        total = sum(count for _, count in self._shares) or 1
        x = 0.0
        for name, count in self._shares:
            width = self.width() * count / total
            painter.fillRect(QRectF(x, 0, width, height * _BAR_LINES), self._color(name))
            x += width
        swatch = height * _SWATCH_SHARE
        x, y = 0.0, height * _BAR_LINES + _GAP
        for name, count in self._shares:
            label = f"{name} {count:,}"
            width = swatch + _GAP + self.fontMetrics().horizontalAdvance(label) + 3 * _GAP
            if x + width > self.width() and x:
                x, y = 0.0, y + height
            painter.fillRect(
                QRectF(x, y + (height - swatch) / 2, swatch, swatch), self._color(name)
            )
            painter.drawText(QRectF(x + swatch + _GAP, y, width, height), label)
            x += width

    def _color(self, name: str) -> QColor:
        return self._colors.get(name, self.palette().mid().color())

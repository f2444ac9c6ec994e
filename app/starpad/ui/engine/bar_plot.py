"""A plot of results: rows of names, beside each some bars, the best of each kind bold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QHelpEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QToolTip

from starpad.core.benchmark import Spread

_EDGE = 14
_GAP = 18
_NAME_SHARE = 0.28
"""Of the width, for the models' names."""
_BAR_SHARE = 0.5
"""Of a row's height."""
_BAR_OPACITY = 0.65
"""So that the line of the spread can be seen on the bar, light or dark."""
_VALUE_GAP = 6
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Panel(Generic[_Result]):
    """One of the figures, for all results."""

    title: str
    value: Callable[[_Result], Spread]
    text: Callable[[_Result], str]
    is_less_better: bool = False


class BarPlot(QFrame, Generic[_Result]):
    """Rows of results, beside each a bar for each panel; the best of each kind is bold.

    What it shows is also its description, in words, and that of a row the tip over it.
    """

    def __init__(
        self,
        name: str,
        panels: Sequence[Panel[_Result]],
        title: Callable[[_Result], str],
        sentence: Callable[[_Result], str],
        group: Callable[[_Result], object] = lambda _result: None,
    ) -> None:
        """`name` is for screen readers; `sentence` returns a result in words.

        Results of the same `group` are compared for the best.
        """
        super().__init__()
        self.setObjectName("card")
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._panels = panels
        self._title = title
        self._sentence = sentence
        self._group = group
        self._results: list[_Result] = []

    def show_results(self, results: Sequence[_Result]) -> None:
        """Show these, in this order."""
        self._results = list(results)
        self.setAccessibleDescription("\n".join(map(self._sentence, self._results)))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        height = 2 * _EDGE + self._row_height() * (len(self._results) + 1)
        return QSize(560, height)

    def minimumSizeHint(self) -> QSize:
        return QSize(320, self.sizeHint().height())

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            self._show_tip(event)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        row = self._row_height()
        names_width = self.width() * _NAME_SHARE
        room = self.width() - 2 * _EDGE - names_width
        width = room / len(self._panels)
        self._paint_names(painter, QRectF(_EDGE, _EDGE + row, names_width, row))
        for number, panel in enumerate(self._panels):
            left = _EDGE + names_width + number * width + _GAP
            self._paint_panel(painter, panel, QRectF(left, _EDGE, width - _GAP, row))

    def _row_height(self) -> int:
        return round(self.fontMetrics().height() * 1.7)

    def _show_tip(self, event: QHelpEvent) -> None:
        number = (event.pos() - QPoint(0, _EDGE)).y() // self._row_height() - 1
        if 0 <= number < len(self._results):
            QToolTip.showText(event.globalPos(), self._sentence(self._results[number]), self)
        else:
            QToolTip.hideText()

    def _paint_names(self, painter: QPainter, place: QRectF) -> None:
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        for result in self._results:
            text = self.fontMetrics().elidedText(
                self._title(result), Qt.TextElideMode.ElideMiddle, int(place.width())
            )
            painter.drawText(place, _LEFT, text)
            place.translate(0, place.height())

    def _paint_panel(self, painter: QPainter, panel: Panel[_Result], place: QRectF) -> None:
        palette = self.palette()
        painter.setPen(palette.color(QPalette.ColorRole.PlaceholderText))
        painter.drawText(place, _LEFT, panel.title)
        values = [panel.value(result) for result in self._results]
        texts = [panel.text(result) for result in self._results]
        if not any(value.count for value in values):
            return
        best = self._best(values, min if panel.is_less_better else max)
        bold = QFont(self.font())
        bold.setBold(True)
        texts_width = max(QFontMetrics(bold).horizontalAdvance(text) for text in texts)
        longest = max(value.highest for value in values) or 1.0  # all may be 0
        scale = max(0.0, place.width() - texts_width - _VALUE_GAP) / longest
        for number, (value, text) in enumerate(zip(values, texts, strict=True)):
            place.translate(0, place.height())
            if not value.count:
                continue
            self._paint_bar(painter, value, scale, place)
            painter.setFont(bold if number in best else self.font())
            painter.setPen(palette.color(QPalette.ColorRole.WindowText))
            end = max(value.highest, value.median) * scale + _VALUE_GAP
            painter.drawText(place.adjusted(end, 0, 0, 0), _LEFT, text)
            painter.setFont(self.font())

    def _best(self, values: Sequence[Spread], best_of: Callable[[set[float]], float]) -> set[int]:
        """Return the rows that are the best of their group, if it has others."""
        groups: dict[object, dict[int, float]] = {}
        for number, (result, value) in enumerate(zip(self._results, values, strict=True)):
            if value.count:
                groups.setdefault(self._group(result), {})[number] = value.median
        found: set[int] = set()
        for medians in groups.values():
            different = set(medians.values())
            if len(different) > 1:
                best = best_of(different)
                found.update(number for number, median in medians.items() if median == best)
        return found

    def _paint_bar(self, painter: QPainter, value: Spread, scale: float, place: QRectF) -> None:
        height = place.height() * _BAR_SHARE
        bar = QRectF(0, 0, max(2.0, value.median * scale), height)
        bar.moveTopLeft(QPointF(place.left(), place.center().y() - height / 2))
        painter.setPen(Qt.PenStyle.NoPen)
        color = self.palette().color(QPalette.ColorRole.Highlight)
        color.setAlphaF(_BAR_OPACITY)
        painter.setBrush(color)
        painter.drawRoundedRect(bar, 2, 2)
        if value.highest > value.lowest:
            self._paint_spread(painter, value, scale, bar)

    def _paint_spread(self, painter: QPainter, value: Spread, scale: float, bar: QRectF) -> None:
        """Draw a line from the lowest to the highest, with an upright stroke at each end."""
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.WindowText), 1))
        middle, stroke = bar.center().y(), bar.height() / 4
        lowest, highest = (bar.left() + each * scale for each in (value.lowest, value.highest))
        painter.drawLine(QPointF(lowest, middle), QPointF(highest, middle))
        for at in (lowest, highest):
            painter.drawLine(QPointF(at, middle - stroke), QPointF(at, middle + stroke))


def scrolled(plot: QFrame) -> QScrollArea:
    """Return an area in which a plot of many rows can be scrolled."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setAccessibleName(plot.accessibleName())
    area.setWidget(plot)
    return area


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter

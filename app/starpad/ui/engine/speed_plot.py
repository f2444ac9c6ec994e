"""A plot of benchmark results: how fast each model writes and reads, and what memory it takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QHelpEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QFrame, QSizePolicy, QToolTip

from starpad.core.benchmark import BenchmarkResult, Spread
from starpad.core.benchmark_report import memory_text, rate_text, sentence

_EDGE = 14
_GAP = 18
_NAME_SHARE = 0.28
"""Of the width, for the models' names."""
_BAR_SHARE = 0.5
"""Of a row's height."""
_BAR_OPACITY = 0.65
"""So that the line of the spread can be seen on the bar, light or dark."""
_VALUE_GAP = 6


def _reading(result: BenchmarkResult) -> Spread:
    known = (prompt.tokens_per_second for prompt in result.figures.prompts)
    return next((spread for spread in known if spread.count), Spread())


def _memory(result: BenchmarkResult) -> Spread:
    return Spread.of([result.peak_bytes]) if result.peak_bytes else Spread()


@dataclass(frozen=True, slots=True)
class _Panel:
    """One of the figures, for all models."""

    title: str
    value: Callable[[BenchmarkResult], Spread]
    text: Callable[[BenchmarkResult], str]
    is_less_better: bool = False


_PANELS = (
    _Panel(
        "Writing, tok/s",
        lambda result: result.figures.generation,
        lambda result: rate_text(result.figures.generation.median),
    ),
    _Panel("Reading, tok/s", _reading, lambda result: rate_text(_reading(result).median)),
    _Panel("Memory", _memory, memory_text, is_less_better=True),
)


class SpeedPlot(QFrame):
    """Rows of models, beside each three bars; the best of each kind is bold.

    What it shows is also its description, in words, and that of a row the tip over it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setAccessibleName("Plot of speed and memory")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._results: list[BenchmarkResult] = []

    def show_results(self, results: Sequence[BenchmarkResult]) -> None:
        """Show these, in this order."""
        self._results = list(results)
        self.setAccessibleDescription("\n".join(map(sentence, self._results)))
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
        width = room / len(_PANELS)
        self._paint_names(painter, QRectF(_EDGE, _EDGE + row, names_width, row))
        for number, panel in enumerate(_PANELS):
            left = _EDGE + names_width + number * width + _GAP
            self._paint_panel(painter, panel, QRectF(left, _EDGE, width - _GAP, row))

    def _row_height(self) -> int:
        return round(self.fontMetrics().height() * 1.7)

    def _show_tip(self, event: QHelpEvent) -> None:
        number = (event.pos() - QPoint(0, _EDGE)).y() // self._row_height() - 1
        if 0 <= number < len(self._results):
            QToolTip.showText(event.globalPos(), sentence(self._results[number]), self)
        else:
            QToolTip.hideText()

    def _paint_names(self, painter: QPainter, place: QRectF) -> None:
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        for result in self._results:
            text = self.fontMetrics().elidedText(
                result.title, Qt.TextElideMode.ElideMiddle, int(place.width())
            )
            painter.drawText(place, _LEFT, text)
            place.translate(0, place.height())

    def _paint_panel(self, painter: QPainter, panel: _Panel, place: QRectF) -> None:
        palette = self.palette()
        painter.setPen(palette.color(QPalette.ColorRole.PlaceholderText))
        painter.drawText(place, _LEFT, panel.title)
        values = [panel.value(result) for result in self._results]
        texts = [panel.text(result) for result in self._results]
        medians = [value.median for value in values if value.count]
        if not medians:
            return
        best = (min if panel.is_less_better else max)(medians)
        bold = QFont(self.font())
        bold.setBold(True)
        texts_width = max(QFontMetrics(bold).horizontalAdvance(text) for text in texts)
        longest = max(value.highest for value in values)
        scale = max(0.0, place.width() - texts_width - _VALUE_GAP) / longest
        for value, text in zip(values, texts, strict=True):
            place.translate(0, place.height())
            if not value.count:
                continue
            self._paint_bar(painter, value, scale, place)
            is_best = value.median == best and len(medians) > 1
            painter.setFont(bold if is_best else self.font())
            painter.setPen(palette.color(QPalette.ColorRole.WindowText))
            end = max(value.highest, value.median) * scale + _VALUE_GAP
            painter.drawText(place.adjusted(end, 0, 0, 0), _LEFT, text)
            painter.setFont(self.font())

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


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter

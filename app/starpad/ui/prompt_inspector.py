"""A window that shows the last prompt as the model saw it: token by token, part by part."""

from PySide6.QtCore import QEvent, QObject, Qt, Slot
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QHelpEvent,
    QTextCharFormat,
    QTextCursor,
)
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from starpad.core import request_record
from starpad.core.prompt import PartKind
from starpad.core.request_record import PART_NAMES, RequestRecord, TokenView
from starpad.services.prompt_inspection import PromptInspection
from starpad.ui.budget_bar import BudgetBar
from starpad.ui.text_positions import utf16_length

_COLORS = {
    PartKind.SPECIAL: QColor(200, 60, 160),
    PartKind.REPOSITORY: QColor(120, 120, 220),
    PartKind.PREFIX: QColor(60, 150, 90),
    PartKind.SUFFIX: QColor(210, 150, 40),
}
_SHARE_COLORS = {
    **{PART_NAMES[kind]: color for kind, color in _COLORS.items()},
    "answer": QColor(90, 160, 220),
    "free": QColor(128, 128, 128, 60),
}
# Behind tokens, over the backgrounds of light and dark alike.
_ALPHA, _SPECIAL_ALPHA = 70, 110
_EVERY_OTHER = 135
"""Each second token is so much darker (percent), so that one sees where they meet."""
_NONE_YET = "No suggestion has been asked for yet. Ask with Ctrl+Space, and look here again."


class PromptInspector(QDialog):
    """Follows the last request as long as it is open."""

    def __init__(self, inspection: PromptInspection, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Prompt inspector")
        self._inspection = inspection
        self._starts: list[int] = []
        self._views: list[TokenView] = []
        self.summary = QLabel(_NONE_YET, wordWrap=True)
        self.summary.setTextFormat(Qt.TextFormat.PlainText)
        self.summary.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.bar = BudgetBar(_SHARE_COLORS)
        self.parts = QTableWidget(0, 4)
        self.parts.setAccessibleName("Parts of the prompt")
        self.parts.setHorizontalHeaderLabels(["Part", "File", "Tokens", "Characters left out"])
        self.parts.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.parts.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.parts.verticalHeader().hide()
        self.parts.horizontalHeader().setStretchLastSection(True)
        self.tokens = QPlainTextEdit(readOnly=True)
        self.tokens.setAccessibleName("Prompt, token by token")
        self.tokens.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.tokens.viewport().installEventFilter(self)
        self.answer = QLabel(wordWrap=True)
        self.answer.setTextFormat(Qt.TextFormat.PlainText)
        self.answer.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._fill()
        inspection.recorded.connect(self._on_recorded)
        inspection.texts_ready.connect(self._on_texts_ready)
        inspection.failed.connect(self._on_failed)

    def open_window(self) -> None:
        """Show the window, with the last request."""
        self.show()
        self.activateWindow()
        if self._inspection.record is not None:
            self._on_recorded(self._inspection.record)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            position = self.tokens.cursorForPosition(event.pos()).position()
            QToolTip.showText(event.globalPos(), self._tip(position), self.tokens)
            return True
        return super().eventFilter(watched, event)

    def _tip(self, position: int) -> str:
        number = next((n for n, start in enumerate(self._starts[1:]) if start > position), None)
        if number is None:
            return ""
        view = self._views[number]
        held = "still held" if view.is_held else "read anew"
        return f"Token {number + 1}: id {view.id}, {PART_NAMES[view.kind]}, {held}"

    @Slot(object)
    def _on_recorded(self, record: RequestRecord) -> None:
        if not self.isVisible():
            return
        self.summary.setText("\n".join(request_record.sentences(record)))
        self.bar.show_shares(request_record.shares(record))
        self._show_parts(record)
        shown = "all of it" if record.shown == record.raw else repr(record.shown)
        wrote = repr(record.raw) if record.raw else "nothing"
        self.answer.setText(f"The model wrote {wrote}.\nOffered: {shown if record.raw else '-'}.")
        self._views, self._starts = [], []
        self.tokens.clear()
        self._inspection.ask_for_texts()

    @Slot(object, object)
    def _on_texts_ready(self, record: RequestRecord, texts: tuple[str, ...]) -> None:
        if not self.isVisible():
            return
        self._views = list(request_record.token_views(record, texts))
        self._starts = [0]
        self.tokens.clear()
        cursor = QTextCursor(self.tokens.document())
        cursor.beginEditBlock()
        for number, view in enumerate(self._views):
            text = view.text.replace("\n", "↵\n")
            cursor.insertText(text, self._format(view, is_second=number % 2 == 1))
            self._starts.append(self._starts[-1] + utf16_length(text))
        cursor.endEditBlock()

    @Slot(str)
    def _on_failed(self, reason: str) -> None:
        self._views, self._starts = [], []
        self.tokens.setPlainText(reason)

    def _format(self, view: TokenView, *, is_second: bool) -> QTextCharFormat:
        result = QTextCharFormat()
        color = QColor(_COLORS[view.kind])
        alpha = _SPECIAL_ALPHA if view.kind is PartKind.SPECIAL else _ALPHA
        color.setAlpha(alpha * _EVERY_OTHER // 100 if is_second else alpha)
        result.setBackground(color)
        if view.kind is PartKind.SPECIAL:
            result.setFontWeight(QFont.Weight.Bold)
        if not view.is_held:
            # Not by color only: what the engine had to read is underlined.
            result.setFontUnderline(True)
        return result

    def _show_parts(self, record: RequestRecord) -> None:
        parts = record.prompt.parts
        self.parts.setRowCount(len(parts))
        for row, part in enumerate(parts):
            cut = f"{part.cut_characters:,}" if part.cut_characters else ""
            cells = (PART_NAMES[part.kind], part.path, f"{len(part.ids):,}", cut)
            for column, text in enumerate(cells):
                self.parts.setItem(row, column, QTableWidgetItem(text))
        self.parts.resizeColumnsToContents()

    def _fill(self) -> None:
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.parts)
        split.addWidget(self.tokens)
        split.setSizes([160, 420])
        legend = QLabel("Underlined: what the engine had to read. Point at a token for its id.")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self.summary)
        column.addWidget(self.bar)
        column.addWidget(split, 1)
        column.addWidget(legend)
        column.addWidget(self.answer)
        column.addWidget(buttons)
        self.resize(820, 700)

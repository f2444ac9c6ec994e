"""What the last suggestion has cost, at the right end of the caret's line."""

from PySide6.QtCore import QObject, QPoint, Qt, Slot
from PySide6.QtWidgets import QLabel

from starpad.core.suggestion import Figures
from starpad.services.completion import CompletionService
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.editor_tabs import EditorTabs

_MARGIN = 8


class InlineFigures(QObject):
    """Shows figures until the caret moves or the text scrolls. Not in the document, as all here."""

    def __init__(self, tabs: EditorTabs, completion: CompletionService) -> None:
        super().__init__(tabs)
        self._tabs = tabs
        self._is_wanted = False
        self._editor: CodeEditor | None = None
        self.label = QLabel(tabs)
        self.label.setObjectName("inline_figures")
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.label.setAutoFillBackground(True)
        self.label.hide()
        completion.figures_changed.connect(self._on_figures_changed)
        tabs.currentChanged.connect(self._hide)

    def set_wanted(self, is_wanted: bool) -> None:
        """Show figures from now on, or no more."""
        self._is_wanted = is_wanted
        self._hide()

    @Slot(object)
    def _on_figures_changed(self, figures: Figures) -> None:
        tab = self._tabs.current
        if not self._is_wanted or tab is None or not tab.editor.isVisible():
            return
        self._hide()
        self._editor = editor = tab.editor
        editor.verticalScrollBar().valueChanged.connect(self._hide)
        editor.cursorPositionChanged.connect(self._hide)
        self.label.setText(text_of(figures))
        self.label.setParent(editor.viewport())
        palette = editor.palette()
        palette.setColor(self.label.backgroundRole(), editor.colors.background)
        palette.setColor(self.label.foregroundRole(), editor.colors.gutter_text)
        self.label.setPalette(palette)
        self.label.setContentsMargins(_MARGIN, 0, _MARGIN, 0)
        self.label.adjustSize()
        self.label.move(self._place(editor))
        self.label.show()

    def _place(self, editor: CodeEditor) -> QPoint:
        """Return where to be: in the caret's row or, if text is there, in the one below."""
        row = editor.cursorRect()
        x = editor.viewport().width() - self.label.width() - _MARGIN
        y = row.top() + (row.height() - self.label.height()) // 2
        line = editor.textCursor().block().layout().lineAt(0)
        is_taken = line.isValid() and line.naturalTextWidth() + editor.contentOffset().x() > x
        return QPoint(max(0, x), y + row.height() if is_taken else y)

    @Slot()
    def _hide(self) -> None:
        if self._editor is None:
            return
        self._editor.verticalScrollBar().valueChanged.disconnect(self._hide)
        self._editor.cursorPositionChanged.disconnect(self._hide)
        self._editor = None
        self.label.hide()
        # Not with the editor's viewport: the tab may be closed.
        self.label.setParent(self._tabs)


def text_of(figures: Figures) -> str:
    """Return what is shown: the prompt and what was read of it, the wait, the speed."""
    return (
        f"{figures.evaluated_tokens:,} of {figures.prompt_tokens:,} read · "
        f"{figures.time_to_first_token_ms:.0f} ms · {figures.tokens} at "
        f"{figures.tokens_per_second:.0f}/s"
    )

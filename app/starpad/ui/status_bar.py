"""The status bar: why a suggestion shows or not, where the caret is, what the engine does."""

from collections.abc import Mapping

from PySide6.QtCore import QEvent, Qt, QTimer, Slot
from PySide6.QtGui import QAction, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QMenu, QStatusBar, QToolButton

from starpad.core.download import Download, DownloadState
from starpad.core.engine_status import EngineState, EngineStatus
from starpad.core.suggestion import Figures, SuggestionState
from starpad.ui.action_ids import ActionId
from starpad.ui.labels import ElidedLabel
from starpad.ui.models.progress_text import speed_text

_ENGINE_TEXT = {
    EngineState.EMPTY: "No model",
    EngineState.LOADING: "Loading…",
    EngineState.READY: "Ready",
    EngineState.BUSY: "Busy",
    EngineState.ASLEEP: "Asleep",
    EngineState.FAILED: "Stopped",
}
_PAUSE_MS = 80
_UNDER_WAY = (DownloadState.RUNNING, DownloadState.WAITING)


class _StillLabel(ElidedLabel):
    """Keeps its size, whatever it says: a new text is painted, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self._text = ""

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        # A style sheet takes it away; without it the whole window's background is painted first.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def text(self) -> str:
        return self._text

    def setText(self, text: str) -> None:
        if text != self._text:
            self._text = text
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(event.rect(), self.palette().window())
        super().paintEvent(event)


class StatusBar(QStatusBar):
    """Shows what services report; what is shown of a document can be clicked to change it."""

    def __init__(self, actions: Mapping[ActionId, QAction]) -> None:
        super().__init__()
        self.setSizeGripEnabled(False)
        self._suggestion = self._label("Suggestions", stretch=1, is_still=True)
        self._downloads = self._label("Downloads")
        self._figures = self._label("Speed of the last suggestion")
        self._caret = self._label("Caret position", is_still=True)
        self._caret_length = 0
        self._indentation = self._button("Indentation", actions[ActionId.INDENTATION])
        self._encoding = self._button(
            "Encoding", actions[ActionId.REOPEN_WITH_ENCODING], actions[ActionId.SAVE_WITH_ENCODING]
        )
        self._line_ends = self._button("Line ends", actions[ActionId.LINE_ENDS])
        self._language = self._button("Language", actions[ActionId.LANGUAGE])
        self._model = self._label("Model")
        self._engine = self._label("Engine")
        self._note = ""
        self._timer = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._timer.timeout.connect(self._on_timer)
        self.show_status(EngineStatus(EngineState.EMPTY))

    def _label(self, name: str, stretch: int = 0, *, is_still: bool = False) -> QLabel:
        # A long reason may not widen the window.
        label = _StillLabel() if is_still else QLabel(self)
        label.setAccessibleName(name)
        label.setToolTip(name)
        if stretch:
            self.addWidget(label, stretch)
        else:
            self.addPermanentWidget(label)
        return label

    def _button(self, name: str, *actions: QAction) -> QToolButton:
        """Return a button that does what an action of the menus does, or asks which."""
        button = QToolButton(self)
        button.setObjectName(name)
        button.setToolTip(actions[0].toolTip() if len(actions) == 1 else name)
        button.setAutoRaise(True)
        if len(actions) == 1:
            button.clicked.connect(actions[0].trigger)
        else:
            menu = QMenu(button)
            menu.addActions(actions)
            button.setMenu(menu)
            button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.addPermanentWidget(button)
        return button

    @Slot(object, str)
    def show_suggestion(self, state: SuggestionState, reason: str) -> None:
        """Say where suggestions stand, above all why none is shown, in a moment."""
        text = f"Suggestion: {state.value}" if state.value else ""
        self._note = f"{text}: {reason}" if reason else text
        if not self._timer.isActive():
            self._timer.start()

    @Slot(object)
    def show_figures(self, figures: Figures) -> None:
        """Show the speed of the last request."""
        self._figures.setText(
            f"{figures.tokens_per_second:.0f} tokens/s · "
            f"first token {figures.time_to_first_token_ms:.0f} ms"
        )
        self._figures.setToolTip(
            f"Last suggestion: {figures.tokens} tokens; {figures.evaluated_tokens} of "
            f"{figures.prompt_tokens} prompt tokens evaluated, the rest came from the cache"
        )

    @Slot(object)
    def show_downloads(self, downloads: tuple[Download, ...]) -> None:
        """Show how far the downloads are, while there are any under way."""
        moving = [download for download in downloads if download.state in _UNDER_WAY]
        done = sum(download.done_bytes for download in moving)
        total = sum(download.total_bytes for download in moving)
        speed = speed_text(sum(download.bytes_per_second for download in moving))
        parts = ["Downloading", f"{100 * done // total} %" if total else "", speed]
        self._downloads.setText(" · ".join(filter(None, parts)) if moving else "")

    @Slot(object)
    def show_status(self, status: EngineStatus) -> None:
        """Show the engine's state and its model."""
        self._engine.setText(_ENGINE_TEXT[status.state])
        self._engine.setToolTip(status.reason or "Engine")
        model = status.model
        if model is None:
            self._model.setText("")
            return
        kind = "demonstration model" if model.is_demo else model.name
        if model.host:
            kind = f"{kind} on {model.host}"
        self._model.setText(f"{kind} · {model.quantization}" if model.quantization else kind)
        fim = model.fim.order.value if model.fim else "no fill-in-the-middle"
        if model.host:
            place = f"Code around the caret and your chat go to {model.host}"
        else:
            place = f"on the {'GPU' if model.on_gpu else 'CPU'}"
        self._model.setToolTip(
            f"{model.name}\n{model.path}\n{model.context_tokens:,} tokens of context · {fim} · "
            f"{place}"
        )

    def show_document(self, language: str, text_format: str, indentation: str) -> None:
        """Show the document's language, its encoding and line ends, and its indentation."""
        encoding, _, line_ends = text_format.partition(" · ")
        for button, text in (
            (self._language, language),
            (self._encoding, encoding),
            (self._line_ends, line_ends),
            (self._indentation, indentation),
        ):
            if button.text() != text:
                button.setText(text)
                button.setAccessibleName(f"{button.objectName()}: {text}")

    @Slot(int, int)
    def show_caret(self, line: int, column: int) -> None:
        """Show the caret's line and column, both from 1."""
        text = f"Ln {line}, Col {column}"
        self._caret.setText(text)
        if len(text) > self._caret_length:
            self._caret_length = len(text)
            # With room for a digit more: some are wider than others.
            room = self._caret.fontMetrics().horizontalAdvance(f"{text}0")
            self._caret.setFixedWidth(self._caret.sizeHint().width() + room)

    @Slot()
    def _on_timer(self) -> None:
        self._suggestion.setText(self._note)

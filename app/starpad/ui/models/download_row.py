"""One download as a row: name, bar, numbers, what it waits for, and its buttons."""

from functools import partial
from itertools import pairwise

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QPalette
from PySide6.QtWidgets import (
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from starpad.core.download import Download, DownloadState
from starpad.ui.labels import ElidedLabel, restyle, text_label
from starpad.ui.models.download_steps import Step, steps_for
from starpad.ui.models.progress_text import PER_MILLE, per_mille, progress_text
from starpad.ui.spoken import announce

_KEYS = (
    "Arrow keys: other downloads. Space: pause or go on. Delete: cancel or remove. "
    "Alt with an arrow key: earlier or later in the queue."
)
# They share one button, which keeps the focus: who pauses by key can go on by the same key.
_TOGGLE = frozenset({Step.PAUSE, Step.RESUME, Step.RETRY, Step.CHECK_AGAIN})
_WAIT_FOR_USER = (DownloadState.FAILED, DownloadState.DONE)
_TIPS = {
    Step.REMOVE: "The model stays on this computer",
    Step.USE: "Load this model",
    Step.PAUSE: "What has arrived is kept",
}


def name_of(download: Download) -> str:
    """Return the repository and the quantization."""
    order = download.order
    return f"{order.repository} · {order.quantization}" if order.quantization else order.repository


class DownloadRow(QGroupBox):
    """A group, so that screen readers say whose button it is; it takes the focus as a whole too."""

    step_chosen = Signal(object)
    """The Step whose button or key was pressed."""
    move_requested = Signal(int)
    """By -1 or 1 place in the queue."""
    neighbor_requested = Signal(int)
    """The focus is to go up (-1) or down (1)."""

    def __init__(self, download: Download) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleDescription(_KEYS)
        owner, _, name = download.order.repository.rpartition("/")
        self._name = ElidedLabel(name, Qt.TextElideMode.ElideMiddle)
        font = self._name.font()
        font.setBold(True)
        self._name.setFont(font)
        self._quantization = QLabel(download.order.quantization)
        self._quantization.setObjectName("chip")
        self._owner = ElidedLabel(owner, is_quiet=True)
        self._bar = QProgressBar()
        self._bar.setRange(0, PER_MILLE)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress")
        self._numbers = ElidedLabel(is_quiet=True)
        self._percent = QLabel()
        self._percent.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._note = text_label()
        self._earlier = _arrow("↑", "Earlier in the queue")
        self._later = _arrow("↓", "Later in the queue")
        self._earlier.clicked.connect(partial(self._move, -1))
        self._later.clicked.connect(partial(self._move, 1))
        self._buttons: dict[Step, QPushButton] = {}
        self._steps: tuple[Step, ...] = ()
        self._button_row = QHBoxLayout()
        self._arrange()
        self._quantization.setVisible(bool(download.order.quantization))
        self._download: Download | None = None
        self.show_download(download)

    @property
    def download(self) -> Download:
        """What is shown."""
        assert self._download is not None
        return self._download

    def show_download(self, download: Download) -> None:
        """Change what differs from what is shown, and nothing else."""
        before = self._download
        if download == before:
            return
        self._download = download
        self._bar.setValue(per_mille(download.done_bytes, download.total_bytes))
        self._percent.setText(f"{self._bar.value() * 100 // PER_MILLE} %")
        self._numbers.setText(progress_text(download))
        if before is None or download.note != before.note:
            self._note.setText(download.note)
            self._note.setVisible(bool(download.note))
        self._show_steps(steps_for(download))
        if before is None or download.state is not before.state:
            self._show_state(download)
            if before is not None:
                # A new state only: of each step the bar tells those who ask for it.
                spoken = f"{self.accessibleName()}. {download.note}".strip()
                announce(self, spoken, is_urgent=download.state is DownloadState.FAILED)

    def show_place(self, *, is_first: bool, is_last: bool) -> None:
        """Offer only the moves that there are."""
        self._earlier.setEnabled(not is_first)
        self._later.setEnabled(not is_last)

    def focus_chain(self) -> list[QWidget]:
        """Return what Tab stops at, in this order."""
        buttons = sorted(self._buttons.values(), key=self._button_row.indexOf)
        return [self, *buttons, self._earlier, self._later]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        delta = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        if delta and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self._move(delta)
        elif delta:
            self.neighbor_requested.emit(delta)
        elif event.key() == Qt.Key.Key_Delete:
            self.step_chosen.emit(self._steps[-1])
        elif event.key() == Qt.Key.Key_Space and self.hasFocus():
            for step in self._steps:
                if step in _TOGGLE:
                    self.step_chosen.emit(step)
        else:
            super().keyPressEvent(event)

    def _arrange(self) -> None:
        self._button_row.setSpacing(6)
        for arrow in (self._earlier, self._later):
            self._button_row.addWidget(arrow)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self._name)
        top.addWidget(self._quantization, 0, Qt.AlignmentFlag.AlignVCenter)
        top.addWidget(self._owner, 1)
        top.addLayout(self._button_row)
        numbers = QHBoxLayout()
        numbers.setSpacing(12)
        numbers.addWidget(self._numbers, 1)
        numbers.addWidget(self._percent)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 10, 12)
        column.setSpacing(6)
        column.addLayout(top)
        column.addWidget(self._bar)
        column.addLayout(numbers)
        column.addWidget(self._note)

    def _show_state(self, download: Download) -> None:
        is_done = download.state is DownloadState.DONE
        self.setAccessibleName(f"{name_of(download)}, {download.state}")
        restyle(self._bar, "state", download.state.name.lower())
        restyle(self._note, "state", download.state.name.lower())
        unfinished: tuple[QWidget, ...] = (self._bar, self._percent, self._earlier, self._later)
        for widget in unfinished:
            widget.setVisible(not is_done)

    def _show_steps(self, steps: tuple[Step, ...]) -> None:
        if steps == self._steps:
            return
        self._steps = steps
        shown: dict[Step, QPushButton] = {}
        for place, step in enumerate(steps):
            key = Step.RESUME if step in _TOGGLE else step
            button = self._buttons.get(key) or self._make_button(key)
            button.setText(step)
            button.setProperty("step", step)
            button.setToolTip(
                f"Opens {self.download.url}" if step is Step.OPEN_PAGE else _TIPS.get(step, "")
            )
            button.setAccessibleName(f"{step}: {name_of(self.download)}")
            self._button_row.removeWidget(button)
            self._button_row.insertWidget(place, button)
            is_next = place == 0 and self.download.state in _WAIT_FOR_USER
            restyle(button, "next", "yes" if is_next else "no")
            shown[key] = button
        for key, button in self._buttons.items():
            if key not in shown and button.hasFocus():
                self.setFocus()  # not another button: the key that is on its way was not for it
            button.setVisible(key in shown)
        for one, following in pairwise(self.focus_chain()):
            QWidget.setTabOrder(one, following)

    def _make_button(self, key: Step) -> QPushButton:
        button = QPushButton(self)
        button.setAutoDefault(False)
        button.clicked.connect(partial(self._on_button_clicked, button))
        self._buttons[key] = button
        return button

    def _on_button_clicked(self, button: QPushButton, _is_checked: bool = False) -> None:
        self.step_chosen.emit(Step(button.property("step")))

    def _move(self, delta: int, _is_checked: bool = False) -> None:
        arrow = self._earlier if delta < 0 else self._later
        if arrow.isEnabled() and self.download.state is not DownloadState.DONE:
            self.move_requested.emit(delta)


def _arrow(sign: str, name: str) -> QToolButton:
    arrow = QToolButton()
    arrow.setText(sign)
    arrow.setToolTip(name)
    arrow.setAccessibleName(name)
    arrow.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return arrow

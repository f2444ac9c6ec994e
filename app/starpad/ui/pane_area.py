"""The middle of the window: messages above, below them side bar, editor and chat."""

from base64 import b64decode, b64encode

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from starpad.core.settings import Settings

_EDITOR_AND_CHAT = [780, 420]
"""Widths in proportion, until the user moves the border."""
_SIDE_BAR_AND_REST = [250, 950]


class PaneArea(QWidget):
    """Gives each pane its place; the user moves the borders, which are kept.

    Two splitters in one another: with a single one, widths that an earlier Starpad kept for editor
    and chat would be taken for those of the side bar and the editor.
    """

    def __init__(
        self, messages: QWidget, side_bar: QWidget, editing: QWidget, chat: QWidget
    ) -> None:
        super().__init__()
        self._split = _splitter(editing, chat, grows=0)
        self._sides = _splitter(side_bar, self._split, grows=1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(messages)
        column.addWidget(self._sides, 1)

    def restore(self, settings: Settings) -> None:
        """Put the borders where they were."""
        for splitter, kept, usual in (
            (self._split, settings.chat_split, _EDITOR_AND_CHAT),
            (self._sides, settings.side_bar_split, _SIDE_BAR_AND_REST),
        ):
            if not kept or not splitter.restoreState(b64decode(kept)):
                splitter.setSizes(usual)

    def borders(self) -> dict[str, str]:
        """Return the settings that keep where the borders are."""
        return {
            "chat_split": b64encode(self._split.saveState().data()).decode("ascii"),
            "side_bar_split": b64encode(self._sides.saveState().data()).decode("ascii"),
        }


def _splitter(left: QWidget, right: QWidget, *, grows: int) -> QSplitter:
    """Return two panes side by side; the one that grows cannot be pushed away."""
    splitter = QSplitter(Qt.Orientation.Horizontal)
    splitter.addWidget(left)
    splitter.addWidget(right)
    splitter.setStretchFactor(grows, 1)
    splitter.setCollapsible(grows, False)
    return splitter

"""The engine window: what the engine runs on, who else uses it, how fast and how good it is."""

from collections.abc import Mapping
from enum import StrEnum

from PySide6.QtWidgets import QDialog, QPushButton, QTabWidget, QVBoxLayout, QWidget


class EnginePage(StrEnum):
    """The pages, in their order; the value is the tab's title."""

    DEVICES = "&Devices"
    PACKS = "Engine &packs"
    SHARING = "&Sharing"
    REMOTE = "&Remote servers"
    BENCHMARK = "&Benchmark"
    EVALUATION = "E&valuation"


class EngineWindow(QDialog):
    """Not modal: editing goes on beside it. It lives as long as the main window."""

    def __init__(self, pages: Mapping[EnginePage, QWidget], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Engine")
        self.resize(920, 680)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self._pages = pages
        for page, widget in pages.items():
            widget.setContentsMargins(14, 10, 14, 12)
            self.tabs.addTab(widget, page.value)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.tabs)
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)  # Enter belongs to the field or list that has the focus

    def show_page(self, page: EnginePage) -> None:
        """Bring the window to the front, on the given page."""
        self.tabs.setCurrentWidget(self._pages[page])
        if self.isVisible():
            self.raise_()
        self.show()
        self.activateWindow()

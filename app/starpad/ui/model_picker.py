"""The tool bar's model picker: which model is loaded, how far another one is, and a choice."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QProgressBar, QPushButton, QToolBar, QToolButton, QWidget

from starpad.core.engine_status import EngineState, EngineStatus, LoadedModel
from starpad.core.installed_model import InstalledModel, ModelSource
from starpad.core.memory_fit import Fit, Verdict
from starpad.ui.models.progress_text import PER_MILLE, size_text

_MOST = 12
"""More than fit onto a screen help nobody: the models window has them all."""


class ModelPicker(QToolBar):
    """Shows the engine's status; the menu lists models, the latest used first."""

    load_requested = Signal(object)
    """(Path) of the model to load."""
    cancel_requested = Signal()
    """Give up the model that is being loaded."""
    opened = Signal()
    """The menu is about to be shown: fill it with `show_models`."""

    def __init__(self, actions: Sequence[QAction], parent: QWidget | None = None) -> None:
        super().__init__("Model", parent)
        self.setMovable(False)
        self.toggleViewAction().setEnabled(False)
        self._actions = actions
        self._names: dict[Path, str] = {}
        self._menu = QMenu(self)
        self._menu.setToolTipsVisible(True)
        self._menu.aboutToShow.connect(self.opened)
        self._menu.triggered.connect(self._on_menu_triggered)
        self._button = QToolButton()
        self._button.setObjectName("picker")
        self._button.setMenu(self._menu)
        self._button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self._button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._bar = QProgressBar()
        self._bar.setRange(0, PER_MILLE)
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(160)
        self._cancel = QPushButton("Cancel")
        self._cancel.setAccessibleName("Cancel loading the model")
        self._cancel.clicked.connect(self.cancel_requested)
        self.addWidget(self._button)
        # A tool bar shows and hides its widgets by their actions.
        self._while_loading = [self.addWidget(self._bar), self.addWidget(self._cancel)]
        self.show_status(EngineStatus(EngineState.EMPTY))

    @property
    def choices(self) -> list[QAction]:
        """The menu's models, as of the last `show_models`."""
        return [action for action in self._menu.actions() if isinstance(action.data(), Path)]

    @Slot()
    def open_menu(self) -> None:
        """Show the menu, for the keyboard."""
        self._button.setFocus(Qt.FocusReason.ShortcutFocusReason)
        # Not showMenu(), which returns only when the menu is closed.
        self._menu.popup(self._button.mapToGlobal(self._button.rect().bottomLeft()))

    @Slot(object)
    def show_status(self, status: EngineStatus) -> None:
        """Show which model is loaded, and how far another one is."""
        loading = status.loading
        for action in self._while_loading:
            action.setVisible(loading is not None)
        if loading is not None:
            name = self._names.get(loading.path, loading.path.stem)
            self._bar.setValue(int(loading.fraction * PER_MILLE))
            self._bar.setAccessibleName(f"Loading {name}")
            text = f"Loading {name}…"
        elif status.model is not None:
            text = self._name_of(status.model)
        else:
            text = "No model"
        self._button.setText(text)
        self._button.setAccessibleName(f"Model: {text}")
        self._button.setToolTip("Choose another model" if status.model else "Choose a model")

    def show_models(
        self, models: Sequence[tuple[InstalledModel, Fit | None]], loaded: LoadedModel | None
    ) -> None:
        """Fill the menu; each with how it would fit into the memory of now."""
        self._names = {model.path: label(model) for model, _ in models}
        self._menu.clear()
        for model, fit in models[:_MOST]:
            parts = [label(model), size_text(model.disk_bytes)]
            if fit is not None and fit.verdict is not Verdict.FITS:
                parts.append(fit.verdict.value)
            action = self._menu.addAction(" · ".join(parts).replace("&", "&&"))
            action.setData(model.path)
            action.setCheckable(True)
            action.setChecked(loaded is not None and loaded.path == model.path)
            action.setToolTip(f"{model.path}\n{fit.sentence if fit else ''}".strip())
        self._menu.addSeparator()
        self._menu.addActions(self._actions)

    def _name_of(self, model: LoadedModel) -> str:
        if model.is_demo:
            return "Demonstration model"
        if model.host:
            return f"{model.name} on {model.host}"
        known = self._names.get(model.path)
        return known or " · ".join(filter(None, (model.name, model.quantization)))

    @Slot(QAction)
    def _on_menu_triggered(self, action: QAction) -> None:
        path = action.data()
        if isinstance(path, Path):
            self.load_requested.emit(path)


def label(model: InstalledModel) -> str:
    """Return as in `StarCoder2 3B · Q4_K_M`."""
    if model.source is ModelSource.DEMO:
        return "Demonstration model"
    return " · ".join(filter(None, (model.name, model.quantization)))

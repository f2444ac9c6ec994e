"""The strip below the library's table: one model, and what can be done with it."""

from enum import StrEnum
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from starpad.core.installed_model import InstalledModel
from starpad.ui.labels import ElidedLabel, Notice, text_label
from starpad.ui.models.library_table import (
    context_text,
    family_text,
    license_text,
    verified_text,
)
from starpad.ui.models.progress_text import size_text

_COMMIT_DIGITS = 7


class Deed(StrEnum):
    """What can be done with a model; the value is the button's text."""

    LOAD = "&Load"
    VERIFY = "&Verify"
    CHECK_FOR_UPDATE = "Check for &update"
    REVEAL = "&Show in file manager"
    DELETE = "D&elete…"


class LibraryDetails(QFrame):
    """Says all about a model in a few lines; buttons that make no sense for it are disabled."""

    deed_chosen = Signal(object)
    """The Deed whose button was pressed."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._name = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle)
        font = self._name.font()
        font.setBold(True)
        self._name.setFont(font)
        self._quantization = QLabel()
        self._quantization.setObjectName("chip")
        self._facts = text_label()
        self._origin = text_label(is_quiet=True)
        self._path = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle, is_quiet=True)
        self._problem = Notice("warning")
        self._remark = Notice("info")
        self._buttons = {deed: QPushButton(deed) for deed in Deed}
        self._arrange()
        self.show_model(None, is_loaded=False, is_busy=False, remark="")

    def show_model(
        self, model: InstalledModel | None, *, is_loaded: bool, is_busy: bool, remark: str
    ) -> None:
        """Show a model; `is_busy` while it is read or moved, `remark` is the last news of it."""
        self.setEnabled(model is not None)
        can_do = can_do_with(model, is_loaded=is_loaded, is_busy=is_busy)
        for deed, button in self._buttons.items():
            button.setEnabled(deed in can_do)
        self._problem.show_sentence(model.problem if model else "", "")
        self._remark.show_sentence(remark, "")
        self._quantization.setVisible(model is not None and bool(model.quantization))
        for label in (self._facts, self._origin, self._path):
            label.setVisible(model is not None)
        if model is None:
            self._name.setText("Choose a model")
            return
        self._name.setText(model.path.stem)
        self._quantization.setText(model.quantization)
        self._facts.setText(_facts_of(model, is_loaded=is_loaded))
        self._origin.setText(_origin_of(model))
        self._path.setText(str(model.path))

    def deeds(self) -> list[tuple[Deed, bool]]:
        """Return all that there is, and whether it makes sense for what is shown."""
        return [(deed, button.isEnabled()) for deed, button in self._buttons.items()]

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self._name)
        top.addWidget(self._quantization, 0, Qt.AlignmentFlag.AlignVCenter)
        top.addStretch(1)
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        for deed, button in self._buttons.items():
            button.setAutoDefault(False)
            button.clicked.connect(partial(self._on_button_clicked, deed))
            if deed is Deed.DELETE:
                buttons.addStretch()  # away from what is pressed often
            buttons.addWidget(button)
        self._buttons[Deed.LOAD].setProperty("next", "yes")
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 12)
        column.setSpacing(4)
        column.addLayout(top)
        lines: tuple[QWidget, ...] = (self._facts, self._origin, self._path)
        for line in (*lines, self._problem, self._remark):
            column.addWidget(line)
        column.addSpacing(6)
        column.addLayout(buttons)

    def _on_button_clicked(self, deed: Deed, _is_checked: bool = False) -> None:
        self.deed_chosen.emit(deed)


def can_do_with(model: InstalledModel | None, *, is_loaded: bool, is_busy: bool) -> set[Deed]:
    """Return what makes sense for a model; other programs' files are never deleted."""
    if model is None:
        return set()
    deeds = {Deed.REVEAL}
    if not model.problem and not is_loaded:
        deeds.add(Deed.LOAD)
    if model.origin is not None:
        deeds.add(Deed.CHECK_FOR_UPDATE)
    if not is_busy:
        deeds.add(Deed.VERIFY)
        if model.is_ours:
            deeds.add(Deed.DELETE)
    return deeds


def _facts_of(model: InstalledModel, *, is_loaded: bool) -> str:
    facts = [
        "Loaded" if is_loaded else "",
        family_text(model),
        size_text(model.disk_bytes),
        context_text(model),
        license_text(model),
        f"verified {verified_text(model)}" if model.verified_at else "never verified",
    ]
    return " · ".join(fact for fact in facts if fact)


def _origin_of(model: InstalledModel) -> str:
    if model.origin is not None:
        commit = model.origin.commit[:_COMMIT_DIGITS]
        text = f"From {model.origin.repository}, version {commit}"
    else:
        text = str(model.source).capitalize() if model.is_ours else f"Source: {model.source}"
    return text if model.is_ours else f"{text} · used in place, Starpad never changes it"

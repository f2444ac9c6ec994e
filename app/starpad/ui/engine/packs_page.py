"""The page of engine packs: which engine counts, what is installed, what fits this computer."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QFontDatabase, QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from starpad.core.engine_pack import InstalledPack
from starpad.core.errors import StarpadError
from starpad.core.offered_packs import OfferedPack, PackOffer
from starpad.services.engine_packs import EnginePacks, PackWork
from starpad.ui.engine.pack_cards import (
    CardButton,
    PackCard,
    installed_lines,
    offer_lines,
    size_text,
)
from starpad.ui.labels import Notice, text_label, title_label
from starpad.ui.questions import ask
from starpad.ui.spoken import announce

_EXPLANATION = (
    "An engine pack is another build of the engine: for a graphics card, or for exactly this "
    "processor. It is tried in a process of its own before it counts. If it ever fails, the engine "
    "in the box takes over. Nothing is downloaded before a button says so."
)
_UNKNOWN = (
    "Starpad downloads nothing that it cannot check, and does not know the SHA-256 of some of "
    "these. Get such a wheel (.whl) from its page: the one for Python abi3 and this system."
)
_BOX = "The engine in the box"
_BUILD_COMMAND = "starpad engine build"
_IN_USE = "in use"
_PER_MILLE = 1000


class PacksPage(QWidget):
    """Shows the service's state; looks anew whenever it is shown."""

    def __init__(self, packs: EnginePacks) -> None:
        super().__init__()
        self.setAccessibleName("Engine packs")
        self._packs = packs
        self._shown: object = None
        """What the cards were made of."""
        self._folder = str(Path.home())
        self.recommendation = text_label()
        self.notice = Notice("error")
        self.news = text_label()
        self.news.hide()
        self.install = QPushButton("Install from &file…")
        self.cancel = QPushButton("&Cancel")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress")
        self._work_text = text_label()
        self._strip = QFrame()
        self._strip.setObjectName("card")
        self._strip.hide()
        self._cards = QWidget()
        self._rows = QVBoxLayout(self._cards)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(8)
        self._lay_out()
        self.install.clicked.connect(partial(self._ask_for_file, None))
        self.cancel.clicked.connect(packs.cancel)
        packs.changed.connect(self._show_packs)
        packs.told.connect(self._on_packs_told)
        packs.failed.connect(self._on_packs_failed)
        self._show_packs()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._packs.look()

    def cards(self) -> list[PackCard]:
        """Return the cards, in their order."""
        items = [self._rows.itemAt(row) for row in range(self._rows.count())]
        widgets = [item.widget() for item in items if item is not None]
        return [widget for widget in widgets if isinstance(widget, PackCard)]

    def _lay_out(self) -> None:
        work = QHBoxLayout(self._strip)
        work.setContentsMargins(14, 10, 14, 10)
        work.setSpacing(10)
        column = QVBoxLayout()
        column.addWidget(self._work_text)
        column.addWidget(self.bar)
        work.addLayout(column, 1)
        work.addWidget(self.cancel)
        below = QHBoxLayout()
        below.addWidget(self.install)
        below.addStretch(1)
        content = QWidget()
        inner = QVBoxLayout(content)
        inner.setContentsMargins(0, 0, 8, 0)
        inner.setSpacing(10)
        inner.addWidget(text_label(_EXPLANATION, is_quiet=True))
        inner.addWidget(self.recommendation)
        inner.addLayout(below)
        inner.addWidget(self._cards)
        inner.addStretch(1)
        scroll = QScrollArea()
        scroll.setAccessibleName("Engine packs")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setWidget(content)
        outer = QVBoxLayout(self)
        outer.setSpacing(8)
        for widget in (self._strip, self.notice, self.news):
            outer.addWidget(widget)
        outer.addWidget(scroll, 1)
        for button in (self.install, self.cancel):
            button.setAutoDefault(False)

    @Slot()
    def _show_packs(self) -> None:
        packs = self._packs
        self._show_work(packs.work)
        self.recommendation.setText(_recommendation(packs.offers, packs.packs))
        self.recommendation.setVisible(bool(self.recommendation.text()))
        shown = (packs.chosen, packs.at_work, tuple(packs.packs), tuple(packs.offers))
        if shown != self._shown:
            self._shown = shown
            self._make_cards()
        is_idle = packs.work is None
        self._cards.setEnabled(is_idle)
        self.install.setEnabled(is_idle)

    def _show_work(self, work: PackWork | None) -> None:
        self._strip.setVisible(work is not None)
        if work is None:
            return
        self._work_text.setText(f"{work.text}…")
        is_known = work.fraction is not None
        self.bar.setRange(0, _PER_MILLE if is_known else 0)
        self.bar.setValue(round((work.fraction or 0) * _PER_MILLE))
        if is_known:
            self.notice.show_sentence("", "")
            self.news.hide()

    def _make_cards(self) -> None:
        has_focus = self._cards.isAncestorOf(self.focusWidget() or self)
        while item := self._rows.takeAt(0):
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self._rows.addWidget(title_label("Installed"))
        self._rows.addWidget(self._box_card())
        for pack in self._packs.packs:
            self._rows.addWidget(self._installed_card(pack))
        self._rows.addWidget(_build_card())
        installed = {pack.name for pack in self._packs.packs}
        offers = [offer for offer in self._packs.offers if offer.pack.name not in installed]
        if offers:
            self._rows.addWidget(title_label("Published by the engine's authors"))
        if any(not offer.wheel.is_known for offer in offers):
            self._rows.addWidget(text_label(_UNKNOWN, is_quiet=True))
        for offer in offers:
            self._rows.addWidget(self._offer_card(offer))
        if has_focus:
            self.install.setFocus(Qt.FocusReason.OtherFocusReason)

    def _box_card(self) -> PackCard:
        is_chosen = not self._packs.chosen
        use = CardButton("Use the &engine in the box", f"Use: {_BOX}", self._packs.use_box)
        lines = ["Computes on the processor; on Macs with Apple silicon on the graphics card, too."]
        return PackCard(_BOX, _IN_USE if is_chosen else "", lines, [] if is_chosen else [use])

    def _installed_card(self, pack: InstalledPack) -> PackCard:
        is_chosen = self._packs.chosen == str(pack.folder)
        lines = installed_lines(pack)
        if is_chosen and self._packs.at_work != str(pack.folder):
            lines.insert(0, "No model is loaded with it at the moment.")
        use = CardButton("Use", f"Use {pack.name}", partial(self._packs.use, pack))
        remove = CardButton("Remove…", f"Remove {pack.name}", partial(self._ask_to_remove, pack))
        buttons = [remove] if is_chosen else [use, remove]
        return PackCard(pack.name, _IN_USE if is_chosen else "", lines, buttons)

    def _offer_card(self, offer: PackOffer) -> PackCard:
        pack, wheel = offer.pack, offer.wheel
        if wheel.is_known:
            text = f"Download and install ({size_text(wheel.size_bytes)})"
            name = f"{text}: {pack.title} from {wheel.host}"
            buttons = [CardButton(text, name, partial(self._packs.download, offer))]
        else:
            ask_for_file = partial(self._ask_for_file, pack)
            buttons = [
                CardButton("Install from file…", f"Install {pack.title} from a file", ask_for_file),
                CardButton(pack.page, f"Open {pack.page}", partial(_open, pack.page), is_link=True),
            ]
        mark = "for this computer" if offer.is_recommended else ""
        return PackCard(pack.title, mark, offer_lines(offer), buttons)

    def _ask_for_file(self, pack: OfferedPack | None) -> None:
        title = f"Install {pack.title}" if pack is not None else "Install an engine pack"
        name, _ = QFileDialog.getOpenFileName(
            self, title, self._folder, "Wheels of xllamacpp (*.whl);;All files (*)"
        )
        if name:
            self._folder = str(Path(name).parent)
            self._packs.install_file(Path(name), pack)

    def _ask_to_remove(self, pack: InstalledPack) -> None:
        text = f"{size_text(pack.size_bytes)} become free."
        if str(pack.folder) in (self._packs.chosen, self._packs.at_work):
            text += " The engine in the box takes over."
        remove = partial(self._packs.remove, pack)
        ask(self, f"Remove the engine pack {pack.name}?", text, "Remove", "Keep", remove)

    @Slot(str)
    def _on_packs_told(self, text: str) -> None:
        self.notice.show_sentence("", "")
        self.news.setText(text)
        self.news.show()
        announce(self, text)

    @Slot(object)
    def _on_packs_failed(self, error: StarpadError) -> None:
        self.news.hide()
        self.notice.show_sentence(error.message, error.hint)
        announce(self, str(error), is_urgent=True)


def _recommendation(offers: Sequence[PackOffer], packs: Sequence[InstalledPack]) -> str:
    best = next((offer for offer in offers if offer.is_recommended), None)
    if best is None:
        return ""
    installed = any(pack.name == best.pack.name for pack in packs)
    state = " It is installed." if installed else ""
    return f"Recommended for this computer: {best.pack.title}. {best.reason}{state}"


def _open(page: str) -> None:
    QDesktopServices.openUrl(QUrl(page))


def _build_card() -> QFrame:
    """Return how to have a pack for exactly this processor."""
    command = QLineEdit(_BUILD_COMMAND)
    command.setReadOnly(True)
    command.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
    command.setAccessibleName("Command for a terminal")
    card = PackCard(
        "Build for this processor…",
        "",
        [
            "The engine in the box runs on nearly every processor since 2015 and uses no newer "
            "instructions. This command in a terminal compiles one for exactly this processor; it "
            "says which compilers it needs."
        ],
        [],
    )
    layout = card.layout()
    assert layout is not None
    layout.addWidget(command)
    return card

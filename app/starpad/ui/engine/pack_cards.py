"""What the page of engine packs consists of: one card for each engine, installed or offered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from starpad.core.engine_pack import InstalledPack
from starpad.core.offered_packs import PackOffer
from starpad.ui.labels import text_label, title_label


@dataclass(frozen=True, slots=True)
class CardButton:
    """A button of a card; `name` is what a screen reader says of it."""

    text: str
    name: str
    do: Callable[[], object]
    is_link: bool = False


class PackCard(QFrame):
    """A title with a mark behind it, lines of quiet text, and buttons."""

    def __init__(
        self, title: str, mark: str, lines: Sequence[str], buttons: Sequence[CardButton]
    ) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setAccessibleName(f"{title}, {mark}" if mark else title)
        head = QHBoxLayout()
        head.setSpacing(8)
        name = title_label(title)
        name.setWordWrap(False)
        head.addWidget(name)
        if mark:
            chip = QLabel(mark)
            chip.setObjectName("chip")
            head.addWidget(chip)
        head.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(8)
        for button in buttons:
            widget = QPushButton(button.text)
            widget.setAccessibleName(button.name)
            widget.setAutoDefault(False)
            if button.is_link:
                widget.setObjectName("link")
            widget.clicked.connect(button.do)
            row.addWidget(widget)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 10)
        column.setSpacing(4)
        column.addLayout(head)
        for line in lines:
            label = text_label(line, is_quiet=True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            column.addWidget(label)
        if buttons:
            column.addSpacing(4)
            column.addLayout(row)


def installed_lines(pack: InstalledPack) -> list[str]:
    """Return what is known of an installed pack."""
    version = f"xllamacpp {pack.version}, {size_text(pack.size_bytes)} on the disk"
    when = _day(pack.installed_at)
    return [
        " · ".join(filter(None, (pack.built_for, version, when and f"installed on {when}"))),
        f"From {pack.source}",
        f"SHA-256 {pack.sha256}",
    ]


def offer_lines(offer: PackOffer) -> list[str]:
    """Return what is known of an offered pack, before anything goes over the network."""
    lines = [offer.reason, f"For {offer.pack.covers}.", f"Needed: {offer.pack.needs}"]
    if offer.wheel.is_known:
        size = size_text(offer.wheel.size_bytes)
        lines.append(f"{size} from {offer.wheel.host}, checked by its SHA-256.")
    return lines


def size_text(size_bytes: int) -> str:
    """Return as in `120 MB` or `1.2 GB`."""
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"


def _day(iso: str) -> str:
    try:
        return f"{datetime.fromisoformat(iso).astimezone():%Y-%m-%d}"
    except ValueError:
        return ""

"""What there is to say of a model before its files are looked at."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFormLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStyle,
    QVBoxLayout,
    QWidget,
)

from starpad.core.catalog import HUB, Ability, Family
from starpad.core.remote import Gating, RepositorySummary
from starpad.ui.labels import text_label, title_label

_GOOD_FOR = {Ability.COMPLETION: "Completing code", Ability.CHAT: "Chat"}
_GATING = {
    Gating.OPEN: "Open to everybody",
    Gating.AUTOMATIC: "Needs an account that has accepted its licence",
    Gating.MANUAL: "Needs an account that its owner has let in",
}


class Card(QWidget):
    """A title, a summary, warnings and facts; links open only when they are pressed."""

    page_requested = Signal(str)
    """The address of a page to open in the browser."""

    def __init__(
        self,
        title: str,
        summary: str,
        warnings: Sequence[str],
        facts: Sequence[tuple[str, str]],
        links: Sequence[tuple[str, str]],
    ) -> None:
        super().__init__()
        self.setAccessibleName(title)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 2, 0, 8)
        column.setSpacing(6)
        column.addWidget(title_label(title, scale=1.25))
        if summary:
            column.addWidget(text_label(summary))
        for words in warnings:
            column.addWidget(_warning(words))
        form = QFormLayout()
        form.setVerticalSpacing(3)
        form.setHorizontalSpacing(14)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for name, value in facts:
            form.addRow(text_label(name, is_quiet=True), text_label(value))
        for name, url in links:
            form.addRow(text_label(name, is_quiet=True), self._link(name, url))
        column.addLayout(form)
        column.addStretch()

    def _link(self, name: str, url: str) -> QPushButton:
        button = QPushButton(url.removeprefix("https://"))
        button.setObjectName("link")
        button.setAccessibleName(f"{name}: {url}")
        button.setToolTip(f"Opens {url} in your browser")
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.setAutoDefault(False)
        button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        button.clicked.connect(lambda: self.page_requested.emit(url))
        return button


def family_card(family: Family) -> Card:
    """Return all that the catalog says of a family."""
    good_for = ", ".join(word for able, word in _GOOD_FOR.items() if able in family.abilities)
    facts = [
        ("Good for", good_for),
        ("Size", f"{family.parameters} parameters"),
        ("Context", f"{family.context_tokens:,} tokens"),
        ("Data", family.training_data),
        ("Licence", family.license.name),
    ]
    links = [("Licence text", family.license.url), ("Makers' page", f"{HUB}/{family.original}")]
    return Card(family.name, family.summary, family.warnings, facts, links)


def repository_card(summary: RepositorySummary, endpoint: str) -> Card:
    """Return all that a hub's search says of a repository."""
    facts = [
        ("Architecture", summary.architecture),
        ("Size", f"{summary.parameters / 1e9:.1f}B parameters" if summary.parameters else ""),
        ("Context", f"{summary.context_tokens:,} tokens" if summary.context_tokens else ""),
        ("Made from", summary.base_model),
        ("Licence", summary.license or "not stated"),
        ("Access", _GATING[summary.gating]),
        ("Liked, fetched", f"{summary.likes:,} likes, {summary.downloads:,} downloads a month"),
        ("Changed", f"{summary.updated:%Y-%m-%d}" if summary.updated else ""),
    ]
    links = [("Page", f"{endpoint}/{summary.id}")]
    return Card(summary.id, "", (), [fact for fact in facts if fact[1]], links)


def _warning(words: str) -> QWidget:
    line = QWidget()
    form = QFormLayout(line)
    form.setContentsMargins(0, 0, 0, 0)
    sign = QLabel()
    picture = sign.style().standardIcon(QStyle.StandardPixmap.SP_MessageBoxWarning)
    sign.setPixmap(picture.pixmap(sign.fontMetrics().height() + 2))
    sign.setAccessibleName("Warning")
    form.addRow(sign, text_label(words))
    return line

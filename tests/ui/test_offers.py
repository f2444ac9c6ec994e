"""A repository's models as a person chooses them."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QTreeWidget
from pytestqt.qtbot import QtBot

from starpad.core.memory_fit import Fit, Verdict
from starpad.core.remote import RemoteFile, RemoteModel
from starpad.ui.models.offers import Offer, OfferState
from starpad.ui.models.offers_table import OffersTable

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")

FITS = Fit(Verdict.FITS, "The model needs 2.6 GB of memory, and 12.1 GB are free.", "")
NO_FIT = Fit(Verdict.DOES_NOT_FIT, "The model needs 26 GB, and only 12.1 GB are free.", "")


def _model(quantization: str, size_bytes: int = 1_890_000_000) -> RemoteModel:
    return RemoteModel(
        quantization, (RemoteFile(f"starcoder2-3b.{quantization}.gguf", size_bytes, "0" * 64),)
    )


def _offer(quantization: str, **values: object) -> Offer:
    return Offer(_model(quantization), "3B", **({"fit": FITS} | values))  # type: ignore[arg-type]


def test_an_offer_is_one_line_for_a_person() -> None:
    offer = _offer("Q4_K_M", tokens_per_second=14.3)
    assert offer.sentence.startswith("3B · Q4_K_M · 1.9 GB · fits · about 14 tok/s here · ")


def test_speeds_have_two_digits_and_what_does_not_fit_has_none() -> None:
    assert _offer("Q4_K_M", tokens_per_second=0.84).speed == "about 0.84 tok/s"
    assert _offer("Q4_K_M", tokens_per_second=1651.2).speed == "about 1700 tok/s"
    assert _offer("Q8_0", tokens_per_second=14.0, fit=NO_FIT).speed == ""
    assert _offer("Q4_K_M").speed == ""


def test_before_and_after_its_header_was_read() -> None:
    assert _offer("Q4_K_M", fit=None).memory == "…"
    assert _offer("Q4_K_M", fit=None, is_read=True).memory == "unknown"


LEGACY = RemoteModel("Q4_0", (RemoteFile("x.ggmlv3.q4_0.bin", 5, ""),), is_legacy_ggml=True)


def test_a_legacy_file_says_that_it_is_slower_and_what_replaces_it() -> None:
    offer = Offer(LEGACY, "15.5B", FITS, replacement="someone/starcoder-GGUF")
    assert offer.memory == "fits"
    assert "older engine, slower" in offer.remark
    assert "someone/starcoder-GGUF replaces it" in offer.remark
    assert "replaces" not in Offer(LEGACY, "15.5B").remark
    assert "Q4_K_M" not in offer.remark


def test_a_legacy_file_can_be_had_as_any_other(table: OffersTable) -> None:
    table.show_offers([Offer(LEGACY, "15.5B", FITS)])
    assert _button(table).isEnabled()
    assert "Download" in _button(table).text()


@pytest.fixture
def table(qtbot: QtBot) -> OffersTable:
    table = OffersTable()
    qtbot.addWidget(table)
    table.show()
    table.show_offers(
        [_offer("Q2_K"), _offer("Q4_K_M", is_recommended=True), _offer("Q8_0", fit=NO_FIT)]
    )
    return table


def _button(table: OffersTable) -> QPushButton:
    return table.findChildren(QPushButton)[0]


def test_the_recommended_one_is_chosen_and_its_numbers_are_shown(table: OffersTable) -> None:
    assert table.current is not None
    assert table.current.model.quantization == "Q4_K_M"
    assert any(label.text() == FITS.sentence for label in table.findChildren(QLabel))
    assert _button(table).accessibleName() == "Download 3B · Q4_K_M"


def test_the_choice_survives_fresh_offers(table: OffersTable) -> None:
    table.choose("Q8_0")
    table.show_offers([_offer("Q4_K_M", is_recommended=True), _offer("Q8_0")])
    assert table.current is not None
    assert table.current.model.quantization == "Q8_0"


def test_arrows_and_enter_choose(table: OffersTable, qtbot: QtBot) -> None:
    [tree] = table.findChildren(QTreeWidget)
    tree.setFocus()
    QTest.keyClick(tree, Qt.Key.Key_Up)
    with qtbot.waitSignal(table.chosen) as blocker:
        QTest.keyClick(tree, Qt.Key.Key_Return)
    assert blocker.args[0].model.quantization == "Q2_K"


@pytest.mark.parametrize(
    ("state", "text", "is_enabled"),
    [
        (OfferState.NEW, "&Download", True),
        (OfferState.DOWNLOADING, "&Show download", True),
        (OfferState.INSTALLED, "&Load", True),
        (OfferState.LOADED, "&Load", False),
    ],
)
def test_the_button_does_what_is_next(
    table: OffersTable, state: OfferState, text: str, is_enabled: bool
) -> None:
    table.show_offers([_offer("Q4_K_M", state=state)])
    assert _button(table).text() == text
    assert _button(table).isEnabled() is is_enabled


def test_a_row_is_spoken_as_one_sentence(table: OffersTable) -> None:
    [tree] = table.findChildren(QTreeWidget)
    item = tree.topLevelItem(1)
    assert item is not None
    assert item.data(0, Qt.ItemDataRole.AccessibleTextRole).startswith("recommended · 3B · Q4_K_M")

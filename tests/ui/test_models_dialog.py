"""ModelsDialog: honest about what runs now, and no browser before a button is pressed."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QTableWidget
from pytestqt.qtbot import QtBot

from starpad.core import catalog, paths
from starpad.core.engine_status import LoadedModel
from starpad.ui.models.models_dialog import ModelsDialog

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")  # the off-screen platform's


@pytest.fixture
def urls(monkeypatch: pytest.MonkeyPatch) -> list[QUrl]:
    """Return the addresses that would have been opened in the browser."""
    urls: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", urls.append)
    return urls


@pytest.fixture
def dialog(qtbot: QtBot, urls: list[QUrl]) -> ModelsDialog:
    dialog = ModelsDialog()
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)  # tests look at it afterwards
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def _visible_text(dialog: ModelsDialog) -> str:
    labels = [label for label in dialog.findChildren(QLabel) if label.isVisible()]
    return "\n".join(label.text() for label in labels)


def _choose(dialog: ModelsDialog, family_id: str) -> catalog.Family:
    [table] = dialog.findChildren(QTableWidget)
    row = next(n for n, family in enumerate(catalog.load()) if family.id == family_id)
    table.setCurrentCell(row, 0)
    return catalog.load()[row]


def _visible_buttons(dialog: ModelsDialog) -> list[QPushButton]:
    return [button for button in dialog.findChildren(QPushButton) if button.isVisible()]


def _model(*, is_demo: bool) -> LoadedModel:
    return LoadedModel(
        Path("x.gguf"), "starcoder2-3b", "Q4_K_M", 4096, None, frozenset(), False, is_demo
    )


@pytest.mark.parametrize(
    ("running", "says"),
    [
        (_model(is_demo=True), "What runs now is only a small demonstration model."),
        (_model(is_demo=False), "What runs now is starcoder2-3b."),
        (None, "The model that comes with Starpad is only a small demonstration model."),
    ],
)
def test_it_says_what_runs_now_and_how_to_get_more(
    running: LoadedModel | None, says: str, qtbot: QtBot
) -> None:
    dialog = ModelsDialog(running=running)
    qtbot.addWidget(dialog)
    dialog.show()
    assert says in _visible_text(dialog)
    assert "download one GGUF file" in _visible_text(dialog)
    assert "come in later versions" in _visible_text(dialog)


def test_every_family_is_listed_with_what_it_is_good_for(dialog: ModelsDialog) -> None:
    [table] = dialog.findChildren(QTableWidget)
    rows = [
        tuple(item.text() for column in range(3) if (item := table.item(row, column)) is not None)
        for row in range(table.rowCount())
    ]
    assert [name for name, _, _ in rows] == [family.name for family in catalog.load()]
    assert ("StarCoder2 3B", "Completing code", "16,384") in rows
    assert ("StarCoder2 15B Instruct", "Chat", "16,384") in rows


@pytest.mark.parametrize("family", catalog.load(), ids=lambda family: family.id)
def test_a_familys_page_has_its_warnings_licence_and_repositories(
    family: catalog.Family, dialog: ModelsDialog
) -> None:
    _choose(dialog, family.id)
    text = _visible_text(dialog)
    for expected in (family.name, family.summary, family.license.name, *family.warnings):
        assert expected in text
    for repository in family.repositories:
        assert f"huggingface.co/{repository.id}" in text
        assert repository.note in text
    assert ("Needs a sign-in" in text) == family.is_gated


def test_nothing_is_opened_by_looking_around(dialog: ModelsDialog, urls: list[QUrl]) -> None:
    for family in catalog.load():
        _choose(dialog, family.id)
    assert urls == []


def test_each_button_says_which_address_it_opens_and_opens_just_that(
    dialog: ModelsDialog, urls: list[QUrl]
) -> None:
    family = _choose(dialog, "starcoder2-7b")
    buttons = [b for b in _visible_buttons(dialog) if b.text() in ("Open page", "Read licence")]
    for button in buttons:
        assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    opened = [url.toString() for url in urls]
    assert opened == [
        *(repository.url for repository in family.repositories),
        family.license.url,
        "https://huggingface.co/bigcode/starcoder2-7b",
    ]
    for button, url in zip(buttons, opened, strict=True):
        assert url in button.toolTip()
        assert url in button.accessibleName()


def test_open_model_file_closes_the_dialog_and_asks_for_it(
    dialog: ModelsDialog, qtbot: QtBot
) -> None:
    [button] = [b for b in _visible_buttons(dialog) if b.text() == "Open model file…"]
    closed_first: list[bool] = []
    dialog.open_requested.connect(lambda: closed_first.append(not dialog.isVisible()))
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert closed_first == [True], "or its modality would block the file dialog"


def test_a_damaged_catalog_leaves_the_way_to_an_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    damaged = tmp_path / "families.json"
    damaged.write_text("{")
    monkeypatch.setattr(paths, "resource", lambda _: damaged)
    dialog = ModelsDialog()
    qtbot.addWidget(dialog)
    dialog.show()
    assert "cannot be read" in _visible_text(dialog)
    assert "Open model file…" in [button.text() for button in _visible_buttons(dialog)]

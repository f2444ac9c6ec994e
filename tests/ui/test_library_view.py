"""LibraryView: sorted, kept in place, and only what makes sense for each model can be done."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QAccessibleEvent,
    QContextMenuEvent,
    QDragEnterEvent,
    QDropEvent,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QMenu,
    QMessageBox,
    QProgressBar,
    QTableView,
)
from pytestqt.qtbot import QtBot

from starpad.core.installed_model import InstalledModel, ModelSource
from starpad.core.origin import Origin
from starpad.ui.models.library_view import LibraryView

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints")  # the off-screen platform's

FOLDER = Path("/srv/ada/models")
ORIGIN = Origin(
    "https://hub.example", "owner/StarCoder2-3B-GGUF", "c3f1976ab" + "0" * 31, "small.gguf",
    1_850_000_000, "a" * 64, "bigcode-openrail-m", "Q4_K_M", "",
)  # fmt: skip
NAME, FAMILY, SIZE, QUANTIZATION, CONTEXT, VERIFIED, SOURCE, LICENSE = range(8)


def make(
    file: str,
    *,
    gb: float = 1.0,
    problem: str = "",
    is_ours: bool = True,
    origin: Origin | None = None,
    family: str = "StarCoder2 3B",
    license_id: str = "bigcode-openrail-m",
    verified_at: datetime | None = None,
) -> InstalledModel:
    return InstalledModel(
        path=FOLDER / file,
        name=family or Path(file).stem,
        header=None,
        problem=problem,
        source=ModelSource.DOWNLOADED if is_ours else ModelSource.LM_STUDIO,
        disk_bytes=int(gb * 1e9),
        quantization="Q4_K_M",
        architecture="starcoder2",
        context_tokens=16_384,
        license=license_id,
        family_id="starcoder2-3b" if family else "",
        origin=origin,
        verified_at=verified_at,
        is_ours=is_ours,
    )


SMALL = make(
    "small.gguf", gb=1.85, origin=ORIGIN, verified_at=datetime(2025, 11, 3, 12, tzinfo=UTC)
)
LARGE = make("large.gguf", gb=9.86)
FOREIGN = make("foreign.gguf", gb=5.1, is_ours=False)
BROKEN = make("broken.gguf", gb=0.3, problem="The file is cut short.", family="")
MODELS = (SMALL, LARGE, FOREIGN, BROKEN)
REQUESTS = (
    "load", "verify", "update_check", "reveal", "delete", "import", "folder", "move_folder", "stop",
)  # fmt: skip


@pytest.fixture
def view(qtbot: QtBot) -> LibraryView:
    view = LibraryView()
    qtbot.addWidget(view)
    view.resize(1000, 600)
    with qtbot.waitActive(view):
        view.show()
        view.activateWindow()
    return view


@pytest.fixture
def heard(view: LibraryView) -> list[tuple[object, ...]]:
    """Return what the view asks for, in order."""
    heard: list[tuple[object, ...]] = []
    for name in REQUESTS:
        signal = getattr(view, f"{name}_requested")
        signal.connect(lambda *values, name=name: heard.append((name, *values)))
    view.files_dropped.connect(lambda paths: heard.append(("dropped", paths)))
    return heard


def table(view: LibraryView) -> QTableView:
    [table] = view.findChildren(QTableView)
    return table


def column(view: LibraryView, at: int) -> list[str]:
    model = table(view).model()
    return [model.index(row, at).data() for row in range(model.rowCount())]


def labels(view: LibraryView) -> str:
    return "\n".join(label.text() for label in view.findChildren(QLabel) if label.isVisible())


def button(view: LibraryView, text: str) -> QAbstractButton:
    [found] = [
        b for b in view.findChildren(QAbstractButton) if b.text().replace("&", "") == text
    ]  # fmt: skip
    return found


def press(view: LibraryView, text: str) -> None:
    QTest.mouseClick(button(view, text), Qt.MouseButton.LeftButton)


def enabled(view: LibraryView) -> set[str]:
    names = ("Load", "Verify", "Check for update", "Show in file manager", "Delete…")
    return {name for name in names if button(view, name).isEnabled()}


def question(view: LibraryView) -> QMessageBox:
    [box] = [box for box in view.findChildren(QMessageBox) if box.isVisible()]
    return box


def answer(view: LibraryView, text: str) -> None:
    [found] = [b for b in question(view).buttons() if b.text() == text]
    QTest.mouseClick(found, Qt.MouseButton.LeftButton)


def sort_by(view: LibraryView, at: int) -> None:
    header = table(view).horizontalHeader()
    place = QPoint(header.sectionViewportPosition(at) + 10, header.height() // 2)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_without_models_it_says_how_to_get_one(
    view: LibraryView, heard: list[tuple[object, ...]]
) -> None:
    assert "No models yet" in labels(view)
    assert not table(view).isVisible()
    press(view, "Import file…")
    press(view, "Add folder…")
    press(view, "Move models folder…")
    assert heard == [("import",), ("folder",), ("move_folder",)]


def test_a_row_tells_all_that_is_known(view: LibraryView) -> None:
    view.show_models(MODELS, SMALL.path)
    row = column(view, NAME).index("small · loaded")
    cells = [table(view).model().index(row, at).data() for at in range(8)]
    assert cells == [
        "small · loaded", "StarCoder2 3B", "1.9 GB", "Q4_K_M", "16,384", "2025-11-03",
        "downloaded", "BigCode OpenRAIL-M v1",
    ]  # fmt: skip
    assert "broken · cannot be loaded" in column(view, NAME)
    assert column(view, FAMILY)[column(view, NAME).index("broken · cannot be loaded")] == (
        "starcoder2"
    )


def test_the_total_says_what_is_starpads_own(view: LibraryView) -> None:
    view.show_models(MODELS, None)
    assert "4 models · 17.1 GB on disk, 12.0 GB of it in Starpad's folder" in labels(view)
    view.show_models((SMALL,), None)
    assert "1 model · 1.9 GB on disk" in labels(view)


def test_a_click_on_a_heading_sorts_and_another_turns_it_round(view: LibraryView) -> None:
    view.show_models(MODELS, None)
    assert column(view, NAME)[-2:] == ["large", "small"]
    sort_by(view, SIZE)
    assert column(view, SIZE) == ["300 MB", "1.9 GB", "5.1 GB", "9.9 GB"]
    sort_by(view, SIZE)
    assert column(view, SIZE) == ["9.9 GB", "5.1 GB", "1.9 GB", "300 MB"]
    sort_by(view, VERIFIED)
    assert column(view, VERIFIED)[-1] == "2025-11-03"
    view.show_models((*MODELS, make("another.gguf", verified_at=datetime.now(UTC))), None)
    assert column(view, NAME)[-1] == "another", "the order holds for what comes later"


def test_what_is_chosen_stays_chosen_through_news_and_sorting(view: LibraryView) -> None:
    view.show_models(MODELS, None)
    view.select(FOREIGN.path)
    sort_by(view, SIZE)
    assert view.selected == FOREIGN.path
    view.show_models((make("new.gguf", gb=0.1), *MODELS), LARGE.path)
    assert view.selected == FOREIGN.path
    [row] = table(view).selectionModel().selectedRows()
    assert row.data() == "foreign"


def test_a_neighbor_is_chosen_when_the_chosen_one_goes_away(view: LibraryView) -> None:
    view.show_models(MODELS, None)
    view.select(LARGE.path)  # behind broken and foreign, before small
    view.show_models((SMALL, FOREIGN, BROKEN), None)
    assert view.selected == SMALL.path
    view.show_models((), None)
    assert view.selected is None


def test_the_focus_and_the_place_stay_through_news(view: LibraryView) -> None:
    many = [make(f"model-{n:02}.gguf") for n in range(60)]
    view.show_models(many, None)
    bar = table(view).verticalScrollBar()
    view.select(many[3].path)
    table(view).setFocus()
    bar.setValue(25)  # the chosen one is out of sight
    view.show_models(many[1:], None)
    view.show_models(many, None)
    assert bar.value() == 25
    assert table(view).hasFocus()
    assert view.selected == many[3].path


@pytest.mark.parametrize(
    ("model", "can"),
    [
        (SMALL, {"Verify", "Check for update", "Show in file manager", "Delete…"}),  # is loaded
        (LARGE, {"Load", "Verify", "Show in file manager", "Delete…"}),
        (FOREIGN, {"Load", "Verify", "Show in file manager"}),
        (BROKEN, {"Verify", "Show in file manager", "Delete…"}),
    ],
    ids=["loaded", "ours", "foreign", "broken"],
)
def test_only_what_makes_sense_for_a_model_can_be_done(
    model: InstalledModel, can: set[str], view: LibraryView
) -> None:
    view.show_models(MODELS, SMALL.path)
    view.select(model.path)
    assert enabled(view) == can


def test_the_strip_says_where_a_model_is_from_and_what_is_wrong_with_it(view: LibraryView) -> None:
    view.show_models(MODELS, SMALL.path)
    view.select(SMALL.path)
    text = labels(view)
    assert "Loaded · StarCoder2 3B · 1.9 GB · 16,384 tokens · BigCode OpenRAIL-M v1" in text
    assert "From owner/StarCoder2-3B-GGUF, version c3f1976" in text
    assert str(SMALL.path) in text
    view.select(FOREIGN.path)
    assert "LM Studio · used in place, Starpad never changes it" in labels(view)
    assert "never verified" in labels(view)
    view.select(BROKEN.path)
    assert "The file is cut short." in labels(view)


def test_each_button_asks_for_the_chosen_model(
    view: LibraryView, heard: list[tuple[object, ...]]
) -> None:
    view.show_models((make("m.gguf", origin=ORIGIN),), None)
    path = FOLDER / "m.gguf"
    for text in ("Load", "Verify", "Check for update", "Show in file manager"):
        press(view, text)
    assert heard == [("load", path), ("verify", path), ("update_check", path), ("reveal", path)]


def test_enter_and_a_double_click_load_what_can_be_loaded(
    view: LibraryView, heard: list[tuple[object, ...]]
) -> None:
    view.show_models(MODELS, None)
    rows = table(view)
    rows.setFocus()
    view.select(LARGE.path)
    QTest.keyClick(rows, Qt.Key.Key_Return)
    assert heard == [("load", LARGE.path)]
    view.select(BROKEN.path)
    QTest.keyClick(rows, Qt.Key.Key_Return)
    assert heard == [("load", LARGE.path)], "a broken model is not loaded"
    place = rows.visualRect(rows.model().index(column(view, NAME).index("small"), 0)).center()
    QTest.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseDClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert heard[1:] == [("load", SMALL.path)]


def test_deleting_asks_first_and_says_what_it_frees(
    view: LibraryView, heard: list[tuple[object, ...]]
) -> None:
    view.show_models(MODELS, None)
    view.select(LARGE.path)
    press(view, "Delete…")
    box = question(view)
    assert "large" in box.text()
    assert "9.9 GB" in box.informativeText()
    assert "unloaded" not in box.informativeText()
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert heard == [], "Enter keeps it"
    table(view).setFocus()
    QTest.keyClick(table(view), Qt.Key.Key_Delete)
    answer(view, "Move to trash")
    assert heard == [("delete", LARGE.path)]


def test_deleting_the_loaded_model_says_that_it_is_unloaded_first(view: LibraryView) -> None:
    view.show_models(MODELS, LARGE.path)
    view.select(LARGE.path)
    press(view, "Delete…")
    assert "It is loaded now and is unloaded first." in question(view).informativeText()


def test_the_delete_key_does_nothing_to_other_programs_files(
    view: LibraryView, heard: list[tuple[object, ...]]
) -> None:
    view.show_models(MODELS, None)
    view.select(FOREIGN.path)
    table(view).setFocus()
    QTest.keyClick(table(view), Qt.Key.Key_Delete)
    assert not any(box.isVisible() for box in view.findChildren(QMessageBox))
    assert heard == []


@pytest.mark.qt_log_ignore("This plugin does not support")  # the off-screen platform's
def test_the_menu_of_a_row_offers_what_the_buttons_do(
    view: LibraryView, heard: list[tuple[object, ...]]
) -> None:
    view.show_models(MODELS, None)
    view.select(FOREIGN.path)
    key = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(5, 5), QPoint(5, 5))
    QApplication.sendEvent(table(view).viewport(), key)
    [menu] = view.findChildren(QMenu)
    can = {action.text().replace("&", "") for action in menu.actions() if action.isEnabled()}
    assert can == enabled(view)
    [load] = [action for action in menu.actions() if action.text() == "&Load"]
    load.trigger()
    assert heard == [("load", FOREIGN.path)]
    menu.close()


def test_work_is_shown_with_a_button_that_stops_it(
    view: LibraryView, heard: list[tuple[object, ...]]
) -> None:
    view.show_models(MODELS, None)
    view.select(LARGE.path)
    view.show_progress(LARGE.path, "Verifying", 0.25)
    assert "large: Verifying" in labels(view)
    [bar] = [bar for bar in view.findChildren(QProgressBar) if bar.isVisible()]
    assert (bar.minimum(), bar.value(), bar.maximum()) == (0, 250, 1000)
    assert not enabled(view) & {"Verify", "Delete…"}
    view.select(SMALL.path)
    assert {"Verify", "Delete…"} <= enabled(view)
    view.show_progress(LARGE.path, "Verifying", None)
    assert bar.maximum() == 0
    press(view, "Stop")
    assert heard == [("stop",)]
    view.select(LARGE.path)
    view.hide_progress()
    assert "large: Verifying" not in labels(view)
    assert {"Verify", "Delete…"} <= enabled(view)


def test_news_of_a_model_stand_with_it_until_something_is_done_to_it(
    view: LibraryView, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def update(event: QAccessibleEvent) -> None:
        if isinstance(event, QAccessibleAnnouncementEvent):
            told.append(event.message())

    view.show_models(MODELS, None)
    view.select(SMALL.path)
    monkeypatch.setattr(QAccessible, "updateAccessibility", update)
    view.show_remark(SMALL.path, "A newer file is on the hub.")
    assert told == ["small: A newer file is on the hub."]
    assert "A newer file is on the hub." in labels(view)
    view.select(LARGE.path)
    assert "A newer file is on the hub." not in labels(view)
    view.select(SMALL.path)
    view.show_progress(SMALL.path, "Verifying", 0.0)
    assert "A newer file is on the hub." not in labels(view)


def drop(view: LibraryView, *paths: str) -> bool:
    """Drag files over the view and drop them; return whether it took them."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path) for path in paths])
    actions, buttons = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    keys = Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(20, 20), actions, data, buttons, keys)
    enter.ignore()
    QApplication.sendEvent(view, enter)
    if enter.isAccepted():
        QApplication.sendEvent(view, QDropEvent(QPointF(20, 20), actions, data, buttons, keys))
    return enter.isAccepted()


def test_gguf_files_can_be_dropped_and_nothing_else(
    view: LibraryView, heard: list[tuple[object, ...]]
) -> None:
    assert drop(view, "/tmp/a.gguf", "/tmp/notes.txt", "/tmp/B.GGUF")
    assert heard == [("dropped", [Path("/tmp/a.gguf"), Path("/tmp/B.GGUF")])]
    assert not drop(view, "/tmp/notes.txt")


def test_everything_has_a_name_for_screen_readers_and_a_key(view: LibraryView) -> None:
    view.show_models(MODELS, None)
    assert table(view).accessibleName() == "Models on this computer"
    keys = [b.text()[b.text().index("&") + 1].lower() for b in view.findChildren(QAbstractButton)
            if b.text()]  # fmt: skip
    assert len(keys) == 9
    assert len(set(keys)) == len(keys), "each has a key of its own"
    row = column(view, NAME).index("broken · cannot be loaded")
    spoken = table(view).model().index(row, 0).data(Qt.ItemDataRole.AccessibleDescriptionRole)
    assert spoken == "The file is cut short."

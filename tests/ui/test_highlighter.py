"""What the editor shows equals a fresh lex of its text, and its text never notices."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psutil
import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QColor,
    QInputMethodEvent,
    QPalette,
    QTextBlock,
    QTextCharFormat,
    QTextCursor,
)  # fmt: skip
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPlainTextEdit
from pytestqt.qtbot import QtBot

from source_samples import SAMPLES
from starpad.core.settings import ThemeChoice
from starpad.highlighting import lexing
from starpad.highlighting.protocol import MAX_LINES
from starpad.services.highlighting import HighlightService
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.highlighter import Highlighter, PreeditOverlay
from starpad.ui.text_positions import PARAGRAPH_SEPARATOR
from starpad.ui.theme import Theme

ANSWER_MS = 20_000
Shown = list[tuple[int, int, str]]


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    style, palette = qapp.style().objectName(), QPalette(qapp.palette())
    theme = Theme(qapp)
    theme.set_choice(ThemeChoice.LIGHT)
    yield theme
    theme.set_choice(ThemeChoice.SYSTEM)
    theme.setParent(None)
    qapp.setStyleSheet("")
    qapp.setPalette(palette)
    qapp.setStyle(style)


@pytest.fixture
def service(qapp: QApplication) -> Iterator[HighlightService]:
    service = HighlightService()
    yield service
    service.shutdown()


@dataclass
class Pane:
    """An editor with its highlighter, and what they should show."""

    editor: QPlainTextEdit
    highlighter: Highlighter
    theme: Theme
    alias: str

    @property
    def lines(self) -> list[str]:
        return self.editor.document().toRawText().split(PARAGRAPH_SEPARATOR)

    def block(self, number: int) -> QTextBlock:
        return self.editor.document().findBlockByNumber(number)

    def is_right(self) -> bool:
        """Whether the spans held equal a fresh lex, and visible blocks show them."""
        lexer = lexing.lexer_for(self.alias, "", "")
        expected = list(lexing.lex(lexer, self.lines))
        top = self.editor.firstVisibleBlock().blockNumber()
        height = self.editor.viewport().height() // self.editor.fontMetrics().lineSpacing()
        visible = range(top, min(top + height + 1, len(expected)))
        return self.highlighter._store.lines == expected and all(
            shown(self.block(n)) == self.colored(expected[n]) for n in visible
        )

    def colored(self, spans: object) -> Shown:
        """Return spans as formats show them: those that the theme gives a look."""
        assert isinstance(spans, tuple)
        return [
            (start, length, look(self.theme.format_for(name)))
            for start, length, name in spans
            if not self.theme.format_for(name).isEmpty()
        ]


def look(text_format: QTextCharFormat) -> str:
    parts = (text_format.foreground().color().name(), text_format.fontItalic(),
             text_format.fontWeight(), text_format.underlineStyle())  # fmt: skip
    return str(parts)


def shown(block: QTextBlock) -> Shown:
    return [(r.start, r.length, look(r.format)) for r in block.layout().formats()]


def press(editor: QPlainTextEdit, keys: str) -> None:
    """Press a key for each character, Return and Backspace among them."""
    for key in keys:
        if key in "\b\r":
            QTest.keyClick(editor, Qt.Key.Key_Backspace if key == "\b" else Qt.Key.Key_Return)
        else:
            QTest.keyClicks(editor, key)


Opener = Callable[..., Pane]


@pytest.fixture
def open_pane(service: HighlightService, theme: Theme, qtbot: QtBot) -> Iterator[Opener]:
    numbers = iter(range(1, 100))
    editors: list[CodeEditor] = []

    def make(alias: str, text: str, *, waits: bool = True) -> Pane:
        editor = CodeEditor(theme.colors)
        editors.append(editor)
        editor.resize(700, 500)
        editor.show()
        highlighter = Highlighter(editor, next(numbers), service, theme)
        editor.setPlainText(text)
        pane = Pane(editor, highlighter, theme, alias)
        highlighter.open(alias, "")
        if waits:
            qtbot.waitUntil(pane.is_right, timeout=ANSWER_MS)
        return pane

    yield make
    for editor in editors:  # not after the application's style, which `theme` puts back
        shiboken6.delete(editor)


C_FUNCTION = SAMPLES["c"] + '\nstatic int f(char *s) { return puts("x"); } /* c */\n\n'


# -- colors are right ------------------------------------------------------------------------------


def test_the_colors_reach_the_screen(open_pane: Opener, qtbot: QtBot) -> None:
    pane = open_pane("python", "'string'\n" * 3, waits=False)

    def reddest() -> int:
        picture = pane.editor.viewport().grab().toImage()
        pixels = (picture.pixelColor(x, y) for x in range(60) for y in range(20))
        return max(color.red() - color.green() for color in pixels)

    assert reddest() == 0
    qtbot.waitUntil(pane.is_right, timeout=ANSWER_MS)
    assert reddest() > 60


@pytest.mark.parametrize("alias", ["python", "c", "html", "markdown", "yaml", "php"])
@pytest.mark.parametrize("seed", [1, 2])
def test_random_edits_undo_and_redo_end_equal_to_a_fresh_lex(
    open_pane: Opener, qtbot: QtBot, alias: str, seed: int
) -> None:
    pane = open_pane(alias, SAMPLES[alias] * 8)
    choose = random.Random(f"{alias}{seed}")
    for _ in range(4):
        for _ in range(40):
            edit_somewhere(pane.editor, choose)
        qtbot.waitUntil(pane.is_right, timeout=ANSWER_MS)


def edit_somewhere(editor: QPlainTextEdit, choose: random.Random) -> None:
    document = editor.document()
    cursor = QTextCursor(document)
    cursor.setPosition(choose.randrange(document.characterCount()))
    keep = QTextCursor.MoveMode.KeepAnchor
    match choose.randrange(9):
        case 0:
            cursor.insertText(choose.choice(['"""', "/*", "*/", "'", "#", "<", "{", "🦊", "\t"]))
        case 1:
            cursor.insertText("x = 1\n" * choose.randrange(1, 30))
        case 2:
            cursor.insertBlock()
        case 3:
            cursor.deleteChar()
        case 4:
            cursor.deletePreviousChar()
        case 5:
            length = choose.choice([3, 80, 10_000])
            end = min(cursor.position() + length, document.characterCount() - 1)
            cursor.setPosition(end, keep)
            cursor.insertText(choose.choice(["", "y", "\n\n"]))
        case 6:
            document.undo()
        case 7:
            document.redo()
        case _:
            editor.setTextCursor(cursor)
            QTest.keyClicks(editor, choose.choice(["word", '"a"', "(1)", " ", "//"]))


def test_keys_typed_without_a_pause_in_a_large_file_end_in_the_right_colors(
    open_pane: Opener, service: HighlightService, qtbot: QtBot
) -> None:
    pane = open_pane("c", C_FUNCTION * 150)
    cursor = QTextCursor(pane.block(700))
    pane.editor.setTextCursor(cursor)
    pane.editor.ensureCursorVisible()
    for word in ("if (a) {", ' b("c', '"); /* d', " */", " }"):
        press(pane.editor, word + "\r")
        # Answers to earlier keys arrive between later ones.
        with qtbot.waitSignal(service.spans_ready, timeout=ANSWER_MS):
            press(pane.editor, "a\b")
    qtbot.waitUntil(pane.is_right, timeout=ANSWER_MS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "x = '🦊🦊' # 🦊\n",
        "x\xa0=\xa01 # no-break\n",
        "a = 1\r\nb = None\r\n",
        "a = 1\rb = None\r",
        "# one\u2028line\x0b\x0c\x85here\nNone",
        "'''" + "long " * 4000 + "'''\nNone\n",
    ],
)
def test_odd_texts_get_the_right_colors_also_when_edited(
    open_pane: Opener, qtbot: QtBot, text: str
) -> None:
    pane = open_pane("python", text)
    QTest.keyClicks(pane.editor, "None ")
    qtbot.waitUntil(pane.is_right, timeout=ANSWER_MS)
    pane.editor.moveCursor(QTextCursor.MoveOperation.End)
    QTest.keyClicks(pane.editor, " 'x'")
    qtbot.waitUntil(pane.is_right, timeout=ANSWER_MS)


def test_blocks_that_come_into_view_get_their_colors_before_they_are_painted(
    open_pane: Opener,
) -> None:
    pane = open_pane("python", "x = None\n" * 1000)
    editor = pane.editor

    def last_visible() -> QTextBlock:
        return editor.cursorForPosition(editor.viewport().rect().bottomLeft()).block()

    assert not shown(pane.block(500))  # what is out of sight costs nothing
    editor.verticalScrollBar().setValue(400)
    assert shown(last_visible())
    editor.resize(700, 900)
    editor.grab()
    assert shown(last_visible())
    cursor = editor.textCursor()
    cursor.setPosition(pane.block(410).position())
    cursor.setPosition(pane.block(480).position(), QTextCursor.MoveMode.KeepAnchor)
    cursor.removeSelectedText()
    editor.grab()
    assert shown(last_visible())
    editor.zoomOut(4)
    editor.grab()
    assert shown(last_visible())


def test_a_new_theme_recolors_what_is_visible(open_pane: Opener, qtbot: QtBot) -> None:
    pane = open_pane("python", "x = None\n" * 100)
    before = shown(pane.block(0))
    pane.theme.set_choice(ThemeChoice.DARK)
    pane.editor.grab()
    assert shown(pane.block(0)) != before
    assert pane.is_right()


def test_another_language_recolors_the_document(open_pane: Opener, qtbot: QtBot) -> None:
    pane = open_pane("python", "# x\nint y;\n" * 100)
    pane.alias = "c"
    pane.highlighter.open("c", "")
    qtbot.waitUntil(pane.is_right, timeout=ANSWER_MS)


def test_a_large_document_is_right_though_typed_into_before_all_of_it_was_handed_over(
    open_pane: Opener, qtbot: QtBot
) -> None:
    pane = open_pane("c", C_FUNCTION * 1500, waits=False)
    cursor = pane.editor.textCursor()
    for keys, number in (("/*\r", 3), ("*/ int x;", 9_000), ("\ry\b", 12_000), ("// z", 40)):
        cursor.setPosition(pane.block(number).position())
        pane.editor.setTextCursor(cursor)
        press(pane.editor, keys)
        QApplication.processEvents()
    qtbot.waitUntil(lambda: None not in pane.highlighter._store.lines, timeout=60_000)
    qtbot.waitUntil(pane.is_right, timeout=60_000)


def test_the_end_of_a_large_document_is_colored_before_all_above_it_is(
    open_pane: Opener, qtbot: QtBot
) -> None:
    pane = open_pane("c", C_FUNCTION * 3000, waits=False)
    bar = pane.editor.verticalScrollBar()
    bar.setValue(bar.maximum())
    last = pane.editor.firstVisibleBlock()
    qtbot.waitUntil(lambda: bool(shown(last)), timeout=ANSWER_MS)
    assert None in pane.highlighter._store.lines


# -- nothing else changes --------------------------------------------------------------------------


def test_coloring_leaves_text_undo_steps_and_the_modified_flag_alone_and_emits_nothing(
    open_pane: Opener, qtbot: QtBot
) -> None:
    pane = open_pane("python", "x = None\n" * 50, waits=False)
    document = pane.editor.document()
    signals: list[str] = []
    document.contentsChange.connect(lambda *_: signals.append("contentsChange"))
    pane.editor.textChanged.connect(lambda: signals.append("textChanged"))
    revision = document.revision()
    qtbot.waitUntil(pane.is_right, timeout=ANSWER_MS)
    pane.theme.set_choice(ThemeChoice.DARK)
    pane.editor.grab()
    assert (signals, document.revision()) == ([], revision)
    assert not document.isModified()
    assert not document.isUndoAvailable()
    assert document.toRawText() == PARAGRAPH_SEPARATOR.join(["x = None"] * 50 + [""])


def test_typed_letters_are_still_undone_together(open_pane: Opener, qtbot: QtBot) -> None:
    pane = open_pane("python", "")
    for letter in "None":
        QTest.keyClicks(pane.editor, letter)
        qtbot.waitUntil(pane.is_right, timeout=ANSWER_MS)
    assert pane.editor.document().availableUndoSteps() == 1
    pane.editor.undo()
    assert pane.lines == [""]


def test_a_key_changes_one_line_whatever_was_colored_before(
    open_pane: Opener, qtbot: QtBot
) -> None:
    # Formats that were set without telling the layout would widen the next key's change.
    pane = open_pane("python", "x = None\n" * 300)
    pane.editor.verticalScrollBar().setValue(200)
    pane.editor.setTextCursor(QTextCursor(pane.block(3)))
    changes: list[tuple[int, int, int]] = []
    pane.editor.document().contentsChange.connect(lambda *change: changes.append(change))
    QTest.keyClicks(pane.editor, "a")
    assert changes == [(pane.block(3).position(), 0, 1)]


def test_while_loading_changes_are_ignored_and_open_takes_the_whole(
    open_pane: Opener, qtbot: QtBot
) -> None:
    pane = open_pane("python", "x = None\n")
    pane.highlighter.loading = True
    assert not pane.highlighter.is_open
    for _ in range(3):
        pane.editor.appendPlainText("y = None\n" * 100)
    pane.highlighter.open("python", "")
    assert pane.highlighter.is_open
    qtbot.waitUntil(pane.is_right, timeout=ANSWER_MS)


def test_a_shorter_text_is_not_disturbed_by_answers_for_the_longer_one_before(
    open_pane: Opener, service: HighlightService, qtbot: QtBot
) -> None:
    pane = open_pane("c", C_FUNCTION * 300, waits=False)
    with qtbot.waitSignal(service.spans_ready, timeout=ANSWER_MS):
        pass
    pane.highlighter.loading = True
    pane.editor.setPlainText("int x;\n")
    pane.highlighter.open("c", "")
    with qtbot.waitSignal(service.language_known, timeout=ANSWER_MS):
        pass
    qtbot.waitUntil(pane.is_right, timeout=ANSWER_MS)


def test_a_closed_document_is_forgotten(open_pane: Opener, qtbot: QtBot) -> None:
    pane, other = open_pane("python", "x = None\n"), open_pane("c", "int x;\n")
    pane.highlighter.close()
    assert not pane.highlighter._store.lines  # not even until Python collects its garbage
    pane.editor.appendPlainText("y = None")
    other.editor.appendPlainText("int y;")
    qtbot.waitUntil(other.is_right, timeout=ANSWER_MS)
    assert not pane.highlighter._store.lines


# -- no flicker ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "column", "keys", "expected"),
    [
        ("x = None # c", 0, "ab", [(6, 4), (11, 3)]),  # moved
        ("x = None # c", 8, "x", [(4, 5), (10, 3)]),  # a word grows
        ("x = None # c", 8, ";", [(4, 4), (10, 3)]),  # but not by a sign
        ("x = None # c", 12, " !", [(4, 4), (9, 5)]),  # a comment takes all
        ("x = None # c", 10, "🦊", [(4, 4), (9, 5)]),
        ("x = 'a b'", 7, " ", [(4, 6)]),
        ("x = None", 6, "\b", [(4, 3)]),
        ("x = None", 4, "\b", [(3, 4)]),
        ("x = None", 2, "\r", [(2, 4)]),  # the rest of the line is in the next
    ],
)
def test_before_the_host_answers_the_old_colors_move_with_the_text(
    open_pane: Opener, line: str, column: int, keys: str, expected: list[tuple[int, int]]
) -> None:
    pane = open_pane("python", f"\n{line}\n")
    cursor = QTextCursor(pane.block(1))
    cursor.setPosition(cursor.position() + column)
    pane.editor.setTextCursor(cursor)
    if keys == "🦊":
        pane.editor.insertPlainText(keys)
    else:
        press(pane.editor, keys)
    ranges = [(start, length) for start, length, _ in shown(pane.editor.textCursor().block())]
    # The operator "=" has a look of its own in some styles; here only words and comments count.
    assert [r for r in ranges if r[1] > 1] == expected


def test_joining_two_lines_keeps_the_colors_of_both(open_pane: Opener) -> None:
    pane = open_pane("python", "None\nTrue # c\n")
    pane.editor.setTextCursor(QTextCursor(pane.block(1)))
    QTest.keyClick(pane.editor, Qt.Key.Key_Backspace)
    ranges = [(start, length) for start, length, _ in shown(pane.block(0))]
    assert ranges == [(0, 4), (4, 4), (9, 3)]


# -- preedit: ghost text and input methods ---------------------------------------------------------


def test_formats_go_round_ghost_text_and_come_back_when_it_is_gone(
    open_pane: Opener, qtbot: QtBot
) -> None:
    pane = open_pane("python", "x = 'abc' # c\n")
    block, ghost = pane.block(0), QTextCharFormat()
    ghost.setForeground(QColor("#123456"))
    before = shown(block)
    block.layout().setPreeditArea(6, "gh🦊")
    pane.highlighter.set_overlay(PreeditOverlay(0, 6, 4, ghost))
    pane.highlighter.apply_block(block)
    string = look(pane.theme.format_for("Literal.String.Single"))
    comment = look(pane.theme.format_for("Comment.Single"))
    with_ghost = {(6, 4, look(ghost)), (4, 2, string), (10, 3, string), (14, 3, comment)}
    assert with_ghost <= set(shown(block))
    # An answer of the host leaves the ghost text as it is.
    document = pane.editor.document()
    pane.highlighter._shown[0] = None
    pane.editor.grab()
    assert with_ghost <= set(shown(block))
    assert not document.isUndoAvailable()
    pane.highlighter.set_overlay(None)
    block.layout().setPreeditArea(-1, "")
    pane.highlighter.apply_block(block)
    assert shown(block) == before


def test_an_input_method_keeps_its_underline_and_the_line_its_colors(
    open_pane: Opener, qtbot: QtBot
) -> None:
    pane = open_pane("python", "x = None\n")
    cursor = QTextCursor(pane.block(0))
    cursor.setPosition(2)
    pane.editor.setTextCursor(cursor)
    underline = QTextCharFormat()
    underline.setUnderlineStyle(QTextCharFormat.UnderlineStyle.DashUnderline)
    attribute = QInputMethodEvent.Attribute(
        QInputMethodEvent.AttributeType.TextFormat, 0, 2, underline
    )
    QApplication.sendEvent(pane.editor, QInputMethodEvent("ni", [attribute]))
    keyword = (6, 4, look(pane.theme.format_for("Keyword.Constant")))
    assert {(2, 2, look(underline)), keyword} <= set(shown(pane.block(0)))
    commit = QInputMethodEvent("", [])
    commit.setCommitString("你")
    QApplication.sendEvent(pane.editor, commit)
    qtbot.waitUntil(pane.is_right, timeout=ANSWER_MS)
    assert pane.lines[0] == "x 你= None"


# -- when the host fails ---------------------------------------------------------------------------


def test_a_killed_host_costs_no_color_and_edits_meanwhile_are_colored(
    open_pane: Opener, service: HighlightService, qtbot: QtBot
) -> None:
    pane = open_pane("python", "x = None\n" * 50)
    [host] = psutil.Process().children()
    with qtbot.waitSignal(service.text_needed, timeout=ANSWER_MS):
        os.kill(host.pid, signal.SIGKILL)
        QTest.keyClicks(pane.editor, "'''")
        assert shown(pane.block(1))
    qtbot.waitUntil(pane.is_right, timeout=ANSWER_MS)


def test_a_host_that_hangs_is_replaced_while_the_user_types_on_in_other_documents(
    open_pane: Opener, service: HighlightService, qtbot: QtBot
) -> None:
    service._watchdog.setInterval(1000)
    calm = open_pane("python", "x = None\n" * 100)
    large = open_pane("c", C_FUNCTION * 900, waits=False)  # goes in parts, and again in parts
    qtbot.waitUntil(lambda: None not in large.highlighter._store.lines, timeout=ANSWER_MS)
    notes: list[str] = []
    service.plain.connect(lambda _document, reason: notes.append(reason))
    # Makefile's lexer takes several seconds for each of these lines.
    hanging = open_pane("make", ("a" * 10_000 + "\n") * 20, waits=False)
    hosts = set(psutil.Process().children())
    keys = 0
    while not notes:
        for pane in (hanging, calm, large):
            press(pane.editor, "'a #\r\b\b"[keys % 6])
            keys += 1
            qtbot.wait(5)
    assert notes == ["Coloring this document takes too long."]
    press(hanging.editor, "all: x\r")
    press(calm.editor, "None # c\r")
    press(large.editor, "/* c */ int y;\r")
    qtbot.waitUntil(calm.is_right, timeout=ANSWER_MS)
    qtbot.waitUntil(lambda: None not in large.highlighter._store.lines, timeout=ANSWER_MS)
    qtbot.waitUntil(large.is_right, timeout=ANSWER_MS)
    assert not shown(hanging.block(0))
    [host] = psutil.Process().children()
    assert host not in hosts


def test_a_document_that_is_given_up_loses_its_colors_also_out_of_sight(
    open_pane: Opener, service: HighlightService, qtbot: QtBot
) -> None:
    pane = open_pane("python", "x = None\n" * 300)
    pane.editor.verticalScrollBar().setValue(200)
    assert shown(pane.block(200))
    with qtbot.waitSignal(service.plain, timeout=ANSWER_MS):
        pane.editor.appendPlainText("\n" * MAX_LINES)
    assert not shown(pane.block(200))
    QTest.keyClicks(pane.editor, "None")
    pane.editor.verticalScrollBar().setValue(0)
    pane.editor.grab()
    assert not shown(pane.block(0))
    assert len(pane.highlighter._store.lines) == pane.editor.blockCount()


# -- speed -----------------------------------------------------------------------------------------


def test_a_key_in_a_file_of_20000_lines_costs_the_gui_thread_little(
    open_pane: Opener, service: HighlightService, qtbot: QtBot
) -> None:
    lines = (C_FUNCTION * 2000).split("\n")[:20_000]
    pane = open_pane("c", "\n".join(lines), waits=False)
    qtbot.waitUntil(lambda: pane.highlighter._store.lines[-1] is not None, timeout=60_000)
    pane.editor.setTextCursor(QTextCursor(pane.block(10_000)))
    costs_ms = []
    for number, key in enumerate('int a = b("c"); // d e\r' * 6):
        start = time.thread_time()
        press(pane.editor, key)
        pane.editor.viewport().repaint()
        costs_ms.append((time.thread_time() - start) * 1000)
        if number % 20 == 19:
            with qtbot.waitSignal(service.spans_ready, timeout=ANSWER_MS):
                press(pane.editor, "a\b")
    costs_ms.sort()
    assert costs_ms[len(costs_ms) * 99 // 100] < 16

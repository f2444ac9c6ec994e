"""Between the instruction bar, the model and the document on screen: code changed as asked."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from starpad.core import instruction as rules
from starpad.core.instruction import Instruction
from starpad.core.rewrite import Rewrite
from starpad.services.rewriting import RewriteService
from starpad.ui.editor.editor_tab import EditorTab
from starpad.ui.editor.editor_tabs import EditorTabs
from starpad.ui.editor.instruction_bar import InstructionBar
from starpad.ui.text_positions import text_between

if TYPE_CHECKING:
    from starpad.ui.editor.proposal import Proposal

_PAUSE_MS = 350
_REACH = 12_000
"""Characters of the text above, and a third of it of the text below, that a prompt may need."""


class InstructedEdits(QObject):
    """Has code changed in one document at a time."""

    refused = Signal(str)
    """Why there is nothing to change."""

    def __init__(self, bar: InstructionBar, tabs: EditorTabs, service: RewriteService) -> None:
        super().__init__(bar)
        self._bar = bar
        self._tabs = tabs
        self._service = service
        self._tab: EditorTab | None = None
        self._proposal: Proposal | None = None
        self._instruction: Instruction | None = None
        self._rewrite: Rewrite | None = None
        self._timer = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._timer.timeout.connect(self._on_pause)
        self._connect()

    def _connect(self) -> None:
        bar, service = self._bar, self._service
        bar.typed.connect(self._timer.start)
        bar.asked.connect(self._on_bar_asked)
        bar.stopped.connect(self._on_bar_stopped)
        bar.again_requested.connect(self._on_bar_again_requested)
        bar.more_requested.connect(self._on_bar_more_requested)
        bar.step_requested.connect(self._on_bar_step_requested)
        bar.accepted.connect(self._on_bar_accepted)
        bar.refused.connect(self._on_bar_refused)
        bar.closed.connect(self._on_bar_closed)
        service.changed.connect(self._on_service_changed)
        service.ended.connect(self._on_service_ended)
        service.failed.connect(self._on_service_failed)
        self._tabs.current_tab_changed.connect(self._on_current_tab_changed)

    # -- what the menu and the bar ask ---------------------------------------------------------

    @Slot()
    def open(self) -> None:
        """Ask for an instruction for the selected code, or the caret's line."""
        if self._tab is not None and self._tab in self._tabs.tabs:
            self._tabs.go_to(self._tab)
            self._bar.open()
            return
        tab = self._tabs.current
        if tab is None or tab.is_loading or tab.document.read_only_reason:
            reason = "Open a document first." if tab is None else "This document is read-only now."
            self.refused.emit(reason)
            return
        self._bar.open()
        self._bar.rest(self._service.refusal)
        self._on_pause()

    @Slot()
    def _on_pause(self) -> None:
        tab = self._tab or self._tabs.current
        if tab is not None and not self._service.is_busy and self._proposal is None:
            self._service.read_ahead(_instruction(tab, self._bar.words)[1])

    @Slot()
    def _on_bar_asked(self) -> None:
        tab = self._tab or self._tabs.current
        if tab is None:
            return
        if not self._bar.words:
            self._bar.complain("Say first what to do with the code.", can_ask_again=False)
            return
        self._begin(tab, is_again=False)

    def _begin(self, tab: EditorTab, *, is_again: bool) -> None:
        self._timer.stop()
        if self._proposal is not None and self._instruction is not None:
            # The same lines once more, less what was accepted of them meanwhile.
            first, old = self._proposal.first, self._proposal.old
            self._end_proposal()
            _, found = _instruction(tab, self._bar.words, (first, old))
        else:
            first, found = _instruction(tab, self._bar.words)
        self._bar.remember()
        self._tab, self._instruction, self._rewrite = tab, found, None
        self._proposal = tab.propose(first, found.code)
        self._proposal.changed.connect(self._show_review)
        self._proposal.overtaken.connect(self._on_proposal_overtaken)
        self._bar.work("The model reads…")
        self._service.ask(found, is_again=is_again)

    @Slot()
    def _on_bar_stopped(self) -> None:
        self._service.stop()
        self._settle("Stopped.")

    @Slot()
    def _on_bar_again_requested(self) -> None:
        if self._tab is not None:
            self._begin(self._tab, is_again=True)

    @Slot()
    def _on_bar_more_requested(self) -> None:
        if self._instruction is not None and self._rewrite is not None:
            self._bar.work("The model goes on…")
            self._service.go_on(self._instruction, self._rewrite)

    @Slot(int)
    def _on_bar_step_requested(self, by: int) -> None:
        if self._proposal is not None:
            self._proposal.step(by)

    @Slot(bool)
    def _on_bar_accepted(self, are_all: bool) -> None:
        if self._proposal is not None:
            self._proposal.accept(self._which(are_all))
            self._close_when_done()

    @Slot(bool)
    def _on_bar_refused(self, are_all: bool) -> None:
        if self._proposal is not None:
            self._proposal.refuse(self._which(are_all))
            self._close_when_done()

    def _which(self, are_all: bool) -> range:
        if self._proposal is None:
            return range(0)
        current = self._proposal.current
        return range(len(self._proposal.hunks)) if are_all else range(current, current + 1)

    @Slot()
    def _on_bar_closed(self) -> None:
        """Close the bar; what was proposed and not accepted is refused."""
        self._timer.stop()
        self._service.stop()
        self._end_proposal()
        tab, self._tab = self._tab or self._tabs.current, None
        self._bar.rest()
        self._bar.hide()
        if tab is not None and tab is self._tabs.current:
            tab.editor.setFocus()

    # -- what comes ---------------------------------------------------------------------------

    @Slot(object)
    def _on_service_changed(self, rewrite: Rewrite) -> None:
        self._take(rewrite, is_final=False)
        self._bar.work(f"The model writes… {rewrite.figures.tokens} tokens")

    @Slot(object)
    def _on_service_ended(self, rewrite: Rewrite) -> None:
        self._take(rewrite, is_final=True)
        self._settle("")

    @Slot(str)
    def _on_service_failed(self, reason: str) -> None:
        self._settle(reason)

    def _take(self, rewrite: Rewrite, *, is_final: bool) -> None:
        self._rewrite = rewrite
        if self._proposal is not None and self._instruction is not None:
            new = rules.fitted(rewrite.code, self._instruction)
            self._proposal.show(new, is_final=is_final)

    def _settle(self, problem: str) -> None:
        """Show what there is to decide; a `problem` says why it is not all."""
        if self._proposal is None:
            self._bar.rest(problem)
            return
        if self._rewrite is not None and problem:
            self._take(self._rewrite, is_final=True)
        if not self._proposal.hunks:
            self._end_proposal()
            self._bar.complain(problem or "The model would leave the code as it is.")
        else:
            self._show_review(problem)

    @Slot()
    def _show_review(self, problem: str = "") -> None:
        if self._proposal is None or self._service.is_busy or not self._proposal.hunks:
            return
        hunk = self._proposal.hunks[self._proposal.current]
        count, number = len(self._proposal.hunks), self._proposal.current + 1
        is_cut = self._rewrite is not None and self._rewrite.is_cut
        place = f"Change {number} of {count}: −{len(hunk.old_lines)} +{len(hunk.new_lines)}"  # noqa: RUF001
        parts = (problem, "The answer was cut." if is_cut else "", place)
        spoken = (
            f"Change {number} of {count}: {len(hunk.old_lines)} lines removed, "
            f"{len(hunk.new_lines)} added. {''.join(hunk.new_lines[:3])}"
        )
        self._bar.review(" ".join(filter(None, parts)), can_go_on=is_cut, spoken=spoken)

    # -- ends ---------------------------------------------------------------------------------

    def _close_when_done(self) -> None:
        if self._proposal is not None and not self._proposal.hunks:
            self._on_bar_closed()

    @Slot()
    def _on_proposal_overtaken(self) -> None:
        self._service.stop()
        self._end_proposal()
        self._bar.complain("The text has changed meanwhile; nothing was changed by the model.")

    @Slot()
    def _on_current_tab_changed(self) -> None:
        if self._tab is not None and self._tab not in self._tabs.tabs:
            self._service.stop()
            self._proposal = self._tab = None
            self._bar.rest()
            self._bar.hide()
        elif self._tab is not None:
            self._bar.setVisible(self._tab is self._tabs.current)

    def _end_proposal(self) -> None:
        if self._proposal is not None:
            self._proposal.close()
            self._proposal = None


def _instruction(
    tab: EditorTab, words: str, lines: tuple[int, str] | None = None
) -> tuple[int, Instruction]:
    """Return the first line's number, and what is to be done with the selected lines.

    `lines` are a first line's number and a text to take instead.
    """
    document, cursor = tab.editor.document(), tab.editor.textCursor()
    if lines is None:
        first = document.findBlock(cursor.selectionStart())
        last = document.findBlock(cursor.selectionEnd())
        # Lines of which only the line end is selected are not meant.
        if last != first and last.position() == cursor.selectionEnd():
            last = last.previous()
        if last != first and first.position() + first.length() - 1 == cursor.selectionStart():
            first = first.next()
        code = text_between(document, first.position(), last.position() + last.length() - 1) + "\n"
    else:
        first, code = document.findBlockByNumber(lines[0]), lines[1]
        last = document.findBlockByNumber(lines[0] + code.count("\n") - 1)
    start, end = (
        first.position(),
        min(last.position() + last.length(), document.characterCount() - 1),
    )
    above = document.findBlock(max(0, start - _REACH)).position()
    below = min(end + _REACH // 3, document.characterCount() - 1)
    path = tab.document.path
    return first.blockNumber(), Instruction(
        words=words,
        code=code,
        language=tab.language,
        file_name=path.name if path is not None else "",
        before=text_between(document, above, start),
        after=text_between(document, end, below),
        indentation=tab.editor.indentation,
    )

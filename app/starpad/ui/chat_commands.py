"""Between the chat pane and the rest of the window: code to and from the editor, links, news."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QTextCursor
from PySide6.QtWidgets import QMainWindow

from starpad.core import chat_tasks, patch
from starpad.core.chat import Conversation
from starpad.core.chat_tasks import ChatTask, Excerpt
from starpad.core.errors import StarpadError
from starpad.core.languages import Language, name_of
from starpad.services.notifier import Notification, NotificationAction, Notifier, Severity
from starpad.ui.actions import ActionId
from starpad.ui.chat.chat_pane import ChatPane, ChatServices
from starpad.ui.chat.code_colors import CodeBlock
from starpad.ui.diff_dialog import DiffDialog
from starpad.ui.editor.editor_tab import EditorTab
from starpad.ui.editor.editor_tabs import EditorTabs
from starpad.ui.file_commands import FileCommands
from starpad.ui.questions import ask
from starpad.ui.text_positions import text_between

_NOTHING_OPEN = "There is no code to ask about: open a file, or write something."


class ChatCommands(QObject):
    """Carries out what the chat pane asks of the window."""

    def __init__(
        self,
        window: QMainWindow,
        pane: ChatPane,
        tabs: EditorTabs,
        files: FileCommands,
        services: ChatServices,
        notifier: Notifier,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._pane = pane
        self._tabs = tabs
        self._files = files
        self._chat = chat = services.chat
        self._conversations = conversations = services.conversations
        self._notifier = notifier
        pane.code_action.connect(self._on_pane_code_action)
        pane.link_clicked.connect(self._on_pane_link_clicked)
        pane.bar.task_requested.connect(self.ask_about_code)
        pane.bar.code_requested.connect(self.add_code)
        chat.refused.connect(self._on_chat_refused)
        chat.failed.connect(notifier.report)
        conversations.failed.connect(notifier.report)
        conversations.deleted.connect(self._on_conversations_deleted)
        conversations.exported.connect(self._on_conversations_exported)

    def handlers(self) -> dict[ActionId, Callable[[], object]]:
        """Return what the menu's actions do."""
        tasks = {
            ActionId.EXPLAIN: ChatTask.EXPLAIN,
            ActionId.FIX: ChatTask.FIX,
            ActionId.WRITE_TESTS: ChatTask.WRITE_TESTS,
            ActionId.DOCUMENT: ChatTask.DOCUMENT,
        }
        pane = self._pane
        return {
            ActionId.CHAT: self.toggle_pane,
            ActionId.NEW_CONVERSATION: self._shown(pane.begin),
            ActionId.CONVERSATIONS: self._shown(pane.show_list),
            ActionId.ADD_CODE: self.add_code,
            ActionId.STOP_ANSWER: self._chat.stop,
            ActionId.ANSWER_OPTIONS: self._shown(pane.show_options),
            **{action: partial(self.ask_about_code, task) for action, task in tasks.items()},
        }

    def _shown(self, command: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            self._pane.show()
            command()

        return run

    def toggle_pane(self) -> None:
        """Go to the question field; from there, hide the pane."""
        focus = self._window.focusWidget()
        has_focus = self._pane.isVisible() and focus is not None and self._pane.isAncestorOf(focus)
        self._pane.setVisible(not has_focus)
        if has_focus and self._tabs.current is not None:
            self._tabs.current.editor.setFocus()
        elif not has_focus:
            self._pane.bar.field.setFocus()

    @Slot(object)
    def ask_about_code(self, task: ChatTask) -> None:
        """Ask one of the ready questions about the selection, or else about the file."""
        excerpt = self._excerpt()
        if excerpt is not None:
            self._pane.show()
            self._pane.ask(chat_tasks.question(task, excerpt))

    @Slot()
    def add_code(self) -> None:
        """Put the selection, or else the file, into the question that is being written."""
        excerpt = self._excerpt()
        if excerpt is not None:
            self._pane.show()
            self._pane.add_to_question(chat_tasks.question_with(excerpt, ""))

    def _excerpt(self) -> Excerpt | None:
        """Return what is to be asked about; None, and the user is told, if there is nothing."""
        tab = self._tabs.current
        excerpt = _excerpt_of(tab) if tab is not None else None
        if excerpt is None:
            self._notifier.post(Notification(_NOTHING_OPEN, timeout_ms=6000))
        return excerpt

    # -- code from an answer ------------------------------------------------------------------

    @Slot(str, object)
    def _on_pane_code_action(self, action: str, code: CodeBlock) -> None:
        tab = self._tabs.current
        if action == "new" or tab is None:
            self._open_in_tab(code)
        elif tab.document.read_only_reason:
            self._notifier.post(
                Notification(
                    f"{tab.document.title} can only be read.",
                    "Open the code in a new tab instead.",
                    Severity.WARNING,
                )
            )
        elif action == "insert":
            self._insert(tab, code.text)
        else:
            self._propose(tab, code.text)

    def _open_in_tab(self, code: CodeBlock) -> None:
        tab = self._files.new()
        tab.editor.run(lambda: tab.editor.insertPlainText(code.text))
        alias = code.language.lower()
        if alias:
            tab.set_language(Language(alias, name_of(alias) or code.language))

    def _insert(self, tab: EditorTab, code: str) -> None:
        """Put code at the caret; a selection stays."""
        editor = tab.editor

        def change(cursor: QTextCursor) -> None:
            cursor.setPosition(cursor.position())
            start = cursor.block().position()
            before = text_between(editor.document(), start, cursor.position())
            cursor.insertText(patch.fitted(code, "", before, editor.indentation))

        editor.run(lambda: editor.edit(change))
        self._tabs.go_to(tab)

    def _propose(self, tab: EditorTab, code: str) -> None:
        """Show what would change if the code took the selection's or the file's place."""
        old = tab.editor.text()
        selection, before = _selection(tab)
        cursor = tab.editor.textCursor()
        if selection.strip():
            head = text_between(tab.editor.document(), 0, cursor.selectionStart())
            tail = old[len(head) + len(selection) :]
            new = patch.fitted(code, selection, before, tab.editor.indentation)
            new = head + new + tail
            what = f"the selection in {tab.document.title}"
        else:
            what = f"all of {tab.document.title}"
            new = patch.fitted(code, old, "", tab.editor.indentation)
        if new == old:
            self._notifier.post(
                Notification("The code is already what the answer says.", timeout_ms=6000)
            )
            return
        dialog = DiffDialog(
            self._window, title=f"Replace {what}", old=old, new=new, font=tab.editor.font()
        )
        dialog.applied.connect(partial(self._apply, tab, old))
        dialog.open()

    def _apply(self, tab: EditorTab, old: str, new: str) -> None:
        if tab not in self._tabs.tabs or tab.editor.text() != old:
            self._notifier.post(
                Notification(
                    "The text has changed since the changes were shown; nothing was applied.",
                    "Apply the answer's code again.",
                    Severity.WARNING,
                )
            )
            return
        tab.change_text(new)
        self._tabs.go_to(tab)

    # -- news ---------------------------------------------------------------------------------

    @Slot(str)
    def _on_pane_link_clicked(self, address: str) -> None:
        ask(
            self._window,
            "Open this address in your browser?",
            f"{address}\n\nIt comes from the conversation. The model may have made it up.",
            "Open",
            "Do not open",
            lambda: QDesktopServices.openUrl(QUrl(address)),
        )

    @Slot(str, object)
    def _on_chat_refused(self, _question: str, error: StarpadError) -> None:
        self._notifier.report(error, key="chat-refused")

    @Slot(object)
    def _on_conversations_deleted(self, conversation: Conversation) -> None:
        undo = NotificationAction("Undo", partial(self._conversations.restore, conversation.id))
        self._notifier.post(
            Notification(
                "The conversation was deleted.",
                conversation.title,
                actions=(undo,),
                key="chat-deleted",
                timeout_ms=15_000,
            )
        )

    @Slot(object)
    def _on_conversations_exported(self, path: Path) -> None:
        self._notifier.post(
            Notification("The conversation was exported.", str(path), timeout_ms=8000)
        )


def _selection(tab: EditorTab) -> tuple[str, str]:
    """Return what is selected, and what stands left of it in its first line."""
    cursor, document = tab.editor.textCursor(), tab.editor.document()
    start, end = cursor.selectionStart(), cursor.selectionEnd()
    line = document.findBlock(start).position()
    return text_between(document, start, end), text_between(document, line, start)


def _excerpt_of(tab: EditorTab) -> Excerpt | None:
    """Return the selection, or else the whole text; None if there is only white space."""
    selection, before = _selection(tab)
    is_selection = bool(selection.strip())
    code = patch.dedented(selection, before) if is_selection else tab.editor.text()
    path = tab.document.path
    name = path.name if path is not None else ""
    return Excerpt(code, tab.language, name, is_selection) if code.strip() else None

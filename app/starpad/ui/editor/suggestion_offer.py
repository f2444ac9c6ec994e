"""What is offered at one editor's caret: asked for, shown, and one of several to choose from."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Slot

from starpad.core import suggestion as rules
from starpad.core.alternatives import Alternatives
from starpad.core.context_window import CaretContext
from starpad.core.suggestion import SuggestionState
from starpad.services.completion import CompletionService, SuggestionUpdate
from starpad.services.errand import Purpose
from starpad.ui.editor.code_editor import CodeEditor
from starpad.ui.editor.ghost_text import GhostText
from starpad.ui.spoken import announce


class SuggestionOffer(QObject):
    """The suggestions for the caret as it stands; knows nothing of keys."""

    def __init__(
        self,
        editor: CodeEditor,
        ghost: GhostText,
        completion: CompletionService,
        document: int,
        language: Callable[[], str],
    ) -> None:
        super().__init__(editor)
        self.ghost = ghost
        self.is_expecting = False
        """Whether there is more to come of a request."""
        self._editor = editor
        self._completion = completion
        self._document = document
        self._language = language
        self._alternatives = Alternatives()
        self._typed = ""
        """What was typed or accepted since the request that is under way."""
        completion.updated.connect(self._on_updated)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is shown, nothing will be, and there is nothing to choose from."""
        return not (self.is_expecting or self.ghost.text or self._alternatives.texts)

    @Slot()
    def suggest(self) -> None:
        """Ask unless this is a file for secrets, where only the user asks."""
        if self._completion.is_private(self._context()):
            self._completion.note(SuggestionState.PRIVATE)
        else:
            self.ask()

    def ask(self, *, by_user: bool = False) -> None:
        """Ask for a suggestion at the caret now; the user sees also what is doubtful."""
        self._clear()
        if self._editor.isReadOnly():
            self._completion.cancel(self._document)
            self._completion.note(SuggestionState.READ_ONLY)
            return
        self._request(by_user=by_user)

    def show_next(self) -> None:
        """Show another suggestion for this place; without one on the screen, ask for one."""
        alternatives = self._alternatives
        if self.is_expecting:
            return
        if not self.ghost.is_shown:
            self.ask(by_user=True)
        elif alternatives.is_last and alternatives.may_grow:
            self._request()
        else:
            self._step(1)

    def show_previous(self) -> None:
        """Show the suggestion before; the last that is known comes before the first."""
        if not self.is_expecting and self.ghost.is_shown:
            self._step(-1)

    @Slot()
    def ask_early(self) -> None:
        """Have the engine begin with what will be asked here if no key comes."""
        self._prepare(Purpose.EARLY)

    @Slot()
    def warm_up(self) -> None:
        """Have the engine read what it would be asked here."""
        self._prepare(Purpose.WARM_UP)

    def _prepare(self, purpose: Purpose) -> None:
        if not self.ghost.is_shown and not self.is_expecting:
            context = self._context()
            if not self._completion.is_private(context):
                self._completion.prepare(purpose, context)

    def go_on(self, typed: str) -> None:
        """Take the beginning off what is offered: it is in the document now."""
        self._typed += typed
        self._alternatives.go_on(typed)

    def fall_back(self) -> bool:
        """Show another one that goes on with what was typed; return whether there is one."""
        if not self._alternatives.texts:
            return False
        self._completion.cancel(self._document)
        self.is_expecting, self._typed = False, ""
        self._show_chosen()
        return True

    def give_up(self) -> None:
        """Forget the suggestions, the request, and what was fetched in advance."""
        self._clear()
        self._completion.cancel(self._document)

    def _clear(self) -> None:
        """Take away what is shown; what is under way goes on."""
        self.ghost.clear()
        self._alternatives.clear()
        self._typed = ""
        self.is_expecting = False

    def _request(self, *, by_user: bool = False) -> None:
        alternatives, self._typed = self._alternatives, ""
        self.is_expecting = self._completion.request(
            self._context(), alternatives.asked, is_asked=by_user
        )
        alternatives.asked += 1

    def _context(self) -> CaretContext:
        return self._editor.caret_context(self._document, self._language(), self._completion.reach)

    @Slot(object)
    def _on_updated(self, update: SuggestionUpdate) -> None:
        if update.document != self._document or not self.is_expecting:
            return
        if update.is_final or update.state in (SuggestionState.FAILED, SuggestionState.CANCELLED):
            self.is_expecting = False
        rest = rules.after_typing(update.text, self._typed)
        if self._alternatives.texts:
            self._show_another(rest or "")
        elif rest is None:
            self.give_up()
        elif update.is_final and self._typed and not rest:
            self.ask()
        else:
            self.ghost.show(rest)
            if update.is_final and self._alternatives.add(self.ghost.text):
                self._settle()

    def _show_another(self, text: str) -> None:
        """Show another alternative in the place of the one on the screen, once there is one."""
        alternatives = self._alternatives
        if self.is_expecting:
            if text and not any(known.startswith(text) for known in alternatives.texts):
                self.ghost.show(text)
        elif alternatives.add(text):
            self._show_chosen()
        elif alternatives.may_grow:
            self._request()
        else:
            self._step(1)

    def _step(self, by: int) -> None:
        self._alternatives.step(by)
        self._show_chosen()

    def _show_chosen(self) -> None:
        self.ghost.show(self._alternatives.shown)
        self._completion.note(SuggestionState.SHOWN, self._alternatives.label)
        self._settle()

    def _settle(self) -> None:
        """Say what is shown, and have the next suggestion fetched as if it were accepted."""
        text = self.ghost.text
        if text:  # an input method may have taken its place
            announce(self._editor, rules.spoken(text, self._alternatives.label))
            self._completion.look_ahead(self._context(), text)

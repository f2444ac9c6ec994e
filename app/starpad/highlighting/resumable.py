"""Makes Pygments' lexers resumable: notes where each line stands in a lexer's main loop.

Pygments can only lex a whole text. What it would take to go on in the middle is little, though:
the position of its main loop and its stack of states. `install` puts loops in the place of
Pygments' two that are the same but note this for each line, as a *mark*. Subclasses call these
loops by name, so all lexers that are driven by them are covered, without touching one.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pygments.lexer import ExtendedRegexLexer, Lexer, LexerContext, RegexLexer
from pygments.token import Error, Text, Whitespace, _TokenType

Token = tuple[int, _TokenType, str]
State = Any
"""The stack of a RegexLexer, or the attributes of an ExtendedRegexLexer's context."""
Mark = tuple[int, State]
"""Where the main loop first stood at or behind a line's start: the distance from the start, which
may lie in a later line, and the state. No absolute position: it holds when lines above change."""

_KEY = "_starpad_tracker"
# These keep more of what they have read than is in the marks.
_NOT_RESUMABLE = {"HttpLexer", "ShenLexer", "SnowballLexer", "XQueryLexer"}
_regex_loop = RegexLexer.get_tokens_unprocessed
_extended_loop = ExtendedRegexLexer.get_tokens_unprocessed


def is_resumable(lexer: Lexer) -> bool:
    """Return whether this lexer can go on from a mark.

    One that runs no loop over the very text that it is given leaves no marks.
    """
    return isinstance(lexer, RegexLexer) and type(lexer).__name__ not in _NOT_RESUMABLE


@dataclass(eq=False, slots=True)
class Tracker:
    """Has one run of a lexer start in the middle of a text, and watches its main loop."""

    text: str
    start: int
    state: State | None
    """The state to start with, None for the lexer's own."""
    next_start: int
    """The loop is to call `note` when it first stands here or behind it."""
    note: Callable[[int, State], int]
    """Takes the loop's position and state, and returns the next such place."""


def install() -> None:
    """Put the loops that know of trackers in the place of Pygments' own; calling again is fine."""
    RegexLexer.get_tokens_unprocessed = _regex_tokens  # type: ignore[method-assign,assignment]
    ExtendedRegexLexer.get_tokens_unprocessed = _extended_tokens  # type: ignore[method-assign,assignment]


def tracked_tokens(lexer: Lexer, tracker: Tracker) -> Iterator[Token]:
    """Return the tokens of the tracker's text, from its start on."""
    lexer.__dict__[_KEY] = tracker
    return lexer.get_tokens_unprocessed(tracker.text)


def _taken_tracker(lexer: Lexer, text: str) -> Tracker | None:
    # Taken off by the outermost call: a lexer may use itself for a part of the text.
    tracker: Tracker | None = lexer.__dict__.pop(_KEY, None)
    return tracker if tracker and tracker.text is text else None


def _definitions(lexer: RegexLexer) -> dict[str, list[Any]]:
    definitions: dict[str, list[Any]] = lexer._tokens  # type: ignore[attr-defined]  # noqa: SLF001
    return definitions


def _regex_tokens(
    lexer: RegexLexer, text: str, stack: Sequence[str] = ("root",)
) -> Iterator[Token]:
    tracker = _taken_tracker(lexer, text)
    if tracker is None:
        return _regex_loop(lexer, text, stack)
    return _tracked_regex_loop(lexer, text, stack, tracker)


def _tracked_regex_loop(
    lexer: RegexLexer, text: str, stack: Sequence[str], tracker: Tracker
) -> Iterator[Token]:
    definitions = _definitions(lexer)
    states = list(tracker.state or stack)
    position = tracker.start
    rules = definitions[states[-1]]
    while True:
        if position >= tracker.next_start:
            tracker.next_start = tracker.note(position, tuple(states))
        for match_at, action, change in rules:
            match = match_at(text, position)
            if not match:
                continue
            if action is not None:
                if type(action) is _TokenType:
                    yield position, action, match.group()
                else:
                    yield from action(lexer, match)
            position = match.end()
            if change is not None:
                _change_state(states, change)
                rules = definitions[states[-1]]
            break
        else:
            if position >= len(text):
                return
            if text[position] == "\n":
                states = ["root"]
                rules = definitions["root"]
                yield position, Whitespace, "\n"
            else:
                yield position, Error, text[position]
            position += 1


def _extended_tokens(
    lexer: ExtendedRegexLexer, text: str | None = None, context: LexerContext | None = None
) -> Iterator[Token]:
    whole = context.text if context else text
    tracker = _taken_tracker(lexer, whole) if whole else None
    if tracker is None:
        return _extended_loop(lexer, text, context)
    return _tracked_extended_loop(lexer, context or LexerContext(whole, 0), tracker)


def _tracked_extended_loop(
    lexer: ExtendedRegexLexer, context: LexerContext, tracker: Tracker
) -> Iterator[Token]:
    definitions = _definitions(lexer)
    text: str = context.text
    if tracker.state is not None:
        context.__dict__.update(copy.deepcopy(tracker.state))
        context.pos = tracker.start
    state: dict[str, Any] = {}
    rules = definitions[context.stack[-1]]
    while True:
        if context.pos >= tracker.next_start:
            state = _state_of(context, state)
            tracker.next_start = tracker.note(context.pos, state)
        for match_at, action, change in rules:
            match = match_at(text, context.pos, context.end)
            if not match:
                continue
            if type(action) is _TokenType:
                yield context.pos, action, match.group()
                context.pos = match.end()
            elif action is not None:
                yield from action(lexer, match, context)
            if change is not None:
                _change_state(context.stack, change)
            rules = definitions[context.stack[-1]]
            break
        else:
            if context.pos >= min(context.end, len(text)):
                return
            yield _unmatched(context)
            rules = definitions[context.stack[-1]]


def _state_of(context: LexerContext, last: dict[str, Any]) -> dict[str, Any]:
    state = {k: v for k, v in vars(context).items() if k not in ("text", "pos", "end")}
    # Most lines leave it alone, and a copy is expensive.
    return last if state == last else copy.deepcopy(state)


def _unmatched(context: LexerContext) -> Token:
    """Step over a character that no rule matches; a line end brings the first state back."""
    character = context.text[context.pos]
    context.pos += 1
    if character == "\n":
        context.stack = ["root"]
        return context.pos - 1, Text, character
    return context.pos - 1, Error, character


def _change_state(states: list[str], change: tuple[str, ...] | int | str) -> None:
    """Do what a rule says about the stack, which never gets empty."""
    if isinstance(change, tuple):
        for name in change:
            if name == "#pop":
                if len(states) > 1:
                    states.pop()
            elif name == "#push":
                states.append(states[-1])
            else:
                states.append(name)
    elif isinstance(change, int):
        if abs(change) >= len(states):
            del states[1:]
        else:
            del states[change:]
    else:
        states.append(states[-1])

"""What becomes of generated text before it is offered: where to stop and what to cut."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from starpad.core.fim import FimOrder
from starpad.core.prompt_budget import Shares
from starpad.core.repository_context import ContextUse
from starpad.core.sampling import Sampling


class SuggestionState(StrEnum):
    """What the status bar says about suggestions, above all why none is shown."""

    IDLE = ""
    NO_MODEL = "no model is loaded"
    LOADING = "the model is loading"
    PAUSED = "waiting for a pause"
    GENERATING = "generating"
    SHOWN = "Tab accepts"
    CACHED = "Tab accepts (cached)"
    CANCELLED = "cancelled"
    NOTHING = "nothing to add"
    OFF = "suggestions are off"
    OFF_FOR_LANGUAGE = "off for this language"
    READ_ONLY = "the document is read-only"
    INSIDE_WORD = "inside a word: Ctrl+Space asks"
    PRIVATE = "a file for secrets: Ctrl+Space asks"
    SLOW = "this model is slow: at line ends, or Ctrl+Space asks"
    TOO_SLOW = "this model is slow: Ctrl+Space asks"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CompletionOptions:
    """What the user chose for suggestions; times in milliseconds.

    `pause_ms` -1 waits as long as fits the device; `order` None is the model family's own.
    """

    is_enabled: bool = True
    off_languages: tuple[str, ...] = ()
    pause_ms: int = -1
    max_tokens: int = 96
    max_lines: int = 8
    time_budget_ms: int = 4000
    budget_tokens: int = 4096
    sampling: Sampling = field(default_factory=Sampling)
    order: FimOrder | None = None
    shares: Shares = field(default_factory=Shares)
    heals: bool = True
    """Take back what the caret may have cut of a token, as `engines.healing` does."""
    context_use: ContextUse = ContextUse.LOCAL


@dataclass(frozen=True, slots=True)
class Figures:
    """What one request cost; times in milliseconds."""

    prompt_tokens: int
    evaluated_tokens: int
    tokens: int
    tokens_per_second: float
    time_to_first_token_ms: float


@dataclass(frozen=True, slots=True)
class LinePolicy:
    """How far a suggestion may go, from what stands around the caret."""

    max_lines: int
    """1 when text stands right of the caret."""
    min_indent: int
    """A later line with fewer columns of indentation has left the caret's block."""
    strips_indent: bool
    """The caret's line is indented and empty: more indentation is the model repeating it."""
    line_rest: str
    """The text right of the caret, up to the end of its line."""
    next_line: str
    """The next line below that is not empty."""
    caret_line: str
    """The text left of the caret on its line."""


_CLOSERS = (")", "]", "}")


def _indent(line: str) -> int:
    return len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip(" "))


def line_policy(before: str, after: str, max_lines: int) -> LinePolicy:
    """Return the policy for a caret between `before` and `after` (LF line ends)."""
    caret_line = before[before.rfind("\n") + 1 :]
    line_rest, _, below = after.partition("\n")
    next_line = next((line for line in below.split("\n", 50)[:50] if line.strip()), "")
    is_empty = not caret_line.strip()
    min_indent = _indent(caret_line + "x")
    if is_empty:
        opener = before.rstrip().rpartition("\n")[2]
        min_indent = max(min_indent, _indent(opener) + 1 if opener.endswith(":") else 0)
    return LinePolicy(
        max_lines=1 if line_rest.strip() else max_lines,
        min_indent=min_indent,
        strips_indent=is_empty and caret_line != "",
        line_rest=line_rest,
        next_line=next_line.rstrip(),
        caret_line=caret_line,
    )


def is_finished(text: str, policy: LinePolicy) -> bool:
    """Return whether more tokens could not change what is offered of `text`."""
    if policy.max_lines == 1:
        return "\n" in text.lstrip(" \t")
    complete, newline, last = text.rpartition("\n")
    if not newline:
        return False
    kept, is_ended = _kept_lines(complete, policy)
    has_left = bool(last.strip()) and _indent(last) < policy.min_indent
    return is_ended or len(kept) >= policy.max_lines or has_left


def trim(text: str, policy: LinePolicy) -> str:
    """Return the part of generated `text` that is worth offering; empty if there is none."""
    if policy.strips_indent:
        text = text.lstrip(" \t")
    if policy.max_lines == 1:
        text = _without_overlap(text.split("\n", 1)[0], policy.line_rest)
        if not policy.line_rest.strip():
            text = text.rstrip()
    else:
        text = "\n".join(_kept_lines(text, policy)[0]).rstrip()
    return text if text.strip() else ""


def _kept_lines(text: str, policy: LinePolicy) -> tuple[list[str], bool]:
    """Return the lines of `text` to offer, and whether something ended them."""
    lines = text.split("\n")
    first = policy.caret_line + lines[0]
    if policy.next_line and first.strip() == policy.next_line.strip():
        return [], True
    opens_block = first.rstrip().endswith((":", "{", "(", "["))
    min_indent = policy.min_indent + (1 if opens_block else 0)
    kept = [lines[0]]
    previous = first
    for line in lines[1:]:
        if len(kept) >= policy.max_lines:
            return kept, True
        if line.strip():
            is_repeated = line.rstrip() in (policy.next_line, previous.rstrip())
            is_outside = _indent(line) < min_indent
            closes = opens_block and line.lstrip().startswith(_CLOSERS)
            if closes and not is_repeated and _indent(line) == policy.min_indent:
                return [*kept, line], True
            if is_repeated or is_outside:
                return kept, True
            if _is_loop(kept, line):
                return kept[:-1], True
            previous = line
        kept.append(line)
    return kept, False


def _is_loop(lines: list[str], line: str) -> bool:
    """Return whether `line` and the one before it stand in `lines` already, one after the other."""
    pair = [lines[-1], line]
    return any(lines[i : i + 2] == pair for i in range(1, len(lines) - 1))


def _without_overlap(text: str, rest: str) -> str:
    """Return `text` without a tail that stands right of the caret already."""
    for length in range(min(len(text), len(rest)), 0, -1):
        if text.endswith(rest[:length]) and rest[:length].strip():
            return text[:-length]
    return text


def after_typing(text: str, typed: str) -> str | None:
    """Return what is left of a suggestion when `typed` was typed, None if it said otherwise."""
    return text[len(typed) :] if text.startswith(typed) else None


def first_word(text: str) -> str:
    """Return the part of `text` that "accept a word" takes: blanks and the next word or sign."""
    match = re.match(r"\s*(?:\w+|[^\w\s]+|$)", text)
    return match.group() if match else text


def first_line(text: str) -> str:
    """Return the part of `text` that "accept a line" takes, a line break at its head included."""
    end = text.find("\n", 1)
    return text if end == -1 else text[:end]


def spoken(text: str, label: str = "") -> str:
    """Return what a screen reader says of a suggestion: its first line, and how many there are.

    `label` says which one it is, if there are several to choose from.
    """
    first = next((line for line in text.split("\n") if line.strip()), "").strip()
    count = len(text.strip().split("\n"))
    name = f"Suggestion {label}" if label else "Suggestion"
    return f"{name}: {first}" if count == 1 else f"{name}, {count} lines: {first}"

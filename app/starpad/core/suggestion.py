"""What becomes of generated text before it is offered: where to stop and what to cut."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from starpad.core.fim import FimOrder
from starpad.core.indentation import blanks_of
from starpad.core.prompt_budget import Shares
from starpad.core.repository_context import ContextUse
from starpad.core.sampling import Sampling
from starpad.core.trimming import (
    block_end,
    cleaned,
    indent_of,
    indented_like,
    is_closer,
    is_closing,
    is_loop,
    is_worth_showing,
    may_fill,
    run_end,
    says_the_same,
    spare_closers,
    without_overlap,
    without_run,
)


class SuggestionState(StrEnum):
    """What the status bar says about suggestions, above all why none is shown."""

    IDLE = ""
    NO_MODEL = "no model is loaded"
    LOADING = "the model is loading"
    PAUSED = "waiting for a pause"
    GENERATING = "generating"
    SHOWN = "Tab accepts"
    CACHED = "Tab accepts (was ready)"
    CANCELLED = "cancelled"
    NOTHING = "nothing to add"
    UNSURE = "the model is not sure: Ctrl+Space shows it"
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
    least_probability: float = 0.0
    """Of what is shown, per token (the geometric mean); 0 shows whatever comes."""
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
    line_above: str = ""
    """The one right above the caret's."""
    around: tuple[str, str] | None = None
    """All that is known before and after the caret, for its brackets and its indentation."""


def line_policy(before: str, after: str, max_lines: int) -> LinePolicy:
    """Return the policy for a caret between `before` and `after` (LF line ends).

    One line where text stands right of the caret, unless that only closes the empty block that
    the caret is in.
    """
    above, _, caret_line = before.rpartition("\n")
    line_rest, _, below = after.partition("\n")
    next_line = next((line for line in below.split("\n", 50)[:50] if line.strip()), "")
    is_empty = not caret_line.strip()
    min_indent = indent_of(caret_line + "x")
    if is_empty:
        opener = before.rstrip().rpartition("\n")[2]
        min_indent = max(min_indent, indent_of(opener) + 1 if opener.endswith(":") else 0)
    return LinePolicy(
        max_lines=max_lines if may_fill(caret_line, line_rest) else 1,
        min_indent=min_indent,
        strips_indent=is_empty and caret_line != "",
        line_rest=line_rest,
        next_line=next_line.rstrip(),
        caret_line=caret_line,
        line_above=above.rpartition("\n")[2],
        around=(before, after),
    )


def is_finished(text: str, policy: LinePolicy) -> bool:
    """Return whether more tokens could not change what is offered of `text`."""
    text, has_left = _within_block(_as_in_file(text, policy), policy)
    if has_left:
        return True
    complete, newline, last = text.rpartition("\n")
    if run_end(last) is not None:
        return True
    if policy.max_lines == 1:
        return "\n" in text.lstrip(" \t")
    if not newline:
        return False
    kept, is_ended = _kept_lines(complete, policy)
    is_outside = indent_of(last) < _least_indent(text, policy)
    has_left = bool(last.strip()) and is_outside and not is_closer(last)
    return is_ended or len(kept) >= policy.max_lines or has_left


def trim(text: str, policy: LinePolicy) -> str:
    """Return the part of generated `text` that is worth offering; empty if there is none.

    This is the rules' order: what it is made of, the caret's block, its lines and where they
    repeat something, what stands right of the caret, and last whether it says anything.
    """
    text = _within_block(_as_in_file(text, policy), policy)[0]
    rest = policy.line_rest
    if policy.max_lines == 1:
        text = without_run(text.split("\n", 1)[0])
        text = without_overlap(text, rest)
        text = text if rest.strip() else text.rstrip()
        if _says_a_neighbour(text, policy):
            return ""
    else:
        text = "\n".join(_kept_lines(text, policy)[0]).rstrip()
        if "\n" in text and rest.strip():
            # What closes the block, right of the caret now, gets its own line.
            text += "\n" + blanks_of(policy.caret_line)
    if rest.strip() and text.startswith(rest.rstrip()):
        return ""
    return text if is_worth_showing(text, policy.caret_line) else ""


def _as_in_file(text: str, policy: LinePolicy) -> str:
    """Return generated `text` as it would stand in the file."""
    text = cleaned(text)
    if policy.around is not None:
        text = indented_like(text, *policy.around, from_first=not policy.caret_line)
    return text.lstrip(" \t") if policy.strips_indent else text


def _within_block(text: str, policy: LinePolicy) -> tuple[str, bool]:
    """Return `text` up to where its brackets leave the caret's block, and whether they do."""
    spare = _spare(policy)
    if spare is None:
        return text, False
    if policy.max_lines == 1 and is_closing(policy.line_rest):
        # Accepting a bracket puts it in the place of the one right of the caret.
        spare += policy.line_rest.strip()
    end = block_end(policy.caret_line, text, spare)
    return text[:end], end is not None


def _spare(policy: LinePolicy) -> str | None:
    """Return the closing brackets that a suggestion may bring; None if nobody knows."""
    if policy.max_lines > 1 and policy.line_rest.strip():
        return ""
    return None if policy.around is None else spare_closers(*policy.around)


def _may_close(line: str, policy: LinePolicy) -> bool:
    """Return whether a line further out closes what the caret is in, and is not closed yet."""
    return is_closing(line) and _spare(policy) is not None


def _says_a_neighbour(text: str, policy: LinePolicy) -> bool:
    """Return whether the caret's line would say what the line above or below does."""
    line = policy.caret_line + text + (policy.line_rest if policy.max_lines == 1 else "")
    if line.rstrip() == policy.line_above.rstrip() and any(map(str.isalnum, line)):
        return True
    return bool(policy.next_line) and says_the_same(line.strip(), policy.next_line.strip())


def _least_indent(text: str, policy: LinePolicy) -> int:
    """Return the columns that further lines need: more than the caret's if that opens a block."""
    first = policy.caret_line + text.partition("\n")[0]
    return policy.min_indent + first.rstrip().endswith((":", "{", "(", "["))


def _kept_lines(text: str, policy: LinePolicy) -> tuple[list[str], bool]:
    """Return the lines of `text` to offer, and whether something ended them."""
    lines = text.split("\n")
    if _says_a_neighbour(lines[0], policy):
        return [], True
    first = policy.caret_line + lines[0]
    min_indent = _least_indent(text, policy)
    kept = [without_run(lines[0])]
    whole = [first]
    previous = first
    for line in lines[1:]:
        if len(kept) >= policy.max_lines or kept[-1] != lines[len(kept) - 1]:
            return kept, True
        if line.strip():
            is_repeated = line.rstrip() == previous.rstrip() or (
                says_the_same(line, policy.next_line)
                and indent_of(line) == indent_of(policy.next_line)
            )
            is_outside = indent_of(line) < min_indent
            closes = is_closer(line) and indent_of(line) == policy.min_indent < min_indent
            if not is_repeated and (closes or (is_outside and _may_close(line, policy))):
                return [*kept, line], True
            if is_repeated or is_outside:
                return kept, True
            if is_loop(whole, line):
                return kept[:-1], True
            previous = line
        kept.append(without_run(line))
        whole.append(line)
    return kept, False


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

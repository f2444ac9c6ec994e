"""A conversation: a tree of messages, of which one path is on the screen, and how to answer."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, TypeVar

from starpad.core.sampling import Sampling

TITLE_CHARACTERS = 60
_LARGEST = 2**31
"""Beyond every number of the options; -1 is the least, a seed's."""


class Role(StrEnum):
    """Who speaks; SYSTEM only in prompts, where the conversation's instructions come first."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class MessageState(StrEnum):
    """How far a message is. Questions are complete from the start."""

    COMPLETE = "complete"
    STREAMING = "streaming"
    """Being written; in a conversation that was read again: Starpad ended meanwhile."""
    STOPPED = "stopped"
    """By the user."""
    CUT = "cut"
    """At the most tokens allowed; it can be continued."""
    FAILED = "failed"
    """The engine stopped or refused; what had come is kept."""


@dataclass(frozen=True, slots=True)
class AnswerFigures:
    """What an answer cost; 0 where nothing is known."""

    prompt_tokens: int = 0
    evaluated_tokens: int = 0
    """Of the prompt: what the engine did not still hold."""
    tokens: int = 0
    tokens_per_second: float = 0.0
    time_to_first_token_ms: float = 0.0
    stop_reason: str = ""
    left_out_messages: int = 0
    """Earlier messages that no longer fitted into the context window."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `parent` is the message before it, None for a conversation's first.

    Messages with the same parent are alternatives of each other: an edited question, an answer
    that was generated again. `id` is the database's; a later message has a higher one.
    """

    id: int
    parent: int | None
    role: Role
    text: str
    state: MessageState = MessageState.COMPLETE
    created_at: float = 0.0
    """Seconds since 1970, UTC."""
    model: str = ""
    """The name of the model that answered."""
    figures: AnswerFigures | None = None
    problem: str = ""
    """In FAILED: why, for the user."""


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """How a conversation's questions are answered."""

    system_prompt: str = ""
    max_tokens: int = 1024
    # Not the likeliest token each time: small models then repeat themselves for ever.
    sampling: Sampling = field(
        default_factory=lambda: Sampling(temperature=0.3, min_p=0.05, repeat_penalty=1.05)
    )
    preset: str = ""
    """The name of the preset that these were taken from; empty if they were changed since."""

    def to_json(self) -> str:
        """Return one line for the database."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(line: str) -> "ChatOptions":
        """Return what `to_json` wrote; a value that is missing or makes no sense is the default."""
        options = ChatOptions()
        try:
            values = json.loads(line)
            sampling = _known(options.sampling, values.get("sampling", {}))
            options = replace(_known(options, values), sampling=sampling)
            return replace(options, max_tokens=max(1, options.max_tokens))
        except (ValueError, AttributeError, RecursionError):
            return options


_Options = TypeVar("_Options", ChatOptions, Sampling)


def _known(default: _Options, values: Mapping[str, Any]) -> _Options:
    """Return `default` with those of `values` that are of the field's own type."""
    found: dict[str, Any] = {}
    for each in fields(default):
        value, kind = values.get(each.name), type(getattr(default, each.name))
        if kind is float and type(value) is int and abs(value) < _LARGEST:
            value = float(value)
        if isinstance(value, int | float) and not -1 <= value < _LARGEST:
            continue
        if type(value) is kind:
            found[each.name] = value
    return replace(default, **found)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation without its messages."""

    id: int
    title: str
    """Empty until the first question gives one."""
    created_at: float
    updated_at: float
    leaf: int | None = None
    """The last message of the path on the screen."""
    options: ChatOptions = field(default_factory=ChatOptions)


class ChatState(StrEnum):
    """What the chat is doing; the value is what the user reads."""

    IDLE = ""
    SAVING = "Keeping your question…"
    READING = "The model reads…"
    WRITING = "The model writes…"


@dataclass(frozen=True, slots=True)
class WindowUse:
    """How full the context window is, and how many earlier messages no longer fit."""

    used_tokens: int
    context_tokens: int
    left_out_messages: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """A message as a prompt needs it."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A message of the path on the screen, and which of how many alternatives it is (from 1)."""

    message: Message
    alternative: int = 1
    alternatives: int = 1
    is_last: bool = False

    def grows_into(self, other: "Entry") -> bool:
        """Say whether `other` is this answer with more text, or its end."""
        mine = self.message
        return (
            mine.state is MessageState.STREAMING
            and mine.id == other.message.id
            and other.message.text.startswith(mine.text.rstrip())
        )


def entries_of(messages: Mapping[int, Message], leaf: int | None) -> tuple[Entry, ...]:
    """Return the path to `leaf` as it is shown."""
    siblings: dict[int | None, list[int]] = {}
    for number in sorted(messages):
        siblings.setdefault(messages[number].parent, []).append(number)
    return tuple(
        Entry(each, same.index(each.id) + 1, len(same), is_last=each.id == leaf)
        for each in path_to(messages, leaf)
        if (same := siblings[each.parent])
    )


def path_to(messages: Mapping[int, Message], leaf: int | None) -> tuple[Message, ...]:
    """Return the messages from the first to `leaf`; what leads nowhere or in a circle ends it."""
    path: list[Message] = []
    seen: set[int] = set()
    while leaf is not None and leaf in messages and leaf not in seen:
        seen.add(leaf)
        path.append(messages[leaf])
        leaf = messages[leaf].parent
    return tuple(reversed(path))


def alternatives(messages: Mapping[int, Message], message: Message) -> tuple[Message, ...]:
    """Return the messages that stand in the same place as `message`, itself too, oldest first."""
    same = (each for each in messages.values() if each.parent == message.parent)
    return tuple(sorted(same, key=lambda each: each.id))


def beside(messages: Mapping[int, Message], message: int, step: int) -> int | None:
    """Return the alternative `step` places after `message`, None at an end; -1 is before it."""
    if message not in messages:
        return None
    same = [each.id for each in alternatives(messages, messages[message])]
    at = same.index(message) + step
    return same[at] if 0 <= at < len(same) else None


def newest_leaf(messages: Mapping[int, Message], start: int) -> int:
    """Return the last message of the newest path that leads on from `start`."""
    newest_child: dict[int | None, int] = {}
    for each in messages.values():
        newest_child[each.parent] = max(each.id, newest_child.get(each.parent, 0))
    leaf, seen = start, {start}
    while (child := newest_child.get(leaf, leaf)) not in seen:
        seen.add(child)
        leaf = child
    return leaf


def title_of(question: str) -> str:
    """Return a title for a conversation that begins with `question`: its first words."""
    line = next((line.strip() for line in question.splitlines() if line.strip()), "")
    words = " ".join("".join(c if c.isprintable() else " " for c in line).split())
    if len(words) <= TITLE_CHARACTERS:
        return words
    head = words[: TITLE_CHARACTERS - 1]
    # At a word's end, unless that leaves next to nothing.
    cut = head.rfind(" ")
    return (head[:cut] if cut > TITLE_CHARACTERS // 2 else head).rstrip(" ,.;:") + "…"


def turns_of(path: Sequence[Message]) -> tuple[Turn, ...]:
    """Return a path as turns, question and answer by turns.

    An earlier question to which no word of an answer came is left out together with it: many
    models were never shown two questions in a row.
    """
    turns: list[Turn] = []
    for each in path:
        if turns and turns[-1].role is each.role:
            turns.pop()
        if each.text:
            turns.append(Turn(each.role, each.text))
    return tuple(turns)

"""A conversation as a file: Markdown to read, JSON with everything; and a name for the file."""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from starpad.core.chat import (
    AnswerFigures,
    ChatOptions,
    Conversation,
    Message,
    MessageState,
    Role,
)
from starpad.core.errors import FileError

FORMAT = "starpad-conversation"
VERSION = 1
UNTITLED = "Conversation"

_NAME_CHARACTERS = 80
_NAME_BYTES = 200
_RESERVED = re.compile(
    r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³])(\..*)?", re.IGNORECASE
)
_NOT_IN_NAMES = frozenset('<>:"/\\|?*')

_HEADINGS = {Role.SYSTEM: "Instructions", Role.USER: "You", Role.ASSISTANT: "Answer"}
_NOTES = {
    MessageState.STREAMING: "Interrupted: Starpad ended meanwhile.",
    MessageState.STOPPED: "Stopped.",
    MessageState.CUT: "Cut at the most tokens allowed.",
    MessageState.FAILED: "Failed.",
}
_MARKS = re.compile(r"([\\`*_\[\]<>&#~|])")
_FENCE = re.compile(r"( *)(`{3,}(?=[^`]*$)|~{3,})")
_HTML = re.compile(r"\s*<[a-z/!?]", re.IGNORECASE)


# -- Markdown -----------------------------------------------------------------------------------


def to_markdown(conversation: Conversation, path: Iterable[Message]) -> str:
    """Return the messages of one path under headings that say who speaks.

    A message keeps its own Markdown. If something in it may not end with it, such as a fence that
    was never closed, it becomes a quotation: the end of one ends everything in it.
    """
    parts = [f"# {_plain(conversation.title) or UNTITLED}", _started(conversation)]
    if conversation.options.system_prompt.strip():
        parts += _section(_HEADINGS[Role.SYSTEM], conversation.options.system_prompt)
    for message in path:
        heading = _HEADINGS[message.role]
        if message.model:
            heading += f" ({_plain(message.model)})"
        parts += _section(heading, message.text)
        if note := _NOTES.get(message.state):
            parts.append(f"*{_plain(f'{note} {message.problem}')}*")
    return _encodable("\n\n".join(part for part in parts if part) + "\n")


def _started(conversation: Conversation) -> str:
    try:
        started = datetime.fromtimestamp(conversation.created_at, UTC)
    except (OverflowError, ValueError, OSError):  # years that there are not
        return ""
    return f"*Started {started:%Y-%m-%d %H:%M} UTC.*"


def _section(heading: str, text: str) -> tuple[str, str]:
    lines = re.split(r"\r\n|\r|\n", text.strip("\r\n"))
    if not _is_closed(lines):
        lines = [f"> {line}".rstrip(" ") for line in lines]
    return f"## {heading}", "\n".join(lines)


def _is_closed(lines: Sequence[str]) -> bool:
    """Say whether surely nothing stays open behind the lines.

    A fence is closed by one of the same indentation with nothing further left between them,
    whether a list's item is around both or not. HTML hides fences.
    """
    indentation, fence = "", ""
    for line in lines:
        if not fence:
            if match := _FENCE.match(line):
                indentation, fence = match[1], match[2]
            elif _HTML.match(line):
                return False
        elif line.strip() and not line.startswith(indentation):
            return False
        elif _closes(line, fence):
            if not line.startswith(indentation + fence[0]):
                return False
            fence = ""
    return not fence


def _closes(line: str, fence: str) -> bool:
    rest = line.strip(" \t")
    return len(rest) >= len(fence) and not rest.strip(fence[0])


def _plain(text: str) -> str:
    """Return one line that means nothing to Markdown."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return _MARKS.sub(r"\\\1", line)


def _encodable(text: str) -> str:
    """Return `text` without halves of characters, which UTF-8 cannot hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


# -- JSON ---------------------------------------------------------------------------------------


def to_json(conversation: Conversation, messages: Iterable[Message]) -> str:
    """Return the conversation with all its branches, in ASCII.

    An object: `format`, `version`, `conversation` and `messages`, by id, with the names that the
    values have in `starpad.core.chat`. A message's `parent` is the id of the one before it;
    messages of one parent are alternatives; `leaf` ends the path that was on the screen. Times
    are seconds since 1970, UTC.
    """
    content = {
        "format": FORMAT,
        "version": VERSION,
        "conversation": asdict(conversation),
        "messages": [asdict(each) for each in sorted(messages, key=lambda each: each.id)],
    }
    return json.dumps(content, indent=1) + "\n"


def from_json(text: str) -> tuple[Conversation, tuple[Message, ...]]:
    """Return what `to_json` was given. Raises FileError if `text` is not of its making."""
    try:
        content = json.loads(text)
        if (content["format"], content["version"]) != (FORMAT, VERSION):
            raise ValueError("another format or version")
        return (
            _conversation(content["conversation"]),
            tuple(_message(values) for values in content["messages"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise FileError(
            "This is not a conversation of this version of Starpad.", "Choose another file."
        ) from error


def _conversation(values: dict[str, Any]) -> Conversation:
    options = ChatOptions.from_json(json.dumps(values["options"]))
    return Conversation(**{**values, "options": options})


def _message(values: dict[str, Any]) -> Message:
    figures = values["figures"]
    known = {
        "role": Role(values["role"]),
        "state": MessageState(values["state"]),
        "figures": None if figures is None else AnswerFigures(**figures),
    }
    return Message(**{**values, **known})


# -- the file's name ----------------------------------------------------------------------------


def file_name(title: str, ending: str) -> str:
    """Return a name that every system takes, from a conversation's title and such as `.md`."""
    kept = (
        # C: control characters, the marks that turn the reading direction, halves of characters.
        " " if c in _NOT_IN_NAMES or c.isspace() else "" if unicodedata.category(c)[0] == "C" else c
        for c in unicodedata.normalize("NFC", title)
    )
    name = " ".join("".join(kept).split())[:_NAME_CHARACTERS]
    name = name.encode()[:_NAME_BYTES].decode(errors="ignore").strip(". ")
    if _RESERVED.fullmatch(name):
        name = f"{UNTITLED} {name}"
    return (name or UNTITLED) + ending

"""Conversations and messages as the database's rows."""

import functools
import json
import math
import sqlite3
from dataclasses import asdict, fields
from enum import StrEnum
from typing import Any, TypeVar

from starpad.core.chat import (
    AnswerFigures,
    ChatOptions,
    Conversation,
    Message,
    MessageState,
    Role,
)
from starpad.core.history_database import as_text, encoded

INSERT_CONVERSATION = """
    INSERT INTO conversations (id, title, created_at, updated_at, leaf, options, deleted_at)
    VALUES (?, CAST(? AS TEXT), ?, ?, ?, ?, ?)"""
INSERT_MESSAGE = """
    INSERT INTO messages
        (id, conversation, parent, role, created_at, text, state, model, figures, problem)
    VALUES (?, ?, ?, ?, ?, CAST(? AS TEXT), ?, CAST(? AS TEXT), ?, CAST(? AS TEXT))"""
UPDATE_MESSAGE = """
    UPDATE messages SET text = CAST(? AS TEXT), state = ?, model = CAST(? AS TEXT), figures = ?,
        problem = CAST(? AS TEXT)
    WHERE id = ?"""

Value = str | bytes | int | float | None
_Enum = TypeVar("_Enum", bound=StrEnum)


def conversation_values(
    conversation: Conversation, number: int | None, deleted_at: float | None = None
) -> tuple[Value, ...]:
    """Return the values for INSERT_CONVERSATION; `number` None lets the database choose the id."""
    return (
        number, encoded(conversation.title), conversation.created_at, conversation.updated_at,
        conversation.leaf, conversation.options.to_json(), deleted_at,
    )  # fmt: skip


def message_values(message: Message, number: int | None, conversation_id: int) -> tuple[Value, ...]:
    """Return the values for INSERT_MESSAGE; `number` None lets the database choose the id."""
    return (
        number, conversation_id, message.parent, message.role, message.created_at,
        *changing_values(message),
    )  # fmt: skip


def changing_values(message: Message) -> tuple[Value, ...]:
    """Return the values for UPDATE_MESSAGE, without the id."""
    figures = None if message.figures is None else json.dumps(asdict(message.figures))
    return (
        encoded(message.text), message.state, encoded(message.model), figures,
        encoded(message.problem),
    )  # fmt: skip


def conversation_of(row: sqlite3.Row) -> Conversation:
    """Return a row's conversation; damaged values are as if they were not there."""
    leaf = row["leaf"]
    return Conversation(
        row["id"],
        as_text(row["title"]),
        time_of(row["created_at"]),
        time_of(row["updated_at"]),
        leaf if isinstance(leaf, int) else None,
        _options(as_text(row["options"])),
    )


def message_of(row: sqlite3.Row) -> Message:
    """Return a row's message; damaged values are as if they were not there."""
    parent = row["parent"]
    return Message(
        row["id"],
        parent if isinstance(parent, int) else None,
        _one_of(Role, row["role"], Role.USER),
        as_text(row["text"]),
        _one_of(MessageState, row["state"], MessageState.COMPLETE),
        time_of(row["created_at"]),
        as_text(row["model"]),
        _figures(row["figures"]),
        as_text(row["problem"]),
    )


def time_of(value: object) -> float:
    """Return a time, 0 for what is none."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


# Most conversations are answered alike, and reading this takes longer than all the rest.
@functools.lru_cache(maxsize=256)
def _options(line: str) -> ChatOptions:
    return ChatOptions.from_json(line)


def _one_of(kind: type[_Enum], value: object, default: _Enum) -> _Enum:
    try:
        return kind(as_text(value))
    except ValueError:
        return default


def _figures(line: object) -> AnswerFigures | None:
    """Return what `changing_values` wrote; a figure that is missing or makes no sense is 0."""
    if line is None:
        return None
    try:
        values = json.loads(as_text(line))
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict):
        return None
    empty = AnswerFigures()
    known: dict[str, Any] = {}
    for each in fields(AnswerFigures):
        value = values.get(each.name)
        if type(value) is type(getattr(empty, each.name)):
            known[each.name] = value
    return AnswerFigures(**known)

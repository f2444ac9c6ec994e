"""Conversations for the tests of the history, and what runs in another process."""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from starpad.core.chat import ChatOptions, Conversation, Message, MessageState, Role
from starpad.core.history_store import HistoryStore

ROOT = Path(__file__).parents[1]
CODE = "def total(prices):\n    return sum(price for price in prices if price.is_valid)\n"

_PREAMBLE = """
import sys
from dataclasses import replace
from pathlib import Path
from starpad.core.chat import ChatOptions, Message, MessageState, Role
from starpad.core.errors import HistoryError
from starpad.core.history_store import HistoryStore

path = Path(sys.argv[1])
"""


def question(text: str, parent: int | None = None) -> Message:
    return Message(0, parent, Role.USER, text)


def answer(text: str, parent: int, state: MessageState = MessageState.COMPLETE) -> Message:
    return Message(0, parent, Role.ASSISTANT, text, state, model="demo")


def ask(store: HistoryStore, *texts: str, title: str = "") -> tuple[Conversation, list[Message]]:
    """Make a conversation of questions and answers by turns."""
    conversation = store.create(ChatOptions(), title)
    messages: list[Message] = []
    for number, text in enumerate(texts):
        parent = messages[-1].id if messages else None
        role = Role.ASSISTANT if number % 2 else Role.USER
        messages.append(store.add(conversation.id, Message(0, parent, role, text)))
    return store.conversation(conversation.id)[0], messages


def fill(store: HistoryStore, conversations: int = 12, messages: int = 6) -> dict[int, str]:
    """Make conversations; return the texts of all messages by their ids."""
    texts: dict[int, str] = {}
    for number in range(conversations):
        spoken = [f"{number}.{step} " + CODE * (step * 7 + 1) for step in range(messages)]
        _, kept = ask(store, *spoken, title=f"conversation {number}")
        texts |= {message.id: message.text for message in kept}
    return texts


def all_texts(store: HistoryStore) -> dict[int, str]:
    """Return the texts of all messages by their ids."""
    return {
        message.id: message.text
        for conversation in store.conversations()
        for message in store.conversation(conversation.id)[1].values()
    }


def closed_history(folder: Path) -> tuple[Path, dict[int, str]]:
    """Make a database that was closed well; return it and the texts in it."""
    path = folder / "history.db"
    with contextlib.closing(HistoryStore.open(path)) as store:
        return path, fill(store)


def killed_history(folder: Path) -> tuple[Path, dict[int, str]]:
    """Make a database whose log still holds all that was written; return it and the texts."""
    path = folder / "history.db"
    with contextlib.closing(HistoryStore.open(path)) as store:
        texts = fill(store, conversations=5)
        return copy_of(path, folder / "killed"), texts


def copy_of(path: Path, folder: Path) -> Path:
    """Copy a database with the logs beside it, as a power cut would leave it."""
    folder.mkdir(parents=True)
    for ending in ("", "-wal"):
        if (file := path.with_name(path.name + ending)).exists():
            shutil.copyfile(file, folder / file.name)
    return folder / path.name


def start(script: str, path: Path) -> "subprocess.Popen[str]":
    """Run a script in another process; it finds `path` and the usual names."""
    return subprocess.Popen(
        [sys.executable, "-c", _PREAMBLE + script, str(path)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "app")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def overwrite(path: Path, offset: int, data: bytes) -> None:
    """Damage a file in one place."""
    with path.open("r+b") as stream:
        stream.seek(offset)
        stream.write(data)


def files_beside(path: Path) -> list[str]:
    """Return what lies beside a database at rest."""
    locks = {"history.db.lock", "history.db.in-use"}
    return sorted({file.name for file in path.parent.iterdir()} - locks)

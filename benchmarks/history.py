"""How long the list of 10,000 conversations and a search through them take.

Fills a new history with 10,000 conversations of 6 messages each, cut out of Python's own library,
in a temporary folder (some 300 MB, a minute), and prints the median of each call in milliseconds
and as a ratio to a plain statement of the same run: the ids of all conversations for the list, a
scan of all texts by LIKE for the search.

    python benchmarks/history.py [--conversations 10000] [--folder FOLDER]
"""

import argparse
import contextlib
import inspect
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop, SignalInstance
from PySide6.QtWidgets import QApplication

from starpad.core.chat import ChatOptions, Message, MessageState, Role, title_of
from starpad.core.history_store import HistoryStore
from starpad.services.conversations import ConversationService
from starpad.services.history import HistoryService
from starpad.ui.chat.conversation_list import ConversationList

MESSAGES = 6
MEAN_CHARACTERS = 800
ROUNDS = 9
LIST_MS = 100.0
SEARCH_MS = 100.0
SCREEN_MS = 200.0

QUERIES = {
    "a word in nearly every message": "self",
    "a word in many": "return",
    "two words": "import error",
    "a part of an identifier": "rror_mess",
    "a word in none": "xylophonist",
    "a word in none, of common parts": "retursion",
    "a line of code": "for name in names:",
    "2 letters in nearly every message": "in",
    "2 letters in none": "\u00fe\u00fe",
    "2 ASCII letters in none": "~@",
    "1 letter": "e",
}


def _library() -> str:
    folder = Path(inspect.getfile(os)).parent
    files = sorted(folder.glob("*.py"))
    return "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in files)


def _fill(path: Path, conversations: int) -> None:
    """Write conversations of a usual length."""
    luck = random.Random(7)
    library = _library()
    with contextlib.closing(HistoryStore.open(path)) as store:
        for number in range(conversations):
            parent: int | None = None
            options = ChatOptions(system_prompt=f"Answer in style {number % 20}.")
            for step in range(MESSAGES):
                length = min(8000, 40 + int(luck.expovariate(1 / MEAN_CHARACTERS)))
                start = luck.randrange(len(library) - length)
                text = library[start : start + length]
                if step == 0:
                    conversation = store.create(options, title_of(text))
                role = Role.ASSISTANT if step % 2 else Role.USER
                parent = store.add(conversation.id, Message(0, parent, role, text)).id


def _median_ms(call: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        call()
        times.append((time.perf_counter() - begin) * 1000)
    return statistics.median(times)


def _print(rows: Iterable[tuple[str, float, float, str]]) -> None:
    for name, milliseconds, reference, note in rows:
        print(f"{name:36} {milliseconds:9.2f} {milliseconds / reference:8.2f}  {note}")


def _measure(path: Path) -> bool:
    """Print all times; say whether the bars are held."""
    begin = time.perf_counter()
    store = HistoryStore.open(path)
    opening_ms = (time.perf_counter() - begin) * 1000
    with contextlib.closing(store), contextlib.closing(sqlite3.connect(path)) as plain:
        ids_ms = _median_ms(lambda: plain.execute("SELECT id FROM conversations").fetchall())
        scan = "SELECT count(*) FROM messages WHERE text LIKE '%xylophonist%'"
        scan_ms = _median_ms(lambda: plain.execute(scan).fetchall())
        print(f"{os.path.getsize(path) / 1e6:.0f} MB; the reference is all ids for the list,")
        print("a scan of all texts for the search")
        print(f"{'':36} {'ms':>9} {'ratio':>8}")
        list_ms = _median_ms(store.conversations)
        _print(
            [
                ("plain: all ids", ids_ms, ids_ms, ""),
                ("open", opening_ms, ids_ms, ""),
                ("the list", list_ms, ids_ms, f"bar {LIST_MS:.0f} ms"),
                ("its first 100", _median_ms(lambda: store.conversations(100)), ids_ms, ""),
                ("plain: a scan of all texts", scan_ms, scan_ms, ""),
            ]
        )
        worst_ms = 0.0
        for name, query in QUERIES.items():
            milliseconds = _median_ms(partial(store.search, query))
            worst_ms = max(worst_ms, milliseconds)
            _print([(name, milliseconds, scan_ms, f"{len(store.search(query))} found")])
        print(f"{'the slowest search':36} {worst_ms:9.2f} {'':8}  bar {SEARCH_MS:.0f} ms")
        _measure_writing(store)
    return list_ms < LIST_MS and worst_ms < SEARCH_MS


def _measure_writing(store: HistoryStore) -> None:
    conversation = store.conversations(1)[0]
    question = Message(0, conversation.leaf, Role.USER, "def total(prices): " * 40)
    add_ms = _median_ms(lambda: store.add(conversation.id, question))
    told = store.add(conversation.id, replace(question, state=MessageState.STREAMING))
    long = replace(told, text=question.text * 100)
    grown = (replace(long, text=long.text + "more " * n) for n in range(ROUNDS))
    update_ms = _median_ms(lambda: store.update(next(grown)))
    ended = (replace(long, text=f"{n}{long.text}", state=MessageState.CUT) for n in range(ROUNDS))
    end_ms = _median_ms(lambda: store.update(next(ended)))
    _print(
        [
            ("keep a question", add_ms, add_ms, ""),
            (f"keep {len(long.text) // 1000} KB of an answer", update_ms, add_ms, ""),
            ("the same, when it has ended", end_ms, add_ms, ""),
        ]
    )


def _measure_window(path: Path) -> bool:
    """Print how long the pane's list takes, from the click to the painted rows."""
    application = QApplication([])  # kept while there are widgets
    history = HistoryService(path)
    history.start()
    conversations = ConversationService(history)
    listing = ConversationList(conversations)
    listing.resize(420, 800)
    listing.show()

    def painted_after(begin: Callable[[], object], done: SignalInstance) -> float:
        # A loop that sleeps while there is nothing to do, as the window's own.
        loop = QEventLoop()
        connection = done.connect(loop.quit)
        started = time.perf_counter()
        begin()
        loop.exec()
        listing.grab()
        done.disconnect(connection)
        return (time.perf_counter() - started) * 1000

    list_ms = painted_after(listing.begin, conversations.changed)
    searches = [
        painted_after(partial(listing.search.setText, query), conversations.found)
        for query in QUERIES.values()
    ]
    worst_ms = max(searches)
    _print([("on screen: the list, first time", list_ms, list_ms, f"bar {SCREEN_MS:.0f} ms")])
    _print([("on screen: the slowest search", worst_ms, list_ms, f"bar {SEARCH_MS:.0f} ms")])
    history.shutdown()
    application.processEvents()
    return list_ms < SCREEN_MS and worst_ms < SEARCH_MS


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--conversations", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, help="where the history lies (a temporary one)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = Path(folder) / "history.db"
        _fill(path, arguments.conversations)
        held = _measure(path) and _measure_window(path)
    print("the bars are held" if held else "a bar is missed")


if __name__ == "__main__":
    main()

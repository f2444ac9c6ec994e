"""Several processes on one history: killed, at once, out of room."""

import contextlib
import sys
from pathlib import Path

import pytest

from conversations import all_texts, ask, fill, start
from starpad.core.chat import MessageState
from starpad.core.history_store import HistoryStore

WRITER = """
store = HistoryStore.open(path)
conversation = store.conversations()[0]
parent = conversation.leaf
for number in range(100_000):
    asked = store.add(conversation.id, Message(0, parent, Role.USER, f"question {number}"))
    print("asked", asked.id, number, flush=True)
    told = store.add(
        conversation.id, Message(0, asked.id, Role.ASSISTANT, "", MessageState.STREAMING)
    )
    for words in range(1, 6):
        store.update(replace(told, text="word " * words))
        print("told", told.id, words, flush=True)
    parent = told.id
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "history.db"
    with contextlib.closing(HistoryStore.open(path)) as store:
        ask(store, "the first question")
    return path


@pytest.mark.parametrize(
    "lines", [1, 4, 61, *(pytest.param(n, marks=pytest.mark.slow) for n in range(100, 3000, 97))]
)
def test_what_was_acknowledged_survives_a_kill(path: Path, lines: int) -> None:
    with start(WRITER, path) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline().split() for _ in range(lines)]
        process.kill()
        # What it said before it died counts too.
        rest = process.stdout.read()
        acknowledged += [line.split() for line in rest.splitlines() if line[-1:].isdigit()]
    with contextlib.closing(HistoryStore.open(path)) as store:
        assert store.reports == ()
        [conversation] = store.conversations()
        messages = store.conversation(conversation.id)[1]
        for what, number, count in acknowledged:
            message = messages[int(number)]
            if what == "asked":
                assert message.text == f"question {count}"
            else:
                assert message.state is MessageState.STREAMING
                assert message.text.count("word") >= int(count)
        assert conversation.leaf == max(messages)
        store.check()
        assert store.search("question 0")


def test_two_processes_write_at_once_and_lose_nothing(path: Path) -> None:
    script = """
store = HistoryStore.open(path, busy_s=30)
print("open", flush=True)
sys.stdin.readline()
for number in range(40):
    conversation = store.conversations()[0]
    added = store.add(conversation.id, Message(0, conversation.leaf, Role.USER, "begun"))
    store.update(replace(added, text=f"text {number}"))
store.close()
"""
    with start(script, path) as one, start(script, path) as other:
        for process in (one, other):
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
        for process in (one, other):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        assert (one.wait(60), other.wait(60)) == (0, 0)
    with contextlib.closing(HistoryStore.open(path)) as store:
        texts = list(all_texts(store).values())
        written = [f"text {number}" for number in range(40)]
        assert sorted(texts) == sorted(["the first question", *written, *written])


def test_many_processes_that_open_a_new_history_at_once_all_succeed(tmp_path: Path) -> None:
    script = """
store = HistoryStore.open(path, busy_s=30)
store.add(store.create(__import__("starpad.core.chat").core.chat.ChatOptions()).id,
          Message(0, None, Role.USER, "hello"))
store.close()
"""
    path = tmp_path / "new" / "history.db"
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(start(script, path)) for _ in range(4)]
        assert [process.wait(60) for process in processes] == [0] * 4
    with contextlib.closing(HistoryStore.open(path)) as store:
        assert len(store.conversations()) == 4
        assert store.reports == ()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file's size")
def test_a_write_that_the_system_refuses_is_reported_and_the_next_try_succeeds(path: Path) -> None:
    script = """
import resource, os
store = HistoryStore.open(path)
conversation = store.conversations()[0]
size = os.path.getsize(f"{path}-wal") if os.path.exists(f"{path}-wal") else 0
most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (max(size, os.path.getsize(path)) + 9000, most))
message = Message(0, conversation.leaf, Role.USER, "a long text " * 20_000)
try:
    store.add(conversation.id, message)
except HistoryError as error:
    print(error.retryable, error.message, flush=True)
assert len(store.conversation(conversation.id)[1]) == 1
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
store.add(conversation.id, message)
store.check()
store.close()
"""
    with start(script, path) as process:
        assert process.stdout is not None
        assert process.stdout.read() == (
            "True The disk failed while conversations were read or written.\n"
        )
        assert process.wait(60) == 0


def test_a_damaged_history_that_two_processes_open_at_once_is_recovered_once(path: Path) -> None:
    with contextlib.closing(HistoryStore.open(path)) as store:
        fill(store)
        texts = all_texts(store)
    with path.open("r+b") as stream:
        stream.write(bytes(4096))
    script = """
store = HistoryStore.open(path, busy_s=30)
print(len(store.reports), flush=True)
sys.stdin.readline()
store.close()
"""
    with start(script, path) as one, start(script, path) as other:
        reports = []
        for process in (one, other):
            assert process.stdout is not None
            reports.append(int(process.stdout.readline()))
        for process in (one, other):
            process.communicate("end\n")
            assert process.returncode == 0
    assert sorted(reports) == [0, 1]
    assert len(list(path.parent.glob("*.damaged*"))) == 1
    with contextlib.closing(HistoryStore.open(path)) as store:
        assert all_texts(store) == texts

"""Any damage: after a restart at the latest all works again."""

import contextlib
import random
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from conversations import (
    ask,
    closed_history,
    copy_of,
    killed_history,
)
from starpad.core import history_schema
from starpad.core.errors import HistoryError
from starpad.core.history_store import HistoryStore

PAGE = history_schema.PAGE_BYTES


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, str]]:
    return closed_history(tmp_path_factory.mktemp("closed"))


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, str]]:
    return killed_history(tmp_path_factory.mktemp("killed"))


def _damage(path: Path, luck: random.Random) -> None:
    """Do to the file, or to its log, what disks, programs and people do."""
    files = [path]
    if (wal := path.with_name(path.name + "-wal")).exists():
        files.append(wal)
    file = luck.choice(files)
    data = bytearray(file.read_bytes())
    match luck.randrange(5):
        case 0:
            del data[luck.randrange(len(data)) :]
        case 1:
            for _ in range(luck.choice([1, 10, 1000])):
                data[luck.randrange(len(data))] ^= 1 << luck.randrange(8)
        case 2:
            start = luck.randrange(max(1, len(data) // PAGE)) * PAGE
            data[start : start + PAGE] = bytes(len(data[start : start + PAGE]))
        case 3:
            start = luck.randrange(len(data))
            data[start : start + 600] = luck.randbytes(len(data[start : start + 600]))
        case _:
            # The header, or the beginning of a page, where the tree is kept.
            start = luck.randrange(max(1, len(data) // PAGE)) * PAGE
            data[start + luck.randrange(100)] = luck.randrange(256)
    file.write_bytes(data)


@pytest.mark.parametrize(
    "seed", [*range(40), 513, *(pytest.param(n, marks=pytest.mark.slow) for n in range(40, 500))]
)
def test_after_any_damage_the_history_works_at_the_latest_after_a_restart(
    seed: int,
    closed: tuple[Path, dict[int, str]],
    killed: tuple[Path, dict[int, str]],
    tmp_path: Path,
) -> None:
    luck = random.Random(seed)
    path = copy_of(luck.choice([closed, killed])[0], tmp_path / "history")
    _damage(path, luck)
    works = [_works(path) for _ in range(3)]
    assert all(one or following for one, following in pairwise(works)), works
    shutil.rmtree(path.parent)


def _works(path: Path) -> bool:
    """Say whether all can be done with the history, or it is said to be of a newer Starpad."""
    try:
        with contextlib.closing(HistoryStore.open(path)) as store:
            _use(store)
            store.check()
    except HistoryError as error:
        return "newer version" in error.message
    return True


def _use(store: HistoryStore) -> None:
    for conversation in store.conversations():
        _, messages = store.conversation(conversation.id)
        for message in messages.values():
            store.update(message)
    store.search("price")
    store.search("no such text")
    conversation, messages = ask(store, "one more", "and one more")
    store.delete_message(messages[1].id)
    store.delete(conversation.id)
    store.purge(0)

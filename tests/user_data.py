"""A user's data folder as a released Starpad left it: to lay it out, and to see what it holds."""

import json
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starpad.core.history_store import HistoryStore
from starpad.core.license_acceptance import Acceptances
from starpad.core.model_records import ModelRecords
from starpad.core.paths import demo_model
from starpad.core.serve_key import KeyFile
from starpad.hub.token_store import TokenStore
from starpad.services.server_keys import ServerKeys

if TYPE_CHECKING:
    from starpad.bootstrap import Starpad

FOLDER = Path(__file__).with_name("data")
SEEN = "seen.json"
"""Beside each fixture: what the version that wrote it showed, as `seen` returned it."""
MODEL = Path("data/models/someone/starpad-demo-GGUF/starpad-demo-q8_0.gguf")
DATABASE = Path("data/conversations.sqlite3")
WORDS = "fibonacci"
"""What is searched for in the conversations."""
_PLACE = "{USER}"
_ONCE_MORE = ("uses", "last_used", "use_number")
"""What each start changes."""


def settings_file(root: Path) -> Path:
    return root / "config" / "settings.json"


def lay_out(fixture: Path, root: Path) -> dict[str, Any]:
    """Copy a user's folders to `root`, as if they had always been there; return what was seen."""
    shutil.copytree(fixture, root)
    shutil.copyfile(demo_model(), root / MODEL)
    for path in _texts(root):
        text = path.read_text("utf-8")
        if _PLACE in text:
            content = json.dumps(_placed(json.loads(text), root))
            path.write_text(content, "utf-8")
    with closing(sqlite3.connect(root / DATABASE)) as db, db:
        # Else what the user deleted would be purged by now: it is kept for 30 days.
        db.execute(
            "UPDATE conversations SET deleted_at = ? WHERE deleted_at IS NOT NULL", (time.time(),)
        )
    seen: dict[str, Any] = json.loads((root / SEEN).read_text("utf-8"))
    (root / SEEN).unlink()
    return seen


def pack(root: Path, fixture: Path, seen: dict[str, Any]) -> None:
    """Make a fixture of a user's folders: without models, locks, and the place where they lay."""
    (root / SEEN).write_text(json.dumps(seen, indent=1) + "\n", "utf-8")
    (root / MODEL).unlink()
    (root / "data/model-headers.json").unlink()  # a cache, of models elsewhere, too
    for path in [*root.rglob("*.lock"), *root.rglob("*.in-use")]:
        path.unlink()
    for path in _texts(root):
        path.write_text(path.read_text("utf-8").replace(str(root), _PLACE), "utf-8")
    shutil.rmtree(fixture, ignore_errors=True)
    shutil.copytree(root, fixture)


def seen(starpad: "Starpad", root: Path) -> dict[str, Any]:
    """Return all that a running Starpad shows or uses of its user's data, in JSON's terms."""
    data = root / "data"
    records = ModelRecords(data / "models.json")
    window, loaded = starpad.window, starpad.engine.status.model
    shown = {
        "settings": asdict(starpad.settings.current),
        "window": [window.width(), window.height()],
        "draft": window.chat_pane.bar.draft,
        "recent": list(starpad.settings.current.recent_files),
        "tabs": [
            [tab.title, tab.editor.text(), tab.is_modified, asdict(tab.document.format)]
            for tab in window.tabs.tabs
        ],
        "model": [str(loaded.path), loaded.context_tokens] if loaded else [],
        "library": [
            [str(model.path), model.origin.repository if model.origin else ""]
            for model in starpad.library.models
            if model.path.is_relative_to(root)  # not what comes with Starpad
        ],
        "record": {
            name: value
            for name, value in asdict(records.get(root / MODEL)).items()
            if name not in _ONCE_MORE
        },
        "folders": [str(folder) for folder in records.folders()],
        "benchmarks": [asdict(result) for result in starpad.benchmarks.results],
        "downloads": [
            [each.id, each.state, each.done_bytes, asdict(each.order)]
            for each in starpad.downloads.queue.downloads
        ],
        "servers": [
            [asdict(server), ServerKeys(data / "tokens").get(server.address)]
            for server in starpad.remotes.servers
        ],
        "presets": [asdict(preset) for preset in starpad.chat.presets.all()],
        "licences": [asdict(one) for one in Acceptances(data / "accepted-licenses.json").all()],
        "serve_key": KeyFile(data / "serve-key").key(),
        "token": TokenStore(data / "tokens").load("https://huggingface.co"),
        "problems": [note.message for note in window.messages.notifications],
    }
    found: dict[str, Any] = json.loads(json.dumps(shown, default=str))
    return found


def conversations(root: Path) -> dict[str, Any]:
    """Return all conversations that are kept, the deleted too, in JSON's terms."""
    with closing(HistoryStore.open(root / DATABASE)) as store:
        numbers = [row["id"] for row in store._db.execute("SELECT id FROM conversations")]
        listed = [one.id for one in store.conversations()]
        whole = {}
        for number in numbers:
            one, messages = store.conversation(number)
            whole[str(number)] = [
                asdict(one), {str(key): asdict(each) for key, each in messages.items()},
            ]  # fmt: skip
        hits = [[hit.conversation_id, hit.message_id] for hit in store.search(WORDS)]
    kept = {"conversations": whole, "listed": listed, "hits": hits}
    found: dict[str, Any] = json.loads(json.dumps(kept, default=str))
    return found


def lost(before: Any, now: Any, place: str = "") -> list[str]:
    """Return where something of `before` is no longer in `now`; more may be there."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            line
            for name, value in before.items()
            for line in lost(value, now.get(name), f"{place}/{name}")
        ]
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return [
            line
            for at, pair in enumerate(zip(before, now, strict=True))
            for line in lost(*pair, f"{place}/{at}")
        ]
    return [] if before == now else [f"{place}: {before!r} became {now!r}"]


def _texts(root: Path) -> list[Path]:
    return sorted(root.rglob("*.json"))


def _placed(content: Any, root: Path) -> Any:
    """Return JSON's content with places below `root` as this system writes them."""
    match content:
        case dict():
            return {_placed(key, root): _placed(value, root) for key, value in content.items()}
        case list():
            return [_placed(value, root) for value in content]
        case str() if content.startswith(_PLACE):
            return str(root / content.removeprefix(_PLACE).strip("/"))
        case _:
            return content

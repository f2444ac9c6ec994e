"""Writes a user's data folder as today's Starpad does, for the upgrade test of later versions.

python tests/make_user_data.py      makes tests/data/<version>, once for each release
"""

import hashlib
import os
import shutil
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "app")]
# No keyring: keys then lie in files, which are part of the data. And no proxy or token of ours.
os.environ |= {
    "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    "QT_QPA_PLATFORM": "offscreen",
}

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QTimer  # noqa: E402

import user_data  # noqa: E402
from benchmark_results import result  # noqa: E402
from starpad import __version__, bootstrap  # noqa: E402
from starpad.bootstrap import Starpad  # noqa: E402
from starpad.core import origin  # noqa: E402
from starpad.core.benchmark_store import BenchmarkStore  # noqa: E402
from starpad.core.chat import (  # noqa: E402
    AnswerFigures,
    ChatOptions,
    Message,
    MessageState,
    Role,
)
from starpad.core.chat_presets import Presets  # noqa: E402
from starpad.core.download import DownloadOrder  # noqa: E402
from starpad.core.engine_status import EngineState  # noqa: E402
from starpad.core.history_store import HistoryStore  # noqa: E402
from starpad.core.license_acceptance import Acceptances  # noqa: E402
from starpad.core.model_records import ModelRecords  # noqa: E402
from starpad.core.origin import Origin  # noqa: E402
from starpad.core.paths import demo_model  # noqa: E402
from starpad.core.remote import RemoteFile  # noqa: E402
from starpad.core.remote_server import FimSpelling, RemoteServer  # noqa: E402
from starpad.core.sampling import Sampling  # noqa: E402
from starpad.core.text_file import TextFormat  # noqa: E402
from starpad.hub import sidecar  # noqa: E402
from starpad.hub.sidecar import Sidecar  # noqa: E402
from starpad.hub.token_store import TokenStore  # noqa: E402

HUB = "https://huggingface.co"
COMMIT = "0123456789abcdef" * 2 + "01234567"
WHEN = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
CODE = 'def fibonacci(n):\n    """Größe 🦊 日本."""\n    return n if n < 2 else fibonacci(n - 1)\n'
OPTIONS = ChatOptions(
    system_prompt="Answer in one sentence.",
    max_tokens=321,
    sampling=Sampling(temperature=0.7, top_p=0.8, top_k=33, min_p=0.02, repeat_penalty=1.2, seed=5),
)


def model_and_records(root: Path) -> None:
    """Install a model as a download does, with load options and speeds; accept its licence."""
    model = root / user_data.MODEL
    model.parent.mkdir(parents=True)
    data = demo_model().read_bytes()
    model.write_bytes(data)
    origin.write(
        model,
        Origin(
            HUB, "someone/starpad-demo-GGUF", COMMIT, model.name, len(data),
            hashlib.sha256(data).hexdigest(), "apache-2.0", "Q8_0", WHEN.isoformat(),
        ),
    )  # fmt: skip
    records = ModelRecords(root / "data/models.json")
    records.change(model, context_tokens=1024, threads=2, kv_type="q8_0", batch_tokens=256)
    records.measured(model, 123.4)
    records.benchmarked(model, 234.5)
    records.add_folder(root / "projects/models")
    benchmarks = BenchmarkStore(root / "data/benchmarks.json")
    benchmarks.add(result())
    benchmarks.add(result("StarCoder2 15B", writes=3.5, note="kv=q8_0"))
    Acceptances(root / "data/accepted-licenses.json").accept(
        "bigcode-openrail-m", "starcoder2-15b", "Plain words…", repository="bigcode/starcoder2",
        commit=COMMIT, app_version=__version__, now=WHEN,
    )  # fmt: skip


def download(root: Path) -> None:
    """Leave a download of two parts that the user paused in the middle of the first."""
    files = tuple(
        RemoteFile(f"star-Q4_K_M-0000{number}-of-00002.gguf", 5000, str(number) * 64)
        for number in (1, 2)
    )
    order = DownloadOrder(HUB, "owner/star-GGUF", COMMIT, files, "Q4_K_M", "bigcode-openrail-m")
    folder = root / "data/models"
    part = sidecar.part_path(folder, order, files[0])
    part.parent.mkdir(parents=True)
    part.write_bytes(b"GGUF" + bytes(1996))
    sidecar.write(folder, Sidecar(order, WHEN.isoformat(), position=1, is_paused=True))


def conversations(root: Path) -> None:
    """Keep conversations with branches, each end of an answer, a deleted one, an empty one."""
    Presets(root / "data/chat-presets.json").save("Short and warm", OPTIONS)
    figures = AnswerFigures(50, 40, 12, 34.5, 120.0, "eos", 2)
    with closing(HistoryStore.open(root / user_data.DATABASE)) as store:
        tree = store.create(OPTIONS, "Fibonacci, twice")
        first = store.add(tree.id, Message(0, None, Role.USER, f"What is this?\n```\n{CODE}```"))
        for state, problem in (
            (MessageState.COMPLETE, ""), (MessageState.STOPPED, ""), (MessageState.CUT, ""),
            (MessageState.FAILED, "The engine stopped."),
        ):  # fmt: skip
            answer = store.add(
                tree.id,
                Message(0, first.id, Role.ASSISTANT, f"It is `fibonacci`: {state} 🦊", state,
                        model="starpad-demo", figures=figures, problem=problem),
            )  # fmt: skip
        edited = store.add(tree.id, Message(0, None, Role.USER, "What is fibonacci, really?"))
        store.add(tree.id, Message(0, edited.id, Role.ASSISTANT, "Numbers.", model="starpad-demo"))
        store.set_leaf(tree.id, answer.id)
        plain = store.create(ChatOptions(), "")
        store.add(plain.id, Message(0, None, Role.USER, "Half a pair: \udc41 and a zero: \0"))
        deleted = store.create(ChatOptions(), "Deleted by mistake")
        store.add(deleted.id, Message(0, None, Role.USER, "Keep me for thirty days"))
        store.delete(deleted.id)
        store.create(ChatOptions(), "Nothing in it yet")


def settings_and_text(starpad: Starpad, root: Path) -> None:
    """Change settings, enter servers, leave unsaved text behind."""
    starpad.settings.change(
        theme="dark", font_size_pt=13, wrap_lines=True, indent_width=2, indent_with_tabs=True,
        suggestions_enabled=False, suggestion_pause_ms=450, suggestion_max_tokens=48,
        suggestion_temperature=0.25, suggestions_off_languages=("markdown", "json"),
        prompt_budget_tokens=2048, chat_long_preamble=True, downloads_at_once=2,
        kv_type="q8_0", context_tokens=4096, engine_unload_after_min=30, serve_port=8123,
        serve_origins=("http://localhost:3000",), model_path=str(root / user_data.MODEL),
        recent_files=(str(root / "projects/größe.py"), str(root / "projects/日本.rs")),
    )  # fmt: skip
    (root / "data/serve-key").write_text("sk-starpad-of-the-fixture\n", "ascii")
    TokenStore(root / "data/tokens").save(HUB, "hf_fixture")
    server = RemoteServer(
        "GPU box", "https://gpu.example.org:8443", "starcoder2", 16_384, FimSpelling.STARCODER,
        ca_file=str(root / "projects/ca.pem"), uses_proxy=True, first_token_s=90,
    )  # fmt: skip
    starpad.remotes.save(server, "key-of-the-box")
    starpad.remotes.save(RemoteServer("A second", "http://127.0.0.1:9999"), None)
    tab = starpad.window.tabs.current
    assert tab is not None
    tab.editor.setPlainText(CODE)
    starpad.documents.set_format(tab.document.id, TextFormat("utf-16-le", True, "\r\n"))
    tab.editor.document().setModified(True)
    starpad.window.chat_pane.bar.field.set_text("A question not sent yet")
    starpad.window.resize(780, 690)


def run(root: Path, change: bool) -> dict[str, object]:
    """Start Starpad, change what there is to change or look at it, and end as a crash would."""
    application = QCoreApplication.instance() or bootstrap.create_application()
    starpad = Starpad(application, user_data.settings_file(root), root / "data")  # type: ignore[arg-type]
    starpad.start([], root / user_data.MODEL if change else None)
    _wait_until(lambda: starpad.engine.status.state is EngineState.READY)
    _wait_until(lambda: bool(starpad.library.models))
    if change:
        settings_and_text(starpad, root)
    seen = user_data.seen(starpad, root)
    starpad.recovered.keep()
    starpad.recovered.shutdown()
    for tab in starpad.window.tabs.tabs:
        tab.mark_saved()
    starpad.window.close()
    starpad.shutdown()
    starpad.window.deleteLater()
    starpad.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    return seen


def _wait_until(condition: object) -> None:
    assert callable(condition)
    loop = QEventLoop()
    timer = QTimer(interval=20)
    timer.timeout.connect(lambda: condition() and loop.quit())
    timer.start()
    loop.exec()


def main() -> None:
    """Make the fixture of this version."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve() / "user"
        model_and_records(root)
        download(root)
        conversations(root)
        run(root, change=True)
        # As it was left, not as a look at it leaves it.
        left = shutil.copytree(root, root.with_name("left"))
        seen = run(root, change=False)
        seen |= user_data.conversations(root)
        shutil.rmtree(root)
        left.rename(root)
        user_data.pack(root, user_data.FOLDER / __version__, seen)


if __name__ == "__main__":
    main()

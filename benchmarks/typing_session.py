"""What a typing session costs: 200 keys at human speed in a long file, beside llama.vim's way.

The keys of `data/typing_session.json` (milliseconds since the key before, and the key; composed
after published times of typists, with pauses, slips and their correction) are typed into the real
window. Prints what the engine was asked for and had to read, and how long a pause waited for ghost
text; then the same session once more, with each suggestion of a longer pause accepted and taken
back. In the end the same keys go to llama-server's `/infill` as llama.vim of 2026 sends them.

    python benchmarks/typing_session.py [MODEL] [--context 8192] [--budget 3000] [--chunks 16]
"""

import argparse
import asyncio
import inspect
import json
import os
import secrets
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import httpx2
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

from starpad import bootstrap
from starpad.core import paths
from starpad.core.engine_status import EngineState
from starpad.core.load_options import LoadOptions
from starpad.core.suggestion import Figures
from starpad.engines.process import EngineProcess, new_log
from starpad.engines.protocol import Timings
from starpad.engines.spec import EngineSpec
from starpad.services.completion import CompletionService, SuggestionUpdate
from starpad.services.errand import Errands, Purpose
from starpad.ui.actions import ActionId

SESSION = Path(__file__).parent / "data" / "typing_session.json"
LINE = 1000
PAUSE_MS = 500
"""Who does not press a key for so long looks at what stands there."""
READING_MS = 450
"""Between seeing a suggestion and accepting it."""
SETTLE_MS = 180_000
KEYS = {"\n": Qt.Key.Key_Return, "<Backspace>": Qt.Key.Key_Backspace, "<Tab>": Qt.Key.Key_Tab}

Keys = list[tuple[int, str]]


@dataclass
class Costs:
    """What was counted while a session was typed."""

    sent: dict[Purpose, int] = field(default_factory=dict)
    read: dict[Purpose, list[int]] = field(default_factory=dict)
    key_ms: list[float] = field(default_factory=list)
    """The thread's own time for each key and all that it led to at once."""
    pauses: int = 0
    shown: int = 0
    waits_ms: list[float] = field(default_factory=list)
    """From a key to the first ghost text, where the engine was asked for it after that key."""
    over_ms: list[float] = field(default_factory=list)
    """From the end of the pause that is waited for, which may be asked within, to that text."""
    steps_ms: list[float] = field(default_factory=list)
    """By the engine's clock: from an answer's first token to its last, by the tokens between."""
    accepts: int = 0
    at_once: int = 0


class Session(QObject):
    """Types the keys into one editor of a running Starpad; quits the event loop at their end."""

    def __init__(self, starpad: bootstrap.Starpad, keys: Keys, *, accepts: bool) -> None:
        super().__init__()
        self.costs = Costs()
        self._starpad = starpad
        self._keys = keys
        self._accepts = accepts
        self._next = 0
        self._key_time = 0.0
        self._due_time = 0.0
        """When the pause was over after the last key; 0 while it is not."""
        self._is_asked = False
        tab = starpad.window.tabs.current
        assert tab is not None
        self._tab = tab
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._on_key)
        self._look = QTimer(self, singleShot=True, interval=READING_MS)
        self._look.timeout.connect(self._on_read)
        completion = starpad.completion
        completion.updated.connect(self._on_updated)
        completion.figures_changed.connect(self._on_figures)
        self._send = Errands.send
        self._request = CompletionService.request
        self._spy()

    def start(self) -> None:
        """Begin to type."""
        self._timer.start(self._keys[0][0])

    def end(self) -> None:
        """Count no more."""
        Errands.send = self._send  # type: ignore[method-assign]
        CompletionService.request = self._request  # type: ignore[method-assign]
        self._starpad.completion.updated.disconnect(self._on_updated)
        self._starpad.completion.figures_changed.disconnect(self._on_figures)

    def _spy(self) -> None:
        session, send, request, costs = self, self._send, self._request, self.costs
        errands = errands_of(self._starpad)

        def noted(self: Errands, purpose: Purpose, *args: Any, **names: Any) -> None:
            counted = _counted(purpose)
            costs.sent[counted] = costs.sent.get(counted, 0) + 1
            session._is_asked |= counted is Purpose.ANSWER
            send(self, purpose, *args, **names)

        def requested(self: CompletionService, *args: Any, **names: Any) -> bool:
            session._due_time = time.perf_counter()
            return request(self, *args, **names)

        def cost(timings: Timings) -> None:
            errand = errands.current
            purpose = _counted(errand.purpose) if errand is not None else Purpose.ANSWER
            costs.read.setdefault(purpose, []).append(timings.evaluated_tokens)

        Errands.send = noted  # type: ignore[method-assign]
        CompletionService.request = requested  # type: ignore[method-assign]
        client = self._starpad.engine.client
        assert client is not None
        client.on_cost = cost

    @Slot()
    def _on_key(self) -> None:
        _, key = self._keys[self._next]
        ghost = self._tab.suggestions.ghost
        if self._next and self._keys[self._next][0] >= PAUSE_MS:
            self.costs.pauses += 1
            self.costs.shown += ghost.is_shown
        self._look.stop()
        before = time.thread_time()
        if key != "<Tab>" or ghost.is_shown:
            self._press(key)
        self.costs.key_ms.append((time.thread_time() - before) * 1000)
        self._key_time, self._due_time, self._is_asked = time.perf_counter(), 0.0, False
        self._next += 1
        if self._next == len(self._keys):
            QTimer.singleShot(1500, QCoreApplication.exit)
            return
        self._timer.start(self._keys[self._next][0])

    def _press(self, key: str) -> None:
        code = KEYS.get(key, Qt.Key.Key_unknown)
        text = "" if len(key) > 1 else key.strip("\n")
        none = Qt.KeyboardModifier.NoModifier
        event = QKeyEvent(QEvent.Type.KeyPress, code, none, text)
        QCoreApplication.sendEvent(self._tab.editor, event)

    @Slot(object)
    def _on_updated(self, update: SuggestionUpdate) -> None:
        now = time.perf_counter()
        ghost = self._tab.suggestions.ghost
        if update.text and self._is_asked and self._due_time:
            self._is_asked = False
            self.costs.waits_ms.append((now - self._key_time) * 1000)
            self.costs.over_ms.append((now - self._due_time) * 1000)
        left_ms = self._timer.remainingTime()
        if self._accepts and update.is_final and ghost.is_shown and left_ms > READING_MS + 100:
            self._look.start()

    @Slot()
    def _on_read(self) -> None:
        """Accept, see whether the next first token is there at once, and take it back."""
        if not self._tab.suggestions.ghost.is_shown:
            return
        was_sent = self.costs.sent.get(Purpose.ANSWER, 0)
        self._press("<Tab>")
        errand = errands_of(self._starpad).current
        is_known = self.costs.sent.get(Purpose.ANSWER, 0) == was_sent
        self.costs.accepts += 1
        self.costs.at_once += is_known and (errand is None or bool(errand.raw))
        self._starpad.window.actions_by_id[ActionId.UNDO].trigger()

    @Slot(object)
    def _on_figures(self, figures: Figures) -> None:
        if figures.tokens_per_second:
            self.costs.steps_ms.append(1000 / figures.tokens_per_second)


def _counted(purpose: Purpose) -> Purpose:
    """Return what a request is counted as: one that is asked early is the pause's own."""
    return Purpose.ANSWER if purpose is Purpose.EARLY else purpose


def errands_of(starpad: bootstrap.Starpad) -> Errands:
    """Return what sends the engine, to look on."""
    errands = starpad.completion.findChild(Errands)
    assert isinstance(errands, Errands)
    return errands


def run_loop(milliseconds: int, until: Any = None) -> None:
    """Turn the event loop for so long, or until something is so."""
    end = time.perf_counter() + milliseconds / 1000
    while time.perf_counter() < end and not (until is not None and until()):
        QTimer.singleShot(50, QApplication.exit)
        QApplication.exec()


def type_in_window(
    application: QApplication,
    text: str,
    keys: Keys,
    options: argparse.Namespace,
    *,
    accepts: bool,
) -> Costs:
    """Return the costs of a session in a Starpad that has just been started."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file.py")
        path.write_text(text, encoding="utf-8")
        starpad = bootstrap.Starpad(application, Path(folder, "settings.json"), Path(folder))
        # A model with random weights is never sure of what it writes.
        starpad.settings.change(
            prompt_budget_tokens=options.budget, suggestion_least_probability=options.least
        )
        starpad.start([path], None)
        starpad.engine.load(LoadOptions(options.model, options.context))
        run_loop(60_000, lambda: _has(starpad, options.model, options.context))
        tab = starpad.window.tabs.current
        assert tab is not None
        cursor = tab.editor.textCursor()
        start = tab.editor.document().findBlockByNumber(LINE).position()
        cursor.setPosition(start)
        cursor.insertText("\n\n")
        cursor.setPosition(start)
        tab.editor.setTextCursor(cursor)
        tab.editor.setFocus()
        run_loop(1500)
        run_loop(SETTLE_MS, lambda: errands_of(starpad).current is None)
        session = Session(starpad, keys, accepts=accepts)
        session.start()
        QApplication.exec()
        session.end()
        starpad.shutdown()
    return session.costs


def _has(starpad: bootstrap.Starpad, path: Path, context_tokens: int) -> bool:
    """Return whether the model is loaded, and not another one, or the same with less context."""
    status = starpad.engine.status
    model = status.model
    is_it = model is not None and (model.path, model.context_tokens) == (path, context_tokens)
    return is_it and status.state is EngineState.READY


def states_after_keys(text: str, keys: Keys) -> list[tuple[float, str, str]]:
    """Return, for each key, when it comes and the text around the caret after it.

    What an editor's own indentation adds is there, and nothing is accepted.
    """
    lines = text.split("\n")
    before, after = "\n".join(lines[:LINE]) + "\n", "\n\n\n" + "\n".join(lines[LINE:])
    now, states = 0.0, []
    for between_ms, key in keys:
        now += between_ms / 1000
        if key == "<Backspace>":
            line = before[before.rfind("\n") + 1 :]
            before = before[: -4 if line and not line.strip() else -1]
        elif key == "\n":
            line = before[before.rfind("\n") + 1 :]
            indent = len(line) - len(line.lstrip()) + (4 if line.endswith(":") else 0)
            before += "\n" + " " * indent
        elif key != "<Tab>":
            before += key
        states.append((now, before, after))
    return states


async def through_infill(
    text: str, keys: Keys, options: argparse.Namespace
) -> tuple[list[int], list[float]]:
    """Send the session as llama.vim does; return prompt tokens read and milliseconds by request."""
    key = secrets.token_urlsafe(32)
    # llama-server's usual batch: /infill takes its window from it.
    spec = EngineSpec(options.model, "infill", options.context, 2, slots=1, batch_tokens=2048)
    process = await EngineProcess.start(spec, key, new_log())
    ready = await process.wait_ready()
    lines = text.split("\n")
    chunks = [lines[start : start + 64] for start in range(0, 64 * options.chunks, 64)]
    # Those around the caret, which llama.vim takes for none of the ring.
    extra = [{"text": "\n".join(chunk), "filename": "file.py"} for chunk in chunks]
    read: list[int] = []
    took: list[float] = []
    async with httpx2.AsyncClient(
        base_url=ready.url,
        headers={"Authorization": f"Bearer {key}"},
        trust_env=False,
        timeout=600,
        limits=httpx2.Limits(max_keepalive_connections=0),
    ) as http:

        async def ask(before: str, after: str) -> None:
            begun, line = before.rsplit("\n", 1)
            rest, _, below = after.partition("\n")
            suffix = "\n".join([rest, *below.split("\n")[:64]]) + "\n"
            body = {
                "id_slot": 0,
                "input_prefix": "\n".join(begun.split("\n")[-256:]) + "\n",
                "input_suffix": suffix,
                "input_extra": extra,
                "prompt": line,
                "n_predict": 128,
                "n_indent": len(line) - len(line.lstrip()),
                "top_k": 40,
                "top_p": 0.90,
                "samplers": ["top_k", "top_p", "infill"],
                "cache_prompt": True,
                "n_cache_reuse": 256,
                "t_max_prompt_ms": 500,
                "t_max_predict_ms": 250,
            }
            started = time.perf_counter()
            answer = (await http.post("/infill", json=body)).json()
            took.append((time.perf_counter() - started) * 1000)
            read.append(int(answer["timings"]["prompt_n"]))

        states = states_after_keys(text, keys)
        await ask(*states[0][1:])
        read.clear()
        took.clear()
        begun, task = time.perf_counter(), None
        for index, (when, before, after) in enumerate(states):
            await asyncio.sleep(max(0.0, begun + when - time.perf_counter()))
            # One at a time; llama.vim tries again every 100 ms for as long as no key comes.
            until = begun + (states[index + 1][0] if index + 1 < len(states) else when + 2)
            while task is not None and not task.done() and time.perf_counter() + 0.1 < until:
                await asyncio.sleep(0.1)
            if task is None or task.done():
                task = asyncio.create_task(ask(before, after))
        if task is not None:
            await task
    await process.stop()
    return read, took


def report(name: str, costs: Costs, count: int) -> None:
    """Print one session's figures."""
    print(name)
    for purpose in (Purpose.ANSWER, Purpose.AHEAD, Purpose.WARM_UP):
        tokens = costs.read.get(purpose, [])
        sent = costs.sent.get(purpose, 0)
        mean = sum(tokens) / sent if sent else 0.0
        print(f"  {purpose.name.lower():8} {sent:4} sent, {sum(tokens):6} prompt tokens read, "
              f"{mean:6.2f} each, most {max(tokens, default=0)}")  # fmt: skip
    asked = costs.sent.get(Purpose.ANSWER, 0)
    advance = sum(sum(costs.read.get(one, [])) for one in (Purpose.AHEAD, Purpose.WARM_UP))
    print(f"  read in advance {advance} prompt tokens, "
          f"{advance / max(1, asked):.2f} for each answer")  # fmt: skip
    print(f"  requests per key {asked / count:.3f}, all in all "
          f"{sum(costs.sent.values()) / count:.3f}")  # fmt: skip
    print(f"  pauses of {PAUSE_MS} ms and more: {costs.pauses}, a suggestion on the screen at the "
          f"end of {costs.shown}")  # fmt: skip
    if costs.waits_ms and costs.steps_ms:
        step = statistics.median(costs.steps_ms)
        over = statistics.median(costs.over_ms)
        wait = statistics.median(costs.waits_ms)
        print(f"  from the key to ghost text, median {wait:.0f} ms, of which after the pause "
              f"{over:.1f} = {over / step:.2f} decode steps of {step:.1f} ms")  # fmt: skip
    if costs.accepts:
        print(f"  accepts {costs.accepts}, the next first token there at once {costs.at_once}")
    times = sorted(costs.key_ms)
    print(f"  a key takes the window's thread {statistics.median(times):.2f} ms, "
          f"p99 {times[len(times) * 99 // 100]:.2f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", type=Path, default=paths.demo_model())
    parser.add_argument("--context", type=int, default=8192)
    parser.add_argument("--budget", type=int, default=3000)
    parser.add_argument("--chunks", type=int, default=16, help="of llama.vim's ring")
    parser.add_argument("--least", type=int, default=0, help="least probability of what is shown")
    parser.add_argument("--without-infill", action="store_true")
    parser.add_argument("--without-accepts", action="store_true")
    options = parser.parse_args()
    source = Path(inspect.getfile(argparse)).read_text(encoding="utf-8")
    text = "\n".join(source.split("\n")[:2000])
    keys: Keys = [(ms, key) for ms, key in json.loads(SESSION.read_text(encoding="utf-8"))]
    application = bootstrap.create_application()
    plain = type_in_window(application, text, keys, options, accepts=False)
    report("Starpad", plain, len(keys))
    if not options.without_accepts:
        costs = type_in_window(application, text, keys, options, accepts=True)
        report("the same, suggestions in longer pauses accepted and taken back", costs, len(keys))
    if not options.without_infill:
        read, took = asyncio.run(through_infill(text, keys, options))
        print(f"/infill  {len(read):4} sent, {sum(read):6} prompt tokens read, "
              f"{sum(read) / len(read):6.2f} each, most {max(read)}; "
              f"median {statistics.median(took):.0f} ms")  # fmt: skip
        ours = sum(plain.read.get(Purpose.ANSWER, []))
        every = sum(sum(tokens) for tokens in plain.read.values())
        print(f"ratio of the prompt tokens {sum(read) / max(1, ours):.1f}, with all that was read "
              f"in advance {sum(read) / max(1, every):.1f}")  # fmt: skip
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()

"""The main job once, in the real window: type, wait for ghost text, accept it, say how it went."""

import argparse
import hashlib
import json
import logging
import os
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

from starpad import bootstrap
from starpad.core import paths
from starpad.core.engine_status import EngineState, EngineStatus
from starpad.core.request_record import RequestRecord
from starpad.core.sampling import Sampling
from starpad.core.suggestion import Figures, SuggestionState
from starpad.services.completion import SuggestionUpdate
from starpad.ui.text_positions import utf16_length

DEFAULT_PREFIX = "def read_lines(path):\n    with open(path"
_SEEDED_TEMPERATURE = 0.8
_TIME_LIMIT_MS = 600_000
"""A large model on a slow disk takes minutes to load."""


@dataclass(frozen=True, slots=True)
class _Options:
    prefix: str
    suffix: str
    model: Path
    screenshot: Path
    sampling: Sampling


class SelfTest(QObject):
    """Drives the window by events, as a user does, and collects the report."""

    def __init__(self, starpad: bootstrap.Starpad, options: _Options, started: float) -> None:
        super().__init__(starpad)
        self.report: dict[str, Any] = {}
        self.failure = ""
        self._starpad = starpad
        self._options = options
        self._started = started
        self._engine_ready_ms = 0.0
        self._figures: Figures | None = None
        starpad.engine.status_changed.connect(self._on_status_changed)
        starpad.completion.state_changed.connect(self._on_state_changed)
        starpad.completion.recorded.connect(self._on_recorded)
        starpad.completion.updated.connect(self._on_updated, Qt.ConnectionType.QueuedConnection)
        self._limit = QTimer(self, singleShot=True, interval=_TIME_LIMIT_MS)
        self._limit.timeout.connect(self._on_time_limit)
        self._limit.start()

    @Slot(object)
    def _on_status_changed(self, status: EngineStatus) -> None:
        if status.state is EngineState.FAILED:
            self._fail(status.reason)
        elif status.state is EngineState.READY and not self._engine_ready_ms:
            self._engine_ready_ms = (time.monotonic() - self._started) * 1000
            self._type()

    def _type(self) -> None:
        """Put the caret between prefix and suffix; the prefix's last line is typed as keys."""
        tab = self._starpad.window.tabs.current
        assert tab is not None
        prefix, suffix = self._options.prefix, self._options.suffix
        last_line = prefix.rpartition("\n")[2]
        typed = last_line if last_line.isprintable() else ""
        pasted = prefix.removesuffix(typed)
        tab.editor.edit(lambda cursor: cursor.insertText(pasted + suffix))
        cursor = tab.editor.textCursor()
        cursor.setPosition(utf16_length(pasted))
        tab.editor.setTextCursor(cursor)
        if not typed:
            tab.suggestions.ask()
        for character in typed:
            QCoreApplication.postEvent(tab.editor, _key(Qt.Key.Key_unknown, character))

    @Slot(object, str)
    def _on_state_changed(self, state: SuggestionState, _reason: str) -> None:
        tab = self._starpad.window.tabs.current
        if state is SuggestionState.INSIDE_WORD and tab is not None:
            tab.suggestions.ask()

    @Slot(object)
    def _on_recorded(self, record: RequestRecord) -> None:
        self._figures = record.figures  # those of what was asked before the pause was over, too

    @Slot(object)
    def _on_updated(self, update: SuggestionUpdate) -> None:
        if update.state is SuggestionState.FAILED:
            self._fail(update.reason or "The request failed.")
        elif update.is_final:
            self._accept(update)

    def _accept(self, update: SuggestionUpdate) -> None:
        tab = self._starpad.window.tabs.current
        model = self._starpad.engine.status.model
        assert tab is not None
        assert model is not None
        assert self._figures is not None
        before = tab.editor.text()
        ghost = tab.suggestions.ghost.text
        screenshot = self._options.screenshot
        is_saved = self._starpad.window.grab().save(str(screenshot))
        completion = ""
        if ghost:
            QCoreApplication.sendEvent(tab.editor, _key(Qt.Key.Key_Tab, "\t"))
            after = tab.editor.text()
            head = len(self._options.prefix)
            completion = after[head : len(after) - len(self._options.suffix)]
            if len(after) != len(before) + len(ghost):
                self._fail("Accepting the ghost text did not insert it.")
                return
        elif update.text:
            self._fail("A suggestion came, but no ghost text was shown.")
            return
        figures = self._figures
        self.report = {
            "completion": completion,
            "tokens": figures.tokens,
            "tokens_per_second": round(figures.tokens_per_second, 1),
            "time_to_first_token_ms": round(figures.time_to_first_token_ms, 1),
            "prompt_tokens": figures.prompt_tokens,
            "evaluated_tokens": figures.evaluated_tokens,
            "model": model.name,
            "model_sha256": _sha256(model.path),
            "engine": "llama",
            "screenshot": str(screenshot) if is_saved else None,
            "engine_ready_ms": round(self._engine_ready_ms, 1),
            "state": update.state.value,
        }
        self._end()

    @Slot()
    def _on_time_limit(self) -> None:
        self._fail(f"No suggestion came within {_TIME_LIMIT_MS // 1000} s.")

    def _fail(self, reason: str) -> None:
        self.failure = reason
        self._end()

    def _end(self) -> None:
        self._limit.stop()
        QApplication.exit(1 if self.failure else 0)


def _key(key: Qt.Key, text: str) -> QKeyEvent:
    return QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier, text)


def _lines(text: str) -> str:
    """Return `text` with the line ends that an editor holds."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def run(arguments: argparse.Namespace) -> int:
    """Run the self-test, print its report, return the exit code."""
    started = time.monotonic()
    # What goes wrong is said once, at the end; the log is for the application.
    logging.getLogger("starpad").addHandler(logging.NullHandler())
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sampling = Sampling()
    if arguments.seed is not None:
        sampling = Sampling(temperature=_SEEDED_TEMPERATURE, seed=arguments.seed)
    temporary = Path(tempfile.gettempdir())
    options = _Options(
        prefix=_lines(DEFAULT_PREFIX if arguments.prefix is None else arguments.prefix),
        suffix=_lines(arguments.suffix),
        model=arguments.model or paths.demo_model(),
        screenshot=(arguments.screenshot or temporary / "starpad-self-test.png").absolute(),
        sampling=sampling,
    )
    application = bootstrap.create_application()
    # The user's own settings and unsaved text are neither read nor written.
    with tempfile.TemporaryDirectory(prefix="starpad-self-test-") as folder:
        starpad = bootstrap.Starpad(application, Path(folder, "settings.json"), Path(folder))
        # What stands around the caret is what was asked for, not a bracket more.
        starpad.settings.change(close_brackets=False)
        starpad.completion.options = replace(
            starpad.completion.options, sampling=sampling, time_budget_ms=_TIME_LIMIT_MS
        )
        test = SelfTest(starpad, options, started)
        starpad.start([], options.model)
        application.exec()
        starpad.shutdown()
    if test.failure:
        sys.stderr.write(f"The self-test failed: {test.failure}\n")
        return 1
    report = test.report
    if arguments.json:
        sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
        return 0
    sys.stdout.write(
        f"{options.prefix}[{report['completion']}]{options.suffix}\n\n"
        f"{report['model']}: {report['tokens']} tokens, "
        f"{report['tokens_per_second']} tokens per second, "
        f"first token after {report['time_to_first_token_ms']} ms\n"
        f"Picture of the window: {report['screenshot']}\n"
    )
    return 0

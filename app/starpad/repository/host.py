"""The repository host: a child process that keeps a folder's files in an index, at low priority.

One JSON line comes in for each Question, one goes out for each Answer. While files are still being
read, the last question is answered again when all are.
"""

import os
import queue
import threading
from pathlib import Path
from typing import TextIO

from starpad.core import child_process
from starpad.repository.protocol import Question, decode_question, encode
from starpad.repository.reader import FolderReader

_NICENESS = 10
_STEP_S = 0.05


def run() -> int:
    """Answer until stdin ends; return the exit code."""
    child_process.ask_for_death_signal()
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    answers = child_process.protected_stdout()
    questions: queue.SimpleQueue[Question | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(questions,), name="questions", daemon=True).start()
    _serve(questions, answers)
    return 0


def _listen(questions: "queue.SimpleQueue[Question | None]") -> None:
    with open(0, encoding="utf-8", closefd=False) as lines:
        for line in lines:
            questions.put(decode_question(line))
    questions.put(None)


def _serve(questions: "queue.SimpleQueue[Question | None]", answers: TextIO) -> None:
    root, reader = "", None
    last: Question | None = None
    while True:
        is_busy = reader is not None and not reader.is_complete
        try:
            question = questions.get(timeout=0 if is_busy else None)
        except queue.Empty:
            assert reader is not None
            reader.work(_STEP_S)
            if reader.is_complete and last is not None:
                answers.write(f"{encode(reader.answer(last))}\n")
            continue
        while question is not None and not questions.empty():
            question = questions.get()  # nobody waits for what was asked before
        if question is None:
            return
        if question.root != root or reader is None:
            root, reader = question.root, FolderReader(Path(question.root))
        reader.look()
        answers.write(f"{encode(reader.answer(question))}\n")
        last = question

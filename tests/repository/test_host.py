"""The host answers the latest question, and again when all files have been read."""

import queue
import threading
import time
from io import StringIO
from pathlib import Path

from starpad.repository import host
from starpad.repository.protocol import Answer, Question, decode_answer


def _question(root: Path, serial: int) -> Question:
    return Question(serial, str(root), "main.py", "", "total_price", "")


def test_what_was_asked_before_is_not_answered_and_the_last_answer_is_final(
    tmp_path: Path,
) -> None:
    roots = [tmp_path / name for name in ("one", "other")]
    for root in roots:
        root.mkdir()
        (root / "cart.py").write_text("total_price = 1\n")
    questions: queue.SimpleQueue[Question | None] = queue.SimpleQueue()
    questions.put(_question(roots[0], 1))
    questions.put(_question(roots[1], 2))
    written = StringIO()
    serving = threading.Thread(target=host._serve, args=(questions, written))
    serving.start()

    def answers() -> list[Answer]:
        lines = written.getvalue().split("\n")[:-1]
        return [decode_answer(line) for line in lines]

    until = time.monotonic() + 60
    while not any(answer.is_final for answer in answers()) and time.monotonic() < until:
        time.sleep(0.01)
    questions.put(None)
    serving.join(60)
    assert {answer.serial for answer in answers()} == {2}
    assert [chunk.path for chunk in answers()[-1].chunks] == ["cart.py"]
    assert [answer.is_final for answer in answers()] == [False, True]

"""The host answers with what differs, the document in front of the user first."""

import io
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

import pytest
from pygments.lexers.python import PythonLexer

from starpad.core.paths import host_command, host_environment
from starpad.highlighting import document, host, lexing
from starpad.highlighting.host import HighlightHost
from starpad.highlighting.protocol import (
    MAX_LINES,
    LineSpans,
    Message,
    encode,
    taken_frames,
)
from starpad.highlighting.resumable import Token

ANSWER_S = 20
SILENCE_S = 1


class _Output(io.BytesIO):
    """Keeps what the host writes as messages."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: SimpleQueue[Message] = SimpleQueue()

    def write(self, frames: bytes) -> int:  # type: ignore[override]
        for message in taken_frames(bytearray(frames)):
            self.messages.put(message)
        return len(frames)


class Client:
    """Speaks to a HighlightHost in a thread, and holds what an application would hold."""

    def __init__(self) -> None:
        self.inbox: SimpleQueue[Message] = SimpleQueue()
        self._output = _Output()
        self.log: list[Message] = []
        host = HighlightHost(self.inbox, self._output)
        self._thread = threading.Thread(target=host.run)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self.inbox.put(("end",))
        self._thread.join(ANSWER_S)
        assert not self._thread.is_alive()

    def answers_until(self, *last: object) -> list[Message]:
        answers: list[Message] = []
        while not answers or answers[-1][: len(last)] != last:
            answers.append(self._output.messages.get(timeout=ANSWER_S))
        self.log += answers
        return answers

    def answers_until_silence(self) -> list[Message]:
        answers: list[Message] = []
        with suppress(Empty):
            while True:
                answers.append(self._output.messages.get(timeout=SILENCE_S))
        self.log += answers
        return answers


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client()
    client.start()
    yield client
    client.end()


def whole(alias: str, lines: list[str]) -> list[LineSpans]:
    return list(lexing.lex(lexing.lexer_for(alias, "", ""), lines))


def held(answers: Sequence[Message], count: int) -> list[LineSpans | None]:
    """Return what an application holds that started with nothing and got `answers`."""
    lines: list[LineSpans | None] = [None] * count
    for _, _, _, first, spans in (a for a in answers if a[0] == "spans"):
        lines[first : first + len(spans)] = spans
    return lines


def test_an_opened_document_gets_its_language_and_all_its_spans_in_small_frames(
    client: Client,
) -> None:
    lines = ["x = 1", ""] * 1000
    client.inbox.put(("open", 7, 3, "python", "a.py", lines))
    answers = client.answers_until("done", 7, 3)
    assert [a[:2] for a in answers[:2]] == [("lexing", 7), ("language", 7)]
    assert answers[1][2] == "Python"
    frames = [a for a in answers if a[0] == "spans"]
    assert all(a[1:3] == (7, 3) and len(a[4]) <= 400 for a in frames)
    assert held(answers, 2000) == whole("python", lines)


def test_lines_with_very_many_spans_come_in_messages_of_their_own(client: Client) -> None:
    lines = ["x = (1, 'a'); " * 700] * 5 + [""] * 10
    client.inbox.put(("open", 7, 3, "python", "a.py", lines))
    frames = [a for a in client.answers_until("done", 7, 3) if a[0] == "spans"]
    assert held(frames, 15) == whole("python", lines)
    assert len(frames) >= 3
    assert max(sum(map(len, a[4][:-1])) for a in frames) <= 1_500


def test_after_an_edit_only_lines_that_differ_are_sent_and_the_edited_ones(client: Client) -> None:
    lines = ["x = 1"] * 3000
    client.inbox.put(("open", 1, 0, "python", "", lines))
    client.answers_until("done", 1, 0)
    client.inbox.put(("edit", 1, 1, 1500, 1, ["x = None", "y"], []))
    answers = client.answers_until("done", 1, 1)
    assert [(a[3], len(a[4])) for a in answers if a[0] == "spans"] == [(1500, 2)]
    client.inbox.put(("edit", 1, 2, 10, 1, ["x = 1"], []))  # the same text: an input method's touch
    answers = client.answers_until("done", 1, 2)
    assert [(a[3], len(a[4])) for a in answers if a[0] == "spans"] == [(10, 1)]


def test_an_opened_comment_recolors_what_follows_and_closing_it_restores_it(
    client: Client,
) -> None:
    lines = ["int x;"] * 1000
    client.inbox.put(("open", 1, 0, "c", "", lines))
    client.answers_until("done", 1, 0)
    client.inbox.put(("edit", 1, 1, 0, 1, ["/*"], []))
    client.answers_until("done", 1, 1)
    client.inbox.put(("edit", 1, 2, 0, 1, ["/**/"], []))
    client.answers_until("done", 1, 2)
    assert held(client.log, 1000) == whole("c", ["/**/", *lines[1:]])


def test_edits_that_arrive_while_the_host_is_busy_are_answered_once_at_the_newest(
    client: Client,
) -> None:
    lines = ["int x;"] * 5_000
    client.inbox.put(("open", 1, 0, "c", "", lines))
    client.answers_until("spans")
    for revision in range(1, 51):
        lines[10] = "a" * revision
        client.inbox.put(("edit", 1, revision, 10, 1, [lines[10]], []))
    answers = client.answers_until("done", 1, 50)
    assert len([a for a in answers if a[0] == "done"]) < 10
    assert held(client.log, len(lines)) == whole("c", lines)


def test_a_large_document_does_not_delay_the_one_that_was_opened_after_it(client: Client) -> None:
    client.inbox.put(("open", 1, 0, "c", "", ["int x; /* */"] * 10_000))
    client.answers_until("spans", 1)
    client.inbox.put(("open", 2, 0, "python", "", ["x = 1"]))
    answers = client.answers_until("done", 1, 0)
    kinds = [a[:2] for a in answers]
    assert kinds.index(("done", 2)) < kinds.index(("done", 1))
    # Who is at work is said at each change: the application must know whom to blame.
    assert kinds[kinds.index(("done", 2)) + 1] == ("lexing", 1)


def test_long_work_that_changes_nothing_gives_signs_of_life(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.inbox.put(("open", 1, 0, "json", "", ["1,"] * 2000))  # always lexed as a whole
    client.answers_until("done", 1, 0)
    monkeypatch.setattr(host, "_SIGN_OF_LIFE_S", 0.0)
    client.inbox.put(("edit", 1, 1, 1999, 1, ["null"], []))
    before_spans = client.answers_until("spans", 1, 1, 1999)[:-1]
    assert len(before_spans) >= 5
    assert {a[:2] for a in before_spans} == {("lexing", 1)}
    times = [a[2] for a in before_spans]
    assert times == sorted(times)
    client.answers_until("done", 1, 1)


def test_nothing_is_said_between_an_edit_of_the_same_document_and_its_answer(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "_SIGN_OF_LIFE_S", 60.0)
    client.inbox.put(("open", 1, 0, "c", "", ["int x;"] * 10))
    client.answers_until("done", 1, 0)
    client.inbox.put(("edit", 1, 1, 5, 1, ["int y;"], []))
    assert [answer[0] for answer in client.answers_until("done", 1, 1)] == ["spans", "done"]


def test_what_the_application_has_guessed_right_is_not_sent(client: Client) -> None:
    client.inbox.put(("open", 1, 0, "c", "", ["int x;"] * 10))
    client.answers_until("done", 1, 0)
    right, wrong = whole("c", ["int y;"]), whole("c", ["int 1;"])
    client.inbox.put(("edit", 1, 1, 5, 1, ["int y;"], right))
    assert [a[0] for a in client.answers_until("done", 1, 1)] == ["done"]
    client.inbox.put(("edit", 1, 2, 5, 1, ["int y;"], wrong))
    answers = client.answers_until("done", 1, 2)
    assert [a[2:] for a in answers if a[0] == "spans"] == [(2, 5, right)]


def test_lines_far_from_what_is_typed_wait_while_keys_come(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "_TYPING_S", 20.0)
    lines = ["int x; /* */"] * 20_000
    client.inbox.put(("open", 1, 0, "c", "", list(lines)))
    client.answers_until("spans", 1)
    for revision in range(1, 6):
        client.inbox.put(("edit", 1, revision, 10, 1, [f"int x{revision};"], []))
        answers = client.answers_until("spans", 1, revision)
        if revision > 1:  # what was under way may come before
            assert {a[3] for a in answers if a[0] == "spans"} == {10}
    monkeypatch.setattr(host, "_TYPING_S", 0.0)
    lines[10] = "int y;"
    client.inbox.put(("edit", 1, 6, 10, 1, [lines[10]], []))
    client.answers_until("done", 1, 6)
    assert held(client.log, len(lines)) == whole("c", lines)


@pytest.mark.parametrize("is_early", [False, True])
def test_so_do_those_of_a_lexer_that_cannot_go_on_from_where_it_was(
    client: Client, monkeypatch: pytest.MonkeyPatch, is_early: bool
) -> None:
    lines = ["[1, true],"] * 20_000
    client.inbox.put(("open", 1, 0, "json", "", list(lines)))
    client.answers_until("done", 1, 0)
    monkeypatch.setattr(host, "_TYPING_S", 20.0)
    lines[10_000] = "/* "  # all that follows is a comment
    client.inbox.put(("edit", 1, 1, 10_000, 1, [lines[10_000]], []))
    last = 1
    if is_early:  # comes before the run is there
        last, lines[10_001] = 2, "x"
        client.inbox.put(("edit", 1, 2, 10_001, 1, ["x"], []))
    answers = client.answers_until("spans", 1, last) + client.answers_until_silence()
    assert max(a[3] for a in answers if a[0] == "spans") < 11_000
    monkeypatch.setattr(host, "_TYPING_S", 0.0)
    lines[10_000] = "/* x"
    client.inbox.put(("edit", 1, 3, 10_000, 1, [lines[10_000]], []))
    client.answers_until("done", 1, 3)
    assert held(client.log, len(lines)) == whole("json", lines)


def test_a_closed_document_gets_no_more_answers(client: Client) -> None:
    client.inbox.put(("open", 1, 0, "c", "", ["int x;"] * 10_000))
    client.answers_until("spans", 1)
    client.inbox.put(("close", 1))
    client.inbox.put(("edit", 1, 1, 0, 1, ["y"], []))
    client.inbox.put(("open", 2, 0, "c", "", ["int y;"]))
    answers = client.answers_until("done", 2)
    client.inbox.put(("open", 3, 0, "c", "", ["int y;"]))
    assert {a[1] for a in client.answers_until("done", 3)} == {3}
    assert ("done", 1, 0) not in answers


def test_a_document_that_is_or_grows_too_large_is_given_up(client: Client) -> None:
    client.inbox.put(("open", 1, 0, "python", "", [""] * (MAX_LINES + 1)))
    client.answers_until("failed", 1)
    client.inbox.put(("open", 2, 0, "text", "", ["x"]))
    client.answers_until("done", 2)
    client.inbox.put(("edit", 2, 1, 0, 1, [""] * (MAX_LINES + 1), []))
    client.answers_until("failed", 2)


def test_a_lexer_that_fails_gives_up_its_document_and_no_other(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = PythonLexer.get_tokens_unprocessed

    def failing(lexer: PythonLexer, text: str) -> Iterator[Token]:
        if "boom" in text:
            raise RecursionError
        return real(lexer, text)

    monkeypatch.setattr(PythonLexer, "get_tokens_unprocessed", failing)
    client.inbox.put(("open", 1, 0, "python", "", ["x = 1"]))
    client.inbox.put(("open", 2, 0, "python", "a.py", ["boom"]))
    answers = client.answers_until("failed", 2) + client.answers_until("done", 1)
    assert ("done", 2, 0) not in answers
    assert "RecursionError" in caplog.text


def test_an_edit_interrupts_the_lexing_of_its_document_and_comes_first(client: Client) -> None:
    lines = ["int x; /* */"] * 5_000
    client.inbox.put(("open", 1, 0, "c", "", list(lines)))
    client.answers_until("spans", 1)
    lines[10:11] = ["int y; /*", "*/"]
    client.inbox.put(("edit", 1, 1, 10, 1, lines[10:12], []))
    answers = client.answers_until("done", 1)
    assert answers[-1] == ("done", 1, 1)
    spans = [a for a in answers if a[0] == "spans" and a[2] == 1]
    assert spans[0][3] <= 10
    assert whole("c", lines) == held_after_insertion(client.log, len(lines))


def test_whoever_types_in_a_slow_line_gets_colors_for_the_lines_below_too(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "_PIECE_S", 0.0)  # so are all lines slow: a key comes after each
    lines = ["a" * 300] * 40
    client.inbox.put(("open", 1, 0, "dasm16", "", list(lines)))
    client.answers_until("spans", 1)
    for revision in range(1, 200):
        lines[1] += "a"
        client.inbox.put(("edit", 1, revision, 1, 1, [lines[1]], []))
        client.answers_until("spans", 1)
        if is_known := None not in held(client.log, len(lines)):
            break
    assert is_known
    client.answers_until("done", 1, revision)
    assert held(client.log, len(lines)) == whole("dasm16", lines)


def held_after_insertion(answers: Sequence[Message], count: int) -> list[LineSpans | None]:
    """Return what an application holds that inserted one line at 10 as its revision 1."""
    lines: list[LineSpans | None] = [None] * (count - 1)
    revision = 0
    for _, _, at, first, spans in (a for a in answers if a[0] == "spans"):
        if at > revision:
            lines[10:11] = [None, None]
            revision = at
        lines[first : first + len(spans)] = spans
    return lines


def test_a_document_that_arrives_in_parts_shows_its_head_first_and_is_lexed_when_whole(
    client: Client,
) -> None:
    lines = ["x = None"] * 3_000
    client.inbox.put(("begin", 1, 0, "python", "", lines[:500]))
    answers = client.answers_until("waiting", 1)
    assert held(answers, 500)[:100] == whole("python", lines[:100])
    client.inbox.put(("edit", 1, 1, 500, 0, lines[500:], []))
    client.answers_until("waiting", 1)
    client.inbox.put(("whole", 1))
    client.answers_until("done", 1, 1)
    assert held(client.log, len(lines)) == whole("python", lines)


def test_lines_that_the_user_looks_at_do_not_wait_for_those_above(client: Client) -> None:
    lines = ["int x; /* */"] * 20_000
    client.inbox.put(("open", 1, 0, "c", "", lines))
    client.answers_until("spans", 1)
    client.inbox.put(("view", 1, 19_000, 60))
    answers = client.answers_until("done", 1)
    firsts = [a[3] for a in answers if a[0] == "spans"]
    assert firsts.index(19_000) < len(firsts) // 2
    assert held(client.log, len(lines)) == whole("c", lines)
    client.inbox.put(("view", 1, 0, 60))  # nothing to do, and no answer
    client.inbox.put(("edit", 1, 1, 0, 1, ["x"], []))
    assert [a[0] for a in client.answers_until("done", 1)] == ["lexing", "spans", "done"]


def test_when_nothing_happens_for_a_while_far_effects_of_edits_are_found(client: Client) -> None:
    lines = ["def f():", '"""doc', *["string"] * 100, ""]
    client.inbox.put(("open", 1, 0, "python", "", list(lines)))
    client.answers_until("done", 1, 0)
    lines[-1] = '"""'  # only a string that is closed is a docstring
    client.inbox.put(("edit", 1, 1, 102, 1, ['"""'], []))
    client.answers_until("done", 1, 1)
    assert held(client.log, len(lines)) != whole("python", lines)
    answers = client.answers_until("verified", 1, 1)
    assert answers[0][:2] == ("lexing", 1)
    assert held(client.log, len(lines)) == whole("python", lines)


def test_an_edit_during_the_idle_pass_is_answered_and_the_pass_begins_again(
    client: Client,
) -> None:
    lines = ["int x; /* */"] * 20_000
    client.inbox.put(("open", 1, 0, "c", "", list(lines)))
    client.answers_until("done", 1, 0)
    for revision in range(1, 4):
        client.inbox.put(("edit", 1, revision, 19_000, 1, [f"int y{revision}; /* */"], []))
        client.answers_until("done", 1, revision)
        client.answers_until("lexing", 1)  # the idle pass
    client.answers_until("verified", 1, 3)
    lines[19_000] = "int y3; /* */"
    assert held(client.log, len(lines)) == whole("c", lines)


def test_the_process_speaks_frames_and_ends_with_its_input() -> None:
    opened = encode(("open", 1, 0, "python", "", ["x = '🦊'"]))
    with subprocess.Popen(
        host_command("highlight-host"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=host_environment(),
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        process.stdin.write(opened)
        process.stdin.flush()
        received = bytearray()
        messages: list[Message] = []
        while not messages or messages[-1][0] != "done":
            received += os.read(process.stdout.fileno(), 65536)
            messages += taken_frames(received)
        assert held(messages, 1) == whole("python", ["x = '🦊'"])
        _, errors = process.communicate(timeout=ANSWER_S)
        assert (process.returncode, errors) == (0, b"")


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's")
def test_the_process_dies_with_its_parent_even_inside_a_regular_expression(tmp_path: Path) -> None:
    stuck = tmp_path / "stuck"
    stuck.write_bytes(encode(("open", 1, 0, "make", "", ["a" * 10_000] * 20)))
    parent_code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "child.stdin.write(open(sys.argv[1], 'rb').read()); child.stdin.flush()\n"
        "print(child.pid, len(child.stdout.read(4)), flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", parent_code, stuck, *host_command("highlight-host")],
        stdout=subprocess.PIPE, text=True, env=host_environment(),
    )  # fmt: skip
    assert parent.stdout
    child = int(parent.stdout.readline().split()[0])
    watch = os.pidfd_open(child)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    ended, _, _ = select.select([watch], [], [], ANSWER_S)
    os.close(watch)
    assert ended

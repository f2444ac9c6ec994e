"""Code changed by an instruction: how a model is asked for it, and what of its answer is code.

A model that was trained to chat gets a question. StarCoder 1 was trained on commits, so it gets
one: code, message, and it writes the code after. A model that only fills gaps gets a gap behind
the old code and the instruction, both as comments.
"""

import re
from dataclasses import dataclass, field

from starpad.core import comments, patch
from starpad.core.chat_tasks import fenced
from starpad.core.indentation import Indentation
from starpad.core.languages import PLAIN_TEXT, Language
from starpad.core.suggestion import LinePolicy, line_policy

COMMIT_TOKENS = ("<commit_before>", "<commit_msg>", "<commit_after>")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^`\n]*)\n", re.MULTILINE)
_SIGNS = "#/*-%;!'\" "
_SPARE_LINES = 24
"""More than the old code has may the new code have, where nothing else ends it."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """What the user wants done with code; all texts with LF line ends."""

    words: str
    code: str
    """Whole lines. Empty or blank: code is to be written there."""
    language: Language
    file_name: str = ""
    """Empty if the text has no file yet."""
    before: str = ""
    """What stands above, and `after` below, as far as a prompt may need it."""
    after: str = ""
    indentation: Indentation = field(default_factory=Indentation)


def question(instruction: Instruction) -> str:
    """Return the question for a model that was trained to chat.

    The words come late, so that what stands before them is read while they are typed.
    """
    language, name = instruction.language, instruction.file_name
    kind = "" if language == PLAIN_TEXT or not language.name else f"{language.name} "
    place = f" from {name}" if name else ""
    alias = language.alias
    if not instruction.code.strip():
        above = fenced("\n".join(instruction.before.rstrip("\n").split("\n")[-30:]), alias)
        return (
            f"This {kind}code{place} is to be continued:\n\n{above}\n\n"
            f"Write what follows it: {instruction.words}\n\n"
            "Answer with one code block that holds the new lines only."
        )
    return (
        f"This is {kind}code{place}:\n\n{fenced(patch.dedented(instruction.code), alias)}\n\n"
        f"Change it: {instruction.words}\n\n"
        "Answer with one code block that holds all of this code, changed. "
        "Leave everything else as it is."
    )


def gap_before(instruction: Instruction) -> str:
    """Return what stands before the gap for a model that fills gaps: it ends with a line end."""
    margin = margin_of(instruction)
    lines = [line.removeprefix(margin) for line in instruction.code.strip("\n").split("\n")]
    # The words are no comment, so that `toggle` never takes the marks off old comments.
    remarks = [*lines, " ".join(instruction.words.split()).lstrip(_SIGNS)]
    if marks := comments.marks_of(instruction.language.alias):
        remarks = comments.toggle(remarks, marks)
    if not instruction.code.strip():
        remarks = remarks[-1:]
    text = "\n".join(margin + line if line.strip() else line for line in remarks)
    head = instruction.before
    return f"{head}{'' if not head or head.endswith(chr(10)) else chr(10)}{text}\n"


def gap_policy(instruction: Instruction) -> LinePolicy:
    """Return where what fills the gap ends."""
    most = instruction.code.count("\n") + _SPARE_LINES
    margin = margin_of(instruction)
    return line_policy(instruction.before + margin, "\n" + instruction.after, most)


def margin_of(instruction: Instruction) -> str:
    """Return the blanks that the code's lines have in common."""
    lines = [line for line in instruction.code.split("\n") if line.strip()]
    if lines:
        dedented = patch.dedented(lines[0] + "\n" + "\n".join(lines[1:])).split("\n")[0]
        return lines[0][: len(lines[0]) - len(dedented)]
    blanks = instruction.code.strip("\n")
    return blanks if not blanks.strip() else ""


def code_in(answer: str, *, is_final: bool) -> str:
    """Return the code of an answer: its first code block, also while that is being written.

    Without a block, the whole answer when it `is_final`: some models answer with bare code.
    """
    opening = _FENCE.search(answer)
    if opening is None:
        return answer.strip("\n") if is_final else ""
    fence, body = opening[1], answer[opening.end() :]
    closing = re.search(rf"^ {{0,3}}{re.escape(fence)}{fence[0]}*[ \t]*$", body, re.MULTILINE)
    if closing is not None:
        return body[: closing.start()].rstrip("\n")
    if is_final:
        return body.rstrip("\n")
    # A line that has only begun may be the closing fence.
    return body[: body.rfind("\n") + 1].rstrip("\n")


def fitted(code: str, instruction: Instruction) -> str:
    """Return an answer's code as it takes the old code's place: its margin, its line end."""
    if not code.strip():
        return instruction.code
    if not instruction.code.strip():
        margin = margin_of(instruction)
        return f"{margin}{patch.fitted(code, '', margin, instruction.indentation)}\n"
    return patch.fitted(code, instruction.code, "", instruction.indentation)

"""The questions about code that one click asks, in words that small code models follow."""

import re
from dataclasses import dataclass
from enum import StrEnum

from starpad.core.languages import PLAIN_TEXT, Language

_SHORTEST_FENCE = 3


class ChatTask(StrEnum):
    """What the model is asked to do with code."""

    EXPLAIN = "explain"
    FIX = "fix"
    WRITE_TESTS = "write_tests"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class AboutTask:
    """A task as the user sees it, and the two sentences that it is made of."""

    label: str
    tip: str
    wish: str
    """The first line of the question, which also gives the conversation its title."""
    answer: str
    """What to answer with. It comes last: small models follow best what they have just read."""
    is_replacement: bool = False
    """Whether the answer's code block is to take the code's place."""


ABOUT: dict[ChatTask, AboutTask] = {
    ChatTask.EXPLAIN: AboutTask(
        "Explain",
        "Ask what the code does",
        "Explain {code}.",
        "First say in one sentence what it does. Then explain the parts that are not obvious, "
        "step by step. Do not repeat the code.",
    ),
    ChatTask.FIX: AboutTask(
        "Fix",
        "Ask for the code without its errors",
        "Find the errors in {code} and fix them.",
        "Answer with one code block that holds {whole}, corrected. Change nothing that is right. "
        "After the block, name each error in one short sentence.",
        is_replacement=True,
    ),
    ChatTask.WRITE_TESTS: AboutTask(
        "Write tests",
        "Ask for unit tests of the code",
        "Write unit tests for {code}.",
        "Answer with one code block that holds all tests and their imports. Test the usual cases, "
        "the edge cases and the errors. Do not repeat the code.",
    ),
    ChatTask.DOCUMENT: AboutTask(
        "Document",
        "Ask for the code with comments that explain it",
        "Document {code}.",
        "Answer with one code block that holds {whole}, with comments in the usual form of the "
        "language for each function and class. Do not change the code itself.",
        is_replacement=True,
    ),
}


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The code that a question is about."""

    code: str
    language: Language
    file_name: str = ""
    """Empty if the text has no file yet."""
    is_selection: bool = False
    """Not the whole file."""


def question(task: ChatTask, excerpt: Excerpt, words: str = "") -> str:
    """Return the question to send; `words` are what the user adds to it."""
    about = ABOUT[task]
    whole = "all of the selected code" if excerpt.is_selection else "the whole file"
    parts = (
        about.wish.format(code=_named(excerpt)),
        fenced(excerpt.code, excerpt.language.alias),
        about.answer.format(whole=whole),
        words.strip(),
    )
    return "\n\n".join(part for part in parts if part)


def question_with(excerpt: Excerpt, words: str) -> str:
    """Return the question to send if the user asks in their own words about code."""
    code = fenced(excerpt.code, excerpt.language.alias)
    return f"{words.strip()}\n\nThe question is about {_named(excerpt)}:\n\n{code}"


def fenced(code: str, language: str = "") -> str:
    """Return `code` as a Markdown code block that nothing in it can close.

    `language` is an alias that Pygments knows; what could not stand behind a fence is left out.
    """
    longest = max(map(len, re.findall("`+", code)), default=0)
    fence = "`" * max(_SHORTEST_FENCE, longest + 1)
    alias = re.sub(r"[^\w+#.-]", "", language)
    line_end = "" if code.endswith("\n") or not code else "\n"
    return f"{fence}{alias}\n{code}{line_end}{fence}"


def _named(excerpt: Excerpt) -> str:
    """Return words for the code, such as "the Python file a.py" or "this Python code"."""
    is_known = excerpt.language.name and excerpt.language != PLAIN_TEXT
    language = f"{excerpt.language.name} " if is_known else ""
    name = " ".join("".join(c if c.isprintable() else " " for c in excerpt.file_name).split())
    if excerpt.is_selection:
        return f"this {language}code" + (f" from {name}" if name else "")
    return f"the {language}file {name}" if name else f"this {language}file"

"""Fill-in-the-middle prompts as token ids: a family's tokens, their order, where to stop.

Sources: the StarCoder and StarCoder2 papers and cards. Both families were trained on PSM and on
SPMv2 alike; in SPMv2 the text before the caret comes last, so a typed character only appends to
the prompt and the engine's cache keeps the rest.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from starpad.core.remote_server import FimSpelling

T = TypeVar("T")


class FimOrder(StrEnum):
    """The order of a prompt's parts."""

    PSM = "PSM"
    SPMV2 = "SPMv2"


@dataclass(frozen=True, slots=True)
class _Spelling:
    """How one group of families writes its fill-in-the-middle tokens."""

    prefix: str
    suffix: str
    middle: str
    pad: str
    order: FimOrder


_SPELLINGS = (
    # StarCoder 1 and 2, tiny_starcoder_py
    _Spelling("<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<fim_pad>", FimOrder.SPMV2),
    # SantaCoder; and the many families that follow OpenAI's spelling (Qwen2.5-Coder among them)
    _Spelling("<fim-prefix>", "<fim-suffix>", "<fim-middle>", "<fim-pad>", FimOrder.SPMV2),
    _Spelling("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|fim_pad|>", FimOrder.PSM),
)


class CaretFile(StrEnum):
    """Where a prompt of several files names the one with the caret: as the family was trained."""

    PATH_IN_PREFIX = "path in the prefix"
    """StarCoder2: gaps were made in each file of a repository, its path being its first line."""
    NAMED_IN_PREFIX = "token and path in the prefix"
    """StarCoder 1: gaps were made in files with their header."""
    NAMED_BEFORE = "token and path before the gap"
    """Qwen2.5-Coder."""


@dataclass(frozen=True, slots=True)
class _Files:
    """How a family writes several files, and the names of its models."""

    repository: str
    file: str
    caret: CaretFile
    models: str
    context_limit: int = 0


_FILES = (
    _Files("<repo_name>", "<file_sep>", CaretFile.PATH_IN_PREFIX, r"starc(oder|hat)2"),
    _Files(
        "<reponame>", "<filename>", CaretFile.NAMED_IN_PREFIX,
        r"starcoder(?!2)|starchat-(alpha|beta)|octocoder|wizardcoder-(1|3|15)b", 8192,
    ),
    _Files("<|repo_name|>", "<|file_sep|>", CaretFile.NAMED_BEFORE, r"qwen[\w.]*-?coder"),
)  # fmt: skip

# Tokens that end a suggestion wherever they appear: StarCoder2 closes a file with <file_sep>, and
# what begins a notebook's cell, an issue or a commit is no part of this file any more. Continue
# also stops StarCoder2 at the text `t.`, which is in `list.append`: not here.
_STOPS = (
    "<|endoftext|>", "<file_sep>", "<repo_name>", "<filename>", "<reponame>", "<gh_stars>",
    "<|file_sep|>", "<|repo_name|>", "<|im_end|>", "<|end|>",
    "<issue_start>", "<issue_comment>", "<issue_closed>",
    "<jupyter_start>", "<jupyter_text>", "<jupyter_code>", "<jupyter_output>", "<jupyter_script>",
    "<empty_output>", "<commit_before>", "<commit_msg>", "<commit_after>",
    "<code_to_intermediate>", "<intermediate_to_code>",
)  # fmt: skip

SPECIAL_TOKEN_TEXTS: tuple[str, ...] = (
    *(text for s in _SPELLINGS for text in (s.prefix, s.suffix, s.middle, s.pad)),
    *_STOPS,
)
"""Every text that `resolve` wants to know the ids of."""


_STARCODER, _SANTACODER, _OPENAI = _SPELLINGS


def spelled(fim: FimSpelling, model_name: str) -> tuple[str, ...]:
    """Return the special tokens that a model is believed to know, where no tokenizer can be asked.

    Empty if neither the user's choice nor the model's name tells.
    """
    name = model_name.lower()
    if fim is FimSpelling.AUTO:
        if "santacoder" in name:
            fim = FimSpelling.SANTACODER
        elif re.search(r"starcoder|starchat-(alpha|beta)|octocoder|wizardcoder-(1|3|15)b", name):
            fim = FimSpelling.STARCODER
        elif re.search(r"qwen[\w.]*-?coder|codeqwen", name):
            fim = FimSpelling.OPENAI
    by_choice = {
        FimSpelling.STARCODER: _STARCODER,
        FimSpelling.SANTACODER: _SANTACODER,
        FimSpelling.OPENAI: _OPENAI,
    }
    spelling = by_choice.get(fim)
    if spelling is None:
        return ()
    own = [files for files in _FILES if re.search(files.models, name)]
    others = {text for files in _FILES if own and files not in own for text in _names(files)}
    stops = (text for text in _STOPS if text not in others)
    return (spelling.prefix, spelling.suffix, spelling.middle, spelling.pad, *stops)


def _names(files: _Files) -> tuple[str, str]:
    return files.repository, files.file


@dataclass(frozen=True, slots=True)
class FileTokens:
    """A loaded model's ids for what begins a repository, and a file in it."""

    repository: int
    file: int
    caret: CaretFile


@dataclass(frozen=True, slots=True)
class FimTokens:
    """A loaded model's fill-in-the-middle ids and the ids that end a suggestion."""

    prefix: int
    suffix: int
    middle: int
    order: FimOrder
    stop_ids: frozenset[int]
    files: FileTokens | None = None
    """None if the model was not trained on several files at a time."""
    context_limit: int = 0
    """Tokens that the family has positions for, whatever context is loaded; 0 for no limit."""


def resolve(ids_by_text: Mapping[str, Sequence[int]]) -> FimTokens | None:
    """Return the loaded model's FIM tokens, or None if it was not trained for FIM.

    `ids_by_text` holds, for each of SPECIAL_TOKEN_TEXTS, the ids that the engine's tokenizer
    gives with special tokens parsed: one id if the model knows the token, several pieces if not.
    """
    known = {text: ids[0] for text, ids in ids_by_text.items() if len(ids) == 1}
    for spelling in _SPELLINGS:
        names = (spelling.prefix, spelling.suffix, spelling.middle)
        if all(name in known for name in names):
            stops = frozenset(
                known[name] for name in (*names, spelling.pad, *_STOPS) if name in known
            )
            prefix, suffix, middle = (known[name] for name in names)
            files, limit = _resolve_files(known)
            return FimTokens(prefix, suffix, middle, spelling.order, stops, files, limit)
    return None


def _resolve_files(known: Mapping[str, int]) -> tuple[FileTokens | None, int]:
    """Return how the model writes files, and its family's context limit (0: none).

    No vocabulary has the tokens of two families: where both are believed to be known (see
    `spelled`), neither is.
    """
    found = [files for files in _FILES if all(name in known for name in _names(files))]
    if len(found) != 1:
        return None, 0
    files = found[0]
    tokens = FileTokens(known[files.repository], known[files.file], files.caret)
    return tokens, files.context_limit


def stop_ids(ids_by_text: Mapping[str, Sequence[int]]) -> frozenset[int]:
    """Return the ids that end a suggestion for a model without FIM tokens."""
    return frozenset(ids_by_text[text][0] for text in _STOPS if len(ids_by_text.get(text, ())) == 1)


def build_prompt(
    tokens: FimTokens | None,
    prefix: Sequence[int],
    suffix: Sequence[int],
    order: FimOrder | None = None,
) -> tuple[int, ...]:
    """Return the prompt's token ids for the text before and after the caret.

    `prefix` and `suffix` are ids of user text (tokenized with special tokens *not* parsed).
    A model without FIM tokens continues the prefix. `order` overrides the family's own.
    """
    return arranged(tokens, prefix, suffix, order, lambda token: token)


def arranged(
    tokens: FimTokens | None,
    prefix: Sequence[T],
    suffix: Sequence[T],
    order: FimOrder | None,
    special: Callable[[int], T],
) -> tuple[T, ...]:
    """Return what `build_prompt` puts in order, of ids or of anything else made of them."""
    if tokens is None:
        return tuple(prefix)
    first, second, middle = map(special, (tokens.prefix, tokens.suffix, tokens.middle))
    if (order or tokens.order) is FimOrder.SPMV2:
        return (first, second, *suffix, middle, *prefix)
    return (first, *prefix, second, *suffix, middle)

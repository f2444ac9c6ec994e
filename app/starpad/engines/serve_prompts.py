"""The prompts of other programs: text with or without a gap, and llama.cpp's infill requests.

Programs that know no token ids write fill-in-the-middle prompts as text, with the names of the
tokens in it. A text that is wholly such a frame is taken apart and built anew by ids, in the
order that the model's cache likes best; in every other text those names are only text.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starpad.core.fim import CaretFile, FileTokens, build_prompt
from starpad.engines.chat_text import sendable
from starpad.engines.openai_api import ApiError
from starpad.engines.serve_model import ServedModel

_MOST_CHARACTERS = 32
"""Of a token, in the emptiest text: a longer prompt is refused unread."""
_ROOM = "The model's context holds {context:,} tokens, and the prompt has {tokens}. Shorten it."

_FRAMES = tuple(
    re.compile(pattern.format(*names), re.DOTALL)
    for names in (
        ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
        ("<fim-prefix>", "<fim-suffix>", "<fim-middle>"),
        (r"<\|fim_prefix\|>", r"<\|fim_suffix\|>", r"<\|fim_middle\|>"),
    )
    for pattern in (
        # The text before the gap comes last, or it comes first.
        "{0}{1}(?P<after>.*?){2}(?P<before>.*)",
        "{0}(?P<before>.*?){1}(?P<after>.*){2}",
    )
)

_REPOSITORY = "project"
"""Nobody says what it is called."""


@dataclass(frozen=True, slots=True)
class Gap:
    """The text around a caret."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """Token ids, and whether something of the request had to be left out of them."""

    ids: tuple[int, ...]
    is_truncated: bool = False


def framed(text: str) -> Gap | None:
    """Return the gap that a text describes if it is wholly a fill-in-the-middle frame."""
    for frame in _FRAMES:
        match = frame.fullmatch(text)
        if match is not None:
            return Gap(match["before"], match["after"])
    return None


async def completion_prompt(served: ServedModel, body: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the prompt of an OpenAI completion, or of llama-server's. Raises ApiError."""
    value = body.get("prompt", "")
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], int):
        value = value[0]
    suffix = body.get("suffix") or ""
    if not isinstance(suffix, str):
        raise ApiError(400, '"suffix" must be a text.')
    if isinstance(value, list) and not suffix:
        ids = _token_ids(value)
        check_room(served, len(ids))
        return ids
    if not isinstance(value, str):
        raise ApiError(400, '"prompt" must be one text, or the token ids of one.')
    gap = Gap(value, suffix) if suffix else framed(value)
    if gap is None or (served.model.fim is None and not suffix):
        gap = Gap(value, "")
        ids = (*await served.beginning(), *await _ids(served, value))
    elif served.model.fim is None:
        name = served.model.name
        raise ApiError(400, f'"suffix": {name} was not trained to fill gaps. Leave it out.')
    else:
        _check_characters(served, len(gap.before) + len(gap.after))
        before, after = await _ids(served, gap.before), await _ids(served, gap.after)
        ids = (*await served.beginning(), *build_prompt(served.model.fim, before, after))
    if not ids:
        raise ApiError(400, '"prompt" is empty.')
    check_room(served, len(ids))
    return ids


async def infill_prompt(served: ServedModel, body: Mapping[str, Any], most_tokens: int) -> Prompt:
    """Return the prompt of llama.cpp's `/infill`, cut so that `most_tokens` more have room.

    What stands nearest to the caret stays. Raises ApiError.
    """
    if served.model.fim is None:
        raise ApiError(400, f"{served.model.name} was not trained to fill gaps.")
    before = _text(body, "input_prefix") + _text(body, "prompt")
    after = _text(body, "input_suffix")
    context = served.model.context_tokens - 1
    room = context - min(most_tokens, context // 4) - 4
    kept_before = before[-room * _MOST_CHARACTERS :]
    kept_after = after[: room * _MOST_CHARACTERS]
    is_cut = (kept_before, kept_after) != (before, after)
    prefix, suffix = await _ids(served, kept_before), await _ids(served, kept_after)
    if len(prefix) + len(suffix) > room:
        is_cut = True
        suffix = suffix[: max(room // 4, room - len(prefix))]
        prefix = prefix[-(room - len(suffix)) :]
    files, is_less = await _files(served, body.get("input_extra"), room - len(prefix) - len(suffix))
    gap = build_prompt(served.model.fim, prefix, suffix)
    beginning = await served.beginning()
    return Prompt((*beginning, *files, *gap), is_cut or is_less)


async def _files(served: ServedModel, value: object, room: int) -> tuple[list[int], bool]:
    """Return what the model reads of other files, and whether some were left out.

    The last ones in the list are a client's newest. As many as have to go are dropped from the
    front and then as many again, so that the next requests begin alike.
    """
    pieces = [await _file(served, *each) for each in _extra(value)]
    beginning, end = await _around_files(served)
    total = sum(map(len, pieces)) + len(beginning) + len(end)
    is_cut = total > room
    if is_cut:
        room //= 2
    while pieces and total > room:
        total -= len(pieces.pop(0))
    if not pieces:
        return [], is_cut
    return [*beginning, *(token for piece in pieces for token in piece), *end], is_cut


async def _file(served: ServedModel, name: str, text: str) -> list[int]:
    """Return one file as the model's family writes files; as plain text if it has no way."""
    text = text if text.endswith("\n") else f"{text}\n"
    content = await _ids(served, f"{name}\n{text}" if name else text)
    files = _file_tokens(served)
    return content if files is None else [files.file, *content]


async def _around_files(served: ServedModel) -> tuple[list[int], list[int]]:
    """Return what begins a repository, and what stands before the file with the caret."""
    files = _file_tokens(served)
    if files is None or files.caret is CaretFile.NAMED_IN_PREFIX:
        return [], []
    return [files.repository, *await _ids(served, _REPOSITORY)], [files.file]


def _file_tokens(served: ServedModel) -> FileTokens | None:
    return served.model.fim.files if served.model.fim else None


def check_room(served: ServedModel, tokens: int) -> None:
    """Raise ApiError if a prompt leaves no room for an answer."""
    context = served.model.context_tokens
    if tokens >= context:
        raise too_long(context, f"{tokens:,}")


def too_long(context_tokens: int, tokens: str) -> ApiError:
    """Return the refusal of a prompt that does not fit, as OpenAI's clients know it."""
    message = _ROOM.format(context=context_tokens, tokens=tokens)
    return ApiError(400, message, code="context_length_exceeded")


def _check_characters(served: ServedModel, characters: int) -> None:
    context = served.model.context_tokens
    if characters > context * _MOST_CHARACTERS:
        raise too_long(context, f"{characters:,} characters")


async def _ids(served: ServedModel, text: str) -> list[int]:
    _check_characters(served, len(text))
    return await served.unspecial(sendable(text.replace("\r\n", "\n")))


def _token_ids(value: Sequence[object]) -> tuple[int, ...]:
    if len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    if not value or not all(type(each) is int and 0 <= each < 1 << 31 for each in value):
        raise ApiError(400, '"prompt" must be one text, or the token ids of one.')
    return tuple(each for each in value if isinstance(each, int))


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name) or ""
    if not isinstance(value, str):
        raise ApiError(400, f'"{name}" must be a text.')
    return value


def _extra(value: object) -> list[tuple[str, str]]:
    chunks = value or []
    if not isinstance(chunks, list) or not all(isinstance(each, dict) for each in chunks):
        raise ApiError(400, '"input_extra" must be a list of objects with "filename" and "text".')
    return [(_text(each, "filename"), _text(each, "text")) for each in chunks]

"""The values of llama-server's completion protocol: requests, chunks, timings, events."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from starpad.core.errors import EngineError
from starpad.core.sampling import Sampling


class StopReason(StrEnum):
    """Why a completion ended."""

    END_OF_TEXT = "end of text"
    STOP_TOKEN = "stop token"
    STOP_TEXT = "stop text"
    LIMIT = "token limit"
    TIME = "time budget"


MOST_BYTES = 16 << 20
"""Of one answer, or of one line of a stream. The ids of a megabyte of text take a third of it."""
_MOST_CHARACTERS = 1000

_IN_QUOTES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"})
_STOP_REASONS = {"eos": StopReason.END_OF_TEXT, "word": StopReason.STOP_TEXT}


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """A prompt as token ids, and when to stop."""

    prompt: tuple[int, ...]
    max_tokens: int
    """0 evaluates the prompt, so that the next request finds it cached, and gives no text."""
    sampling: Sampling = field(default_factory=Sampling)
    stop_texts: tuple[str, ...] = ()
    stop_ids: frozenset[int] = frozenset()
    """Tokens that end the completion and whose text is not delivered."""
    time_budget_ms: float = 0
    """For generating, counted from the first token; 0 for none."""
    slot: int = 0
    beginning: str = ""
    """What the text must begin with; only for engines that follow a grammar."""
    candidates: int = 0
    """How many of the likeliest tokens to tell with each token; 1 tells its probability only."""

    def body(self) -> dict[str, Any]:
        """Return the JSON body for `/completion`.

        The stop ids and the time budget are left to `read_chunk`: llama-server has no stop by
        id, and its `t_max_predict_ms` counts only once a line break has been generated (seen).
        """
        sampling = self.sampling
        # A grammar that lets everything pass costs nothing to speak of: a token that it does not
        # refuse is looked at alone (seen: 18.4 instead of 18.2 ms for 40 tokens).
        grammar = f"root ::= {_quoted(self.beginning)} [^\\x00]*" if self.beginning else ""
        return {
            "prompt": self.prompt,
            "n_predict": self.max_tokens,
            "stop": self.stop_texts,
            "id_slot": self.slot,
            "cache_prompt": True,
            "stream": True,
            "return_tokens": True,
            # In every chunk, so that the figures survive a cancel.
            "timings_per_token": True,
            # Sent after each batch of the prompt. Without it the server notices only once a
            # second that nobody listens any more, and the next request waits that long (seen).
            "return_progress": True,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "min_p": sampling.min_p,
            "repeat_penalty": sampling.repeat_penalty,
            "seed": sampling.seed,
            "n_probs": self.candidates,
            "grammar": grammar,
        }


@dataclass(frozen=True, slots=True)
class Timings:
    """What a request has cost so far, by the engine's own clock."""

    evaluated_tokens: int
    """Prompt tokens that had to be read."""
    cached_tokens: int
    """Prompt tokens that the slot still held."""
    prompt_ms: float
    generated_tokens: int
    generated_ms: float
    """From the first generated token on."""
    guessed_tokens: int = 0
    """By speculation; `right_tokens` of them were what the model wrote."""
    right_tokens: int = 0

    @property
    def prompt_tokens(self) -> int:
        """Return the prompt's length."""
        return self.evaluated_tokens + self.cached_tokens

    @property
    def tokens_per_second(self) -> float:
        """Return the speed of generating; 0 before the second token."""
        if self.generated_tokens < 2 or self.generated_ms <= 0:
            return 0.0
        return (self.generated_tokens - 1) * 1000 / self.generated_ms


@dataclass(frozen=True, slots=True)
class Candidate:
    """A token that could come next, before sampling: not changed by temperature and the like."""

    token: int
    text: str
    """With U+FFFD where it is not whole characters."""
    log_probability: float


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of streamed text."""

    text: str
    token_ids: tuple[int, ...]
    timings: Timings
    stop_reason: StopReason | None = None
    stop_token_text: str = ""
    """What came with a stop token: text that the engine had held back, as it might have begun a
    stop text, and the token's own text if it has any."""
    log_probabilities: tuple[float, ...] = ()
    """Of the tokens, if they were asked for and the engine tells them."""
    candidates: tuple[Candidate, ...] = ()
    """For the place of the first token, the likeliest first."""

    @property
    def is_last(self) -> bool:
        """Return whether the completion ends with this chunk."""
        return self.stop_reason is not None


def read_chunk(event: Mapping[str, Any], request: CompletionRequest) -> Chunk | None:
    """Return the chunk that a streamed event holds, ended where `request` wants it to end.

    None for news of the prompt's evaluation, which holds no text (and a meaningless token 0).
    Raises KeyError, TypeError or ValueError for an event that is none of these.
    """
    if "prompt_progress" in event:
        return None
    figures = event["timings"]
    timings = Timings(
        evaluated_tokens=int(figures["prompt_n"]),
        cached_tokens=int(figures["cache_n"]),
        prompt_ms=float(figures["prompt_ms"]),
        generated_tokens=int(figures["predicted_n"]),
        generated_ms=float(figures["predicted_ms"]),
        guessed_tokens=int(figures.get("draft_n", 0)),
        right_tokens=int(figures.get("draft_n_accepted", 0)),
    )
    # The server generates one token even when it is asked for none.
    text = _whole(str(event["content"])) if request.max_tokens else ""
    ids = tuple(int(token) for token in event["tokens"])
    if event["stop"]:
        reason = _STOP_REASONS.get(event["stop_type"], StopReason.LIMIT)
        return Chunk(text, ids, timings, reason)
    places = event.get("completion_probabilities", ()) if request.candidates else ()
    candidates = _candidates(places[0]["top_logprobs"]) if places else ()
    if not request.stop_ids.isdisjoint(ids):
        return Chunk("", (), timings, StopReason.STOP_TOKEN, text, candidates=candidates)
    is_late = 0 < request.time_budget_ms <= timings.generated_ms
    return Chunk(
        text,
        ids,
        timings,
        StopReason.TIME if is_late else None,
        log_probabilities=tuple(float(place["logprob"]) for place in places),
        candidates=candidates,
    )


def _candidates(tokens: Iterable[Mapping[str, Any]]) -> tuple[Candidate, ...]:
    return tuple(
        # The server's own text leaves out what is not whole characters.
        Candidate(
            int(token["id"]),
            bytes(token["bytes"]).decode(errors="replace"),
            float(token["logprob"]),
        )
        for token in tokens
    )


def _quoted(text: str) -> str:
    """Return `text` as a grammar spells it."""
    return '"' + text.translate(_IN_QUOTES) + '"'


def _whole(text: str) -> str:
    """Return `text` without halves of UTF-16 pairs, which no file and no database takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


class EventDecoder:
    """Cuts a server-sent event stream into JSON events.

    Lines end at a line feed and nowhere else: a model may well generate U+2028 or U+0085, at
    which `str.splitlines`, and thus an HTTP library's line iterator, would cut the JSON.
    """

    def __init__(self) -> None:
        self._open: list[bytes] = []
        """The pieces of a line whose end has not come."""
        self._open_bytes = 0
        self._head = b""

    @property
    def is_web_page(self) -> bool:
        """Return whether what came is no event stream but a page for people."""
        return is_web_page(self._head)

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Yield the events that `data` completes; EngineError for one that reports an error."""
        self._head = self._head or data
        first, *lines = data.split(b"\n")
        self._open.append(first)
        self._open_bytes += len(first)
        if self._open_bytes > MOST_BYTES:
            raise EngineError("The engine's answer does not end.", retryable=True)
        if not lines:
            return
        complete = (b"".join(self._open), *lines[:-1])
        self._open, self._open_bytes = [lines[-1]], len(lines[-1])
        for line in complete:
            event = _read_line(line.rstrip(b"\r"))
            if event is not None:
                yield event


def is_web_page(content: bytes) -> bool:
    """Return whether an answer begins like HTML or XML."""
    start = content[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype", b"<html", b"<?xml"))


def _read_line(line: bytes) -> dict[str, Any] | None:
    """Return the event of one line; None for a blank, a ping (`:`), another field or the end."""
    field, _, value = line.partition(b":")
    value = value.strip()
    if field not in (b"data", b"error") or value == b"[DONE]":
        return None
    try:
        event = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise EngineError("The engine's answer is not readable.", retryable=True) from error
    if not isinstance(event, dict):
        raise EngineError("The engine's answer is not readable.", retryable=True)
    if field == b"error" or "error" in event:
        failure = event.get("error", event)
        text = failure.get("message", failure) if isinstance(failure, dict) else failure
        words = str(text)[:_MOST_CHARACTERS].rstrip(".")
        raise EngineError(f"The engine reports: {words}.")
    return event

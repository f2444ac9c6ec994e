"""The text of each single token of a prompt, from an engine that only tells texts of many."""

from collections.abc import Sequence

from starpad.engines.client import EngineClient

_BROKEN = "\ufffd"
_MOST_RUNS = 64
"""Of tokens that are parts of characters; more are not worth a request each."""


async def token_texts(
    client: EngineClient, ids: Sequence[int], separator: int | None
) -> tuple[str, ...]:
    """Return the text of each token; of those that share a character the first has all of it.

    `separator` is the id of a special token: one request tells all texts with it between them,
    since no token holds another one's name. Without one, each different token is asked for.
    Raises EngineError.
    """
    texts: list[str]
    if separator is None:
        known = {token: await client.detokenize([token]) for token in dict.fromkeys(ids)}
        texts = [known[token] for token in ids]
    else:
        name = await client.detokenize([separator])
        between = [token for each in ids for token in (separator, each)]
        texts = (await client.detokenize(between)).split(name)[1:] if name else []
        # A separator among the ids leaves an empty text on both of its sides.
        texts = _with_separators(ids, texts, separator, name)
    for start, end in _broken_runs(texts)[:_MOST_RUNS]:
        texts[start:end] = [await client.detokenize(ids[start:end]), *[""] * (end - start - 1)]
    return tuple(texts)


def _with_separators(ids: Sequence[int], pieces: list[str], separator: int, name: str) -> list[str]:
    """Return a text for each id, where the separator itself is one of them, too."""
    texts = []
    at = 0
    for token in ids:
        if token == separator:
            texts.append(name)
            at += 2
        else:
            texts.append(pieces[at] if at < len(pieces) else "")
            at += 1
    return texts


def _broken_runs(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Return the ranges of neighbours that are no whole characters."""
    runs: list[tuple[int, int]] = []
    for number, text in enumerate(texts):
        if _BROKEN not in text:
            continue
        if runs and runs[-1][1] == number:
            runs[-1] = (runs[-1][0], number + 1)
        else:
            runs.append((number, number + 1))
    return runs

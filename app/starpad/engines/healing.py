"""Heals the token that the caret has cut: it is taken back, and the answer must begin with it.

A tokenizer never writes `import` as `im`, `po`, `rt`, and hardly a word without the blank before
it; so a model that is given `impo` continues something that it has never seen. In the embedded
model's suggestions in 150 places within words of the standard library, the word's rest was right
9 times, and with its tokens taken back 95 times; behind a blank 4 and 43 times, in indentation 3
and 48 times. Behind a sign it is less: 41 and 47 of 110.

What is taken back is generated again, which takes time before anything new comes. So a word that
stands elsewhere in the file, and is no longer word's beginning there, is left as it is: at the end
of words that saves one step of two and changes no answer. Of several blanks only the last one is
taken back, without a step more and with answers as good (docs/measured.md).
"""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from starpad.core.context_window import CaretContext
from starpad.core.prompt import PartKind, Prompt
from starpad.engines.client import EngineClient
from starpad.engines.protocol import Chunk
from starpad.engines.token_texts import token_texts

_MOST_TOKENS = 3
"""Each one may have to be generated again before anything new comes."""
_WORD = re.compile(r"\w*\Z")
_LONGEST_WORD = 64


async def healed(
    client: EngineClient, prompt: Prompt, context: CaretContext, separator: int | None
) -> tuple[Prompt, str]:
    """Return the prompt without the tokens that the caret may have cut, and their text.

    `separator` is a special token's id. Raises EngineError.
    """
    before = context.before
    word = word_before(before)
    if word and is_complete(word, before[: -len(word)], context.after):
        return prompt, ""
    at = max((n for n, part in enumerate(prompt.parts) if part.kind is PartKind.PREFIX), default=-1)
    ids = prompt.parts[at].ids[-_MOST_TOKENS:] if at >= 0 else ()
    texts = await token_texts(client, ids, separator) if ids else ()
    count = unfinished_tokens(texts, len(word))
    text = "".join(texts[len(texts) - count :])
    # Where texts do not add up, a character has been cut; and one token at least must remain.
    if not text or not before.endswith(text) or count == len(prompt.ids):
        return prompt, ""
    kept = await _all_but_blank(client, text, count)
    if kept:
        text = " "
    part = prompt.parts[at]
    parts = [*prompt.parts]
    parts[at] = replace(part, ids=(*part.ids[: len(part.ids) - count], *kept))
    return Prompt(tuple(parts)), text


async def _all_but_blank(client: EngineClient, text: str, most_tokens: int) -> list[int]:
    """Return the tokens of blanks but for the last one; none where that is no way to write them.

    Tokenizers put the last blank of several to the word that follows. So only that one is taken
    back, and the first step brings something new.
    """
    if len(text) < 2 or not text.isspace() or text[-1] != " ":
        return []
    ids = await client.tokenize(text[:-1])
    # Some tokenizers put a blank before every text.
    is_same = len(ids) <= most_tokens and await client.detokenize(ids) == text[:-1]
    return ids if is_same else []


def word_before(text: str) -> str:
    """Return the word that ends at the caret, or as much of it as can matter."""
    found = _WORD.search(text[-_LONGEST_WORD:])
    return found.group() if found else ""


def is_complete(word: str, before: str, after: str) -> bool:
    """Return whether `word` stands in the text elsewhere, and never as a longer one's beginning."""
    name = re.escape(word)
    longer, whole = re.compile(rf"\b{name}\w"), re.compile(rf"\b{name}\b")
    if longer.search(before) or longer.search(after):
        return False
    return bool(whole.search(before) or whole.search(after))


def unfinished_tokens(texts: Sequence[str], length: int) -> int:
    """Return how many of the last tokens before the caret what comes next may change.

    The last one, if that is of blanks or signs; of a word of `length` characters all, as far as
    they are known here, with the blank or sign that its first token begins with.
    """
    count = characters = 0
    for text in reversed(texts):
        if count and characters + len(text) > length + 1:
            break
        count += 1
        characters += len(text)
        if characters >= length:
            break
    return count


async def without_beginning(
    chunks: AsyncGenerator[Chunk, None], beginning: str
) -> AsyncGenerator[Chunk, None]:
    """Yield chunks less the text that they have to begin with; it stands before the caret.

    The probabilities of its tokens go, too: they had no choice. Ends where an engine goes its own
    way.
    """
    left = beginning
    async with aclosing(chunks):
        async for chunk in chunks:
            if not left:
                yield chunk
                continue
            text = chunk.text
            if not text.startswith(left) and not left.startswith(text):
                return
            shown, left = text[len(left) :], left[len(text) :]
            yield replace(chunk, text=shown, log_probabilities=())

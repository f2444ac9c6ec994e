"""What the application and the highlighting host say to each other, and the limits of both.

A frame is four bytes of length (little-endian) and a marshalled tuple, its first item the name:

    to the host    ("open", document, revision, alias, file_name, lines)
                   ("begin", document, revision, alias, file_name, lines)   only the first lines
                   ("whole", document)               what "begin" left out has come, as edits
                   ("edit", document, revision, first_line, removed_lines, new_lines, spans)
                                                     with what is shown in each of the new lines for
                                                     now; no spans at all if that is not known
                   ("view", document, first_line, lines)   the user sees these without colors
                   ("close", document)
    from the host  ("language", document, display_name)
                   ("lexing", document, seconds)     now at work on it and no longer on the one
                                                     before, and how long it has worked in all;
                                                     repeated as a sign of life
                   ("spans", document, revision, first_line, spans of each line)
                   ("waiting", document)             for the rest of its text
                   ("done", document, revision)      all that differs has been sent
                   ("verified", document, revision)  all was lexed again, to be sure
                   ("failed", document, reason)      the document stays plain until opened again

A document's revisions grow with each edit. Answers speak of lines as they were at their revision.
`marshal` is the fastest way to carry such values; both ends are the same Python, and the pipe has
no other reader or writer.
"""

import marshal
from collections.abc import Iterator
from typing import Any

Span = tuple[int, int, str]
"""Start and length in UTF-16 units within the line, and the token type, e.g. `Name.Function`."""
LineSpans = tuple[Span, ...]
"""The spans of one line, in order, none overlapping."""
Message = tuple[Any, ...]

MAX_CHARACTERS = 20_000_000
MAX_LINES = 300_000
MAX_LINE_CHARACTERS = 10_000
"""The rest of a longer line is neither sent nor colored."""

HEADER_BYTES = 4


def encode(message: Message) -> bytes:
    """Return the frame that carries `message`."""
    body = marshal.dumps(message)
    return len(body).to_bytes(HEADER_BYTES, "little") + body


def decode(body: bytes) -> Message:
    """Return the message in a frame's body (what follows its length)."""
    message: Message = marshal.loads(body)
    return message


def taken_frames(buffer: bytearray) -> Iterator[Message]:
    """Take complete frames off the start of `buffer`, one for each step of the iterator."""
    while len(buffer) >= HEADER_BYTES:
        end = HEADER_BYTES + int.from_bytes(buffer[:HEADER_BYTES], "little")
        if len(buffer) < end:
            return
        message = decode(bytes(buffer[HEADER_BYTES:end]))
        del buffer[:end]
        yield message


def is_too_large(lines: int, characters: int) -> bool:
    """Return whether a document is beyond what is colored at all."""
    return lines > MAX_LINES or characters > MAX_CHARACTERS

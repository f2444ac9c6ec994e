"""How the window and the process that evaluates talk: a line for each value."""

import base64
import pickle

GRACE_S = 4.0
"""So long that process may take to end its engine."""


def encode(value: object) -> bytes:
    """Return the line that tells a value: both ends are this program, so it is pickled."""
    return base64.b64encode(pickle.dumps(value)) + b"\n"


def decode(line: bytes) -> object:
    """Return what `encode` was given."""
    return pickle.loads(base64.b64decode(line))

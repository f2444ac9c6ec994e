"""Text to measure models with: shaped like code, and nothing in it can be foreseen."""

import random

_WORDS = (
    "account", "axis", "batch", "branch", "buffer", "channel", "color", "column", "config",
    "cursor", "delta", "digest", "driver", "edge", "entry", "event", "factor", "field", "filter",
    "frame", "graph", "handle", "header", "index", "item", "job", "kernel", "label", "layer",
    "limit", "marker", "matrix", "member", "message", "node", "offset", "owner", "packet", "page",
    "parser", "path", "pixel", "policy", "queue", "range", "record", "region", "report", "route",
    "sample", "schema", "segment", "session", "shape", "signal", "slot", "source", "stream",
    "symbol", "table", "target", "ticket", "token", "vector", "weight", "window", "worker",
)  # fmt: skip
_OPERATORS = ("+", "-", "*", "//", "%", "&", "|", "^", "<<")


def code_text(seed: int, characters: int) -> str:
    """Return at least so many characters of Python that does nothing sensible.

    Texts of different seeds differ from their first line on, so that no cache knows the beginning,
    and names and numbers repeat so little that guessing from the text itself does not pay.
    """
    chance = random.Random(seed)
    lines = [f"# {chance.getrandbits(64):016x}"]
    length = 0
    while length < characters:
        lines += _function(chance)
        length = sum(map(len, lines)) + len(lines)
    return "\n".join(lines)


def _function(chance: random.Random) -> list[str]:
    name = _name(chance)
    known = [_name(chance) for _ in range(chance.randint(1, 3))]
    lines = ["", "", f"def {name}({', '.join(known)}):"]
    for _ in range(chance.randint(3, 9)):
        target = _name(chance)
        left, right = chance.choice(known), chance.choice(known)
        operator, number = chance.choice(_OPERATORS), chance.randint(2, 99_999)
        lines.append(
            chance.choice(
                (
                    f"    {target} = {left} {operator} {number}",
                    f"    {target} = [{left} {operator} {right}, {number}]",
                    f"    {target} = {_name(chance)}.{chance.choice(_WORDS)}({left}, {number})",
                    f'    {target} = {{"{chance.choice(_WORDS)}": {right} {operator} {number}}}',
                )
            )
        )
        known.append(target)
    return [*lines, f"    return {known[-1]}"]


def _name(chance: random.Random) -> str:
    return f"{chance.choice(_WORDS)}_{chance.choice(_WORDS)}"

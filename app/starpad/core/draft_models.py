"""Which models on this computer can guess ahead for another one."""

from collections.abc import Iterable

from starpad.core.installed_model import InstalledModel

_LARGEST_SHARE = 1 / 3
"""Of the model's size: a larger one takes as long to guess as it saves."""

# The smallest of the series with the same vocabulary.
_PAIRS = {
    "starcoderbase": "starcoderbase-1b",
    "starcoder": "starcoderbase-1b",
    "starcoderplus": "starcoderbase-1b",
    "starcoder2-15b": "starcoder2-3b",
    "starcoder2-15b-instruct-v0.1": "starcoder2-3b",
}


def draft_models(
    models: Iterable[InstalledModel], model: InstalledModel
) -> tuple[InstalledModel, ...]:
    """Return those of `models` that fit as a draft for `model`, the best known pair first.

    They have the same architecture and a vocabulary of the same size; whether each token is the
    same, the engine checks when it loads both.
    """
    header = model.header
    if header is None or header.is_legacy_ggml:
        return ()
    fitting = [
        one
        for one in models
        if one.header is not None
        and not one.problem
        and one.path != model.path
        and one.header.architecture == header.architecture
        and one.header.vocabulary_tokens == header.vocabulary_tokens
        and one.disk_bytes <= model.disk_bytes * _LARGEST_SHARE
    ]
    pair = _PAIRS.get(model.family_id)
    return tuple(sorted(fitting, key=lambda one: (one.family_id != pair, one.disk_bytes)))

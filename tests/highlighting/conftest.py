"""Lexers as the highlighting host has them."""

import pytest

from starpad.highlighting import resumable


@pytest.fixture(autouse=True)
def _resumable_lexers() -> None:
    resumable.install()

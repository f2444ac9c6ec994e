"""JSON on many lines is the same JSON, and looks as Python's own."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starpad.core import json_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_it_looks_as_python_writes_it(value: object) -> None:
    one_line = json.dumps(value, separators=(",", ":"))
    assert json_text.pretty(one_line) == json.dumps(value, indent=2) + "\n"
    assert json_text.pretty(json.dumps(value, indent="\t")) == json_text.pretty(one_line)


def test_numbers_and_keys_stay_as_they_were_written() -> None:
    assert json_text.pretty('{"a":1.10,"a":1E+2}') == '{\n  "a": 1.10,\n  "a": 1E+2\n}\n'


@given(st.text(st.sampled_from('{}[],:"\\ \n\u00a0\x85a1'), max_size=30))
def test_of_no_text_anything_but_blanks_is_lost(text: str) -> None:
    assert re.sub("[ \n]", "", json_text.pretty(text)) == re.sub("[ \n]", "", text)


@pytest.mark.parametrize(
    ("text", "is_likely"),
    [(' \n{"a": 1}', True), ("\ufeff[1]", True), ("function(){}", False), ("", False)],
)
def test_json_is_told_by_its_start(text: str, is_likely: bool) -> None:
    assert json_text.is_likely(text) == is_likely

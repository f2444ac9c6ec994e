"""What find and replace look for, as regular expressions, and what replacements stand for."""

import re
from collections.abc import Callable
from dataclasses import dataclass

Replace = Callable[[Callable[[int], str]], str]
"""Returns what takes a hit's place; what it is called with returns the text of a group."""

_REFERENCE = re.compile(r"\$(?:\$|&|\{(\d{1,2})\}|(\d{1,2}))|\\(?:(\d{1,2})|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", "$": "$"}


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What is looked for: text as it stands or a regular expression, and how exactly."""

    text: str = ""
    is_regex: bool = False
    matches_case: bool = False
    is_whole_word: bool = False

    @property
    def expression(self) -> str:
        """The text as a regular expression, without regard to whole words."""
        return self.text if self.is_regex else re.escape(self.text)

    @property
    def pattern(self) -> str:
        """What finds the hits: also at the text's ends no letter stands beside a whole word."""
        if self.is_whole_word:
            return rf"(?<!\w)(?:{self.expression})(?!\w)"
        return self.expression


def replacement_for(query: SearchQuery, template: str, groups: int) -> Replace:
    r"""Return what gives the text that takes a hit's place, from the hit's captured texts.

    For a regular expression with so many groups, `$1` and `\1` stand for a group, `$0` and `$&`
    for the hit, `\n` and `\t` for a line end and a tab, `$$` and `\\` for themselves. Other text
    is taken as it stands.
    """
    if not query.is_regex:
        return lambda _captured: template
    return lambda captured: _REFERENCE.sub(
        lambda match: _referred(match, captured, groups), template
    )


def _referred(match: re.Match[str], captured: Callable[[int], str], groups: int) -> str:
    if match[0] == "$$":
        return "$"
    if match[0] == "$&":
        return captured(0)
    if match[4]:
        return _ESCAPES.get(match[4], match[0])
    number = match[1] or match[2] or match[3]
    # Of "$12" the 2 is text unless there are twelve groups.
    for length in range(len(number), 0, -1):
        if int(number[:length]) <= groups:
            return captured(int(number[:length])) + number[length:]
    return match[0]

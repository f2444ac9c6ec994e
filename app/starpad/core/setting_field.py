"""What a setting's declaration says of it: the page, the words and the bounds."""

from dataclasses import dataclass
from enum import StrEnum

Value = bool | int | float | str | tuple[str, ...]
Choices = tuple[tuple[str, str], ...]
"""Values and what they are called, in the order in which they are offered."""


class Page(StrEnum):
    """The pages of the settings dialog, in its order; HIDDEN is what the app remembers itself."""

    APPEARANCE = "Appearance"
    EDITOR = "Editor"
    SUGGESTIONS = "Suggestions"
    CHAT = "Chat"
    MODELS = "Models"
    ENGINE = "Engine"
    SHARING = "Sharing"
    HIDDEN = ""


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a setting besides its type and default.

    `minimum` and `maximum` bound numbers (both included); `minimum_text` says what the minimum
    means where it is a word rather than an amount. `choices` are the only texts that suit.
    """

    page: Page
    label: str
    help: str = ""
    minimum: int = 0
    maximum: int = 0
    unit: str = ""
    minimum_text: str = ""
    is_font_family: bool = False
    choices: Choices = ()


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting: its name, default (whose type is the setting's) and what is known of it."""

    name: str
    default: Value
    about: About

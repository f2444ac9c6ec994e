"""The suggestions to choose from at one caret, each without what has been typed of it."""

MOST = 3
_MOST_ASKED = 6
"""Some answers are no news, as they were trimmed to the same text."""


class Alternatives:
    """What is known for one caret; one of them is on the screen."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.index = 0
        self.asked = 0

    @property
    def shown(self) -> str:
        """The one on the screen; empty if there is none."""
        return self.texts[self.index] if self.texts else ""

    @property
    def may_grow(self) -> bool:
        """Whether it is worth asking for another one."""
        return len(self.texts) < MOST and self.asked < _MOST_ASKED

    @property
    def is_last(self) -> bool:
        """Whether the one on the screen is the last that is known."""
        return self.index >= len(self.texts) - 1

    @property
    def label(self) -> str:
        """Which of how many is shown, as "2 of 3"; empty as long as nobody asked for another."""
        if self.asked < 2:
            return ""
        return f"{self.index + 1} of {MOST if self.may_grow else len(self.texts)}"

    def clear(self) -> None:
        """Forget all: the caret is elsewhere."""
        self.texts, self.index, self.asked = [], 0, 0

    def add(self, text: str) -> bool:
        """Show the answer to what was asked for last; False if it is no news."""
        if not text or text in self.texts:
            return False
        self.texts.append(text)
        self.index = len(self.texts) - 1
        return True

    def step(self, by: int) -> None:
        """Show the next or the previous one that is known, around the end."""
        if self.texts:
            self.index = (self.index + by) % len(self.texts)

    def go_on(self, typed: str) -> None:
        """Keep those that go on with `typed`, and show one of them."""
        shown = self.shown
        kept = [text for text in self.texts if text.startswith(typed) and text != typed]
        self.index = kept.index(shown) if shown in kept else 0
        self.texts = [text[len(typed) :] for text in kept]
        # What else could stand here is counted from here on.
        self.asked = min(self.asked, 1)

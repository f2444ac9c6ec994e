"""Lets the editor go first: its suggestions for a moment, its chat for as long as it answers."""

import asyncio

from starpad.engines.caret_priority import CaretPriority


class SlotTakenError(Exception):
    """The editor's chat has used the slot, so that what was read of a prompt is gone."""


class EditorPriority(CaretPriority):
    """What a process that shares the chat's slot knows of the editor."""

    def __init__(self) -> None:
        super().__init__()
        self._chat_over = asyncio.Event()
        self._chat_over.set()

    def chat_began(self) -> None:
        """Hold others back: two prompts that take turns in one slot would be read for ever."""
        self._chat_over.clear()

    def chat_ended(self) -> None:
        """Let the others go on."""
        self._chat_over.set()

    async def give_way(self) -> None:
        """Return when the editor wants nothing. SlotTakenError says that its chat was at work."""
        await super().give_way()
        if not self._chat_over.is_set():
            await self._chat_over.wait()
            raise SlotTakenError

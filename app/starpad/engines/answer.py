"""What comes back while a question is answered; apart from `converse`, whose import takes 0.1 s."""

from dataclasses import dataclass

from starpad.core.chat import AnswerFigures, MessageState


@dataclass(frozen=True, slots=True)
class PromptReady:
    """How a conversation fills the context window."""

    prompt_tokens: int
    context_tokens: int
    left_out_messages: int
    max_tokens: int
    """What an answer may have: what was asked for, or less if there is no room."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The text generated so far, by this request alone, and what it cost.

    White space at its beginning is the model's; a prompt that holds the answer needs it.
    """

    text: str
    figures: AnswerFigures
    state: MessageState = MessageState.STREAMING

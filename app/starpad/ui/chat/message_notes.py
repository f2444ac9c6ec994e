"""What stands below a message: how the answer ended and what it cost, and what can be done."""

from starpad.core.chat import Message, MessageState, Role

_ENDS = {
    MessageState.STOPPED: "Stopped by you",
    MessageState.CUT: "Cut at the most tokens allowed",
}
_CAN_GO_ON = (MessageState.STOPPED, MessageState.CUT, MessageState.FAILED)


def answer_note(message: Message) -> str:
    """Return one line about an answer; empty for a question."""
    if message.role is not Role.ASSISTANT:
        return ""
    parts = [message.problem or _ENDS.get(message.state, "")]
    figures = message.figures
    if figures is not None and figures.tokens:
        parts.append(f"{figures.tokens:,} tokens")
        if figures.tokens_per_second:
            speed = figures.tokens_per_second
            parts.append(f"{speed:,.{0 if speed >= 10 else 1}f} tokens/s")
        parts.append(f"first token after {figures.time_to_first_token_ms:,.0f} ms")
        if figures.stop_reason and message.state is MessageState.COMPLETE:
            parts.append(figures.stop_reason)
    if figures is not None and figures.left_out_messages:
        parts.append(f"without the first {figures.left_out_messages} messages")
    return " · ".join(part for part in parts if part)


def links_of(
    message: Message, alternative: int, alternatives: int, is_last: bool
) -> list[tuple[str, str]]:
    """Return (label, target) of what can be done with a message."""
    names = ["copy", "edit"]
    if message.role is not Role.USER:
        if is_last and message.text and message.state in _CAN_GO_ON:
            names.append("continue")
        names.append("retry" if message.state is MessageState.FAILED else "regenerate")
    names.append("delete")
    links = [(name.capitalize(), f"message:{name}:{message.id}") for name in names]
    if alternatives > 1:
        links += [
            ("◂", f"message:previous:{message.id}" if alternative > 1 else ""),
            (f"{alternative} of {alternatives}", ""),
            ("▸", f"message:next:{message.id}" if alternative < alternatives else ""),
        ]
    return links

"""The chat pane: conversations, their messages, the question that comes next."""

"""The editor pane: text, ghost text, highlighting."""

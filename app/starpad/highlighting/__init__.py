"""Pygments in a child process: text in, spans of colour per line out."""

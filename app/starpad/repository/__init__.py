"""Reads a folder's files for the model: which may be read, in which pieces, and which are near."""

"""Starpad: StarCoder models on your own machine, in an editor, offline."""

__version__ = "0.1.0"

"""The languages that a document can be in, for whoever lets one choose."""

from starpad.highlighting.catalog import all_languages

__all__ = ["all_languages"]

"""A file's own word on its language is found where vim and Emacs look for it, and only there."""

import pytest
from pygments.lexers import get_lexer_by_name

from starpad.core import modeline
from starpad.core.modeline import alias_in


@pytest.mark.parametrize(
    ("line", "alias"),
    [
        ("# vim: ft=python", "python"),
        ("# vim: set ts=4 ft=sh sw=4:", "bash"),
        ("/* vim: se filetype=c: */", "c"),
        ("// vi:syntax=javascript:ts=2", "javascript"),
        ("# Vim: sw=2:syn=yaml", "yaml"),
        ("# vim600: ft=cpp", "cpp"),
        ("# vim: ft=html.jinja", "html"),
        ("# vim: ts=4 sw=4", ""),
        ("an invim: ft=python", ""),
        ("# vim: left=python", ""),
        ("see vim:help ft=python", "python"),  # as vim takes it
        ("# -*- mode: ruby; coding: utf-8 -*-", "ruby"),
        ("# -*- coding: utf-8; mode: Shell-script -*-", "bash"),
        ("// -*- C++ -*-", "cpp"),
        ("# -*- python-mode -*-", "python"),
        ("# -*- coding: utf-8 -*-", ""),
        ("-*- -*-", ""),
        ("", ""),
    ],
)
def test_vim_and_emacs_are_understood(line: str, alias: str) -> None:
    assert alias_in([line], []) == alias


def test_only_the_ends_of_a_file_are_looked_at() -> None:
    line = "# vim: ft=ruby"
    plain = [""] * 20
    assert alias_in([*plain[:4], line], plain) == "ruby"
    assert alias_in([*plain[:5], line], plain) == ""
    assert alias_in(plain, [line, *plain[:4]]) == "ruby"
    assert alias_in(plain, [line, *plain[:5]]) == ""
    assert alias_in(["", "# -*- ruby -*-"], []) == "ruby"
    assert alias_in(["", "", "# -*- ruby -*-"], []) == ""


def test_a_hostile_line_costs_no_time() -> None:
    for piece in ("vim: ", "-*-", "-*-;mode:", "vim:ft "):
        assert alias_in([piece * 200_000] * 5, [piece * 200_000] * 5) == ""


def test_pygments_knows_what_the_names_are_translated_to() -> None:
    for alias in modeline._ALIASES.values():
        assert get_lexer_by_name(alias)

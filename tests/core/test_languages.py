"""The table of languages says what Pygments knows."""

import pytest
from pygments.lexers import get_lexer_by_name

from starpad.core import languages
from starpad.core.languages import PLAIN_TEXT, Language, language_for, name_of


@pytest.mark.parametrize(
    ("path_name", "first_line", "alias"),
    [
        ("/srv/code/main.py", "", "python"),
        ("MAIN.PY", "", "python"),
        ("a.tar.rs", "", "rust"),
        ("src/Makefile", "", "make"),
        ("CMakeLists.txt", "", "cmake"),
        ("notes.txt", "#!/bin/sh", "text"),  # a name that tells wins
        ("run", "#!/bin/sh", "bash"),
        ("run", "#! /usr/bin/env python3.11 -u", "python"),
        ("run", "#!/usr/bin/env -S FOO=1 node --x", "javascript"),
        ("run", "#!/opt/perl5/bin/perl5.36", "perl"),
        ("", "#!/usr/bin/ruby", "ruby"),
        (".bashrc", "", "bash"),
        ("Dockerfile", "FROM debian", "docker"),
        ("emoji 🦊.json", "", "json"),
    ],
)
def test_the_file_name_tells_and_else_the_first_line(
    path_name: str, first_line: str, alias: str
) -> None:
    assert language_for(path_name, [first_line]).alias == alias


@pytest.mark.parametrize("first_line", ["", "#!", "#!/usr/bin/env", "#!/bin/ed", "hello", "\x00"])
def test_what_tells_nothing_is_left_to_the_host_and_an_unsaved_text_is_plain(
    first_line: str,
) -> None:
    assert language_for("photo.xyz", [first_line]) == Language("", "")
    assert language_for("", [first_line]) == PLAIN_TEXT


def test_pygments_knows_every_alias_and_no_file_name_is_listed_twice() -> None:
    keys: list[str] = []
    for alias, name, files, programs in languages._TABLE:
        lexer = get_lexer_by_name(alias)
        assert name in [name_of(known) for known in lexer.aliases]
        keys += [key.lower() for key in (*files.split(), *programs.split())]
    assert len(keys) == len(set(keys))


def test_a_language_outside_the_table_has_no_name_here() -> None:
    assert name_of("cobol") == ""


def test_what_a_file_says_of_itself_counts_more_than_its_name() -> None:
    assert language_for("a.txt", ["#!/bin/sh", "# vim: ft=python"]) == Language("python", "Python")
    assert language_for("a.txt", [], ["// vim: ft=cobol"]) == Language("cobol", "")
    assert language_for("", ["# -*- ruby -*-"]) == Language("ruby", "Ruby")
    assert language_for("", []) == PLAIN_TEXT

"""All languages can be chosen, by names that tell them apart."""

from pygments.lexers import get_lexer_by_name

from starpad.core.languages import name_of
from starpad.highlighting.catalog import all_languages


def test_every_language_has_a_lexer_and_a_name() -> None:
    languages = all_languages()
    assert len(languages) > 550
    assert all(language.name for language in languages)
    for language in languages[::40]:
        assert get_lexer_by_name(language.alias)


def test_they_are_sorted_and_come_once() -> None:
    names = [language.name for language in all_languages()]
    assert names == sorted(names, key=str.casefold)
    aliases = [language.alias for language in all_languages()]
    assert len(set(aliases)) == len(aliases)


def test_languages_that_files_are_known_by_have_the_same_name_here() -> None:
    by_alias = {language.alias: language.name for language in all_languages()}
    for alias in ("python", "cpp", "javascript", "bash", "text", "markdown"):
        assert by_alias[alias] == name_of(alias)

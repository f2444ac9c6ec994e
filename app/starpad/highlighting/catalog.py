"""Every language that can be colored, for choosing one."""

from pygments.lexers import get_all_lexers

from starpad.core.languages import Language, name_of


def all_languages() -> tuple[Language, ...]:
    """Return all languages that Pygments knows, by their names; no lexer is loaded for it."""
    found = {}
    # Not those of other packages: Pygments would look through all that is installed for them.
    for name, aliases, _, _ in get_all_lexers(plugins=False):
        if aliases:
            alias = next(filter(name_of, aliases), aliases[0])
            found[alias] = Language(alias, name_of(alias) or name)
    return tuple(sorted(found.values(), key=lambda language: language.name.casefold()))

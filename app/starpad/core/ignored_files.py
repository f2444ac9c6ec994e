"""Which files git would ignore, also where git is not installed or the folder is no work tree."""

import os
import re
from contextlib import suppress
from pathlib import Path

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

_OF_VERSION_CONTROL = frozenset({".git", ".hg", ".svn", ".jj"})
_EXCLUDES_FILE = re.compile(r"^\s*excludesfile\s*=\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE)
# To pathspec, "build/" matches what lies in build as well; this group marks that slash. Git asks
# for each folder by itself ("!build/" says nothing of the files in it), and so do we.
_MARK = "ps_d"
_Patterns = list[GitIgnoreSpecPattern]


class IgnoreRules:
    """The rules for a folder, as they stood when they were first asked for.

    Read are the `.gitignore` files of the folder, of those in it and, in a work tree, of those
    around it, then `.git/info/exclude` and the user's own excludes file. What git tracks although
    it is ignored counts as ignored.
    """

    def __init__(self, root: str, top: str, others: list[_Patterns]) -> None:
        self._root = root
        self._top = top
        above = os.path.relpath(root, top).replace(os.sep, "/")
        self._above = "" if above == "." else f"{above}/"
        self._others = [(patterns, 0) for patterns in others if patterns]
        self._patterns: dict[str, _Patterns] = {}
        self._counting: dict[str, list[tuple[_Patterns, int]]] = {}
        self._folders: dict[str, bool] = {}

    @classmethod
    def load(cls, root: Path) -> "IgnoreRules":
        """Return the rules for a folder; what cannot be read has no rules."""
        root = Path(os.path.abspath(root))
        top = next((each for each in (root, *root.parents) if (each / ".git").exists()), None)
        others = [_patterns(_user_excludes())]
        if top is not None:
            others.insert(0, _patterns(_git_folder(top) / "info" / "exclude"))
        return cls(str(root), str(top or root), others)

    def is_ignored(self, path: Path | str, *, is_folder: bool = False) -> bool:
        """Return whether a file or folder is ignored; one that is not in the root is not.

        A relative path is one in the root. A root that is itself ignored was opened on purpose.
        """
        name = os.path.normpath(path)
        if os.path.isabs(name):
            name = os.path.relpath(name, self._root)
        name = name.replace(os.sep, "/")
        if name == "." or name.startswith("../"):
            return False
        return self._is_in_ignored(name) or self._decide(name, is_folder)

    def _is_in_ignored(self, name: str) -> bool:
        parent = name.rpartition("/")[0]
        if not parent:
            return False
        if parent not in self._folders:
            self._folders[parent] = self._is_in_ignored(parent) or self._decide(parent, True)
        return self._folders[parent]

    def _decide(self, name: str, is_folder: bool) -> bool:
        parent, _, last = name.rpartition("/")
        if last in _OF_VERSION_CONTROL:
            return True
        whole = self._above + name
        for patterns, start in self._counting_in(parent):
            for pattern in patterns:
                if _means(pattern, whole[start:], is_folder):
                    return bool(pattern.include)
        return False

    def _counting_in(self, folder: str) -> list[tuple[_Patterns, int]]:
        """Return what counts for files of a folder, the nearest first, and where it sees names."""
        if folder not in self._counting:
            counting = []
            place = (self._above + folder).rstrip("/")
            while True:
                if patterns := self._patterns_of(place):
                    counting.append((patterns, len(place) + 1 if place else 0))
                if not place:
                    break
                place = place.rpartition("/")[0]
            self._counting[folder] = counting + self._others
        return self._counting[folder]

    def _patterns_of(self, place: str) -> _Patterns:
        if place not in self._patterns:
            self._patterns[place] = _patterns(Path(self._top, place, ".gitignore"))
        return self._patterns[place]


def _means(pattern: GitIgnoreSpecPattern, name: str, is_folder: bool) -> bool:
    """Return whether a pattern means this very file or folder, not only one that it lies in."""
    regex = pattern.regex
    if regex is None or not regex.search(f"{name}/"):
        return False
    if _MARK not in regex.groupindex:
        return regex.search(name) is not None
    if any(match.end(_MARK) < 0 for match in regex.finditer(name)):
        return True
    itself = f"{name}/"
    return is_folder and any(m.end(_MARK) == len(itself) for m in regex.finditer(itself))


def _patterns(path: Path) -> _Patterns:
    """Return what a file says, the last line first, for that has the last word."""
    try:
        lines = path.read_text("utf-8-sig", errors="surrogateescape").split("\n")
    except OSError:
        return []
    patterns = []
    for line in reversed(lines):
        # One line that means nothing does not make the others void.
        with suppress(ValueError):
            patterns.append(GitIgnoreSpecPattern(line.removesuffix("\r")))
    return patterns


def _git_folder(top: Path) -> Path:
    """Return where a work tree's repository is; `.git` may be a file that names the place."""
    git = top / ".git"
    try:
        git = top / git.read_text("utf-8").removeprefix("gitdir:").strip()
        return git / (git / "commondir").read_text("utf-8").strip()
    except (OSError, ValueError):
        return git


def _user_excludes() -> Path:
    """Return the user's excludes file: the one that git's settings name, or the usual one."""
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config", "git").expanduser()
    for file in (Path("~/.gitconfig").expanduser(), settings / "config"):
        try:
            named = _EXCLUDES_FILE.search(file.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if named:
            return Path(named[1].strip('"')).expanduser()
    return settings / "ignore"

"""The line in a file that tells an editor its language: vim's and Emacs's."""

import re
from collections.abc import Sequence

EDGE_LINES = 5
"""How many lines at each end of a file are looked at."""
_LINE_CHARACTERS = 500

_VIM = re.compile(
    r"(?:^|\s)(?:vi|[vV]im[<=>]?\d*|ex)(?=:).*?[\s:](?:ft|filetype|syn|syntax)=([\w+#-]+)"
)
_EMACS = re.compile(r"-\*-(.+?)-\*-")
_EMACS_MODE = re.compile(r"(?:^|;)\s*mode:\s*([\w+#-]+)", re.IGNORECASE)
_EMACS_NAME = re.compile(r"\s*(\w[\w+#-]*)\s*")
_EMACS_LINES = 2

# What vim and Emacs call the languages that Pygments calls by other names.
_ALIASES = {
    "c++": "cpp",
    "cperl": "perl",
    "conf": "ini",
    "cs": "csharp",
    "dockerfile": "docker",
    "dosbatch": "bat",
    "dosini": "ini",
    "fundamental": "text",
    "gitconfig": "ini",
    "go-ts": "go",
    "js": "javascript",
    "js2": "javascript",
    "latex": "tex",
    "makefile": "make",
    "makefile-gmake": "make",
    "mhtml": "html",
    "nxml": "xml",
    "plaintex": "tex",
    "ps1": "powershell",
    "python3": "python",
    "sh": "bash",
    "shell-script": "bash",
    "typescriptreact": "tsx",
    "xhtml": "html",
    "zsh": "bash",
}


def alias_in(head: Sequence[str], tail: Sequence[str]) -> str:
    """Return the alias of the language that a file's first or last lines name, else an empty text.

    The name need not be one that Pygments knows.
    """
    for line in head[:_EMACS_LINES]:
        if settings := _EMACS.search(line[:_LINE_CHARACTERS]):
            mode = _EMACS_MODE.search(settings[1])
            if mode:
                return _alias_of(mode[1])
            if short_form := _EMACS_NAME.fullmatch(settings[1]):
                return _alias_of(short_form[1])
    for line in (*head[:EDGE_LINES], *tail[-EDGE_LINES:]):
        if settings := _VIM.search(line[:_LINE_CHARACTERS]):
            return _alias_of(settings[1])
    return ""


def _alias_of(name: str) -> str:
    name = name.lower().removesuffix("-mode")
    return _ALIASES.get(name, name)

"""Which language a document is in: by what it says itself, its file name, its first line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from starpad.core.modeline import alias_in


@dataclass(frozen=True, slots=True)
class Language:
    """A language: the alias that Pygments knows it by, and its name for people.

    The name is empty if only Pygments can know the alias, and both are if nothing tells: then the
    highlighting host looks through all that Pygments knows, and says what it found.
    """

    alias: str
    name: str


PLAIN_TEXT = Language("text", "Plain text")

# alias, display name, file name endings and whole file names, programs in a "#!" line
_TABLE = (
    ("bash", "Bash", ".sh .bash .bashrc .bash_profile .profile PKGBUILD", "sh bash dash ksh"),
    ("bat", "Batch file", ".bat .cmd", ""),
    ("c", "C", ".c .idc", "tcc"),
    ("cmake", "CMake", ".cmake CMakeLists.txt", "cmake"),
    ("cpp", "C++", ".cpp .cc .cxx .c++ .h .hpp .hh .hxx .h++ .ipp .tpp", ""),
    ("csharp", "C#", ".cs .csx", ""),
    ("css", "CSS", ".css", ""),
    ("dart", "Dart", ".dart", "dart"),
    ("diff", "Diff", ".diff .patch", ""),
    ("docker", "Docker", ".dockerfile Dockerfile Containerfile", ""),
    ("elixir", "Elixir", ".ex .exs", "elixir"),
    ("fortran", "Fortran", ".f90 .f95 .f03 .f08", ""),
    ("go", "Go", ".go", ""),
    ("groovy", "Groovy", ".groovy .gradle Jenkinsfile", "groovy"),
    ("haskell", "Haskell", ".hs", "runhaskell runghc"),
    ("html", "HTML", ".html .htm .xhtml", ""),
    ("ini", "INI", ".ini .cfg .inf .editorconfig .gitconfig .gitmodules", ""),
    ("java", "Java", ".java", "java"),
    ("javascript", "JavaScript", ".js .mjs .cjs", "node nodejs deno bun"),
    ("json", "JSON", ".json .jsonc .jsonl .ndjson .ipynb .webmanifest", ""),
    ("julia", "Julia", ".jl", "julia"),
    ("kotlin", "Kotlin", ".kt .kts", "kotlin"),
    ("lua", "Lua", ".lua", "lua luajit"),
    ("make", "Makefile", ".mk .mak Makefile GNUmakefile", "make"),
    ("markdown", "Markdown", ".md .markdown", ""),
    ("ocaml", "OCaml", ".ml .mli .mll .mly", "ocaml"),
    ("perl", "Perl", ".pl .pm .t", "perl"),
    ("php", "PHP", ".php", "php"),
    ("powershell", "PowerShell", ".ps1 .psm1 .psd1", "pwsh"),
    ("python", "Python", ".py .pyw .pyi SConstruct SConscript wscript", "python pypy"),
    ("r", "R", ".r .rprofile", "rscript"),
    ("rst", "reStructuredText", ".rst .rest", ""),
    ("ruby", "Ruby", ".rb .rake .gemspec Rakefile Gemfile Vagrantfile", "ruby"),
    ("rust", "Rust", ".rs", "rust-script"),
    ("scala", "Scala", ".scala .sbt", "scala"),
    ("scss", "SCSS", ".scss", ""),
    ("sql", "SQL", ".sql", ""),
    ("swift", "Swift", ".swift", "swift"),
    ("terraform", "Terraform", ".tf .tfvars .hcl", ""),
    ("tex", "TeX", ".tex .sty", ""),
    ("text", "Plain text", ".txt .log LICENSE COPYING", ""),
    ("toml", "TOML", ".toml Cargo.lock poetry.lock uv.lock", ""),
    ("typescript", "TypeScript", ".ts .mts .cts", "ts-node tsx"),
    ("tsx", "TSX", ".tsx", ""),
    ("verilog", "Verilog", ".v .vh", ""),
    ("vhdl", "VHDL", ".vhd .vhdl", ""),
    ("xml", "XML", ".xml .xsd .svg .ui .qrc .csproj .plist", ""),
    ("yaml", "YAML", ".yaml .yml .clang-format .clang-tidy", ""),
    ("zig", "Zig", ".zig", "zig"),
)

_BY_FILE = {
    key.lower(): Language(alias, name) for alias, name, files, _ in _TABLE for key in files.split()
}
_NAMES = {alias: name for alias, name, _, _ in _TABLE}
_BY_PROGRAM = {
    key: Language(alias, name) for alias, name, _, programs in _TABLE for key in programs.split()
}
_SHEBANG = re.compile(r"#!\s*(?:\S*/env\s+(?:-\S+\s+|\w+=\S*\s+)*)?(?:\S*/)?([^\s/]+)")


def language_for(path_name: str, head: Sequence[str], tail: Sequence[str] = ()) -> Language:
    """Return the language of the file `path_name` (a path or a bare name, empty if unsaved).

    A modeline among its first lines `head` and its last ones `tail` counts first, then the file
    name, then a `#!`. Never fails: see `Language`.
    """
    alias = alias_in(head, tail)
    if alias:
        return Language(alias, name_of(alias))
    name = PurePath(path_name).name.lower()
    by_name = _BY_FILE.get(name) or _BY_FILE.get(PurePath(name).suffix)
    if by_name:
        return by_name
    shebang = _SHEBANG.match(head[0]) if head else None
    if shebang:
        program = shebang[1].lower()
        by_program = _BY_PROGRAM.get(program) or _BY_PROGRAM.get(program.rstrip("0123456789.-"))
        if by_program:
            return by_program
    return Language("", "") if name else PLAIN_TEXT


def name_of(alias: str) -> str:
    """Return the display name of the language with this alias, empty if it is not in the table."""
    return _NAMES.get(alias, "")

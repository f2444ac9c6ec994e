"""Comments of the languages: how they are marked, and how marks are put on lines and taken off."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_BLANKS = " \t"


@dataclass(frozen=True, slots=True)
class CommentMarks:
    """What starts a comment up to the end of the line, or else what goes around one."""

    line: str = ""
    start: str = ""
    end: str = ""

    def __bool__(self) -> bool:
        return bool(self.line or self.start)


# Languages by the aliases that Pygments knows them by.
_LINE_MARKS = {
    "#": (
        "apacheconf awk bash bitbake caddyfile cmake coffeescript crystal cython debcontrol "
        "desktop docker elixir fish fishshell gap gdscript gherkin gnuplot graphql io julia "
        "kconfig ldif lighttpd make meson mojo nginx nim nix nixos org pacmanconf perl perl6 "
        "pkgconfig pot powershell promql properties puppet pycon python python2 r rconsole rego "
        "rng-compact robotframework ruby sed shell sh snbt splus squidconf systemd tcl tcsh "
        "terraform toml usd vyper yaml yaml+jinja zeek zsh"
    ),
    "//": (
        "actionscript actionscript3 arduino aspectj asymptote c carbon ceylon chapel codeql cpp "
        "cryptol csharp cuda cypher d dart delphi devicetree dylan fsharp gleam glsl go gosu "
        "graphviz groovy hare haxe hlsl java javascript js json json5 jsonnet jsx koka kotlin kql "
        "less mql nemerle nesc objective-c objective-c++ odin ooc openscad pawn php pike pony "
        "promela protobuf ptx pug qml reasonml rust sass scala scss smithy solidity stan stata "
        "swift swig systemverilog tablegen thrift ts tsx typescript typst v vala verilog webidl "
        "wgsl whiley x10 xtend zephir zig"
    ),
    "--": (
        "ada agda applescript eiffel elm futhark googlesql haskell idris lean lean4 lua luau "
        "moonscript mysql plpgsql postgresql purescript sql sql+jinja sqlite3 tsql vhdl"
    ),
    "%": "bibtex bst erlang latex logtalk matlab octave postscript prolog tex",
    ";": (
        "autohotkey autoit ca65 clojure clojurescript common-lisp dasm16 elisp emacs-lisp fennel "
        "gas hylang ini llvm nasm newlisp nsis racket registry scheme tasm"
    ),
    ";;": "wast",
    "!": "factor fortran fortranfixed",
    '"': "vim",
    "'": "qbasic vb.net vbnet vbscript",
    "*>": "cobolfree",
    "-#": "haml scaml",
    "..": "restructuredtext rst",
    "##": "velocity",
    "\\": "forth",
    "REM": "bat batch",
}
_BLOCK_MARKS = {
    ("/*", "*/"): "css css+django css+mozpreproc css+ul4 maxima openedge sas",
    ("<!--", "-->"): (
        "dtd html html+django html+erb html+handlebars html+jinja html+ng2 html+php html+twig "
        "html+ul4 markdown vue xml xml+django xml+jinja xml+ul4 xslt"
    ),
    ("(*", "*)"): "componentpascal coq isabelle mathematica modula2 ocaml sml",
    ("(:", ":)"): "xquery",
    ("{*", "*}"): "smarty",
    ("<%--", "--%>"): "jsp",
}
_MARKS: Mapping[str, CommentMarks] = {
    **{
        alias: CommentMarks(line=mark)
        for mark, aliases in _LINE_MARKS.items()
        for alias in aliases.split()
    },
    **{
        alias: CommentMarks(start=start, end=end)
        for (start, end), aliases in _BLOCK_MARKS.items()
        for alias in aliases.split()
    },
}


def marks_of(language: str) -> CommentMarks:
    """Return the comment marks of a language by its alias; false if none are known."""
    return _MARKS.get(language, CommentMarks())


def toggle(lines: Sequence[str], marks: CommentMarks) -> list[str]:
    """Return the lines as comments, or if all are comments already, without the marks.

    Blank lines stay as they are, and so do lines that a block comment cannot hold because one
    ends among them.
    """
    if not any(line.strip(_BLANKS) for line in lines):
        return list(lines)
    if marks.line:
        toggle_lines = LineToggle(marks.line)
        toggle_lines.look_at(lines)
        return toggle_lines.changed(lines)
    return _toggle_block_marks(lines, marks.start, marks.end) if marks.start else list(lines)


class LineToggle:
    """Toggles comments up to the line's end in many lines: looks at all of them, then changes them.

    All marks come in one column, so that the lines keep their shape.
    """

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._are_comments = True
        self._column: int | None = None

    def look_at(self, lines: Iterable[str]) -> None:
        """Take some of the lines into account."""
        for line in lines:
            column = _indent(line)
            if column == len(line):
                continue
            if self._column is None or column < self._column:
                self._column = column
            if self._are_comments:
                self._are_comments = line.startswith(self._mark, column)

    def changed(self, lines: Iterable[str]) -> list[str]:
        """Return some of the lines as they shall be; blank ones stay as they are."""
        if self._are_comments:
            return [_without_mark(line, self._mark) for line in lines]
        column, mark = self._column or 0, self._mark
        return [
            f"{line[:column]}{mark} {line[column:]}" if line.strip(_BLANKS) else line
            for line in lines
        ]


def _without_mark(line: str, mark: str) -> str:
    column = _indent(line)
    return line[:column] + line[column:].removeprefix(mark).removeprefix(" ")


def _toggle_block_marks(lines: Sequence[str], start: str, end: str) -> list[str]:
    filled = [number for number, line in enumerate(lines) if line.strip(_BLANKS)]
    text = "\n".join(lines[filled[0] : filled[-1] + 1])
    blanks = text[: _indent(text)]
    tail = text[len(text.rstrip(_BLANKS)) :]
    inside = text.strip(_BLANKS)
    if inside.startswith(start) and inside.endswith(end) and len(inside) >= len(start + end):
        inside = inside.removeprefix(start).removesuffix(end)
        inside = inside.removeprefix(" ").removesuffix(" ")
    elif start in inside or end in inside:
        return list(lines)
    else:
        inside = f"{start} {inside} {end}"
    changed = f"{blanks}{inside}{tail}".split("\n")
    return [*lines[: filled[0]], *changed, *lines[filled[-1] + 1 :]]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(_BLANKS))

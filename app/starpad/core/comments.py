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
        "awk bash cmake coffeescript crystal cython docker elixir fish fishshell gdscript gherkin "
        "graphql julia make meson nginx nim nix perl perl6 powershell puppet python python2 "
        "pycon r registry robotframework ruby sed shell sh tcl tcsh terraform toml yaml "
        "zsh"
    ),
    "//": (
        "actionscript3 c carbon cpp csharp cuda d dart devicetree fsharp glsl go groovy hlsl java "
        "javascript js json json5 jsonnet kotlin less objective-c objective-c++ odin openscad "
        "php protobuf qml rust sass scala scss solidity swift systemverilog ts tsx typescript v "
        "vala verilog zig"
    ),
    "--": "ada elm haskell idris lua mysql postgresql plpgsql purescript sql sqlite3 vhdl",
    "%": "erlang latex matlab octave postscript prolog tex",
    ";": "autohotkey clojure common-lisp elisp emacs-lisp gas ini llvm nasm newlisp racket scheme",
    "!": "fortran",
    '"': "vim",
    "'": "vb.net vbnet vbscript",
    "REM": "bat batch",
}
_BLOCK_MARKS = {
    ("/*", "*/"): "css",
    ("<!--", "-->"): (
        "html html+django html+erb html+jinja html+php html+twig markdown vue xml "
        "xml+django xml+jinja xslt"
    ),
    ("(*", "*)"): "coq mathematica ocaml sml",
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

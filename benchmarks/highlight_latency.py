"""What highlighting costs the thread that takes the keys, in five files that are hard to color.

Opens each file in Starpad's window, waits for the colors of what is on screen, types 150 keys at
40 a second into its middle. With --spyder PYTHON, the same is done in Spyder's CodeEditor, which
is imported by that interpreter (pip install spyder).

    python benchmarks/highlight_latency.py [--spyder PYTHON] [NAME ...]
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from typed_editor import HEADER, Figures, Typist

FUNCTION = (
    "/* Adds what {n} says\n   to the rest. */\nstatic int\nadd_{n}(const char *name, int *rest)\n"
    "{{\n    if (name[0] == 'x')\n        return puts(\"none of {n}\\n\");\n"
    "    for (int i = 0; i < {n}; i++)\n        rest[i] += 0x1f * i; // more\n"
    "#ifdef DEBUG_{n}\n    abort();\n#endif\n    return 0;\n}}\n\n"
)
RECORD = (
    '  {{\n    "id": {n},\n    "name": "record {n}",\n    "tags": [true, null, 2.5e{e}]\n  }},\n'
)
METHOD = (
    'class Item{n}(Base):\n    """What is kept of {n}.\n\n    More about it.\n    """\n\n'
    "    limit: int = {n}\n\n    @property\n    def total(self) -> float:\n"
    '        # Only what counts\n        return sum(x * 1.5 for x in self.items if x != "{n}")\n\n'
)
SECTION = (
    '<section id="s{n}" class="a b">\n  <style>\n    .a > b:hover {{ margin: {n}px; color: #fff }}'
    "\n  </style>\n  <script>\n    const f{n} = async (x) => `a ${{x + {n}}}`; // text\n"
    "    document.getElementById('s{n}').onclick = () => f{n}(/re[/]x/gi);\n  </script>\n"
    "  <p title='t'>Some &amp; text <b>bold</b></p>\n</section>\n"
)
TEMPLATE = (
    '{{% for item in list_{n} if item.ok %}}\n  <li class="{{{{ item.name|e }}}}">\n'
    "    {{# a comment {n} #}} {{{{ item.price * {n} }}}}\n    <a href='/x'>text</a>\n  </li>\n"
    "{{% endfor %}}\n"
)


def _repeated(piece: str, lines: int, head: str = "", foot: str = "") -> str:
    count = lines // piece.count("\n")
    return head + "".join(piece.format(n=n, e=n % 9) for n in range(count)) + foot


FILES: dict[str, Callable[[], str]] = {
    "c20k.c": lambda: _repeated(FUNCTION, 20_000),
    "big.json": lambda: _repeated(RECORD, 114_000, "[\n", "  null\n]\n"),
    "big200k.py": lambda: _repeated(METHOD, 217_000),
    "mix.html": lambda: _repeated(SECTION, 2_600, "<!doctype html>\n"),
    "tpl.html.j2": lambda: _repeated(TEMPLATE, 2_000),
}


def measure_starpad(paths: list[Path]) -> list[Figures]:
    """Open the files one after the other in a window without a model."""
    from PySide6 import QtCore, QtGui

    from starpad import bootstrap
    from starpad.core import heap

    application = bootstrap.create_application()
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        starpad = bootstrap.Starpad(application, Path(folder, "settings.json"), Path(folder))
        starpad.window.resize(1000, 800)
        starpad.window.show()
        heap.settle()
        typist = Typist(application, QtCore, QtGui)
        for path in paths:

            def open_editor(path: Path = path) -> Any:
                starpad.window.files.open([path])
                tab = starpad.window.tabs.current
                assert tab is not None
                return tab.editor

            figures.append(typist.measure(open_editor, _has_formats))
        starpad.shutdown()
    return figures


def measure_spyder(paths: list[Path]) -> list[Figures]:
    """Open the files one after the other in a CodeEditor of the interpreter's Spyder."""
    from qtpy import QtCore, QtGui
    from spyder.plugins.editor.widgets.codeeditor import CodeEditor
    from spyder.utils.qthelpers import qapplication

    application = qapplication()
    typist = Typist(application, QtCore, QtGui)
    figures = []
    for path in paths:

        def open_editor(path: Path = path) -> Any:
            editor = CodeEditor(None)
            editor.setup_editor(
                language=path.suffix[1:], filename=str(path), color_scheme="spyder",
                font=QtGui.QFont("DejaVu Sans Mono", 10), linenumbers=True,
                close_parentheses=False, close_quotes=False,
            )  # fmt: skip
            editor.resize(1000, 800)
            editor.show()
            editor.set_text(path.read_text(encoding="utf-8"))
            return editor

        figures.append(typist.measure(open_editor, _has_formats))
    return figures


def _has_formats(editor: Any) -> bool:
    """Whether what is on screen has colors: most lines that have letters in them."""
    block = editor.firstVisibleBlock()
    lines = colored = 0
    for _ in range(30):
        if any(map(str.isalpha, block.text())):
            lines += 1
            colored += bool(block.layout().formats())
        block = block.next()
    return colored >= lines * 0.9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(FILES)}")
    parser.add_argument("--spyder", metavar="PYTHON")
    parser.add_argument("--paths", nargs="*", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.paths:  # in Spyder's interpreter
        for path, row in zip(arguments.paths, measure_spyder(arguments.paths), strict=True):
            print(f"{'Spyder':8} {path.name:12} {row.row()}")
        sys.stdout.flush()
        os._exit(0)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in arguments.names or FILES]
        for path in paths:
            path.write_text(FILES[path.name](), encoding="utf-8")
        print(f"{'':8} {'':12} {'opening':^17} {'typing, cpu':^44}  (milliseconds)")
        print(f"{'':8} {'':12} {HEADER}")
        for path, row in zip(paths, measure_starpad(paths), strict=True):
            print(f"{'Starpad':8} {path.name:12} {row.row()}", flush=True)
        if arguments.spyder:
            for path in paths:  # each in a process of its own
                command = [arguments.spyder, __file__, "--paths", str(path)]
                subprocess.run(command, check=False)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()

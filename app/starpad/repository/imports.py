"""Which files of a folder a file imports, by the look of its first lines.

Simple rules and no parser: a name that could be meant is looked for among the folder's files.
"""

import posixpath
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath

HEAD_LINES = 200
_MOST_FILES = 8
_MOST_OF_PACKAGE = 3
_SCRIPTS = ("", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".vue", ".svelte")

_PYTHON_FROM = re.compile(r"^\s*from\s+(\.*)([\w.]*)\s+import\s+(\([^)]*\)|[^\n#]*)", re.MULTILINE)
_PYTHON_IMPORT = re.compile(r"^\s*import\s+([\w., ]+)", re.MULTILINE)
_SCRIPT = re.compile(r"""(?:\bfrom|\bimport|\brequire\s*\(|\bimport\s*\()\s*['"](\.[^'"\n]*)['"]""")
_INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"\n]+)[>"]', re.MULTILINE)
_GO = re.compile(r'^\s*(?:import\s+)?(?:[\w.]+\s+)?"([\w./~-]+)"\s*$', re.MULTILINE)
_RUST_MOD = re.compile(r"^\s*(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*;", re.MULTILINE)
_RUST_USE = re.compile(r"^\s*(?:pub\s+)?use\s+(crate|self|super)::([\w:]+)", re.MULTILINE)
_JAVA = re.compile(r"^\s*import\s+(?:static\s+)?([\w.]+)", re.MULTILINE)


class Names:
    """The folder's file names, to be found by the way they end."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._by_last: dict[str, list[str]] = {}
        self._by_folder: dict[str, list[str]] = {}
        for name in sorted(self._names, key=lambda each: (each.count("/"), each)):
            folder, last = posixpath.split(name)
            self._by_last.setdefault(last, []).append(name)
            self._by_folder.setdefault(folder, []).append(name)

    def exact(self, name: str) -> list[str]:
        """Return the file of this name, or none."""
        name = posixpath.normpath(name)
        return [name] if name in self._names else []

    def ending(self, name: str) -> list[str]:
        """Return the file, nearest to the top, whose name ends with these folders and name."""
        found = self._by_last.get(posixpath.basename(name), ())
        return [each for each in found if f"/{each}".endswith(f"/{name}")][:1]

    def in_folder(self, folder: str, suffix: str) -> list[str]:
        """Return some files of the folder whose path ends so."""
        parts = folder.split("/")
        for start in range(len(parts)):
            ending = "/".join(parts[start:])
            for each, names in self._by_folder.items():
                if f"/{each}".endswith(f"/{ending}"):
                    fitting = [n for n in names if n.endswith(suffix) and "_test." not in n]
                    return fitting[:_MOST_OF_PACKAGE]
        return []


def imported(path: str, text: str, names: Names) -> list[str]:
    """Return the files of the folder that the file at `path` imports, in its order."""
    rule = _RULES.get(PurePosixPath(path).suffix.lower())
    if rule is None:
        return []
    head = "\n".join(text.split("\n", HEAD_LINES)[:HEAD_LINES])
    found = dict.fromkeys(name for name in rule(path, head, names) if name != path)
    return list(found)[:_MOST_FILES]


def _python(path: str, head: str, names: Names) -> Iterator[str]:
    for match in _PYTHON_FROM.finditer(head):
        dots, module, listed = match.groups()
        inner = [part.split()[0] for part in listed.strip("() \n").split(",") if part.strip()]
        if dots:
            above = [".."] * (len(dots) - 1)
            place = posixpath.join(posixpath.dirname(path), *above, module.replace(".", "/"))
            yield from _modules(place, inner, names.exact)
        else:
            yield from _absolute(module, inner, names)
    for match in _PYTHON_IMPORT.finditer(head):
        for module in filter(str.strip, match[1].split(",")):
            yield from _absolute(module.split()[0], (), names)


def _absolute(module: str, inner: Iterable[str], names: Names) -> Iterator[str]:
    if module.partition(".")[0] not in sys.stdlib_module_names:
        yield from _modules(module.replace(".", "/"), inner, names.ending)


def _modules(place: str, inner: Iterable[str], look: Callable[[str], list[str]]) -> Iterator[str]:
    yield from look(f"{place}.py") or look(posixpath.join(place, "__init__.py"))
    for each in inner:
        yield from look(posixpath.join(place, f"{each}.py"))


def _script(path: str, head: str, names: Names) -> Iterator[str]:
    for match in _SCRIPT.finditer(head):
        place = posixpath.join(posixpath.dirname(path), match[1])
        stem = re.sub(r"\.[mc]?js$", "", place)  # TypeScript's imports name what will be compiled
        tried = (*(place + end for end in _SCRIPTS), *(stem + end for end in _SCRIPTS[1:3]))
        inside = (f"{place}/index{end}" for end in _SCRIPTS[1:])
        for name in (*tried, *inside):
            if found := names.exact(name):
                yield from found
                break


def _c(path: str, head: str, names: Names) -> Iterator[str]:
    for match in _INCLUDE.finditer(head):
        near = posixpath.join(posixpath.dirname(path), match[1])
        yield from names.exact(near) or names.ending(posixpath.normpath(match[1]).lstrip("./"))


def _go(_path: str, head: str, names: Names) -> Iterator[str]:
    for match in _GO.finditer(head):
        if "/" in match[1]:
            yield from names.in_folder(match[1].partition("/")[2], ".go")


def _rust(path: str, head: str, names: Names) -> Iterator[str]:
    folder, last = posixpath.split(path)
    stem = last.removesuffix(".rs")
    inner = folder if stem in ("mod", "lib", "main") else posixpath.join(folder, stem)
    for match in _RUST_MOD.finditer(head):
        place = posixpath.join(inner, match[1])
        yield from names.exact(f"{place}.rs") or names.exact(f"{place}/mod.rs")
    for match in _RUST_USE.finditer(head):
        parts = [part for part in match[2].split("::") if part]
        for count in range(len(parts), 0, -1):
            place = "/".join(parts[:count])
            if match[1] != "crate":
                above = posixpath.dirname(inner) if match[1] == "super" else inner
                found = names.exact(posixpath.join(above, f"{place}.rs"))
            else:
                found = names.ending(f"src/{place}.rs") or names.ending(f"src/{place}/mod.rs")
            if found:
                yield from found
                break


def _java(_path: str, head: str, names: Names) -> Iterator[str]:
    for match in _JAVA.finditer(head):
        parts = match[1].split(".")
        # What stands behind the class is one of its members.
        for count in (len(parts), len(parts) - 1):
            place = "/".join(parts[:count])
            found = names.ending(f"{place}.java") or names.ending(f"{place}.kt")
            if place and found:
                yield from found
                break


_RULES: Mapping[str, Callable[[str, str, Names], Iterator[str]]] = {
    **dict.fromkeys((".py", ".pyi"), _python),
    **dict.fromkeys((".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".vue", ".svelte"), _script),
    **dict.fromkeys((".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".hh", ".hxx", ".cu", ".m"), _c),
    ".go": _go,
    ".rs": _rust,
    **dict.fromkeys((".java", ".kt", ".kts", ".scala"), _java),
}

"""Short texts in many languages, each with something that spans lines or surprises a lexer."""

# Keyed by Pygments alias. Emoji take two UTF-16 units; some texts end in an open construct.
SAMPLES = {
    "python": '''@decorated
def greet(name: str = "🦊") -> str:
    """Docstring over
    two lines 🦊."""
    return f"{name!r:>10} {1_000.5e3}"  # comment
''',
    "c": """/* block
   comment 🦊 */
#define MAX(a, b) \\
    ((a) > (b) ? (a) : (b))
static int
main(int argc, char **argv)
{
    return MAX(0x1f, 'c'); // done
}
""",
    "cpp": 'template <typename T>\nclass A : public B<T> {\n  auto s = R"(raw\nstring)";\n};\n',
    "java": "/** Doc\n * comment */\n@Override\npublic static void\nmain(String[] args) { }\n",
    "javascript": "const f = async (x) => `a ${x +\n 1} 🦊 b`;\n/re[/]x/gi.test('s'); // c\n",
    "typescript": "interface A<T> { b?: number; }\nenum E { X = 'x' }\n/* open",
    "go": 'package main\n\nfunc (r *Ring) Put(\n\tc rune,\n) { s := `raw\n"x"` }\n',
    "rust": '/// Doc\nfn main<\'a>() { let s = r#"a\nb"#; /* /* nested */ */ }\n',
    "ruby": "class A < B\n  def x; <<~EOS; end\n    here #{y} 🦊\n  EOS\nend\n=begin\ndoc\n=end\n",
    "php": '<html>\n<?php\nfunction f($x) { return "a $x\n b"; } /* c\n */ ?>\n<p>t</p>\n',
    "bash": '#!/bin/sh\nfor f in *.txt; do\n  cat <<EOF | grep "$f\nx"\nhere\nEOF\ndone # end\n',
    "perl": "=pod\n\ndoc\n\n=cut\nmy $x = qw(a\n b); s/a/b/g; print <<'E';\nhere\nE\n",
    "lua": "--[[ block\ncomment ]] local s = [==[ long\nstring ]==] -- 🦊\n",
    "html": """<!doctype html>
<style>a { color: #fff }</style><script>var a = '</b>';</script>
<b
 x='1'>&amp; 🦊</b>
""",
    "css": "@media (min-width: 1px) {\n  a::before { content: '🦊'; /* open\n comment */ }\n}\n",
    "json": '{"a": [1, 2.5e3, true, null, "🦊 \\u1234"],\n "b": {}\n}\n',
    "yaml": "a: &x\n  - 'one\n    two'\n  - |\n    block\n    text\nb: *x # 🦊\n",
    "toml": '[a.b]\nc = """\nmulti\nline""" # d\ne = 1979-05-27T07:32:00Z\n',
    "markdown": "# Title\n\n```python\ndef f(): pass\n```\n\n* **bold** 🦊 `code`\n",
    "sql": "SELECT 'a''b\nc' FROM t -- comment\nWHERE x IN (1, 2); /* open\n",
    "xml": "<?xml version='1.0'?>\n<a b='1\n2'><![CDATA[ x\n <y> ]]><!-- c\n d --></a>\n",
    "haskell": "{- block {- nested -}\n-}\nmain :: IO ()\nmain = print $ \\x -> 'c' -- 🦊\n",
    "make": "all: a b\n\t@echo $(X) \\\n\t  more\nifeq (a,b)\nX := 1\nendif\n",
    "diff": "--- a\n+++ b\n@@ -1,2 +1,2 @@\n-old 🦊\n+new\n same\n",
    "kotlin": 'fun main() { val s = """raw\n$x""" /* c\n*/ }\n',
    "swift": 'let s = """\n  a \\(x)\n  """\nfunc f() -> Int { 1 } // 🦊\n',
    "scala": 'object A { val s = s"a ${x}\n" /* /* nested\n */ */ }\n',
    "html+jinja": "{% for a in b %}\n<p class='{{ a|e }}'>🦊</p>\n{# c\n d #}\n{% endfor %}\n",
    "pycon": ">>> def f():\n...     return 1\n>>> f()\n1\nTraceback (most recent call last):\nx\n",
    "ini": "[a]\nb = c ; d\n# e\n",
    "docker": 'FROM debian:12\nRUN apt-get update && \\\n    rm -rf /x\nCMD ["a"]\n',
    "csharp": 'class A {\n  string s = @"a\nb"; /* c\n */ int F() => 1; // 🦊\n}\n',
    "dart": 'main() {\n  var s = """a ${x +\n 1}\n"""; /* /* c */\n */ }\n',
    "elixir": 'defmodule A do\n  @doc """\n  doc #{x}\n  """\n  def f, do: ~s(a\nb) # 🦊\nend\n',
    "julia": 'function f(x)\n  s = """a $(x)\n  b"""\nend #= c\n=# f(1)\n',
    "powershell": '<# doc\n#>\nfunction F($x) {\n  $s = @"\na $x\n"@ # c\n}\n',
    "r": "f <- function(x) {\n  s <- 'a\nb' # 🦊\n  x %in% y\n}\n",
    "rst": "Title\n=====\n\n.. code-block:: python\n\n    x = None\n\n*a* ``b`` `c\nd <e>`_\n",
    "scss": "$a: 1px; // c\n.b { &:hover { width: calc(#{$a} + 2px); /* d\n */ } }\n",
    "tex": "\\begin{a}\n  $x^2 +\n y$ \\[ z \\]\n% 🦊\n\\end{a}\n",
    "text": "nothing\nto color 🦊\n",
}

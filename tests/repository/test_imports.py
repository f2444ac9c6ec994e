"""What a file imports is found among the folder's files, by each language's habits."""

import pytest

from starpad.repository.imports import Names, imported

NAMES = Names(
    [
        "app/shop/cart.py", "app/shop/__init__.py", "app/shop/prices/tax.py", "app/shop/main.py",
        "app/queue.py",
        "web/src/index.ts", "web/src/cart.ts", "web/src/view/index.tsx", "web/src/old.js",
        "native/main.c", "native/list.h", "native/include/deep/tree.h",
        "go/cmd/main.go", "go/internal/store/a.go", "go/internal/store/b.go",
        "go/internal/store/a_test.go",
        "rs/src/main.rs", "rs/src/engine.rs", "rs/src/engine/parts.rs", "rs/src/net/mod.rs",
        "java/src/org/shop/Cart.java", "java/src/org/shop/Main.java",
    ]
)  # fmt: skip


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("app/shop/main.py", "from .cart import Cart", ["app/shop/cart.py"]),
        ("app/shop/main.py", "from . import cart", ["app/shop/__init__.py", "app/shop/cart.py"]),
        ("app/shop/prices/tax.py", "from ..cart import (\n  Cart,\n)", ["app/shop/cart.py"]),
        ("app/run.py", "import os, shop.cart as c\n", ["app/shop/cart.py"]),
        ("app/run.py", "from shop.prices import tax", ["app/shop/prices/tax.py"]),
        ("app/shop/cart.py", "import shop.cart", []),
        ("app/run.py", "import tokenize\nfrom queue import Queue", []),
        ("web/src/index.ts", "import { Cart } from './cart';", ["web/src/cart.ts"]),
        ("web/src/index.ts", "import './view'", ["web/src/view/index.tsx"]),
        ("web/src/index.ts", "const o = require('./old.js')", ["web/src/old.js"]),
        ("web/src/index.ts", "import { Cart } from './cart.js'", ["web/src/cart.ts"]),
        ("web/src/index.ts", "import React from 'react'", []),
        ("native/main.c", '#include "list.h"\n#include <stdio.h>', ["native/list.h"]),
        ("native/main.c", "# include <deep/tree.h>", ["native/include/deep/tree.h"]),
        (
            "go/cmd/main.go", 'import (\n\t"fmt"\n\t"example.org/shop/internal/store"\n)',
            ["go/internal/store/a.go", "go/internal/store/b.go"],
        ),
        ("go/cmd/main.go", 'import "other.org/no/such"', []),
        ("rs/src/main.rs", "mod engine;\npub mod net;", ["rs/src/engine.rs", "rs/src/net/mod.rs"]),
        ("rs/src/net/mod.rs", "use crate::engine::Engine;", ["rs/src/engine.rs"]),
        ("rs/src/engine/parts.rs", "use super::super::x;", []),
        ("rs/src/engine.rs", "use self::parts::Part;", ["rs/src/engine/parts.rs"]),
        (
            "java/src/org/shop/Main.java", "import org.shop.Cart;\nimport java.util.List;",
            ["java/src/org/shop/Cart.java"],
        ),
        (
            "java/src/org/shop/Main.java", "import static org.shop.Cart.total;",
            ["java/src/org/shop/Cart.java"],
        ),
        ("notes.txt", "import shop.cart", []),
    ],
)  # fmt: skip
def test_imports_are_found(path: str, text: str, expected: list[str]) -> None:
    assert imported(path, text, NAMES) == expected


def test_only_the_head_is_looked_at() -> None:
    assert imported("app/run.py", "\n" * 500 + "import shop.cart", NAMES) == []

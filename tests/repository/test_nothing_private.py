"""Whatever a folder holds: nothing ignored, secret or binary of it is ever in a prompt."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from running_engine import KEY, engine
from starpad.core.context_window import CaretContext
from starpad.core.fim import SPECIAL_TOKEN_TEXTS, FimOrder, resolve
from starpad.core.repository_context import RepositoryContext
from starpad.engines.client import EngineClient
from starpad.engines.prompt_builder import PromptBuilder
from starpad.repository.choice import chosen
from starpad.repository.protocol import Question
from starpad.repository.reader import FolderReader

FORBIDDEN_NAMES = (
    ".env", ".env.production", "server.pem", "tls.key", "id_rsa", ".npmrc", ".pypirc", ".netrc",
    "credentials.json", "safe.kdbx", "cert.p12", "shop-service-account.json", "app.min.js",
)  # fmt: skip
IGNORED = ("ignored/x.py", "deep/ignored/y.py", "made.gen.py", "deep/only_here.py")
RULES = {".gitignore": "ignored/\n*.gen.py\n", "deep/.gitignore": "/only_here.py\n"}
SECRETS = (
    "-----BEGIN RSA PRIVATE KEY-----\n", "T = 'ghp_" + "a1B2c3" * 6 + "'\n", "AKIA" + "AB12" * 4,
    "hf_" + "k" * 34, "sk-" + "q" * 40, '{"type": "service_account"}',
)  # fmt: skip
MARK, PERMITTED = "forbidden_marker", "permitted_marker"


@dataclass(frozen=True)
class _Tree:
    """A folder's files; those that must not be read have MARK in them."""

    files: dict[str, bytes]
    forbidden: tuple[str, ...]


def _text(number: int, mark: str) -> str:
    return f"import made, only_here, x\n\n\ndef {mark}_{number}(total_price):\n    return 1\n"


@st.composite
def trees(draw: st.DrawFn) -> _Tree:
    folders = st.sampled_from(["", "src/", "deep/", "deep/inner/"])
    files = {name: rule.encode() for name, rule in RULES.items()}
    forbidden: dict[str, bytes] = {}
    for number, name in enumerate(draw(st.lists(st.sampled_from(FORBIDDEN_NAMES), max_size=4))):
        forbidden[draw(folders) + name] = _text(number, MARK).encode()
    for number, name in enumerate(draw(st.lists(st.sampled_from(IGNORED), max_size=3))):
        forbidden[name] = _text(number, MARK).encode()
    for number, secret in enumerate(draw(st.lists(st.sampled_from(SECRETS), max_size=3))):
        where = draw(st.booleans())
        text = _text(number, MARK)
        joined = f"{secret}\n{text}" if where else f"{text}pass\n{secret}"
        forbidden[f"{draw(folders)}secret_{number}.py"] = joined.encode()
    for number in range(draw(st.integers(0, 2))):
        binary = draw(st.sampled_from([b"\0", b"\xff\xfe\xfa", b"\x80"]))
        forbidden[f"{draw(folders)}binary_{number}.py"] = _text(number, MARK).encode() + binary
    for number in range(draw(st.integers(0, 4))):
        files[f"{draw(folders)}code_{number}.py"] = _text(number, PERMITTED).encode()
    return _Tree(files | forbidden, tuple(forbidden))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with engine() as address:
        yield address


async def _prompt_text(url: str, context: CaretContext, order: FimOrder) -> str:
    async with EngineClient(url, KEY) as client:
        texts = SPECIAL_TOKEN_TEXTS
        fim = resolve({text: await client.tokenize(text, special=True) for text in texts})
        prompt = await PromptBuilder(fim).build(client, context, 900, order)
        return await client.detokenize(prompt.ids)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tree=trees(), order=st.sampled_from(FimOrder), is_git=st.booleans())
def test_nothing_that_must_not_be_read_is_in_a_prompt(
    url: str, tmp_path: Path, tree: _Tree, order: FimOrder, is_git: bool
) -> None:
    root = tmp_path / "shop"
    shutil.rmtree(root, ignore_errors=True)
    for name, content in tree.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    if is_git:
        (root / ".git").mkdir()
        (root / ".git" / "config").write_text(_text(0, MARK))
    reader = FolderReader(root)
    reader.look()
    while not reader.is_complete:
        reader.work(1)
    names = tuple(tree.files)
    head = "import made, only_here, x, secret_0, secret_1, binary_0, code_0, code_1\n"
    before = f"{head}\n{MARK}_x = total_price\nx = total_"
    question = Question(1, str(root), "main.py", head, before, "\n", names, names)
    answer = reader.answer(question)
    assert set(tree.forbidden) <= set(answer.refused_paths)
    chunks = chosen((), answer.chunks, 6_000)
    context = CaretContext(
        1, "python", 0, "x = total_", "\n", RepositoryContext("shop", "main.py", chunks)
    )
    text = asyncio.run(_prompt_text(url, context, order))
    assert MARK not in text
    assert not any(secret.strip() in text for secret in SECRETS)
    has_permitted = any(b"permitted" in content for content in tree.files.values())
    assert (PERMITTED in text) == has_permitted

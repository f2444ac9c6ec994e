"""What else the model may read is there at once, comes at rest, and keeps its order."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from starpad.core.context_window import CaretContext
from starpad.core.engine_status import LoadedModel
from starpad.core.fim import CaretFile, FileTokens, FimOrder, FimTokens
from starpad.core.load_options import EngineKind
from starpad.core.repository_context import ContextReason, ContextUse, RepositoryContext
from starpad.core.suggestion import CompletionOptions
from starpad.services import project_context
from starpad.services.documents import DocumentService
from starpad.services.project_context import ProjectContext

ROOM = 20_000
CART = "class Cart:\n    def total_price(self):\n        return sum(self.prices)\n"
FIM = FimTokens(
    1, 3, 2, FimOrder.SPMV2, frozenset(), FileTokens(5, 6, CaretFile.PATH_IN_PREFIX)
)  # fmt: skip
MODEL = LoadedModel(
    path=Path("m.gguf"), name="m", quantization="", context_tokens=4096, fim=FIM,
    stop_ids=frozenset(), on_gpu=False, is_demo=False,
)  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    root.mkdir()
    for name, text in {
        "cart.py": CART, "main.py": "from cart import Cart\n", "taxes.py": "TAXES = {}\n",
        ".gitignore": "private.py\n", "private.py": f"{CART}NOTE = 'total_price'\n",
        ".env": "total_price=1\n",
    }.items():  # fmt: skip
        (root / name).write_text(text)
    return root


@pytest.fixture
def documents(qtbot: QtBot) -> DocumentService:
    return DocumentService()


@pytest.fixture
def project(
    documents: DocumentService, root: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ProjectContext]:
    monkeypatch.setattr(project_context, "REST_MS", 50)
    project = ProjectContext(documents)
    project.set_folder(root)
    yield project
    project.shutdown()


def _caret(document: int, before: str = "from cart import Cart\nCart().total_") -> CaretContext:
    return CaretContext(document, "python", 0, before, "\n")


def _paths(context: RepositoryContext) -> list[str]:
    return [chunk.path for chunk in context.chunks]


def test_the_first_answer_is_the_files_place_and_more_comes_by_itself(
    project: ProjectContext, documents: DocumentService, root: Path, qtbot: QtBot
) -> None:
    main = documents.open(root / "main.py")[0].id
    first = project.context_for(_caret(main), ROOM)
    assert first == RepositoryContext("shop", "main.py")
    with qtbot.waitSignal(project.changed, timeout=30_000) as told:
        pass
    assert told.args == [main]
    assert "cart.py" in _paths(project.context_for(_caret(main), ROOM))


def test_nothing_private_or_ignored_is_in_it_even_if_it_is_open(
    project: ProjectContext, documents: DocumentService, root: Path, qtbot: QtBot
) -> None:
    main, *_ = (documents.open(root / name)[0].id for name in ("main.py", ".env", "private.py"))
    project.context_for(_caret(main), ROOM)
    qtbot.waitUntil(
        lambda: "cart.py" in _paths(project.context_for(_caret(main), ROOM)), timeout=30_000
    )
    qtbot.wait(300)
    assert not {".env", "private.py"} & set(_paths(project.context_for(_caret(main), ROOM)))


def test_where_was_edited_is_known_also_when_the_tab_is_closed(
    project: ProjectContext, documents: DocumentService, root: Path, qtbot: QtBot
) -> None:
    main, taxes = (documents.open(root / name)[0].id for name in ("main.py", "taxes.py"))
    private = documents.open(root / "private.py")[0].id
    project.context_for(_caret(taxes, "RATE = 'not saved yet'\n"), ROOM)
    documents.close(taxes)
    project.forget(taxes)
    project.context_for(_caret(private, "PASSWORD = 'not saved yet'\n"), ROOM)
    project.context_for(_caret(main), ROOM)
    qtbot.waitUntil(
        lambda: "taxes.py" in _paths(project.context_for(_caret(main), ROOM)), timeout=30_000
    )
    qtbot.wait(300)
    context = project.context_for(_caret(main), ROOM)
    edited = [chunk for chunk in context.chunks if chunk.reason is ContextReason.EDITED]
    assert [(chunk.path, chunk.text) for chunk in edited] == [
        ("taxes.py", "RATE = 'not saved yet'\n")
    ]


def test_pieces_keep_their_order_and_new_ones_come_behind_them(
    project: ProjectContext, documents: DocumentService, root: Path, qtbot: QtBot
) -> None:
    main = documents.open(root / "main.py")[0].id
    project.context_for(_caret(main), ROOM)
    qtbot.waitUntil(
        lambda: "cart.py" in _paths(project.context_for(_caret(main), ROOM)), timeout=30_000
    )
    qtbot.wait(300)
    before = project.context_for(_caret(main), ROOM).chunks
    later = _caret(main, "from cart import Cart\nx = TAXES")
    project.context_for(later, ROOM)
    qtbot.waitUntil(
        lambda: "taxes.py" in _paths(project._known[main]), timeout=30_000
    )  # looked at from within: asking would be typing, and the caret has to rest
    after = project.context_for(later, ROOM).chunks
    assert after[: len(before)] == before


def test_while_typing_nothing_changes(
    project: ProjectContext, documents: DocumentService, root: Path, qtbot: QtBot
) -> None:
    main = documents.open(root / "main.py")[0].id
    project.context_for(_caret(main), ROOM)
    qtbot.waitUntil(lambda: "cart.py" in _paths(project._known[main]), timeout=30_000)
    qtbot.wait(300)
    known = project.context_for(_caret(main), ROOM)
    for count in range(10):
        typed = _caret(main, "x = TAXES"[:count])
        assert project.context_for(typed, ROOM) is known
        qtbot.wait(10)


def test_what_became_ignored_goes(
    project: ProjectContext, documents: DocumentService, root: Path, qtbot: QtBot
) -> None:
    main = documents.open(root / "main.py")[0].id
    project.context_for(_caret(main), ROOM)
    qtbot.waitUntil(lambda: "cart.py" in _paths(project._known[main]), timeout=30_000)
    (root / ".gitignore").write_text("cart.py\nprivate.py\n")
    project.context_for(_caret(main), ROOM)
    qtbot.waitUntil(lambda: "cart.py" not in _paths(project._known[main]), timeout=30_000)


def test_a_work_tree_is_a_folder_too_and_others_are_not(
    documents: DocumentService, project: ProjectContext, root: Path, tmp_path: Path
) -> None:
    project.set_folder(None)
    document = documents.open(root / "main.py")[0].id
    assert project.context_for(_caret(document), ROOM) == RepositoryContext()
    assert project.context_for(_caret(documents.new().id), ROOM) == RepositoryContext()
    assert project.context_for(_caret(99), ROOM) == RepositoryContext()
    (root / ".git").mkdir()
    project.set_folder(None)
    assert project.context_for(_caret(document), ROOM).path == "main.py"
    home_file = Path.home() / "notes.py"
    home_file.write_text("x = 1\n")
    (Path.home() / ".git").mkdir()
    document = documents.open(home_file)[0].id
    assert project.context_for(_caret(document), ROOM) == RepositoryContext()


def test_other_servers_get_other_files_only_if_the_user_says_so(
    project: ProjectContext, documents: DocumentService, root: Path
) -> None:
    caret = _caret(documents.open(root / "main.py")[0].id)
    remote = replace(MODEL, kind=EngineKind.REMOTE, program="server:8000")
    bare = replace(MODEL, fim=replace(FIM, files=None))
    local, everywhere = CompletionOptions(), CompletionOptions(context_use=ContextUse.ALL)
    never = CompletionOptions(context_use=ContextUse.NEVER)
    assert project.completed(caret, local, MODEL).repository.path == "main.py"
    assert project.completed(caret, everywhere, remote).repository.path == "main.py"
    for options, model in ((local, remote), (never, MODEL), (everywhere, bare)):
        assert project.completed(caret, options, model) is caret


def test_secret_documents_are_known(
    project: ProjectContext, documents: DocumentService, root: Path
) -> None:
    assert project.is_private(_caret(documents.open(root / ".env")[0].id, ""))
    assert project.is_private(_caret(documents.new().id, "-----BEGIN PRIVATE KEY-----"))
    assert not project.is_private(_caret(documents.open(root / "main.py")[0].id, "x = 1"))


def test_a_host_that_broke_off_is_started_again(
    project: ProjectContext, documents: DocumentService, root: Path, qtbot: QtBot
) -> None:
    main = documents.open(root / "main.py")[0].id
    project.context_for(_caret(main), ROOM)
    qtbot.waitUntil(lambda: "cart.py" in _paths(project._known[main]), timeout=30_000)
    process = project._reader._process
    assert process is not None
    process.kill()
    qtbot.waitUntil(lambda: project._reader._process is not process, timeout=30_000)
    project.forget(main)
    project.context_for(_caret(main), ROOM)
    qtbot.waitUntil(lambda: "cart.py" in _paths(project._known[main]), timeout=30_000)

"""Reading and writing files: a failure leaves the old file, every refusal says why."""

import errno
import os
import stat
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from starpad.core import file_store
from starpad.core.errors import FileChangedError, FileError
from starpad.core.file_store import (
    NO_FILE,
    read,
    remove_temporary,
    signature,
    signature_changed,
    temporary_beside,
    write,
)
from starpad.core.text_file import encode

OLD = "old text: 日本\n".encode()
NEW = b"new text\n" * 1000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def file(folder: Path) -> Path:
    file = folder / "main.py"
    file.write_bytes(OLD)
    return file


@pytest.fixture
def twin(file: Path, tmp_path: Path) -> Path:
    """Give the file a second name, so that it is written in place."""
    twin = tmp_path / "twin.py"
    os.link(file, twin)
    return twin


def failing(name: str, code: int, *, after: int = 0, times: int = 99) -> Callable[..., object]:
    """Return a stand-in for `os.name`: the real one, then `times` failures, then the real one."""
    real = getattr(os, name)
    calls = count()

    def call(*args: object, **options: object) -> object:
        if after <= next(calls) < after + times:
            raise OSError(code, os.strerror(code))
        return real(*args, **options)

    return call


def test_reading_gives_text_and_signature(file: Path) -> None:
    text_file, known = read(file)
    assert text_file.text.encode() == OLD
    assert known == signature(file)
    assert (known.size, known.inode) == (len(OLD), file.stat().st_ino)
    assert not signature_changed(file, known)


def test_a_missing_file_is_named(folder: Path) -> None:
    for path in (folder / "none.py", folder / "none" / "main.py"):
        with pytest.raises(FileError, match="does not exist"):
            read(path)
        with pytest.raises(FileError, match="does not exist"):
            signature(path)


def test_a_folder_and_a_pipe_are_no_text_files(folder: Path) -> None:
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(FileError, match="is a folder"):
        read(folder)
    with pytest.raises(FileError, match="pipe"):
        read(pipe)
    with pytest.raises(FileError, match="pipe"):
        write(pipe, NEW, None)
    with pytest.raises(FileError, match="is a folder"):
        write(folder, NEW, None)


def test_a_loop_of_links_is_an_error_not_a_hang(folder: Path) -> None:
    loop = folder / "loop"
    loop.symlink_to(loop)
    with pytest.raises(FileError, match="could not be read"):
        read(loop)
    with pytest.raises(FileError, match="could not be saved"):
        write(loop, NEW, None)


def test_a_file_above_the_limit_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_store, "MAX_FILE_BYTES", len(OLD))
    read(file)
    monkeypatch.setattr(file_store, "MAX_FILE_BYTES", len(OLD) - 1)
    with pytest.raises(FileError, match="larger than"):
        read(file)


def test_a_change_is_noticed_by_content(file: Path) -> None:
    known = signature(file)
    os.utime(file, ns=(1, 1))
    assert not signature_changed(file, known)
    file.write_bytes(OLD.swapcase())
    assert signature_changed(file, known)
    file.unlink()
    assert signature_changed(file, known)
    os.mkfifo(file)
    assert signature_changed(file, known)


@pytest.mark.parametrize(
    "data",
    [
        "<fim_middle> 😀\tx\u00a0y\u2028z\r\n".encode(),
        b"caf\xe9\r\n",
        b"\xef\xbb\xbfa\n",
        b"a\rb\r",
        "é\n".encode("utf-16"),
        b"",
    ],
)
def test_reading_and_writing_again_changes_no_byte(folder: Path, data: bytes) -> None:
    file = folder / "a.txt"
    file.write_bytes(data)
    text_file, known = read(file)
    write(file, encode(text_file.text, text_file.format), known)
    assert file.read_bytes() == data


def test_writing_replaces_the_file_and_returns_its_signature(file: Path) -> None:
    for data in (NEW, b""):
        os.utime(file, ns=(1, 1))
        known = write(file, data, signature(file))
        assert file.read_bytes() == data
        assert known == signature(file)
        assert known.mtime_ns > 1
    assert os.listdir(file.parent) == ["main.py"]


def test_a_new_file_gets_the_users_default_rights(folder: Path) -> None:
    old_mask = os.umask(0o027)
    try:
        write(folder / "new.py", NEW, None)
    finally:
        os.umask(old_mask)
    assert stat.S_IMODE((folder / "new.py").stat().st_mode) == 0o640


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o750, 0o777])
def test_rights_are_kept(file: Path, mode: int) -> None:
    file.chmod(mode)
    write(file, NEW, None)
    assert stat.S_IMODE(file.stat().st_mode) == mode


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_is_kept(file: Path) -> None:
    os.chown(file, 12345, 54321)
    write(file, NEW, None)
    assert (file.stat().st_uid, file.stat().st_gid) == (12345, 54321)


def test_an_owner_that_cannot_be_kept_means_writing_in_place(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inode = file.stat().st_ino
    monkeypatch.setattr(os, "chown", failing("chown", errno.EPERM))
    write(file, NEW, None)
    assert file.read_bytes() == NEW
    assert file.stat().st_ino == inode
    assert os.listdir(file.parent) == ["main.py"]


def test_a_system_without_owners_is_fine(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "chown")
    write(file, NEW, None)
    assert file.read_bytes() == NEW


def test_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.py"
    link.symlink_to(file)
    write(link, NEW, read(link)[1])
    assert link.is_symlink()
    assert file.read_bytes() == NEW


def test_a_dangling_link_creates_its_target(folder: Path) -> None:
    link = folder / "link.py"
    link.symlink_to("target.py")
    write(link, NEW, None)
    assert link.is_symlink()
    assert (folder / "target.py").read_bytes() == NEW


def test_hard_links_stay_linked(file: Path, twin: Path) -> None:
    for data in (NEW, b"short"):
        known = write(file, data, signature(file))
        assert twin.read_bytes() == data
        assert os.path.samefile(file, twin)
        assert known == signature(twin)
    assert os.listdir(file.parent) == ["main.py"]


def test_a_file_changed_meanwhile_is_not_overwritten(file: Path) -> None:
    known = signature(file)
    status = file.stat()
    theirs = OLD.swapcase()
    file.write_bytes(theirs)
    # Same size, time and inode: only the content tells.
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(FileChangedError, match="changed by another program"):
        write(file, NEW, known)
    assert file.read_bytes() == theirs
    write(file, NEW, None)
    assert file.read_bytes() == NEW


def test_a_file_touched_but_the_same_is_saved(file: Path) -> None:
    known = signature(file)
    os.utime(file, ns=(1, 1))
    write(file, NEW, known)
    assert file.read_bytes() == NEW


def test_a_file_deleted_meanwhile_is_not_made_again_unasked(file: Path) -> None:
    known = signature(file)
    file.unlink()
    with pytest.raises(FileChangedError, match="was deleted"):
        write(file, NEW, known)
    assert not file.exists()
    write(file, NEW, None)
    assert file.read_bytes() == NEW


def test_a_write_protected_file_is_refused_even_for_root(file: Path) -> None:
    file.chmod(0o444)
    with pytest.raises(FileError, match="write-protected"):
        write(file, NEW, None)
    assert file.read_bytes() == OLD
    assert stat.S_IMODE(file.stat().st_mode) == 0o444


def test_a_vanished_folder_is_named(file: Path) -> None:
    file.unlink()
    file.parent.rmdir()
    with pytest.raises(FileError, match=f"folder {file.parent} does not exist"):
        write(file, NEW, None)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (errno.ENOSPC, "no room left"),
        (errno.EDQUOT, "no room left"),
        (errno.ENOENT, "folder .* does not exist"),
        (errno.EIO, "could not be saved: Input/output error"),
    ],
)
@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(
    file: Path, monkeypatch: pytest.MonkeyPatch, code: int, sentence: str, function: str
) -> None:
    monkeypatch.setattr(os, function, failing(function, code))
    with pytest.raises(FileError, match=sentence) as caught:
        write(file, NEW, None)
    assert caught.value.hint
    assert file.read_bytes() == OLD
    assert os.listdir(file.parent) == ["main.py"]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [(errno.EROFS, "can only be read"), (errno.EACCES, "may not write new.py in")],
)
def test_a_folder_that_takes_no_new_file_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: int, sentence: str
) -> None:
    monkeypatch.setattr(os, "open", failing("open", code))
    with pytest.raises(FileError, match=sentence):
        write(folder / "new.py", NEW, None)


@pytest.mark.parametrize("code", [errno.EBUSY, errno.EPERM, errno.EACCES])
def test_a_file_that_cannot_be_replaced_is_written_in_place(
    file: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    inode = file.stat().st_ino
    monkeypatch.setattr(os, "replace", failing("replace", code, times=1))
    write(file, NEW, None)
    assert file.read_bytes() == NEW
    assert file.stat().st_ino == inode
    assert os.listdir(file.parent) == ["main.py"]


# In place, fsync is called for the safe copy, for the new text and, if that failed, the old one.


def test_a_failure_in_place_restores_the_old_text(
    file: Path, twin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", failing("fsync", errno.ENOSPC, after=1, times=1))
    with pytest.raises(FileError, match="no room left"):
        write(file, NEW, None)
    assert file.read_bytes() == twin.read_bytes() == OLD
    assert os.listdir(file.parent) == ["main.py"]


def test_if_even_restoring_fails_the_copy_is_kept_and_named(
    file: Path, twin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", failing("fsync", errno.EIO, after=1))
    with pytest.raises(FileError, match="only be written in part") as caught:
        write(twin, NEW, None)
    (copy,) = twin.parent.glob("*.backup")
    assert str(copy) in caught.value.hint
    assert copy.read_bytes() == OLD
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_without_a_safe_copy_nothing_is_written_in_place(
    file: Path, twin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", failing("fsync", errno.ENOSPC))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    with pytest.raises(FileError, match="no safe copy could be made before: No space left"):
        write(file, NEW, None)
    assert file.read_bytes() == twin.read_bytes() == OLD
    assert sorted(os.listdir(tmp_path)) == ["home", "twin.py", "work"]


def test_the_safe_copy_may_lie_in_the_systems_temporary_folder(
    file: Path, twin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(os, "fsync", failing("fsync", errno.ENOSPC, times=1))
    write(file, NEW, None)
    assert twin.read_bytes() == NEW
    assert sorted(os.listdir(tmp_path)) == ["home", "twin.py", "work"]


@pytest.mark.parametrize(
    ("code", "sentence"), [(errno.EACCES, "may not read"), (errno.EIO, "Input/output error")]
)
@pytest.mark.parametrize("reader", [read, signature])
def test_a_file_that_cannot_be_read_says_why(
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    sentence: str,
    reader: Callable[[Path], object],
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", failing("fstat", code))
        with pytest.raises(FileError, match=sentence):
            reader(file)


def test_a_name_of_the_longest_length_can_be_saved(folder: Path) -> None:
    file = folder / ("n" * 252 + ".py")
    write(file, OLD, None)
    write(file, NEW, signature(file))
    assert file.read_bytes() == NEW


def test_a_file_that_was_to_be_new_and_is_there_is_not_overwritten(file: Path) -> None:
    with pytest.raises(FileChangedError, match="was made by another program"):
        write(file, NEW, NO_FILE)
    assert file.read_bytes() == OLD
    file.unlink()
    write(file, NEW, NO_FILE)
    assert file.read_bytes() == NEW


def test_what_a_killed_save_left_is_removed_only_under_a_name_of_ours(file: Path) -> None:
    left = temporary_beside(file)
    for path in (left, file):
        path.write_bytes(OLD)
        remove_temporary(path)
        remove_temporary(path)
    assert os.listdir(file.parent) == ["main.py"]


def test_on_windows_a_file_that_is_open_elsewhere_is_tried_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []
    rename = os.replace

    def busy_twice(old: Path, new: Path) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise PermissionError(errno.EACCES, "in use")
        rename(old, new)

    monkeypatch.setattr(file_store, "_BUSY_PAUSES_S", (0, 0, 0))
    monkeypatch.setattr(os, "replace", busy_twice)
    monkeypatch.setattr(file_store, "_IS_WINDOWS", True)
    file_store.replace(file, NEW)
    assert (file.read_bytes(), len(tries)) == (NEW, 3)
    tries.clear()
    monkeypatch.setattr(file_store, "_IS_WINDOWS", False)
    with pytest.raises(PermissionError):
        file_store.replace(file, NEW)

"""The fake hub, asked by the real client: what it says when nothing is wrong with it."""

import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import starpad.hub  # noqa: F401 -- sets the environment that huggingface_hub reads when imported

# isort: split
from huggingface_hub import (
    HfApi,
    get_hf_file_metadata,
    get_session,
    hf_hub_download,
    hf_hub_url,
)
from huggingface_hub.errors import (
    BadRequestError,
    DeviceCodeError,
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import _oauth_device

from fakehub import FakeHub, fill, shelf
from starpad.core.errors import ModelFileError
from starpad.core.model_file import read_header

REPOSITORY = "someone/starcoder2-3b-GGUF"
GATED = "bigcode/gated-GGUF"
FILE = "starcoder2-3b.Q4_K_M.gguf"
MODEL = bytes(range(256)) * 4096


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add_repository(
            REPOSITORY,
            {FILE: MODEL, "notes/one.txt": b"1", "notes/deep/two.txt": b"2"},
            base_model="bigcode/starcoder2-3b",
            downloads=50,
            gguf={"total": 3, "architecture": "starcoder2", "context_length": 16384},
        )
        hub.add_repository(GATED, {FILE: b"GGUF gated"}, gating="auto", downloads=70)
        hub.add_account("ada", "hf_ada")
        yield hub


@pytest.fixture
def api(hub: FakeHub) -> HfApi:
    return HfApi(endpoint=hub.endpoint, token=False)


def address(hub: FakeHub, repository: str = REPOSITORY, file: str = FILE) -> str:
    return hf_hub_url(repository, file, endpoint=hub.endpoint)


def test_search_finds_all_words_and_follows_its_pages(hub: FakeHub, api: HfApi) -> None:
    for number in range(5):
        hub.add_repository(f"someone/StarCoder-{number}", {FILE: b"GGUF"}, downloads=number)
    hub.page_size = 2
    found = list(api.list_models(filter="gguf", search="starcoder some", sort="downloads"))
    assert [each.id.split("/")[1] for each in found] == [
        "starcoder2-3b-GGUF", "StarCoder-4", "StarCoder-3", "StarCoder-2", "StarCoder-1",
        "StarCoder-0",
    ]  # fmt: skip
    assert len(hub.requests) == 3
    assert [each.id for each in api.list_models(author="BigCode")] == [GATED]
    assert [each.id for each in api.list_models(gated=True)] == [GATED]
    assert list(api.list_models(filter=["gguf", "text-to-image"])) == []


def test_search_tells_only_what_it_is_asked_for(api: HfApi) -> None:
    (short,) = api.list_models(author="someone")
    assert (short.gguf, short.gated, short.siblings) == (None, None, None)
    (long,) = api.list_models(author="someone", expand=["gguf", "gated", "cardData", "siblings"])
    assert long.gguf is not None
    assert long.gguf["architecture"] == "starcoder2"
    assert long.gated is False
    assert long.card_data is not None
    assert long.card_data.license == "bigcode-openrail-m"
    assert long.siblings is not None
    assert FILE in [each.rfilename for each in long.siblings]
    assert long.downloads is None


def test_a_question_that_makes_no_sense_is_refused(api: HfApi) -> None:
    with pytest.raises(BadRequestError, match="usedStorage"):
        list(api.list_models(expand=["usedStorage"]))


def test_model_info_names_sizes_and_hashes(hub: FakeHub, api: HfApi) -> None:
    info = api.model_info(REPOSITORY, files_metadata=True)
    assert info.sha == hub.repositories[REPOSITORY].commit
    assert info.siblings is not None
    files = {each.rfilename: each for each in info.siblings}
    model = files[FILE]
    assert model.size == len(MODEL)
    assert model.lfs is not None
    assert model.lfs.sha256 == hashlib.sha256(MODEL).hexdigest()
    assert files["README.md"].lfs is None


def test_a_commit_keeps_its_files_when_the_branch_moves_on(hub: FakeHub, api: HfApi) -> None:
    old = hub.repositories[REPOSITORY].commit
    new = hub.replace_file(REPOSITORY, FILE, b"GGUF new")
    assert api.model_info(REPOSITORY).sha == new != old
    hashes = []
    for revision in (old, new):
        (entry,) = api.get_paths_info(REPOSITORY, [FILE, "not-there"], revision=revision)
        metadata = get_hf_file_metadata(
            hf_hub_url(REPOSITORY, FILE, revision=revision, endpoint=hub.endpoint), token=False
        )
        assert metadata.commit_hash == revision
        data = get_session().get(metadata.location).content
        assert data == (MODEL if revision == old else b"GGUF new")
        hashes.append(metadata.etag)
        assert isinstance(entry, RepoFile)
        assert entry.lfs is not None
        assert entry.lfs.sha256 == metadata.etag
    assert len(set(hashes)) == 2
    assert api.list_repo_refs(REPOSITORY).branches[0].target_commit == new


def test_the_tree_lists_folders_and_pages(hub: FakeHub, api: HfApi) -> None:
    hub.page_size = 2
    everything = [each.path for each in api.list_repo_tree(REPOSITORY, recursive=True)]
    assert sorted(everything) == sorted(
        ["README.md", FILE, "notes", "notes/deep", "notes/one.txt", "notes/deep/two.txt"]
    )
    assert len(hub.requests) == 3
    assert {each.path for each in api.list_repo_tree(REPOSITORY)} == {"README.md", FILE, "notes"}
    assert {each.path for each in api.list_repo_tree(REPOSITORY, "notes")} == {
        "notes/deep", "notes/one.txt",
    }  # fmt: skip


def test_large_files_come_from_the_content_network_without_the_token(
    hub: FakeHub, tmp_path: Path
) -> None:
    for name in (FILE, "README.md"):
        path = hf_hub_download(
            REPOSITORY, name, endpoint=hub.endpoint, token="hf_ada", cache_dir=tmp_path
        )
        source = hub.content(REPOSITORY, name).source
        assert Path(path).read_bytes() == source
    assert any(each.token == "hf_ada" for each in hub.requests_of("hub"))
    (fetched,) = hub.requests_of("content", "GET")
    assert (fetched.status, fetched.bytes_sent) == (200, len(MODEL))
    assert hub.leaked_tokens == []


def test_a_token_that_reaches_the_content_network_is_noticed(hub: FakeHub) -> None:
    location = get_hf_file_metadata(address(hub), token=False).location
    answer = get_session().get(location, headers={"Authorization": "Bearer hf_ada"})
    assert answer.status_code == 400
    assert len(hub.leaked_tokens) == 1


def test_metadata_names_the_sha256_and_the_content_network_does_not(hub: FakeHub) -> None:
    hub.add_repository("someone/xet", {FILE: MODEL}, has_xet=True)
    for repository in (REPOSITORY, "someone/xet"):
        metadata = get_hf_file_metadata(address(hub, repository), token=False)
        assert (metadata.etag, metadata.size) == (hashlib.sha256(MODEL).hexdigest(), len(MODEL))
        assert (metadata.xet_file_data is not None) == (repository == "someone/xet")
        assert metadata.location.startswith(hub.content_endpoint)
        assert metadata.etag
        assert metadata.etag not in get_session().head(metadata.location).headers["etag"]
    small = get_hf_file_metadata(address(hub, file="notes/one.txt"), token=False)
    assert (small.size, small.location[: len(hub.endpoint)]) == (1, hub.endpoint)


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=1000-", 206, 1000, len(MODEL)),
        ("bytes=10-19", 206, 10, 20),
        ("bytes=10-99999999", 206, 10, len(MODEL)),
        ("bytes=-5", 206, len(MODEL) - 5, len(MODEL)),
        (f"bytes={len(MODEL)}-", 416, 0, 0),
        ("lines=1-2", 200, 0, len(MODEL)),
    ],
)
def test_ranges(hub: FakeHub, asked: str, status: int, start: int, end: int) -> None:
    location = get_hf_file_metadata(address(hub), token=False).location
    answer = get_session().get(location, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (status, MODEL[start:end])
    if status == 206:
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(MODEL)}"


def test_signed_addresses_differ_expire_and_cannot_be_made_up(hub: FakeHub) -> None:
    first, second = (get_hf_file_metadata(address(hub), token=False).location for _ in range(2))
    assert first != second
    hub.url_lifetime_s = -1
    expired = get_hf_file_metadata(address(hub), token=False).location
    made_up = re.sub(r"exp=\d", "exp=9", first)
    assert [get_session().get(each).status_code for each in (first, expired, made_up)] == [
        200,
        403,
        403,
    ]


def test_a_gated_repository_is_listed_for_all_and_read_by_some(hub: FakeHub, api: HfApi) -> None:
    assert api.model_info(GATED).gated == "auto"
    assert FILE in [each.path for each in api.list_repo_tree(GATED)]
    for token, status in ((False, 401), ("hf_ada", 403)):
        with pytest.raises(GatedRepoError) as refused:
            api.auth_check(GATED, token=token)
        assert refused.value.response.status_code == status
        with pytest.raises(GatedRepoError):
            get_hf_file_metadata(address(hub, GATED), token=token)
    hub.grant("ada", GATED)
    api.auth_check(GATED, token="hf_ada")
    assert get_hf_file_metadata(address(hub, GATED), token="hf_ada").size == 10


def test_a_token_without_the_scope_is_refused_in_other_words(hub: FakeHub, api: HfApi) -> None:
    hub.add_account("ada", "hf_narrow", can_read_gated=False)
    hub.grant("ada", GATED)
    with pytest.raises(HfHubHTTPError, match="fine-grained token") as refused:
        api.auth_check(GATED, token="hf_narrow")
    assert not isinstance(refused.value, GatedRepoError)
    assert refused.value.response.status_code == 403
    assert api.whoami("hf_narrow")["auth"]["accessToken"]["role"] == "fineGrained"
    assert get_hf_file_metadata(address(hub), token="hf_narrow").size == len(MODEL)


def test_a_revoked_token_is_refused_even_for_public_files(hub: FakeHub, api: HfApi) -> None:
    assert api.whoami("hf_ada")["name"] == "ada"
    hub.revoke("hf_ada")
    with pytest.raises(HfHubHTTPError) as refused:
        get_hf_file_metadata(address(hub), token="hf_ada")
    assert refused.value.response.headers["X-Error-Message"].startswith("Invalid credentials")
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        api.whoami("hf_ada")


def test_what_is_not_there_is_told_apart(hub: FakeHub, api: HfApi) -> None:
    for token, status in ((False, 401), ("hf_ada", 404)):
        with pytest.raises(RepositoryNotFoundError) as missing:
            get_hf_file_metadata(address(hub, "no/such"), token=token)
        assert not isinstance(missing.value, GatedRepoError)
        assert missing.value.response.status_code == status
    with pytest.raises(RemoteEntryNotFoundError) as entry:
        get_hf_file_metadata(address(hub, file="no.gguf"), token=False)
    assert entry.value.response.headers["X-Repo-Commit"] == hub.repositories[REPOSITORY].commit
    with pytest.raises(RevisionNotFoundError):
        api.model_info(REPOSITORY, revision="no-such-branch")
    hub.remove_file(REPOSITORY, "notes/one.txt")
    with pytest.raises(RemoteEntryNotFoundError):
        get_hf_file_metadata(address(hub, file="notes/one.txt"), token=False)
    hub.disable_repository(REPOSITORY)
    with pytest.raises(DisabledRepoError):
        get_hf_file_metadata(address(hub), token=False)
    hub.remove_repository(GATED)
    with pytest.raises(RepositoryNotFoundError):
        api.model_info(GATED)


def test_signing_in_by_browser(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.endpoint)
    codes = _oauth_device.request_device_code()
    page = get_session().get(codes["verification_uri_complete"])
    assert codes["user_code"] in page.text

    def approve() -> None:
        answer = {"user_code": codes["user_code"], "is_allowed": "yes"}
        assert get_session().post(f"{hub.endpoint}/oauth/approve", data=answer).status_code == 200

    token = _oauth_device.poll_device_token(codes, on_pending=approve)["access_token"]
    assert HfApi(endpoint=hub.endpoint).whoami(token)["name"] == "demo"
    get_session().post(f"{hub.endpoint}/{GATED}/accept")
    HfApi(endpoint=hub.endpoint).auth_check(GATED, token=token)

    codes = _oauth_device.request_device_code()
    hub.deny(codes["user_code"])
    with pytest.raises(DeviceCodeError, match="denied"):
        _oauth_device.poll_device_token(codes)


def test_every_demo_file_is_another_one_and_loads(tmp_path: Path) -> None:
    hub = FakeHub()
    fill(hub)
    contents = [
        content
        for repository in hub.repositories.values()
        for path, content in repository.files.items()
        if path.endswith(".gguf") and not path.endswith(".Q4_K.gguf")
    ]
    assert len({content.sha256 for content in contents}) == len(contents) > 30
    for repository, name in (
        (shelf.THREE_B, FILE),
        (shelf.SPLIT, "starcoder2-15b.Q8_0-00002-of-00002.gguf"),
        (shelf.SPLIT, "starcoder2-15b.Q8_0-00001-of-00002.gguf"),
        (shelf.LEGACY, "starcoder.ggmlv3.q4_0.bin"),
    ):
        source = hub.content(repository, name).source
        assert not isinstance(source, Path)
        (tmp_path / name).write_bytes(source if isinstance(source, bytes) else b"".join(source))
    assert read_header(tmp_path / FILE).quantization == "Q4_K_M"
    header = read_header(tmp_path / "starcoder2-15b.Q8_0-00001-of-00002.gguf")
    assert (header.part_count, header.quantization) == (2, "Q8_0")
    with pytest.raises(ModelFileError, match="truncated"):
        read_header(tmp_path / "starcoder.ggmlv3.q4_0.bin")
    hub.start()
    hub.stop()


def test_it_can_be_run_by_hand() -> None:
    command = [sys.executable, "-m", "tests.fakehub", "--big", "1"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        endpoint, _, sha256 = (line.strip().split("=", 1)[1] for line in lines)
        url = hf_hub_url("starpad/big-GGUF", "big.Q4_K_M.gguf", endpoint=endpoint)
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(os.environ, "NO_PROXY", "127.0.0.1")
            metadata = get_hf_file_metadata(url, token=False)
            body = get_session().get(metadata.location).content
        assert (metadata.size, metadata.etag) == (1 << 20, sha256)
        assert hashlib.sha256(body).hexdigest() == sha256
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0

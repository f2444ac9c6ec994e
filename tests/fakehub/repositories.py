"""Model repositories: files by commit, and what the hub says about them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from .content import Content

_FIRST_DAY = datetime(2024, 3, 1, 12, tzinfo=UTC)

GgufSummary = Mapping[str, str | int]


@dataclass(slots=True)
class Repository:
    """One model repository; `commits` in the order of time, the last one is `main`."""

    id: str
    number: int
    """Counted from 0 over the hub; stands for its age."""
    license: str
    gating: str
    downloads: int
    likes: int
    base_model: str
    tags: tuple[str, ...]
    gguf: GgufSummary
    has_xet: bool
    is_disabled: bool = False
    commits: dict[str, dict[str, Content]] = field(default_factory=dict)

    @property
    def commit(self) -> str:
        """The newest."""
        return next(reversed(self.commits))

    @property
    def files(self) -> dict[str, Content]:
        """Those of the newest commit."""
        return self.commits[self.commit]

    def add_commit(self, files: Mapping[str, Content]) -> str:
        """Record new contents as the newest commit and return its name."""
        name = f"{self.id} {len(self.commits)} {sorted(files)}"
        commit = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
        self.commits[commit] = dict(files)
        return commit

    def commit_of(self, revision: str) -> str | None:
        """Return the commit that a branch or a commit's name means."""
        if revision in ("main", "refs/heads/main"):
            return self.commit
        return revision if revision in self.commits else None

    def describe(self, commit: str, *, with_blobs: bool = False) -> dict[str, object]:
        """Return everything that the API tells about the repository at a commit."""
        created = _FIRST_DAY + timedelta(days=self.number)
        updated = created + timedelta(hours=len(self.commits) - 1)
        files = self.commits[commit]
        info: dict[str, object] = {
            "_id": hashlib.sha1(self.id.encode(), usedforsecurity=False).hexdigest()[:24],
            "id": self.id,
            "modelId": self.id,
            "author": self.id.split("/")[0],
            "sha": commit,
            "createdAt": _time(created),
            "lastModified": _time(updated),
            "private": False,
            "gated": False if self.gating == "open" else self.gating,
            "disabled": self.is_disabled,
            "downloads": self.downloads,
            "likes": self.likes,
            "trendingScore": self.likes,
            "tags": self.all_tags(),
            "pipeline_tag": "text-generation",
            "library_name": "gguf",
            "cardData": self._card(),
            "siblings": [_sibling(path, files[path], with_blobs) for path in sorted(files)],
            "usedStorage": sum(content.size_bytes for content in files.values()),
        }
        if self.gguf:
            info["gguf"] = dict(self.gguf)
        return info

    def all_tags(self) -> list[str]:
        """Return the given tags and those that the hub derives."""
        tags = ["gguf"] if any(path.endswith(".gguf") for path in self.files) else []
        tags += [*self.tags, "text-generation", "region:us"]
        if self.license:
            tags.append(f"license:{self.license}")
        if self.base_model:
            tags += [f"base_model:{self.base_model}", f"base_model:quantized:{self.base_model}"]
        return tags

    def readme(self) -> bytes:
        """Return a card with its front matter, for a repository that brings none."""
        lines = ["---"]
        lines += [f"{key}: {value}" for key, value in self._card().items()]
        lines += ["---", "", f"# {self.id}", "", "A repository of the fake hub.", ""]
        return "\n".join(lines).encode()

    def _card(self) -> dict[str, object]:
        card: dict[str, object] = {}
        if self.license:
            card["license"] = self.license
        if self.base_model:
            card["base_model"] = self.base_model
        if self.gating != "open":
            card["extra_gated_prompt"] = "Please read and accept the license."
        return card


def tree_entry(path: str, content: Content, *, has_xet: bool) -> dict[str, object]:
    """Return a file as the tree and paths-info endpoints list it."""
    entry: dict[str, object] = {
        "type": "file",
        "oid": content.blob_id,
        "size": content.size_bytes,
        "path": path,
    }
    if content.is_large:
        entry["lfs"] = {
            "oid": content.sha256,
            "size": content.size_bytes,
            "pointerSize": content.pointer_bytes,
        }
        if has_xet:
            entry["xetHash"] = content.xet_hash
    return entry


def _sibling(path: str, content: Content, with_blobs: bool) -> dict[str, object]:
    sibling: dict[str, object] = {"rfilename": path}
    if with_blobs:
        sibling |= {"size": content.size_bytes, "blobId": content.blob_id}
        if content.is_large:
            sibling["lfs"] = {
                "sha256": content.sha256,
                "size": content.size_bytes,
                "pointerSize": content.pointer_bytes,
            }
    return sibling


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")

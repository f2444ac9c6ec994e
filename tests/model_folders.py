"""A user's disk with models in all the places where they may lie, for tests."""

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

from gguf_files import gguf
from starpad.core import origin
from starpad.core.catalog import load
from starpad.core.installed_model import InstalledModel
from starpad.core.model_records import ModelRecords
from starpad.core.origin import Origin
from starpad.hub.header_cache import HeaderCache
from starpad.hub.local_models import Places, find_by_sha256, scan

FAMILIES = load()
MODEL = gguf()
HASH = hashlib.sha256(MODEL).hexdigest()
NOW = datetime(2026, 11, 2, 10, 30, tzinfo=UTC)


class Computer:
    """Folders as they are on a user's disk, all empty."""

    def __init__(self, root: Path) -> None:
        self.models = root / "models"
        self.lm_studio = root / "lm-studio"
        self.cache = root / "hub"
        self.elsewhere = root / "elsewhere"
        self.records = ModelRecords(root / "records.json")
        self.header_file = root / "headers.json"
        self.headers = HeaderCache(self.header_file)
        self.places = Places((self.cache,), (self.lm_studio,))
        self.notes: list[str] = []

    def scan(self) -> list[InstalledModel]:
        return scan(
            self.models,
            self.records,
            places=self.places,
            families=FAMILIES,
            headers=self.headers,
            on_note=self.notes.append,
        )

    def find(self, sha256: str = HASH) -> Path | None:
        return find_by_sha256(sha256, self.models, self.records, places=self.places)

    def cached(self, file: str, data: bytes = MODEL, commit: str = "c" * 40) -> Path:
        """Put a file into the Hugging Face cache as its library does."""
        repository = self.cache / "models--owner--starcoder2-3b-GGUF"
        blob = write(repository / "blobs" / hashlib.sha256(data).hexdigest(), data)
        link = repository / "snapshots" / commit / file
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
        return link


def write(path: Path, data: bytes = MODEL) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def downloaded(path: Path, data: bytes = MODEL) -> Path:
    """Write a model with its origin, as a download of ours leaves it."""
    sha256 = hashlib.sha256(data).hexdigest()
    endpoint = "https://huggingface.co"
    repository, file = "/".join(path.parts[-3:-1]), path.name
    when = NOW.isoformat()
    write(path, data)
    origin.write(path, Origin(endpoint, repository, "c" * 40, file, len(data), sha256,
                              "bigcode-openrail-m", "Q4_K_M", when))  # fmt: skip
    return path

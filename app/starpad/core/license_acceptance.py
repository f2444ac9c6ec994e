"""Which licences the user has accepted, for which model, when, and what they had read."""

from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from starpad.core.errors import StarpadError
from starpad.core.json_store import Content, JsonStore


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One press on "I accept"."""

    license_id: str
    """The hub's."""
    model: str
    """A family of the catalog, or a repository if the model is of none."""
    text: str
    """What was shown."""
    repository: str
    commit: str
    app_version: str
    accepted_at: str
    """ISO 8601 in UTC."""


class Acceptances:
    """The file that keeps them; several windows may use it at once. See `problems`."""

    def __init__(self, path: Path) -> None:
        self._store = JsonStore(path, "The list of accepted licences", {"accepted": list})

    @property
    def problems(self) -> list[StarpadError]:
        """What went wrong while reading; a damaged file is kept under another name."""
        return self._store.problems

    def all(self) -> list[Acceptance]:
        """Return all, oldest first; an entry that makes no sense is passed over."""
        names = [field.name for field in fields(Acceptance)]
        return [
            Acceptance(**{name: entry[name] for name in names})
            for entry in self._store.read()["accepted"]
            if isinstance(entry, dict) and all(isinstance(entry.get(name), str) for name in names)
        ]

    def is_accepted(self, license_id: str, model: str) -> bool:
        """Say whether the user has accepted this licence for this family or repository."""
        return any(
            (one.license_id, one.model.lower()) == (license_id, model.lower()) for one in self.all()
        )

    def accept(
        self,
        license_id: str,
        model: str,
        text: str,
        *,
        repository: str,
        commit: str,
        app_version: str,
        now: datetime,
    ) -> None:
        """Keep that the user accepted, having read `text`. Raises FileError if it cannot be."""
        when = now.astimezone(UTC).isoformat(timespec="seconds")
        entry = Acceptance(license_id, model, text, repository, commit, app_version, when)

        def add(content: Content) -> None:
            content["accepted"].append(asdict(entry))

        self._store.change(add)

"""What Starpad and its process that serves other programs tell each other: a line of JSON each."""

import base64
import json
import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from starpad.core.engine_status import LoadedModel
from starpad.core.serving import Activity, LogEntry
from starpad.engines.caret_priority import EngineNews


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where an engine is, and what it holds."""

    url: str
    key: str
    model: LoadedModel


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """The first line to the process: where to listen, and whom to answer."""

    port: int
    key: str
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewKey:
    """The key that counts from now on."""

    key: str


@dataclass(frozen=True, slots=True)
class NewModel:
    """What is served from now on; without `upstream`, `reason` says why there is nothing."""

    upstream: Upstream | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Started:
    """The process's first answer: it listens."""

    address: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The process's first answer: it cannot listen."""

    reason: str
    hint: str = ""


Order = ServeConfig | NewKey | NewModel | EngineNews
Report = Started | Failed | LogEntry | Activity


def order_line(order: Order) -> bytes:
    """Return one line for the process. It never leaves this computer's pipes."""
    match order:
        case ServeConfig():
            fields: dict[str, Any] = {"order": "serve", **asdict(order)}
        case NewKey():
            fields = {"order": "key", "key": order.key}
        case NewModel():
            # Only we write to this pipe, so that a pickle is as good as any other form.
            packed = base64.b64encode(pickle.dumps(order.upstream)).decode("ascii")
            fields = {"order": "model", "upstream": packed, "reason": order.reason}
        case _:
            fields = {"order": "news", "news": str(order)}
    return json.dumps(fields).encode("ascii") + b"\n"


def read_order(line: bytes) -> Order:
    """Return what `order_line` wrote; ValueError, KeyError or TypeError for anything else."""
    fields = json.loads(line)
    match fields["order"]:
        case "serve":
            return ServeConfig(fields["port"], fields["key"], tuple(fields["origins"]))
        case "key":
            return NewKey(fields["key"])
        case "model":
            return NewModel(pickle.loads(base64.b64decode(fields["upstream"])), fields["reason"])
        case _:
            return EngineNews(fields["news"])


_REPORTS: Mapping[str, type[Started | Failed | Activity]] = {
    "started": Started,
    "failed": Failed,
    "activity": Activity,
}


def report_line(report: Report) -> str:
    """Return one line for Starpad, without its end."""
    fields = asdict(report)
    if isinstance(report, LogEntry):
        fields["at"] = report.at.isoformat()
    return json.dumps({"report": type(report).__name__.lower(), **fields})


def read_report(line: bytes) -> Report:
    """Return what `report_line` wrote; ValueError, KeyError or TypeError for anything else."""
    fields = json.loads(line)
    kind = fields.pop("report")
    if kind == "logentry":
        fields["at"] = datetime.fromisoformat(fields["at"])
        return LogEntry(**fields)
    if kind == "activity":
        fields["clients"] = tuple(fields["clients"])
    return _REPORTS[kind](**fields)

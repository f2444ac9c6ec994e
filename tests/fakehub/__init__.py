"""A Hugging Face Hub on loopback, which misbehaves on request."""

from .faults import Fault, FaultKind
from .hub import FakeHub
from .messages import Request

__all__ = ["FakeHub", "Fault", "FaultKind", "Request"]

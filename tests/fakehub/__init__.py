"""A Hugging Face Hub on loopback, which misbehaves on request."""

from .faults import Fault, FaultKind
from .hub import FakeHub
from .messages import Request
from .shelf import fill

__all__ = ["FakeHub", "Fault", "FaultKind", "Request", "fill"]

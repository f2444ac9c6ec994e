"""The fake hub: two origins on loopback over one state."""

import os
import re
from types import TracebackType
from typing import Self

from . import account_routes, api_routes, file_routes
from .messages import Reply, Request, refusal
from .site import Site
from .state import HubState

_ROUTES = [
    (methods.split(), re.compile(pattern), function)
    for methods, pattern, function in (
        *api_routes.ROUTES,
        *file_routes.ROUTES,
        *account_routes.ROUTES,
    )
]
_NO_PROXY = ("NO_PROXY", "no_proxy")


class FakeHub(HubState):
    """Speaks the protocol of the Hugging Face Hub, as far as Starpad and its libraries use it.

    Running inside `with` or between `start` and `stop`. Meanwhile NO_PROXY keeps the proxies of
    the environment away from loopback.
    """

    def __init__(self, port: int = 0) -> None:
        super().__init__()
        self._hub = Site("hub", port, self._route, self.fault_book, self.requests)
        self._content = Site("content", 0, self._serve, self.fault_book, self.requests)
        self.endpoint = self._hub.address
        self.content_endpoint = self._content.address
        self._environment: dict[str, str | None] = {}

    def start(self) -> None:
        """Answer requests from now on."""
        for name in _NO_PROXY:
            self._environment[name] = os.environ.get(name)
            os.environ[name] = "127.0.0.1,localhost"
        self._hub.start()
        self._content.start()

    def stop(self) -> None:
        """Hang up on everyone; raises what went wrong in the hub itself, if anything did."""
        self._hub.stop()
        self._content.stop()
        for name, value in self._environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        failures = self._hub.failures + self._content.failures
        if failures:
            raise AssertionError(f"the fake hub broke {len(failures)} times") from failures[0]

    def drop_connections(self) -> None:
        """Hang up on every client, as when the network goes away."""
        self._hub.drop_connections()
        self._content.drop_connections()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _route(self, request: Request) -> Reply:
        for methods, pattern, function in _ROUTES:
            if request.method in methods and (match := pattern.fullmatch(request.route)):
                groups = (group for group in match.groups() if group is not None)
                return function(self, request, *groups)
        raise refusal(404, "Sorry, we can't find the page you are looking for.")

    def _serve(self, request: Request) -> Reply:
        return file_routes.serve_content(self, request)

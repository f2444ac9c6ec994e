"""Who we are at the hub: its address, the token for it, signing in and out."""

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from starpad.core.catalog import HUB
from starpad.core.errors import StarpadError
from starpad.hub.session import StopSignal
from starpad.services.background import BackgroundJobs, BlockingJob
from starpad.services.inference_thread import Emit, RequestEnd

if TYPE_CHECKING:  # huggingface_hub takes 0.3 s to import: in the jobs only
    from starpad.hub.client import HubClient


class HubAccount(QObject):
    """Owns the endpoint and its token; every other service asks the hub through `client`."""

    changed = Signal()
    """Signed in or out, or another endpoint."""
    code_received = Signal(object)
    """(DeviceCode) to be typed on the hub's page."""
    signed_in = Signal(str, str)
    """(account, where its token is kept)"""
    failed = Signal(object)
    """(StarpadError) signing in or out did not work."""

    def __init__(self, jobs: BackgroundJobs, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._folder = folder
        self._endpoint = default_endpoint()
        self._lock = threading.Lock()
        self._tokens: dict[str, str | None] = {}
        self._store_lock = threading.Lock()
        """Of two changes to what is kept the later one must win."""
        self._job = 0
        self._look_job = 0
        self._sign_out_job = 0
        self.account = ""
        """The name, once the hub has confirmed it in this session."""
        self.place = ""
        """Where the token is kept, in words."""
        self.has_found_token = False
        """Whether the `hf` command has left a token on this computer."""
        jobs.value_received.connect(self._on_jobs_value_received)
        jobs.job_ended.connect(self._on_jobs_job_ended)

    @property
    def endpoint(self) -> str:
        """The hub's address, without a slash at the end."""
        return self._endpoint

    def set_endpoint(self, address: str) -> None:
        """Ask this hub from now on; empty means the usual one."""
        endpoint = address.strip().rstrip("/") or default_endpoint()
        if endpoint == self._endpoint:
            return
        was_signing_in = self._job
        self.cancel_sign_in()
        self._endpoint, self.account, self.place = endpoint, "", ""
        self.changed.emit()
        if was_signing_in:
            self.failed.emit(StarpadError("Another hub was chosen meanwhile.", "Sign in again."))
        if self._look_job:
            self.look()

    @property
    def is_signed_in(self) -> bool:
        """Whether a token for the endpoint has been read or saved in this session."""
        with self._lock:
            return bool(self._tokens.get(self._endpoint))

    def token_for(self, endpoint: str) -> str | None:
        """Return the token saved for this endpoint; from any thread but the GUI's.

        The keyring may take its time. No other endpoint ever gets it.
        """
        with self._lock:
            if endpoint in self._tokens:
                return self._tokens[endpoint]
        from starpad.hub.token_store import TokenStore

        token = TokenStore(self._folder).load(endpoint)
        with self._lock:
            return self._tokens.setdefault(endpoint, token)

    def client(self, endpoint: str) -> "HubClient":
        """Return a client that speaks for the user; from any thread but the GUI's."""
        from starpad.hub.client import HubClient

        return HubClient(endpoint, self.token_for(endpoint))

    def look(self) -> None:
        """Find out, on this computer, whether a token is there; `changed` follows."""
        endpoint = self._endpoint

        def job(_stop: StopSignal, _emit: Emit) -> object:
            from starpad.hub.token_store import TokenStore

            place = TokenStore(self._folder).place(endpoint) if self.token_for(endpoint) else ""
            return endpoint, place, _has_found_token()

        self._look_job = self._jobs.submit("account", job)

    def sign_in_with_browser(self) -> None:
        """Ask for a code that the user types on the hub's page, and wait until that is done."""
        endpoint = self._endpoint

        def job(stop: StopSignal, emit: Emit) -> object:
            from starpad.hub import sign_in

            code = sign_in.request_code(endpoint)
            emit(code)
            return self._keep(endpoint, sign_in.wait_for_token(endpoint, code, stop), stop)

        self._begin(job)

    def sign_in_with_token(self, token: str) -> None:
        """Check a token that the user pasted, and keep it."""
        endpoint = self._endpoint
        self._begin(lambda stop, _emit: self._keep(endpoint, token.strip(), stop))

    def sign_in_with_found_token(self) -> None:
        """Take the token that the `hf` command has left on this computer."""
        endpoint = self._endpoint

        def job(stop: StopSignal, _emit: Emit) -> object:
            from starpad.hub.token_store import found_token

            token = found_token()
            if token is None:
                raise StarpadError(
                    "The hf command has left no token on this computer.",
                    "Sign in with the browser, or paste a token.",
                )
            return self._keep(endpoint, token, stop)

        self._begin(job)

    def cancel_sign_in(self) -> None:
        """Wait for no code any more."""
        self._jobs.cancel(self._job)
        self._job = 0

    def sign_out(self) -> None:
        """Forget the endpoint's token; `failed` if something of it stays."""
        self.cancel_sign_in()
        endpoint = self._endpoint
        with self._lock:
            self._tokens[endpoint] = None
        self.account, self.place = "", ""

        def job(_stop: StopSignal, _emit: Emit) -> object:
            from starpad.hub.token_store import TokenStore

            with self._store_lock:
                if not self._tokens[endpoint]:  # else signed in again meanwhile
                    TokenStore(self._folder).forget(endpoint)
            return None

        self._sign_out_job = self._jobs.submit("sign-out", job)
        self.changed.emit()

    def _begin(self, job: BlockingJob) -> None:
        self.cancel_sign_in()
        self._job = self._jobs.submit("sign-in", job)

    def _keep(self, endpoint: str, token: str, stop: StopSignal) -> tuple[str, str]:
        """Return the account's name and where its token is kept now (in a job)."""
        from starpad.hub import sign_in
        from starpad.hub.token_store import TokenStore

        account = sign_in.check_token(endpoint, token)
        store = TokenStore(self._folder)
        with self._store_lock:
            if stop.is_stopped:
                raise StarpadError("Signing in was cancelled.")
            store.save(endpoint, token)
            with self._lock:
                self._tokens[endpoint] = token
            return account, store.place(endpoint)

    @Slot(int, object)
    def _on_jobs_value_received(self, job_id: int, value: object) -> None:
        if job_id == self._job:
            self.code_received.emit(value)

    @Slot(int, object)
    def _on_jobs_job_ended(self, job_id: int, end: RequestEnd) -> None:
        if job_id == self._look_job and isinstance(end.value, tuple):
            endpoint, place, self.has_found_token = end.value
            if endpoint == self._endpoint:
                if bool(place) == self.is_signed_in:  # else signed in or out meanwhile
                    self.place = place
                self.changed.emit()
        elif job_id in (self._job, self._sign_out_job) and end.error is not None:
            self.failed.emit(as_starpad_error(end.error))
        elif job_id == self._job and isinstance(end.value, tuple):
            self.account, self.place = end.value
            self.changed.emit()
            self.signed_in.emit(self.account, self.place)
        if job_id == self._job:
            self._job = 0


def default_endpoint() -> str:
    """Return the usual hub, or the one that HF_ENDPOINT names as for Hugging Face's own tools."""
    return os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or HUB


def _has_found_token() -> bool:
    """Say whether the `hf` command has left a token. To read it might renew it at its hub."""
    from huggingface_hub import constants

    is_set = any(os.environ.get(name) for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"))
    return is_set or Path(constants.HF_TOKEN_PATH).is_file()


def as_starpad_error(error: Exception) -> StarpadError:
    """Return what can be shown to the user."""
    if isinstance(error, StarpadError):
        return error
    return StarpadError("Something went wrong inside Starpad.", "Its log says what.")

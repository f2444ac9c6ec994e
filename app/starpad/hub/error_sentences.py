"""What the user reads when a hub, or the disk below a download, refuses: one method a sentence."""

from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from starpad.core.hub_errors import HubError, HubProblem

_GOES_ON = "A download goes on by itself."


def host_of(endpoint: str) -> str:
    """Return the hub's name as a person knows it, as in huggingface.co."""
    return urlsplit(endpoint).netloc.rpartition("@")[2] or endpoint


def proxy_of(endpoint: str) -> str:
    """Return host and port of the proxy that leads there, never its password; or nothing."""
    target = urlsplit(endpoint)
    proxies = getproxies()
    address = proxies.get(target.scheme) or proxies.get("all", "")
    if not address or proxy_bypass(target.netloc):
        return ""
    return host_of(address if "://" in address else f"http://{address}")


class Case:
    """One failure: at which hub (its address), and what was asked for, as the user knows it."""

    def __init__(self, endpoint: str, subject: str) -> None:
        self.endpoint = endpoint.rstrip("/")
        self.host = host_of(endpoint)
        self.subject = subject
        self._tokens_page = f"{self.endpoint}/settings/tokens"

    # The way there

    def offline_mode(self) -> HubError:
        return HubError(
            "Starpad was started in offline mode.",
            "Start it without HF_HUB_OFFLINE in its environment to reach the hub.",
            problem=HubProblem.OFFLINE,
        )

    def offline(self) -> HubError:
        return HubError(
            f"There is no connection to {self.host}.",
            f"Check the network. {_GOES_ON}",
            problem=HubProblem.OFFLINE,
        )

    def interrupted(self) -> HubError:
        return HubError(
            f"The connection to {self.host} was interrupted.",
            "Try again. A download goes on by itself where it stopped.",
            problem=HubProblem.INTERRUPTED,
        )

    def proxy(self, event: str) -> HubError:
        return HubError(
            f"The proxy {proxy_of(self.endpoint) or 'on the way'} {event}, "
            f"so there is no connection to {self.host}.",
            f"Check this computer's proxy settings, or HTTPS_PROXY. {_GOES_ON}",
            problem=HubProblem.PROXY,
        )

    def untrusted(self) -> HubError:
        return HubError(
            f"The connection to {self.host} is not secure: its certificate is not trusted.",
            "Check this computer's date. A company's network may need its own certificate "
            "installed in the system.",
            problem=HubProblem.CERTIFICATE,
        )

    def not_a_hub(self) -> HubError:
        return HubError(
            f"What answers at {self.host} is not a model hub.",
            "The network may want you to log in first: open the page in a browser. "
            "Or the hub's address in the settings is wrong.",
            problem=HubProblem.NOT_A_HUB,
            url=self.endpoint,
        )

    def no_address(self) -> HubError:
        return HubError(
            f"{self.endpoint} is not the address of a hub.",
            "An address starts with https://, as in https://huggingface.co.",
            problem=HubProblem.BAD_REQUEST,
        )

    # The server's condition

    def busy(self, status: int, wait_s: float | None) -> HubError:
        return HubError(
            f"{self.host} has a problem of its own ({status}).",
            f"It usually passes soon. {_GOES_ON}",
            problem=HubProblem.SERVER_BUSY,
            retry_after_s=wait_s,
        )

    def rate_limited(self, wait_s: float | None) -> HubError:
        when = "a moment" if wait_s is None else f"{wait_s:.0f} seconds"
        return HubError(
            f"{self.host} has had too many requests from here.",
            f"Try again in {when}. {_GOES_ON}",
            problem=HubProblem.RATE_LIMITED,
            retry_after_s=wait_s,
        )

    def expired_address(self) -> HubError:
        return HubError(
            f"The address that {self.host} gave for {self.subject} has expired.",
            f"Try again for a new one. {_GOES_ON}",
            problem=HubProblem.SERVER_BUSY,
        )

    # What was asked for

    def no_name(self) -> HubError:
        return HubError(
            f"{self.subject} cannot be the name of a repository.",
            "Names look like owner/name.",
            problem=HubProblem.BAD_REQUEST,
        )

    def bad_request(self, status: int) -> HubError:
        return HubError(
            f"{self.host} does not understand the request for {self.subject} ({status}).",
            "Check the words, the name or the address.",
            problem=HubProblem.BAD_REQUEST,
        )

    def not_found(self) -> HubError:
        return HubError(
            f"{self.subject} is not on {self.host}: removed, renamed, private or mistyped.",
            "Search for it, or check its name.",
            problem=HubProblem.NOT_FOUND,
        )

    def disabled(self) -> HubError:
        return HubError(
            f"{self.host} has disabled {self.subject}.",
            "Choose another repository of the same model.",
            problem=HubProblem.DISABLED,
        )

    # Who asks

    def needs_sign_in(self) -> HubError:
        return HubError(
            f"{self.subject} is only for people with an account at {self.host}.",
            "Sign in, then try again.",
            problem=HubProblem.NEEDS_SIGN_IN,
        )

    def bad_token(self) -> HubError:
        return HubError(
            f"{self.host} does not accept your access token any more.",
            "Sign in again, or sign out and go on without an account.",
            problem=HubProblem.BAD_TOKEN,
            url=self._tokens_page,
        )

    def token_without_gated(self) -> HubError:
        return HubError(
            "Your access token may not read gated repositories.",
            "Allow it in the token's settings (read access to public gated repositories), "
            "or sign in with the browser; then press Check again.",
            problem=HubProblem.NEEDS_SCOPE,
            url=self._tokens_page,
        )

    def token_without_this(self) -> HubError:
        return HubError(
            f"Your access token does not open {self.subject}.",
            "Allow it in the token's settings, or sign in with the browser; "
            "then press Check again.",
            problem=HubProblem.NEEDS_SCOPE,
            url=self._tokens_page,
        )

    def license_not_accepted(self, repository: str) -> HubError:
        return self._gated(
            repository,
            f"The license of {repository or self.subject} is not accepted yet.",
            "Accept it on its page with the same account, then press Check again.",
        )

    def not_approved_yet(self, repository: str) -> HubError:
        return self._gated(
            repository,
            f"The owner of {repository or self.subject} has not let you in yet.",
            "Your request waits for the owner. Once it is approved, press Check again.",
        )

    def turned_down(self, repository: str) -> HubError:
        return self._gated(
            repository,
            f"The owner of {repository or self.subject} has turned your request down.",
            "Choose another repository of the same model.",
        )

    def _gated(self, repository: str, message: str, hint: str) -> HubError:
        url = f"{self.endpoint}/{repository}".rstrip("/")
        return HubError(message, hint, problem=HubProblem.NEEDS_LICENSE, url=url)

    # The disk; `place` is the folder, or empty

    def disk_full(self) -> HubError:
        return HubError(
            f"There is not enough space on the disk for {self.subject}.",
            "Free some space or choose another models folder, then resume; what arrived is kept.",
            problem=HubProblem.DISK_FULL,
        )

    def no_permission(self, place: Path | None) -> HubError:
        return HubError(
            f"Starpad may not write to {place or 'the models folder'}.",
            "Choose another models folder, or change the folder's permissions.",
            problem=HubProblem.NO_PERMISSION,
        )

    def folder_gone(self, place: Path | None) -> HubError:
        return HubError(
            f"{place or 'The models folder'} cannot be reached any more.",
            "Connect its disk again, or choose another models folder.",
            problem=HubProblem.FOLDER_GONE,
        )

"""Who may do what: accounts, access tokens, granted repositories, and signing in by browser."""

import secrets
import threading
from dataclasses import dataclass, field

from .messages import Request, refusal

INVALID_TOKEN = "Invalid credentials in Authorization header"
_SCOPE_MISSING = (
    "Please enable access to public gated repositories in your fine-grained token settings "
    "to view this repository."
)


@dataclass(frozen=True, slots=True)
class Token:
    """What an access token stands for."""

    account: str
    can_read_gated: bool
    """False for a fine-grained token without that permission."""


@dataclass(slots=True)
class SignIn:
    """A device code on its way to a token."""

    device_code: str
    user_code: str
    outcome: str = "authorization_pending"
    """An OAuth error, or empty once the user has approved."""
    token: Token | None = None


@dataclass(slots=True)
class Accounts:
    """All accounts; any thread."""

    tokens: dict[str, Token] = field(default_factory=dict)
    grants: set[tuple[str, str]] = field(default_factory=set)
    """Pairs of an account and a gated repository that it may read."""
    sign_ins: dict[str, SignIn] = field(default_factory=dict)
    """By device code."""
    refresh_tokens: dict[str, Token] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def token_of(self, request: Request) -> Token | None:
        """Return who asks, or None; raises the refusal of a token that is not known."""
        if "authorization" not in request.headers:
            return None
        if token := self.tokens.get(request.token):
            return token
        raise refusal(401, INVALID_TOKEN)

    def check_gate(self, token: Token | None, repository: str, endpoint: str) -> None:
        """Raise the refusal if a gated repository's files are not for this token."""
        start = f"Access to model {repository} is restricted"
        if token is None:
            message = (
                f"{start}. You must have access to it and be authenticated to access it. "
                "Please log in."
            )
            raise refusal(401, message, "GatedRepo")
        if not token.can_read_gated:
            raise refusal(403, _SCOPE_MISSING)
        if (token.account, repository) not in self.grants:
            message = (
                f"{start} and you are not in the authorized list. "
                f"Visit {endpoint}/{repository} to ask for access."
            )
            raise refusal(403, message, "GatedRepo")

    def begin_sign_in(self) -> SignIn:
        """Return a new pair of codes: one for the program, one for the user."""
        letters = "BCDFGHJKLMNPQRSTVWXZ"
        code = "".join(secrets.choice(letters) for _ in range(8))
        sign_in = SignIn(secrets.token_urlsafe(24), f"{code[:4]}-{code[4:]}")
        with self._lock:
            self.sign_ins[sign_in.device_code] = sign_in
        return sign_in

    def decide(self, user_code: str, outcome: str, token: Token | None) -> None:
        """Answer a sign-in as its user: empty and a token, or an OAuth error."""
        with self._lock:
            found = [each for each in self.sign_ins.values() if each.user_code == user_code]
            if not found:
                raise KeyError(f"no sign-in waits with the code {user_code}")
            found[0].outcome, found[0].token = outcome, token

    def issue(self, token: Token) -> tuple[str, str]:
        """Return a new access token and the token that renews it."""
        access, refresh = f"hf_oauth_{secrets.token_hex(16)}", f"hf_refresh_{secrets.token_hex(16)}"
        with self._lock:
            self.tokens[access] = token
            self.refresh_tokens[refresh] = token
        return access, refresh

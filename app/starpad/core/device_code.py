"""What the user needs to sign in to a hub with the browser."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """A code that the hub gave out; the user types `user_code` on the page `url`."""

    user_code: str
    url: str
    expires_s: float
    """How long the code is good for, from when it was given."""
    interval_s: float
    """How often the hub may be asked whether it was typed."""
    secret: str = field(repr=False)
    """Ours: it is exchanged for the token."""

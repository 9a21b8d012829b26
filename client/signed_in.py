"""An open session, and what may be said when one is asked for."""

from dataclasses import dataclass, field

from client.asking import SentWith
from contracts.sessions import Tokens


class Options(SentWith, total=False):
    """What may be given besides."""

    source: str | None
    """Where the user is, such as an IP address: failed sign-ins are counted by it too."""
    timeout_s: float
    """How long to wait; by default as for every other answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """An open session."""

    session_id: str
    tokens: Tokens = field(repr=False)

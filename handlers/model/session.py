"""A user's session, and what was answered to the requests that open and renew it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from handlers.model.outcome import Source

EndReason: TypeAlias = Literal["logout", "password_changed", "token_reused"]


class Session(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One sign-in, kept up by refresh tokens of which only hashes are stored."""

    session_id: str
    username: str
    epoch: int
    """Of the user's credential when it was opened: access tokens carry it."""
    refresh_hash: bytes
    """SHA-256 of the refresh token that is good now."""
    opened_at: datetime
    expires_at: datetime
    """When it ends by itself, however often it is refreshed."""
    family_hash: bytes = b""
    """SHA-256 of the part that all its refresh tokens share: tells a spent one, of whatever age,
    from a made-up one."""
    previous_hash: bytes | None = None
    """Of the token spent last: used again soon it is a lost answer, later somebody's copy."""
    rotated_at: datetime | None = None
    rotated_by: str | None = None
    """The request that spent it: sent again, however late, that one is no copy."""
    ended_at: datetime | None = None
    ended_reason: EndReason | None = None
    source: str | None = None
    version: int = 1
    """Writes so far; checked on every write."""

    def __post_init__(self) -> None:
        """Check the facts every other function relies on."""
        assert (self.ended_at is None) == (self.ended_reason is None)
        assert self.version >= 1

    def is_live(self, now: datetime) -> bool:
        """Whether tokens of it are good."""
        return self.ended_at is None and now < self.expires_at


class Answered(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a sign-in, refresh, logout or change of password was answered, to say it again."""

    username: str
    request_id: str
    source: Source
    """Where the record stood that was answered: read again, it gets the same answer."""
    body: bytes
    """The reply as published: its tokens are sealed to the caller's key."""
    answered_at: datetime
    expires_at: datetime
    """When it may be forgotten: requests of then are too old to be answered."""
    fingerprint: bytes
    """`RequestRecord.fingerprint` of what was answered."""
    session_id: str | None = None
    """Of the session it opened, renewed or used: its audit event names it."""
    ended: Sequence[str] = ()
    """Ids of the sessions it ended: read again, their revocations are published again."""
    locked_out: bool = False
    """It was the failure after which devices that are not known wait for long: audited beside it."""

    @property
    def id(self) -> str:
        """What identifies the request; as `RequestRecord.id`."""
        return f"{self.username}:{self.request_id}"

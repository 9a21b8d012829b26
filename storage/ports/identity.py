"""What the identity worker needs from the outside, in its own words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from handlers.identity.throttling import Allowance, ThrottleRule
from handlers.model.session import Answered, Session
from storage.ports.credentials import Credential


class IdentityChanges(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Stored in one transaction or not at all."""

    answered: Answered
    """Inserted: a request is honoured once."""
    opened: Sequence[Session] = ()
    """Inserted."""
    changed: Sequence[Session] = ()
    """Replaced, each with its version one above the stored one."""
    credential: Credential | None = None
    """Replaced, its version one above the stored one, `relied_on` as stored."""
    relied_on: Credential | None = None
    """Still of that version when all this is stored, and counted; not beside `credential`.

    So a change of password or a logout everywhere that has read it before loses the race, and
    misses no session that is opened here.
    """

    def __post_init__(self) -> None:
        """Check the facts every adapter relies on."""
        assert self.credential is None or self.relied_on is None
        assert all(each.version > 1 for each in self.changed)


class Identities(Protocol):
    """Sessions and credentials of users. Every method may raise `StoreUnavailableError`.

    What is asked for and cannot be understood raises `CorruptDocumentError`.

    Reads see all that a majority has committed.
    """

    async def credential(self, username: str) -> Credential | None:
        """Return how *username* proves who they are; None where there is nothing (yet)."""
        ...

    async def session(self, session_id: str) -> Session | None:
        """Return a session, ended or not, as long as it is kept."""
        ...

    async def live_sessions(
        self, username: str, *, now: datetime, limit: int | None = None
    ) -> Sequence[Session]:
        """Return the sessions of *username* that have neither ended nor expired.

        With a *limit* any so many of them, where there are more.
        """
        ...

    async def answered(self, request: str) -> Answered | None:
        """Return what the request with this `RequestRecord.id` was answered, as long as it is kept."""
        ...

    async def apply(self, changes: IdentityChanges) -> None:
        """Write *changes* durably (majority, journalled).

        Raises:
            LostRaceError: Something is not as it was read; read again and decide again.
            CommitUnknownError: It may have been written; read again.
        """
        ...


class Throttles(Protocol):
    """Counters of failed sign-ins. Every method may raise `StoreUnavailableError`.

    A counter that cannot be understood raises `CorruptDocumentError`.
    """

    async def count(
        self, subject: str, *, rule: ThrottleRule, now: datetime, record: str | None = None
    ) -> Allowance:
        """Count one attempt on *subject* durably, in one atomic step, unless it has to wait.

        Every attempt counts as failed until `forgive`, so that parallel ones do not slip through.
        The *record* counted last is let through again, uncounted: it must name one guess for ever.
        """
        ...

    async def forgive(self, subject: str, *, all_of_them: bool) -> None:
        """Take one attempt, which was no failure, and the wait off the count, or forget them all."""
        ...

    async def look(
        self, rules: Mapping[str, ThrottleRule], *, now: datetime, record: str | None = None
    ) -> Mapping[str, Allowance]:
        """Return what `count` would say of each subject by its rule; count nothing."""
        ...

    async def unlock(self, username: str) -> int:
        """Forget durably all that is counted of *username*; return how many counts there were."""
        ...

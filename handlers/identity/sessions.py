"""What becomes of sessions: opened, renewed, ended; and which requests are repeats."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from handlers.model.input_records import RequestRecord
from handlers.model.session import Answered, EndReason, Session

REPEAT = timedelta(seconds=10)
"""For how long a lost answer may be asked for again, and a token spent last is no theft: longer
than a client waits before it tries again, too short to be of use to a thief."""

SESSIONS_MAX = 100
"""Live sessions of one user: more than anybody has devices, few enough to be read at each login and
to end together in one transaction. Logins that race may open one each beyond it; the next ends
those too."""


class Repeat(Enum):
    """How a request relates to the one that was answered under its id."""

    SAME = "same"
    """The same record, read again: it gets the same answer for as long as that is kept."""
    AGAIN = "again"
    """Another record, soon enough: the answer was lost."""
    CONFLICT = "conflict"
    """Another content, whoever sent it: it is not told what became of the first."""
    EXPIRED = "expired"
    """Its id is used up."""


def repeat(answered: Answered, asked: RequestRecord, now: datetime) -> Repeat:
    """Return how *asked* relates to what was answered under its id."""
    if answered.source == asked.source:
        return Repeat.SAME
    if answered.fingerprint != asked.fingerprint:
        return Repeat.CONFLICT
    # The id of a login is no way to learn what a refresh was answered.
    same_question = answered.source.topic == asked.source.topic
    if same_question and now - answered.answered_at <= REPEAT:
        return Repeat.AGAIN
    return Repeat.EXPIRED


def is_too_old(asked: RequestRecord, age_max: timedelta, now: datetime) -> bool:
    """Whether *asked* waited so long, by broker time, that nobody waits for its answer."""
    return now.timestamp() * 1000 - asked.timestamp_ms > age_max.total_seconds() * 1000


class RefreshToken(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known of a refresh token without keeping it."""

    session_id: str
    whole_hash: bytes
    """SHA-256 of all of it."""
    family_hash: bytes
    """SHA-256 of the part that all tokens of its session share."""


def opened(
    token: RefreshToken,
    *,
    username: str,
    epoch: int,
    source: str | None,
    now: datetime,
    expires_at: datetime,
) -> Session:
    """Return a new session that *token* renews."""
    return Session(
        session_id=token.session_id,
        username=username,
        epoch=epoch,
        refresh_hash=token.whole_hash,
        family_hash=token.family_hash,
        opened_at=now,
        expires_at=expires_at,
        source=source,
    )


class Rotated(msgspec.Struct, frozen=True, gc=False):
    """The token is good, and spent by this."""

    session: Session
    """With the fresh token in its place."""


class Superseded(msgspec.Struct, frozen=True, gc=False):
    """Another request spent it a moment ago: two of the same client, or a lost answer."""

    session: Session


class Repeated(msgspec.Struct, frozen=True, gc=False):
    """The same request spent it; its answer is forgotten."""

    session: Session


class Reused(msgspec.Struct, frozen=True, gc=False):
    """It was spent before: somebody has a copy."""

    session: Session
    """Ended."""


class Ended(msgspec.Struct, frozen=True, gc=False):
    """It was of a session that has ended or expired, or was opened before all were ended."""

    session: Session


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """It is not ours, or another user's."""


Refreshed: TypeAlias = Rotated | Superseded | Repeated | Reused | Ended | Unknown


def refresh(
    session: Session | None,
    asked: RequestRecord,
    presented: RefreshToken,
    fresh: RefreshToken,
    now: datetime,
    *,
    epoch: int,
) -> Refreshed:
    """Return what presenting a token does to the session it names.

    *epoch* is the credential's, read before the session: whatever counted it up ended every session
    that it did not move on, so that one of an older epoch is none.
    """
    if (
        session is None
        or session.username != asked.request.username
        or session.family_hash != presented.family_hash
    ):
        return Unknown()
    if not session.is_live(now) or session.epoch < epoch:
        return Ended(session)
    if presented.whole_hash == session.refresh_hash:
        return Rotated(
            replace(
                session,
                refresh_hash=fresh.whole_hash,
                previous_hash=presented.whole_hash,
                rotated_at=now,
                rotated_by=asked.request.request_id,
                version=session.version + 1,
            )
        )
    if presented.whole_hash == session.previous_hash and session.rotated_at is not None:
        if session.rotated_by == asked.request.request_id:
            return Repeated(session)
        if now - session.rotated_at <= REPEAT:
            return Superseded(session)
    # RFC 9700 §4.14.2: of a spent token nobody can say who has it, so all of its family end.
    return Reused(end(session, "token_reused", now))


def end(session: Session, reason: EndReason, now: datetime) -> Session:
    """Return *session*, which is live, as ended."""
    assert session.ended_at is None
    return replace(session, ended_at=now, ended_reason=reason, version=session.version + 1)


def displaced(live: Sequence[Session]) -> Sequence[Session]:
    """Return those of *live*, a user's, that a new one takes the place of: the oldest.

    At most `SESSIONS_MAX` of them: where more logins have raced, the next one ends the rest.
    """
    too_many = max(0, len(live) + 1 - SESSIONS_MAX)
    oldest = sorted(live, key=lambda each: (each.opened_at, each.session_id))
    return oldest[: min(too_many, SESSIONS_MAX)]


def move_on(session: Session, epoch: int) -> Session:
    """Return *session* as the one that survives a change of password."""
    return replace(session, epoch=epoch, version=session.version + 1)

"""Answers each request once: stored with what it does, then said as often as it is read."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec

from contracts.codes import Code
from handlers.identity.sessions import Repeat, is_too_old, repeat
from handlers.model.input_records import RequestRecord
from handlers.model.refused import Refused
from handlers.model.session import Answered, Session
from handlers.wire.rendering import Record
from handlers.wire.replying import audit, reply, reply_body, revocation
from storage.ports.errors import CommitUnknownError, LostRaceError, StoreUnavailableError
from storage.ports.identity import IdentityChanges
from workers.identity.attempt import Attempt, Draft, refusal
from workers.identity.dependencies import IdentityDependencies
from workers.identity.options import ANSWERS_KEPT
from workers.kafka.publishing import Outgoing
from workers.requests.answering import AnsweredRequest

TRIES_MAX = 10
"""Lost races of one request in a row: more than callers that meet by chance ever cause."""

AT_ONCE_MAX = 100
"""Sessions read at the same time: as many connections as the driver opens."""

Item = TypeVar("Item")
Done = TypeVar("Done")

LOCK_OUT = "lock-out"
TOKEN_REUSE = "token-reuse"  # noqa: S105 - an audited action


class _Body(msgspec.Struct):
    """What is read of a stored reply."""

    class Rejection(msgspec.Struct):
        """Why it was rejected."""

        code: Code

    status: str
    error: Rejection | None = None


class IdempotentExecution:
    """Stores what attempts decide, and says it."""

    def __init__(self, dependencies: IdentityDependencies) -> None:
        self._dependencies = dependencies

    async def conclude(self, attempt: Attempt) -> AnsweredRequest:
        """Return the one answer of a request; decides at most as often as it loses a race.

        Raises:
            StoreUnavailableError: Nobody knows; ask again.
        """
        asked, dependencies = attempt.asked, self._dependencies
        for _ in range(TRIES_MAX):
            stored = await dependencies.identities.answered(asked.id)
            if stored is not None:
                return await self._repeated(asked, stored)
            now = dependencies.clock()
            if is_too_old(asked, dependencies.options.request_age_max, now):
                return self._expired(asked, now)
            draft = await attempt.draft()
            if isinstance(draft, Refused):
                return self._not_tried(asked, draft)
            answered = self._answered(asked, draft)
            try:
                await dependencies.identities.apply(_changes(draft, answered))
            except (LostRaceError, CommitUnknownError):
                continue
            return self._said(asked, answered, draft.ended)
        raise StoreUnavailableError(
            f"a {asked.type} lost {TRIES_MAX} races in a row; it is read again"
        )

    def _answered(self, asked: RequestRecord, draft: Draft) -> Answered:
        options = self._dependencies.options
        # As long as tokens live that it revoked: read again, their revocations are said again.
        kept = max(ANSWERS_KEPT, options.access_token + options.leeway)
        return Answered(
            username=asked.request.username,
            request_id=asked.request.request_id,
            source=asked.source,
            body=reply_body(asked, draft.answer, draft.at),
            answered_at=draft.at,
            expires_at=draft.at + options.request_age_max + kept,
            fingerprint=asked.fingerprint,
            session_id=draft.session_id,
            ended=[each.session_id for each in draft.ended],
            locked_out=draft.locked_out,
        )

    async def _repeated(self, asked: RequestRecord, stored: Answered) -> AnsweredRequest:
        now = self._dependencies.clock()
        match repeat(stored, asked, now):
            case Repeat.SAME:
                # Stored, but nobody knows whether it was published: all of it goes out again.
                read = self._dependencies.identities.session
                sessions = await _some_at_a_time(read, stored.ended)
                return self._said(asked, stored, [each for each in sessions if each])
            case Repeat.AGAIN:
                return _say(asked, stored, ())
            case Repeat.CONFLICT:
                return self._not_tried(asked, refusal(Code.REQUEST_ID_CONFLICT))
            case Repeat.EXPIRED:
                return self._expired(asked, now)

    def _expired(self, asked: RequestRecord, now: datetime) -> AnsweredRequest:
        """Refuse without a trace: an audit event would say that something was tried."""
        return _refuse(asked, refusal(Code.EXPIRED), now, ())

    def _not_tried(self, asked: RequestRecord, answer: Refused) -> AnsweredRequest:
        now = self._dependencies.clock()
        record = audit(asked, action=asked.type, at=now, code=answer.code, remembered=False)
        return _refuse(asked, answer, now, [self._event(asked, record)])

    def _said(
        self, asked: RequestRecord, answered: Answered, ended: Sequence[Session]
    ) -> AnsweredRequest:
        """Return *answered* with all that follows from it."""
        revoked = [self._revoked(asked, each) for each in ended]
        audited = [self._event(asked, each) for each in _audits(asked, answered)]
        return _say(asked, answered, [*revoked, *audited])

    def _revoked(self, asked: RequestRecord, session: Session) -> Outgoing:
        record = revocation(
            session,
            expires_at=self._tokens_expire_at(session),
            trace=asked.trace,
            cause=asked.request.request_id,
        )
        topic = self._dependencies.options.revocations_topic
        return Outgoing.of(topic, session.session_id.encode(), record)

    def _tokens_expire_at(self, session: Session) -> datetime:
        assert session.ended_at is not None
        options = self._dependencies.options
        return session.ended_at + options.access_token + options.leeway

    def _event(self, asked: RequestRecord, record: Record) -> Outgoing:
        key = asked.request.username.encode()
        return Outgoing.of(self._dependencies.options.audit_topic, key, record)


async def _some_at_a_time(
    work: Callable[[Item], Awaitable[Done]], items: Sequence[Item]
) -> list[Done]:
    """Return what *work* makes of each of *items*, in their order."""
    done: list[Done] = []
    for start in range(0, len(items), AT_ONCE_MAX):
        done += await asyncio.gather(*map(work, items[start : start + AT_ONCE_MAX]))
    return done


def _changes(draft: Draft, answered: Answered) -> IdentityChanges:
    return IdentityChanges(
        answered=answered,
        opened=draft.opened,
        changed=draft.changed,
        credential=draft.credential,
        relied_on=draft.relied_on,
    )


def _read(answered: Answered) -> _Body:
    return msgspec.json.decode(answered.body, type=_Body)


def _audits(asked: RequestRecord, answered: Answered) -> Iterator[Record]:
    """Yield what is audited of a request: itself, and what it brought to light."""
    body = _read(answered)
    code = None if body.error is None else body.error.code
    actions = [(asked.type, code)]
    if code is Code.TOKEN_REUSED:
        actions.append((TOKEN_REUSE, code))
    if answered.locked_out:
        actions.append((LOCK_OUT, Code.TOO_MANY_ATTEMPTS))
    for action, told in actions:
        yield audit(
            asked,
            action=action,
            at=answered.answered_at,
            code=told,
            session_id=answered.session_id,
        )


def _say(asked: RequestRecord, answered: Answered, beside: Sequence[Outgoing]) -> AnsweredRequest:
    body = _read(answered)
    return AnsweredRequest(
        asked=asked,
        reply=reply(asked, answered.body, answered.answered_at),
        status=body.status,
        code="" if body.error is None else body.error.code.value,
        beside=beside,
    )


def _refuse(
    asked: RequestRecord, answer: Refused, now: datetime, beside: Sequence[Outgoing]
) -> AnsweredRequest:
    return AnsweredRequest(
        asked=asked,
        reply=reply(asked, reply_body(asked, answer, now), now),
        status="rejected",
        code=answer.code.value,
        beside=beside,
    )

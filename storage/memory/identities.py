"""Sessions, answers and throttles in memory: for tests, ours and other teams'."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from handlers.identity.subjects import below, of_user
from handlers.identity.throttling import Allowance, Count, ThrottleRule, attempt, forgiven, verdicts
from handlers.model.corrupt import CorruptDocument
from handlers.model.session import Answered, Session
from storage.memory.ledger import MemoryCredentials
from storage.ports.credentials import Credential
from storage.ports.errors import CorruptDocumentError, LostRaceError
from storage.ports.identity import IdentityChanges


class MemoryIdentities:
    """Sessions in dictionaries, beside the same *credentials* that registrations fill."""

    def __init__(self, credentials: MemoryCredentials) -> None:
        self.sessions: dict[str, Session] = {}
        self.answers: dict[str, Answered] = {}
        self.corrupt: dict[tuple[str, str], CorruptDocument] = {}
        """Collection and id → what cannot be understood instead of what the tables have."""
        self._credentials = credentials.by_username

    async def credential(self, username: str) -> Credential | None:
        """Return how *username* proves who they are."""
        self._readable("credentials", username)
        return self._credentials.get(username)

    async def session(self, session_id: str) -> Session | None:
        """Return a session, ended or not."""
        self._readable("sessions", session_id)
        return self.sessions.get(session_id)

    async def live_sessions(
        self, username: str, *, now: datetime, limit: int | None = None
    ) -> Sequence[Session]:
        """Return the sessions of *username* that have neither ended nor expired."""
        live = [
            each
            for each in self.sessions.values()
            if each.username == username and each.is_live(now)
        ]
        for each in live:
            self._readable("sessions", each.session_id)
        return live[:limit]

    async def answered(self, request: str) -> Answered | None:
        """Return what the request with this `RequestRecord.id` was answered."""
        self._readable("requests", request)
        return self.answers.get(request)

    async def apply(self, changes: IdentityChanges) -> None:
        """Write *changes* in one step: nothing here waits, so nobody comes between."""
        self._check(changes)
        self.answers[changes.answered.id] = changes.answered
        for session in (*changes.opened, *changes.changed):
            self.sessions[session.session_id] = session
        if changes.credential is not None:
            self._credentials[changes.credential.username] = changes.credential
        if changes.relied_on is not None:
            stored = self._credentials[changes.relied_on.username]
            counted = replace(stored, relied_on=stored.relied_on + 1)
            self._credentials[stored.username] = counted

    def _readable(self, collection: str, identifier: str) -> None:
        if document := self.corrupt.get((collection, identifier)):
            raise CorruptDocumentError(document)

    def _check(self, changes: IdentityChanges) -> None:
        if changes.answered.id in self.answers:
            raise LostRaceError("the request was answered since")
        if any(each.session_id in self.sessions for each in changes.opened):
            raise LostRaceError("there is a session of that id")
        for each in changes.changed:
            stored = self.sessions.get(each.session_id)
            if stored is None or stored.version != each.version - 1:
                raise LostRaceError("a session was written since it was read")
        if (new := changes.credential) is not None:
            stored = self._stored(new.username, new.version - 1)
            if stored.relied_on != new.relied_on:
                raise LostRaceError("a session was opened since the credential was read")
        if changes.relied_on is not None:
            self._stored(changes.relied_on.username, changes.relied_on.version)

    def _stored(self, username: str, version: int) -> Credential:
        stored = self._credentials.get(username)
        if stored is None or stored.version != version:
            raise LostRaceError("the credential was written since it was read")
        return stored


class MemoryThrottles:
    """Counts in a dictionary."""

    def __init__(self) -> None:
        self.counts: dict[str, Count] = {}

    async def count(
        self, subject: str, *, rule: ThrottleRule, now: datetime, record: str | None = None
    ) -> Allowance:
        """Count one attempt on *subject*, unless it has to wait."""
        stored = self.counts.get(subject, Count())
        self.counts[subject], verdict = attempt(stored, rule, now, record)
        return verdict

    async def look(
        self, rules: Mapping[str, ThrottleRule], *, now: datetime, record: str | None = None
    ) -> Mapping[str, Allowance]:
        """Return what `count` would say of each subject by its rule; count nothing."""
        return verdicts(self.counts, rules, now, record)

    async def unlock(self, username: str) -> int:
        """Forget all that is counted of *username*; return how many counts there were."""
        first, end = below(username)
        counted = [each for each in self.counts if each == of_user(username) or first <= each < end]
        for each in counted:
            del self.counts[each]
        return len(counted)

    async def forgive(self, subject: str, *, all_of_them: bool) -> None:
        """Take one attempt and the wait off the count, or forget them all."""
        stored = self.counts.pop(subject, None)
        if stored is not None and not all_of_them:
            self.counts[subject] = forgiven(stored)

"""Proves that somebody knows a password: counted first, then hashed once."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from contracts.codes import Code
from contracts.passwords import ChangePassword
from contracts.sessions import Login
from handlers.identity import subjects
from handlers.identity.passwords import prepared
from handlers.identity.throttling import Allowance, ThrottleRule
from handlers.model.input_records import RequestRecord
from handlers.model.refused import Refused
from storage.ports.credentials import Credential
from workers.identity.dependencies import IdentityDependencies
from workers.identity.options import IdentityOptions


class Limit(NamedTuple):
    """One count that a guess has to pass."""

    reason: str
    """What of it is shown in metrics."""
    subject: str
    rule: ThrottleRule
    is_own: bool = False
    """Nobody else's guesses are in it: whoever knows the password may forget them all."""


class PasswordCheck:
    """One guess of one request, however often the request is decided again."""

    def __init__(
        self, dependencies: IdentityDependencies, asked: RequestRecord, device: str | None
    ) -> None:
        """Count nothing yet; *device* is the one it comes from, where the user is known on it."""
        request = asked.request
        assert isinstance(request, Login | ChangePassword)
        self._dependencies = dependencies
        self._limits = _limits(dependencies.options, request.username, request.source, device)
        stands = asked.source
        self._record = f"{stands.topic}:{stands.partition}:{stands.offset}:{asked.timestamp_ms}"
        """What was guessed stands there for ever; another guess under the same request id does not,
        so that only this one is let through again without being counted."""
        self._counted: Sequence[Allowance] | None = None
        """One for each limit, where all of them allow it; none where they do not."""
        self._retry_at: datetime | None = None
        self._verified: tuple[str | None, bool] | None = None
        self.locked_out = False
        """The guess was wrong, and the last one that unknown devices have for a while."""

    async def refused(self) -> Refused | None:
        """Count the guess durably, before anything is hashed; say how long it waits, if it does."""
        if self._counted is None:
            self._counted = await self._count()
        if self._retry_at is None:
            return None
        left = (self._retry_at - self._dependencies.clock()).total_seconds()
        return too_many(max(1, math.ceil(left)))

    async def holds(self, password: str, credential: Credential | None) -> bool:
        """Whether *password* is the user's; the same work where there is no such user.

        Where it is, the guesses before it are forgiven.
        """
        assert self._counted, "a guess is counted before it is hashed"
        known = None if credential is None else credential.hash
        if self._verified is None or self._verified[0] != known:
            right = await self._is_right(password, credential)
            self._verified = known, right
            self.locked_out = not right and any(each.used_up for each in self._counted)
            if right:
                for each in self._limits:
                    await self._forgive(each, all_of_them=each.is_own)
            elif self.locked_out:
                self._dependencies.metrics.lock_outs_total.inc()
        return self._verified[1]

    async def _is_right(self, password: str, credential: Credential | None) -> bool:
        hasher = self._dependencies.hasher
        if credential is not None and credential.imported:
            return await hasher.verify_imported(password, credential.hash)
        known = None if credential is None else credential.hash
        return await hasher.verify(prepared(password), known)

    async def _count(self) -> Sequence[Allowance]:
        """Count it everywhere, or nowhere.

        Whoever has to wait is seen before anything is written: a flood of them costs reads alone.
        """
        throttles, now, counted = (
            self._dependencies.throttles,
            self._dependencies.clock(),
            list[Allowance](),
        )
        rules = {each.subject: each.rule for each in self._limits}
        seen = await throttles.look(rules, now=now, record=self._record)
        if waits := [each for each in self._limits if not seen[each.subject].allowed]:
            self._refuse(waits[0], *(seen[each.subject] for each in waits))
            return ()
        for at, limit in enumerate(self._limits):
            verdict = await throttles.count(
                limit.subject, rule=limit.rule, now=now, record=self._record
            )
            if not verdict.allowed:  # another guess was faster
                for each in self._limits[:at]:
                    await self._forgive(each, all_of_them=False)
                self._refuse(limit, verdict)
                return ()
            counted.append(verdict)
        return counted

    def _refuse(self, limit: Limit, *verdicts: Allowance) -> None:
        """Note until when it waits: as long as the longest of all that refuse it."""
        self._dependencies.metrics.guesses_refused_total.labels(limit.reason).inc()
        self._retry_at = max(each.retry_at for each in verdicts if each.retry_at is not None)

    async def _forgive(self, limit: Limit, *, all_of_them: bool) -> None:
        await self._dependencies.throttles.forgive(limit.subject, all_of_them=all_of_them)


def too_many(retry_after_s: int) -> Refused:
    """Return that a guess has to wait: whoever guesses learns no more than how long."""
    code = Code.TOO_MANY_ATTEMPTS
    return Refused(code=code, detail=code.info.meaning, retry_after_s=retry_after_s)


def _limits(
    options: IdentityOptions, username: str, source: str | None, device: str | None
) -> Sequence[Limit]:
    """Return what a guess has to pass, what refuses most first.

    A device on which the user has signed in before has its own count, and no part in strangers'.
    """
    if device is not None:
        own = subjects.of_device(username, device)
        return [Limit("device", own, options.device_rule, is_own=True)]
    own = subjects.of_user_from(username, source)
    limits = [Limit("device", own, options.device_rule, is_own=True)]
    if source is not None:
        limits.append(Limit("source", subjects.of_source(source), options.source_rule))
    limits.append(Limit("user", subjects.of_user(username), options.user_rule))
    return limits

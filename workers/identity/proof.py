"""Proves that somebody knows a password: counted first, then hashed once."""

import math

from contracts.codes import Code
from contracts.passwords import ChangePassword
from contracts.sessions import Login
from handlers.asked import Asked
from handlers.passwords import prepared
from handlers.replying import Refusal
from handlers.throttling import Attempt as Allowance
from handlers.throttling import ThrottleRule
from storage.ports import Credential
from workers.identity.attempt import refusal
from workers.identity.outside import Outside


class Proof:
    """One guess of one request, however often the request is decided again."""

    def __init__(self, outside: Outside, asked: Asked, *, by_source: bool) -> None:
        """Count nothing yet; where not *by_source* only the user is counted."""
        request = asked.request
        assert isinstance(request, Login | ChangePassword)
        self._outside = outside
        self._user = f"user:{request.username}"
        source = request.source if by_source else None
        self._source = None if source is None else f"source:{source}"
        stands = asked.source
        self._record = f"{stands.topic}:{stands.partition}:{stands.offset}:{asked.timestamp_ms}"
        """What was guessed stands there for ever; another guess under the same request id does not,
        so that only this one is let through again without being counted."""
        self._allowance: Allowance | None = None
        self._verified: tuple[str | None, bool] | None = None
        self.locked_out = False
        """The guess was wrong, and the last that the account takes."""

    async def refused(self) -> Refusal | None:
        """Count the guess durably, before anything is hashed; say why it has to wait, if so."""
        if self._allowance is None:
            self._allowance = await self._counted()
        if self._allowance.allowed:
            return None
        retry_at = self._allowance.retry_at
        if retry_at is None:
            return refusal(Code.TOO_MANY_ATTEMPTS)
        left = (retry_at - self._outside.clock()).total_seconds()
        return Refusal(
            code=Code.TOO_MANY_ATTEMPTS,
            detail=Code.TOO_MANY_ATTEMPTS.info.meaning,
            retry_after_s=max(1, math.ceil(left)),
        )

    async def holds(self, password: str, credential: Credential | None) -> bool:
        """Whether *password* is the user's; the same work where there is no such user.

        Where it is, the guesses before it are forgiven.
        """
        assert self._allowance is not None, "a guess is counted before it is hashed"
        known = None if credential is None else credential.hash
        if self._verified is None or self._verified[0] != known:
            right = await self._outside.hasher.verify(prepared(password), known)
            self._verified = known, right
            self.locked_out = self._allowance.locked_now and not right
            if right:
                await self._forgive()
        return self._verified[1]

    async def _counted(self) -> Allowance:
        options = self._outside.options
        if self._source is not None:
            verdict = await self._count(self._source, options.source_rule)
            if not verdict.allowed:
                return verdict
        verdict = await self._count(self._user, options.user_rule)
        if self._source is not None and not verdict.allowed:
            # Nothing is tried: who has to wait does not make others behind the address wait.
            await self._outside.throttles.forgive(self._source, all_of_them=False)
        return verdict

    async def _count(self, subject: str, rule: ThrottleRule) -> Allowance:
        outside = self._outside
        return await outside.throttles.count(
            subject, rule=rule, now=outside.clock(), record=self._record
        )

    async def _forgive(self) -> None:
        await self._outside.throttles.forgive(self._user, all_of_them=True)
        if self._source is not None:
            await self._outside.throttles.forgive(self._source, all_of_them=False)

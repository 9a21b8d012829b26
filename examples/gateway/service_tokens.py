"""The service's own access tokens: verified by its keys, refused when their session has ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from client.tokens import Claims, TokenError, TokenProblem, verify_access_token
from contracts.codes import Code
from examples.gateway.key_set import Jwks, KeySet, KeysMissingError
from examples.gateway.problems import refusal, unavailable
from examples.gateway.taking_tokens import NotTakenError


class Ended(Protocol):
    """The part of `client.Revocations` that is asked."""

    @property
    def is_current(self) -> bool:
        """Whether all that is known to have ended is known here."""
        ...

    def is_revoked(self, session_id: str) -> bool:
        """Whether a session has ended."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTokens:
    """Tokens of users who sign in with the service."""

    keys: KeySet
    ended: Ended
    issuer: str
    audience: str

    @property
    def knows_what_ended(self) -> bool:
        """Whether all sessions that ended are known here."""
        return self.ended.is_current

    async def username_of(self, token: str, now: datetime) -> str:
        """Return who signed in.

        Raises:
            NotTakenError: The token is not good, or its session has ended.
            ProblemError: The keys, or what has ended, are not known.
        """
        try:
            claims = await self._verified(token, now)
        except KeysMissingError:
            raise unavailable("the service's keys are not known yet; try again") from None
        except TokenError as error:
            raise _not_taken(error.reason.value, Code.TOKEN_INVALID) from None
        if not self.ended.is_current:
            raise unavailable("which sessions have ended is not known yet; try again")
        if self.ended.is_revoked(claims.session_id):
            raise _not_taken("session_ended", Code.SESSION_ENDED)
        return claims.username

    async def _verified(self, token: str, now: datetime) -> Claims:
        """Verify *token*; where its key is unknown, look once whether there are new keys."""
        try:
            return self._claims(token, await self.keys.current(), now)
        except TokenError as error:
            if error.reason != TokenProblem.UNKNOWN_KEY:
                raise
        await self.keys.refresh()
        return self._claims(token, await self.keys.current(), now)

    def _claims(self, token: str, jwks: Jwks, now: datetime) -> Claims:
        return verify_access_token(token, jwks, issuer=self.issuer, audience=self.audience, now=now)


def _not_taken(reason: str, code: Code) -> NotTakenError:
    return NotTakenError(reason, refusal(code, code.info.meaning))

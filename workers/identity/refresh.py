"""Refresh: a refresh token for fresh tokens; the old one is spent."""

from dataclasses import dataclass
from typing import assert_never

from contracts.codes import Code
from contracts.sealing import Purpose
from contracts.sessions import Refresh
from handlers.identity import sessions
from handlers.identity.sessions import Ended, Repeated, Reused, Rotated, Superseded, Unknown
from handlers.model.input_records import RequestRecord
from handlers.model.refused import Refused
from workers.identity.attempt import Draft, refusal
from workers.identity.dependencies import IdentityDependencies
from workers.identity.refresh_tokens import next_token, read_token


@dataclass(slots=True)
class Renewal:
    """One refresh."""

    dependencies: IdentityDependencies
    asked: RequestRecord
    request: Refresh
    _token: str | None = None

    async def draft(self) -> Draft | Refused:
        """Rotate the token, or say why not."""
        if self._token is None:
            blobs = {Purpose.REFRESH_TOKEN: self.request.sealed_refresh_token}
            secrets = await self.dependencies.envelopes.open(self.asked, blobs)
            if secrets is None:
                return refusal(Code.SEAL_INVALID)
            [self._token] = secrets
        return await self._decided(self._token)

    async def _decided(self, token: str) -> Draft:
        dependencies = self.dependencies
        presented = read_token(token)
        if presented is None:
            return Draft(answer=refusal(Code.TOKEN_INVALID), at=dependencies.clock())
        # Read before the session, which a change of password moves on together with it.
        credential = await dependencies.identities.credential(self.request.username)
        session = await dependencies.identities.session(presented.session_id)
        epoch = 0 if credential is None else credential.epoch
        token = next_token(token)
        fresh = read_token(token)
        assert fresh is not None
        now = dependencies.clock()
        became = sessions.refresh(session, self.asked, presented, fresh, now, epoch=epoch)
        match became:
            case Rotated(session):
                sealed = await dependencies.envelopes.seal(self.asked, session, token, now)
                return Draft(
                    answer={"sealed_tokens": sealed},
                    at=now,
                    session_id=session.session_id,
                    changed=(session,),
                )
            case Reused(session):
                return Draft(
                    answer=refusal(Code.TOKEN_REUSED),
                    at=now,
                    session_id=session.session_id,
                    changed=(session,),
                )
            case Superseded(session) | Repeated(session) | Ended(session):
                code = _CODES[type(became)]
                return Draft(answer=refusal(code), at=now, session_id=session.session_id)
            case Unknown():
                return Draft(answer=refusal(Code.TOKEN_INVALID), at=now)
            case _:
                assert_never(became)


_CODES = {
    Superseded: Code.TOKEN_SUPERSEDED,
    Repeated: Code.EXPIRED,
    Ended: Code.SESSION_ENDED,
}
"""Where the session stays as it is."""

"""Logout: ends the session of an access token, or all of its user's."""

from dataclasses import dataclass, replace

from client.tokens import Claims
from contracts.codes import Code
from contracts.sealing import Purpose
from contracts.sessions import Logout
from handlers.identity import sessions
from handlers.model.input_records import RequestRecord
from handlers.model.refused import Refused
from workers.identity.attempt import Draft, refusal
from workers.identity.dependencies import IdentityDependencies


@dataclass(slots=True)
class SignOut:
    """One logout."""

    dependencies: IdentityDependencies
    asked: RequestRecord
    request: Logout
    _token: str | None = None

    async def draft(self) -> Draft | Refused:
        """End what is asked for; what has ended already stays so."""
        dependencies = self.dependencies
        if self._token is None:
            blobs = {Purpose.LOGOUT_TOKEN: self.request.sealed_access_token}
            secrets = await dependencies.envelopes.open(self.asked, blobs)
            if secrets is None:
                return refusal(Code.SEAL_INVALID)
            [self._token] = secrets
        username, now = self.request.username, dependencies.clock()
        claims = await dependencies.envelopes.verify(self._token, username, now)
        if claims is None:
            return Draft(answer=refusal(Code.TOKEN_INVALID), at=now)
        return await self._ended(claims)

    async def _ended(self, claims: Claims) -> Draft:
        dependencies, username = self.dependencies, self.request.username
        # Read before the sessions: one opened in between makes this lose the race.
        credential = await dependencies.identities.credential(username)
        own = await dependencies.identities.session(claims.session_id)
        now = dependencies.clock()
        if own is None or own.username != username or not own.is_live(now):
            # A token of an ended session has no say over the others.
            return Draft(answer={"sessions_ended": 0}, at=now, session_id=claims.session_id)
        if not self.request.everywhere or credential is None:
            return Draft(
                answer={"sessions_ended": 1},
                at=now,
                session_id=claims.session_id,
                changed=(sessions.end(own, "logout", now),),
            )
        live = await dependencies.identities.live_sessions(username, now=now)
        return Draft(
            answer={"sessions_ended": len(live)},
            at=now,
            session_id=claims.session_id,
            changed=[sessions.end(each, "logout", now) for each in live],
            credential=replace(
                credential, epoch=credential.epoch + 1, version=credential.version + 1
            ),
        )

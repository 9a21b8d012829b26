"""Login: a password for a new session and its tokens."""

from dataclasses import dataclass, replace

from contracts.codes import Code
from contracts.sealing import Purpose
from contracts.sessions import Login
from handlers.identity import sessions
from handlers.identity.passwords import prepared
from handlers.model.input_records import RequestRecord
from handlers.model.refused import Refused
from storage.ports.credentials import Credential
from workers.clock import fresh_name
from workers.identity.attempt import Draft, refusal
from workers.identity.dependencies import IdentityDependencies
from workers.identity.hash_budget import HashShare
from workers.identity.password_check import PasswordCheck
from workers.identity.refresh_tokens import read_token
from workers.keys.tokens import new_refresh_token


@dataclass(slots=True)
class SignIn:
    """One login."""

    dependencies: IdentityDependencies
    asked: RequestRecord
    request: Login
    turn: HashShare
    _secrets: tuple[str, str | None] | None = None
    _is_known: bool = False
    _password_check: PasswordCheck | None = None

    async def draft(self) -> Draft | Refused:
        """Open a session for whoever knows the password."""
        dependencies, request = self.dependencies, self.request
        if self._secrets is None:
            self._secrets = await self._unsealed()
            if self._secrets is None:
                return refusal(Code.SEAL_INVALID)
        password, device_token = self._secrets
        if self._password_check is None:
            device = await self._device(device_token)
            self._is_known = device is not None
            self._password_check = PasswordCheck(dependencies, self.asked, device)
        if (
            wait := self.turn.refused(is_known=self._is_known)
            or await self._password_check.refused()
        ):
            return Draft(answer=wait, at=dependencies.clock())
        self.turn.take()
        credential = await dependencies.identities.credential(request.username)
        right = await self._password_check.holds(password, credential)
        if not right or credential is None:
            return Draft(
                answer=refusal(Code.INVALID_CREDENTIALS),
                at=dependencies.clock(),
                locked_out=self._password_check.locked_out,
            )
        return await self._opened(password, credential)

    async def _unsealed(self) -> tuple[str, str | None] | None:
        """Return the password, and the device token where one came; None where not for this."""
        request = self.request
        blobs = {Purpose.LOGIN_PASSWORD: request.sealed_password}
        if request.sealed_device_token is not None:
            blobs[Purpose.LOGIN_DEVICE] = request.sealed_device_token
        secrets = await self.dependencies.envelopes.open(self.asked, blobs)
        if secrets is None:
            return None
        password, *device_token = secrets
        return password, device_token[0] if device_token else None

    async def _device(self, token: str | None) -> str | None:
        """Return the device of *token*, which is the session that was opened there; None if not known.

        Only who has a good token makes a difference here, so nobody learns who exists.
        """
        if token is None:
            return None
        dependencies, username = self.dependencies, self.request.username
        claims = await dependencies.envelopes.device(token, username, dependencies.clock())
        if claims is None:
            return None
        credential = await dependencies.identities.credential(username)
        is_current = credential is not None and credential.epoch == claims.epoch
        return claims.session_id if is_current else None

    async def _opened(self, password: str, credential: Credential) -> Draft:
        """Open a session, in the place of the oldest where there are enough."""
        dependencies, request = self.dependencies, self.request
        rehashed = await self._rehashed(password, credential)
        now = dependencies.clock()
        token = new_refresh_token(fresh_name())
        read = read_token(token)
        assert read is not None
        # Beyond the bound are only those that raced.
        live = await dependencies.identities.live_sessions(
            request.username, now=now, limit=2 * sessions.SESSIONS_MAX
        )
        session = sessions.opened(
            read,
            username=request.username,
            epoch=credential.epoch,
            source=request.source,
            now=now,
            expires_at=now + dependencies.options.refresh_token,
        )
        return Draft(
            answer={
                "session_id": session.session_id,
                "sealed_tokens": await dependencies.envelopes.seal(self.asked, session, token, now),
            },
            at=now,
            session_id=session.session_id,
            opened=(session,),
            changed=[sessions.end(each, "logout", now) for each in sessions.displaced(live)],
            credential=rehashed,
            relied_on=credential if rehashed is None else None,
        )

    async def _rehashed(self, password: str, credential: Credential) -> Credential | None:
        """Return the credential under today's policy; None where it is already."""
        hasher = self.dependencies.hasher
        if not credential.imported and not hasher.needs_rehash(credential.hash):
            return None
        return replace(
            credential,
            imported=False,
            hash=await hasher.hash(prepared(password)),
            created_at=self.dependencies.clock(),
            version=credential.version + 1,
        )

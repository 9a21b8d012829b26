"""Change-password: a new password for whoever is signed in and knows the old one."""

from dataclasses import dataclass, replace

from client.tokens import Claims
from contracts.codes import Code
from contracts.passwords import ChangePassword, Passwords
from contracts.sealing import Purpose
from handlers.identity import sessions
from handlers.identity.passwords import prepared
from handlers.model.input_records import RequestRecord
from handlers.model.refused import Refused
from handlers.model.session import Session
from storage.ports.credentials import Credential
from workers.credentials.password_gate import password_problem
from workers.identity.attempt import Draft, refusal
from workers.identity.dependencies import IdentityDependencies
from workers.identity.hash_budget import HashShare
from workers.identity.password_check import PasswordCheck


@dataclass(slots=True)
class PasswordChange:
    """One change of a password."""

    dependencies: IdentityDependencies
    asked: RequestRecord
    request: ChangePassword
    turn: HashShare
    _password_check: PasswordCheck | None = None
    _secrets: tuple[str, Passwords] | None = None
    _hash: str | None = None

    async def draft(self) -> Draft | Refused:
        """Set the new password and end every other session."""
        dependencies, request = self.dependencies, self.request
        if self._secrets is None:
            self._secrets = await self._opened()
            if self._secrets is None:
                return refusal(Code.SEAL_INVALID)
        token, passwords = self._secrets
        claims = await dependencies.envelopes.verify(token, request.username, dependencies.clock())
        if claims is None:
            return Draft(answer=refusal(Code.TOKEN_INVALID), at=dependencies.clock())
        # Read before the sessions: one opened in between makes this lose the race.
        credential = await dependencies.identities.credential(request.username)
        own = await dependencies.identities.session(claims.session_id)
        if credential is None or own is None:
            return Draft(answer=refusal(Code.SESSION_ENDED), at=dependencies.clock())
        code = await self._refused(claims, own, credential, passwords)
        if code is not None:
            return self._draft(code, own)
        return await self._changed(own, credential, prepared(passwords.new_password))

    async def _opened(self) -> tuple[str, Passwords] | None:
        """Return the token and both passwords; None where they are not for this request."""
        blobs = {
            Purpose.CHANGE_TOKEN: self.request.sealed_access_token,
            Purpose.CHANGE_PASSWORDS: self.request.sealed_passwords,
        }
        secrets = await self.dependencies.envelopes.open(self.asked, blobs)
        if secrets is None:
            return None
        token, pair = secrets
        passwords = Passwords.opened(pair)
        return None if passwords is None else (token, passwords)

    async def _refused(
        self, claims: Claims, own: Session, credential: Credential, passwords: Passwords
    ) -> Refused | None:
        dependencies, username = self.dependencies, self.request.username
        if own.username != username or not own.is_live(dependencies.clock()):
            return refusal(Code.SESSION_ENDED)
        if claims.epoch != credential.epoch:
            return refusal(Code.TOKEN_INVALID)  # of before the last change: refresh it first
        # Whoever has a token of the session is where it was opened, and counts for that device.
        proof = self._password_check = self._password_check or PasswordCheck(
            dependencies, self.asked, own.session_id
        )
        if wait := self.turn.refused(is_known=True) or await proof.refused():
            return wait
        self.turn.take()
        if not await proof.holds(passwords.password, credential):
            return refusal(Code.INVALID_CREDENTIALS)
        account = await dependencies.accounts.account(username)
        email = (account and account.profile.email) or ""
        code = password_problem(prepared(passwords.new_password), username=username, email=email)
        return None if code is None else refusal(code)

    async def _changed(self, own: Session, credential: Credential, new: str) -> Draft:
        dependencies, username = self.dependencies, self.request.username
        if self._hash is None:
            self._hash = await dependencies.hasher.hash(new)
        now = dependencies.clock()
        epoch = credential.epoch + 1
        live = await dependencies.identities.live_sessions(username, now=now)
        others = [each for each in live if each.session_id != own.session_id]
        return Draft(
            answer={"sessions_ended": len(others)},
            at=now,
            session_id=own.session_id,
            changed=[
                sessions.move_on(own, epoch),
                *(sessions.end(each, "password_changed", now) for each in others),
            ],
            credential=replace(
                credential,
                hash=self._hash,
                imported=False,
                created_at=now,
                epoch=epoch,
                version=credential.version + 1,
            ),
        )

    def _draft(self, answer: Refused, own: Session) -> Draft:
        return Draft(
            answer=answer,
            at=self.dependencies.clock(),
            session_id=own.session_id,
        )

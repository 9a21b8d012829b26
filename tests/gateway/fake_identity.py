"""Signing in and out, as the fake service does it."""

from typing import Any

from joserfc.errors import JoseError

from contracts.codes import Code
from contracts.entries import Entry
from contracts.passwords import ChangePassword, Passwords
from contracts.registration import Open, Register, name_claim
from contracts.requests import IdentityRequest
from contracts.sealing import Purpose
from contracts.sessions import Login, Logout, Refresh, Tokens
from tests.gateway.service_keys import TOKEN_S, ServiceKeys, sealed_tokens
from tests.published import NOON


class RefusalError(Exception):
    """The answer is no."""


class Account:
    """One user."""

    def __init__(self, opening: Open | Register, password: str | None) -> None:
        self.password = password
        self.profile: dict[str, Any] = {
            "phone": None,
            "date_of_birth": None,
            "marketing_consent": False,
            **opening.model_dump(exclude={"command_id", "username", "sealed_password"}),
        }
        self.cents: dict[str, int] = {}
        self.transactions: list[Entry] = []
        self.sessions: dict[str, str] = {}
        """Refresh token by session."""


class FakeIdentity:
    """The accounts, and who is signed in."""

    def __init__(self) -> None:
        self.keys = ServiceKeys()
        self.accounts: dict[str, Account] = {}
        self.ended: set[str] = set()
        self.is_current = True
        self.device_tokens: list[str | None] = []
        """What came with each sign-in."""
        self._count = 0

    def is_revoked(self, session_id: str) -> bool:
        """As `client.Revocations` says it."""
        return session_id in self.ended

    def account(self, username: str) -> Account:
        if username not in self.accounts:
            raise RefusalError(Code.UNKNOWN_ACCOUNT)
        return self.accounts[username]

    def open(self, command: Open) -> dict[str, Any]:
        if command.username in self.accounts:
            raise RefusalError(Code.USERNAME_TAKEN)
        self.accounts[command.username] = Account(command, None)
        return {"account_id": f"id-of-{command.username}"}

    def register(self, command: Register) -> dict[str, Any]:
        if command.username in {name_claim(name) for name in self.accounts}:
            raise RefusalError(Code.USERNAME_TAKEN)
        password = self._open(
            command.sealed_password,
            Purpose.REGISTER_PASSWORD,
            command.command_id,
            command.username,
        )
        self.accounts[command.username] = Account(command, password)
        return {"account_id": f"id-of-{command.username}"}

    def answer(self, request: IdentityRequest) -> dict[str, Any]:
        match request:
            case Login():
                return self._login(request)
            case Refresh():
                return self._refresh(request)
            case Logout():
                return self._logout(request)
            case ChangePassword():
                return self._change_password(request)

    def _login(self, request: Login) -> dict[str, Any]:
        password = self._opened(request, request.sealed_password, Purpose.LOGIN_PASSWORD)
        device = request.sealed_device_token
        self.device_tokens.append(device and self._opened(request, device, Purpose.LOGIN_DEVICE))
        account = self.accounts.get(request.username)
        if account is None or account.password != password:
            raise RefusalError(Code.INVALID_CREDENTIALS)
        self._count += 1
        return self._tokens(request, f"session-{self._count}", Purpose.LOGIN_TOKENS)

    def _refresh(self, request: Refresh) -> dict[str, Any]:
        token = self._opened(request, request.sealed_refresh_token, Purpose.REFRESH_TOKEN)
        account = self.accounts.get(request.username)
        session_id = token.partition(".")[0]
        if account is None or account.sessions.get(session_id) != token:
            raise RefusalError(Code.TOKEN_INVALID)
        return self._tokens(request, session_id, Purpose.REFRESH_TOKENS)

    def _tokens(
        self, request: Login | Refresh, session_id: str, purpose: Purpose
    ) -> dict[str, Any]:
        self._count += 1
        tokens = Tokens(
            access_token=self.keys.access_token(request.username, session_id, NOON),
            refresh_token=f"{session_id}.{self._count}",
            expires_in=TOKEN_S,
            refresh_expires_in=3600,
            device_token=f"device-token-{self._count}",
        )
        self.account(request.username).sessions[session_id] = tokens.refresh_token
        sealed = sealed_tokens(tokens, request, request.reply_key, purpose, NOON)
        return {"session_id": session_id, "sealed_tokens": sealed}

    def _logout(self, request: Logout) -> dict[str, Any]:
        self._opened(request, request.sealed_access_token, Purpose.LOGOUT_TOKEN)
        sessions = self.account(request.username).sessions
        ended = [*sessions] if request.everywhere else [*sessions][:1]
        for session_id in ended:
            del sessions[session_id]
        self.ended.update(ended)
        return {"sessions_ended": len(ended)}

    def _change_password(self, request: ChangePassword) -> dict[str, Any]:
        self._opened(request, request.sealed_access_token, Purpose.CHANGE_TOKEN)
        opened = self._opened(request, request.sealed_passwords, Purpose.CHANGE_PASSWORDS)
        passwords = Passwords.opened(opened)
        account = self.account(request.username)
        if passwords is None or account.password != passwords.password:
            raise RefusalError(Code.INVALID_CREDENTIALS)
        account.password = passwords.new_password
        return {"sessions_ended": 0}

    def _opened(self, request: IdentityRequest, sealed: str, purpose: Purpose) -> str:
        return self._open(sealed, purpose, request.request_id, request.username)

    def _open(self, sealed: str, purpose: Purpose, asked_id: str, username: str) -> str:
        try:
            return self.keys.open(sealed, purpose, asked_id, username)
        except JoseError:
            raise RefusalError(Code.SEAL_INVALID) from None

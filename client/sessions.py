"""Signing in, staying signed in, signing out and changing a password: seals, asks, and opens."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol, Unpack

import jwt

from client.asking import SentWith
from client.clock import fresh_command_id
from client.errors import UnreadableReplyError
from client.repeating import accepted, ask_again
from client.sealing import ReplyKeyPair, seal, sealing_key
from client.signed_in import Options, SignedIn
from client.timeouts import ANSWER_TIMEOUT_S
from contracts.codes import Code
from contracts.passwords import ChangePassword, Passwords
from contracts.replies import Reply
from contracts.requests import AnyRequest, IdentityRequest
from contracts.sealing import Purpose
from contracts.sessions import Login, Logout, Refresh, ReplyKey, Tokens


class Asks(Protocol):
    """The part of `AccountsClient` that is needed here."""

    async def request(
        self, request: AnyRequest, timeout_s: float = ..., **added: Unpack[SentWith]
    ) -> Reply:
        """Send *request* and return the reply."""
        ...


async def sign_in(
    accounts: Asks,
    sealing_keys: Mapping[str, Any],
    username: str,
    password: str,
    *,
    now: datetime,
    device_token: str | None = None,
    **options: Unpack[Options],
) -> SignedIn:
    """Open a session. *sealing_keys* is what `/.well-known/sealing-keys.json` answered.

    *device_token* is that of the tokens that were had last on the user's device, signed out or not:
    with it, the user does not wait for strangers who guess. Keep the new one in its place, secret.

    Raises:
        RefusedError: `invalid_credentials`, `too_many_attempts` and others; see `error.code`.
        OutcomeUnknownError: No answer in time; perhaps a session was opened that nobody has.
        ValueError: *username* cannot be one, or *sealing_keys* has no such key.
    """
    envelope = _Envelope(sealing_keys, username, now)
    keys = ReplyKeyPair()
    login = Login(
        request_id=envelope.request_id,
        username=username,
        sealed_password=envelope.seal(password, Purpose.LOGIN_PASSWORD, keys),
        sealed_device_token=None
        if device_token is None
        else envelope.seal(device_token, Purpose.LOGIN_DEVICE, keys),
        reply_key=ReplyKey(**keys.public),
        source=options.get("source"),
    )
    return _opened(await _asked(accounts, login, options), keys, Purpose.LOGIN_TOKENS)


async def refresh(
    accounts: Asks,
    sealing_keys: Mapping[str, Any],
    username: str,
    refresh_token: str,
    *,
    now: datetime,
    **options: Unpack[Options],
) -> SignedIn:
    """Exchange *refresh_token* for new tokens; it is spent afterwards.

    Raises:
        RefusedError: `session_ended`, `token_reused` and others: sign in again. After
            `token_superseded` somebody else in your program has the new tokens.
        OutcomeUnknownError: No answer in time; the token may be spent.
        ValueError: *username* cannot be one, or *sealing_keys* has no such key.
    """
    envelope = _Envelope(sealing_keys, username, now)
    keys = ReplyKeyPair()
    request = Refresh(
        request_id=envelope.request_id,
        username=username,
        sealed_refresh_token=envelope.seal(refresh_token, Purpose.REFRESH_TOKEN, keys),
        reply_key=ReplyKey(**keys.public),
        source=options.get("source"),
    )
    return _opened(await _asked(accounts, request, options), keys, Purpose.REFRESH_TOKENS)


async def sign_out(
    accounts: Asks,
    sealing_keys: Mapping[str, Any],
    username: str,
    access_token: str,
    *,
    everywhere: bool = False,
    now: datetime,
    **options: Unpack[Options],
) -> int:
    """End the session of *access_token*, or all of the user's; return how many were ended.

    Raises:
        RefusedError: `token_invalid` and others; see `error.code`.
        OutcomeUnknownError: No answer in time; sign out again, which does no harm.
        ValueError: *username* cannot be one, or *sealing_keys* has no such key.
    """
    envelope = _Envelope(sealing_keys, username, now)
    request = Logout(
        request_id=envelope.request_id,
        username=username,
        sealed_access_token=envelope.seal(access_token, Purpose.LOGOUT_TOKEN),
        everywhere=everywhere,
        source=options.get("source"),
    )
    return (await _asked(accounts, request, options)).sessions_ended or 0


async def change_password(  # noqa: PLR0913 - what it takes to say who, and from what to what
    accounts: Asks,
    sealing_keys: Mapping[str, Any],
    username: str,
    access_token: str,
    password: str,
    new_password: str,
    *,
    now: datetime,
    **options: Unpack[Options],
) -> int:
    """Set a new password; return how many other sessions were ended by it.

    The session of *access_token* goes on; refresh its tokens afterwards.

    Raises:
        RefusedError: `invalid_credentials`, `password_too_short` and others; see `error.code`.
        OutcomeUnknownError: No answer in time; sign in to see which password holds.
        ValueError: *username* cannot be one, or *sealing_keys* has no such key.
    """
    envelope = _Envelope(sealing_keys, username, now)
    passwords = Passwords(password=password, new_password=new_password)
    request = ChangePassword(
        request_id=envelope.request_id,
        username=username,
        sealed_access_token=envelope.seal(access_token, Purpose.CHANGE_TOKEN),
        sealed_passwords=envelope.seal(passwords.to_seal(), Purpose.CHANGE_PASSWORDS),
        source=options.get("source"),
    )
    return (await _asked(accounts, request, options)).sessions_ended or 0


def sealed_for(
    sealing_keys: Mapping[str, Any],
    username: str,
    command_id: str,
    purpose: Purpose,
    secret: str,
    *,
    now: datetime,
) -> str:
    """Return *secret* sealed for the command *command_id* of *username*.

    Raises:
        ValueError: *sealing_keys* has no such key, or *secret* cannot be written as UTF-8.
    """
    return _Envelope(sealing_keys, username, now, command_id).seal(secret, purpose)


class _Envelope:
    """What is written on every sealed field of one command or request."""

    def __init__(
        self,
        sealing_keys: Mapping[str, Any],
        username: str,
        now: datetime,
        command_id: str | None = None,
    ) -> None:
        self.request_id = command_id or fresh_command_id()
        self._key = sealing_key(sealing_keys)
        self._username = username
        self._now = now

    def seal(self, secret: str, purpose: Purpose, keys: ReplyKeyPair | None = None) -> str:
        return seal(
            secret,
            key=self._key,
            purpose=purpose,
            command_id=self.request_id,
            username=self._username,
            issued_at=self._now,
            reply_key=None if keys is None else keys.public,
        )


async def _asked(accounts: Asks, request: IdentityRequest, options: Options) -> Reply:
    """Return the accepted reply; a lost one is asked for once more, under the same id."""
    added = SentWith(
        correlation_id=options.get("correlation_id"),
        actor=options.get("actor"),
        traceparent=options.get("traceparent"),
    )
    reply, lost = await ask_again(
        request,
        lambda each_s: accounts.request(request, each_s, **added),
        options.get("timeout_s", ANSWER_TIMEOUT_S),
    )
    if lost is not None and reply.error is not None and reply.error.code == Code.EXPIRED:
        # What was done some time ago is not said again, but called expired.
        raise lost
    return accepted(reply)


def _opened(reply: Reply, keys: ReplyKeyPair, purpose: Purpose) -> SignedIn:
    if reply.sealed_tokens is None:
        raise UnreadableReplyError(reply, "has no tokens")
    tokens = keys.open(
        reply.sealed_tokens,
        purpose=purpose,
        request_id=reply.request_id,
        username=reply.username,
    )
    session_id = reply.session_id or _session_of(tokens)
    if session_id is None:
        raise UnreadableReplyError(reply, "names no session")
    return SignedIn(session_id=session_id, tokens=tokens)


def _session_of(tokens: Tokens) -> str | None:
    """Return what the access token says; it came sealed, and whoever is shown it verifies it."""
    try:
        claims = jwt.decode(tokens.access_token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return None
    session_id = claims.get("sid")
    return session_id if isinstance(session_id, str) else None

"""Opens what was sealed to us and seals what goes back, beside the event loop."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from client.tokens import Claims, TokenError
from contracts.sealing import Purpose
from contracts.sessions import Login, Refresh, ReplyKey, Tokens
from handlers.model.input_records import RequestRecord
from handlers.model.session import Session
from workers.credentials.hashing import LowPriorityPool
from workers.identity.options import SEAL_AGE_MAX
from workers.keys.ring import KeyRing
from workers.keys.sealing import open_sealed, seal_tokens, sealed_at_s
from workers.keys.tokens import TokenIssuer

Verify = Callable[[str, datetime], Claims]
"""Returns what a token says at that moment, or raises `TokenError`."""


class TokenCrypto:
    """Keys and tokens, on threads of *pool*: one of a niceness of 0 is enough."""

    def __init__(
        self, ring: KeyRing, issuer: TokenIssuer, verify: Verify, pool: LowPriorityPool
    ) -> None:
        self._ring = ring
        self._issuer = issuer
        self._verify = verify
        self._pool = pool

    async def open(self, asked: RequestRecord, blobs: Mapping[Purpose, str]) -> list[str] | None:
        """Return the secrets in *blobs*; None where one was not sealed for exactly this request."""
        return await self._pool.run(self._opened, asked, blobs)

    async def verify(self, token: str, username: str, now: datetime) -> Claims | None:
        """Return what an access token says, if it is ours, good, and of *username*."""
        return await self._pool.run(_verified, self._verify, token, username, now)

    async def device(self, token: str, username: str, now: datetime) -> Claims | None:
        """Return what a device token says, if it is ours, good, and of *username*."""
        return await self._pool.run(_verified, self._issuer.device, token, username, now)

    async def seal(
        self, asked: RequestRecord, session: Session, refresh_token: str, now: datetime
    ) -> str:
        """Return the tokens of *session* as from *now*, sealed to the reply key of *asked*."""
        return await self._pool.run(self._sealed, asked, session, refresh_token, now)

    def _opened(self, asked: RequestRecord, blobs: Mapping[Purpose, str]) -> list[str] | None:
        request = asked.request
        key = _reply_key(asked)
        found: list[str] = []
        for purpose, blob in blobs.items():
            secret = open_sealed(
                blob,
                self._ring,
                purpose=purpose,
                command_id=request.request_id,
                username=request.username,
                reply_key=None if key is None else key.model_dump(),
            )
            if not isinstance(secret, str) or not _is_recent(blob, asked):
                return None
            found.append(secret)
        return found

    def _sealed(
        self, asked: RequestRecord, session: Session, refresh_token: str, now: datetime
    ) -> str:
        key = _reply_key(asked)
        assert key is not None
        username = session.username
        opened = username, session.session_id, session.epoch, now
        tokens = Tokens(
            access_token=self._issuer.access_token(*opened),
            refresh_token=refresh_token,
            device_token=self._issuer.device_token(*opened),
            expires_in=self._issuer.access_token_s,
            refresh_expires_in=_seconds(session.expires_at - now),
        )
        is_login = isinstance(asked.request, Login)
        return seal_tokens(
            tokens,
            reply_key=key.model_dump(),
            purpose=Purpose.LOGIN_TOKENS if is_login else Purpose.REFRESH_TOKENS,
            request_id=asked.request.request_id,
            username=username,
            issued_at=now,
        )


def _verified(verify: Verify, token: str, username: str, now: datetime) -> Claims | None:
    try:
        claims = verify(token, now)
    except TokenError:
        return None
    return claims if claims.username == username else None


def _is_recent(blob: str, asked: RequestRecord) -> bool:
    # In integers: a sender may write any number there, also one that no float can hold.
    apart_ms = abs(sealed_at_s(blob) * 1000 - asked.timestamp_ms)
    return apart_ms <= SEAL_AGE_MAX // timedelta(milliseconds=1)


def _reply_key(asked: RequestRecord) -> ReplyKey | None:
    request: Any = asked.request
    return request.reply_key if isinstance(request, Login | Refresh) else None


def _seconds(left: timedelta) -> int:
    return int(left.total_seconds())

"""Makes access and device tokens (JWT), and refresh tokens (opaque)."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import jwt

from client.tokens import ALGORITHM, LEEWAY_S, TYPE, Claims, Expected, verify
from workers.clock import fresh_name
from workers.keys.ring import KeyRing

REFRESH_SECRET_BYTES = 32
"""Random bytes of a refresh token: nobody guesses 256 bits, so that a plain hash is stored."""

DEVICE_TYPE = "device+jwt"
"""RFC 8725 §3.11: a device token is no access token, and no access token is one."""

_REFRESH = re.compile(r"([A-Za-z0-9_-]{1,128})\.[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIssuer:
    """Signs tokens with the ring's key of the moment."""

    ring: KeyRing
    issuer: str
    audience: str
    """Of access tokens (RFC 9068)."""
    access_token_s: int
    """How long each is good."""
    device_token_s: int
    """How long each is good."""
    leeway_s: int = LEEWAY_S

    def access_token(self, username: str, session_id: str, epoch: int, now: datetime) -> str:
        """Return a token that `client.tokens.verify_access_token` accepts from *now* on.

        Raises:
            KeysError: There is no key to sign with; a process that signs does not start without.
        """
        known = Expected(type=TYPE, issuer=self.issuer, audience=self.audience)
        claims = {"sub": username, "sid": session_id, "epoch": epoch}
        return self._signed(claims, known, self.access_token_s, now)

    def device_token(self, username: str, session_id: str, epoch: int, now: datetime) -> str:
        """Return a token by which `device` knows from *now* on where that session was opened.

        Raises:
            KeysError: There is no key to sign with.
        """
        claims = {"sub": username, "sid": session_id, "epoch": epoch}
        return self._signed(claims, self._devices, self.device_token_s, now)

    def device(self, token: str, now: datetime) -> Claims:
        """Return what a device token says; of its session and the credential's epoch back then.

        Raises:
            TokenError: It is not ours, or not good any more.
        """
        return verify(token, self.ring.jwks(), self._devices, now)

    @property
    def _devices(self) -> Expected:
        # The audience is ours alone: also who never looks at a `typ` takes it for no access token.
        return Expected(
            type=DEVICE_TYPE,
            issuer=self.issuer,
            audience=f"{self.issuer}/devices",
            leeway_s=self.leeway_s,
        )

    def _signed(self, claims: dict[str, Any], known: Expected, life_s: int, now: datetime) -> str:
        key = self.ring.signing_key()
        issued_at = int(now.timestamp())
        claims |= {
            "iss": known.issuer,
            "aud": known.audience,
            "jti": fresh_name(),
            "iat": issued_at,
            "nbf": issued_at,
            "exp": issued_at + life_s,
        }
        headers = {"typ": known.type, "kid": key.kid}
        return jwt.encode(claims, key.signer(), algorithm=ALGORITHM, headers=headers)


def new_refresh_token(session_id: str) -> str:
    """Return a token that names its session and is good for one refresh."""
    return f"{session_id}.{secrets.token_urlsafe(REFRESH_SECRET_BYTES)}"


def refresh_hash(token: str) -> bytes:
    """Return what is stored of a refresh token: its SHA-256."""
    return sha256(token.encode()).digest()


def session_of(token: str) -> str | None:
    """Return the session that *token* names; None where it is no refresh token."""
    found = _REFRESH.fullmatch(token)
    return found[1] if found else None

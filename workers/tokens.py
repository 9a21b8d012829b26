"""Makes access tokens (JWT) and refresh tokens (opaque)."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import jwt

from client.tokens import ALGORITHM, TYPE
from workers.clock import fresh_name
from workers.keys import KeyRing

REFRESH_SECRET_BYTES = 32
"""Random bytes of a refresh token: nobody guesses 256 bits, so that a plain hash is stored."""

_REFRESH = re.compile(r"([A-Za-z0-9_-]{1,128})\.[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIssuer:
    """Signs access tokens (RFC 9068) with the ring's key of the moment."""

    ring: KeyRing
    issuer: str
    audience: str
    access_token_s: int
    """How long each is good."""

    def access_token(self, username: str, session_id: str, epoch: int, now: datetime) -> str:
        """Return a token that `client.tokens.verify_access_token` accepts from *now* on.

        Raises:
            KeysError: There is no key to sign with; a process that signs does not start without.
        """
        key = self.ring.signing_key()
        issued_at = int(now.timestamp())
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": username,
            "sid": session_id,
            "jti": fresh_name(),
            "iat": issued_at,
            "nbf": issued_at,
            "exp": issued_at + self.access_token_s,
            "epoch": epoch,
        }
        headers = {"typ": TYPE, "kid": key.kid}
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

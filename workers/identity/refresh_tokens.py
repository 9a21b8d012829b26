"""Families of refresh tokens: all of a session share the first half of their secret."""

import secrets
from hashlib import sha256

from handlers.identity.sessions import RefreshToken
from workers.keys.tokens import refresh_hash, session_of

OWN_LENGTH = 21
"""Characters at a token's end that are its own, about 125 random bits; the 22 before them, 132 bits,
are its family's. Nobody guesses either."""

OWN_BYTES = 16
"""Random bytes that give that many characters of base64url, and one to spare."""


def next_token(token: str) -> str:
    """Return a fresh token of the family of *token*."""
    return token[:-OWN_LENGTH] + secrets.token_urlsafe(OWN_BYTES)[:OWN_LENGTH]


def read_token(token: str) -> RefreshToken | None:
    """Return what may be known of *token*; None where it is no refresh token."""
    session_id = session_of(token)
    if session_id is None:
        return None
    return RefreshToken(
        session_id=session_id,
        whole_hash=refresh_hash(token),
        family_hash=sha256(token[:-OWN_LENGTH].encode()).digest(),
    )

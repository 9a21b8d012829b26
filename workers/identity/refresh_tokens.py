"""Refresh tokens: `<session id>.<part of the family><part of its own>`."""

import secrets
from hashlib import sha256

from handlers.sessions import RefreshToken
from workers.tokens import refresh_hash, session_of

PART_BYTES = 16
"""Random bytes of either part: nobody guesses 128 bits, of a family or of one token."""

FAMILY_LENGTH = 22
"""Characters of the part that all tokens of a session share: 16 bytes as base64url."""

OWN_LENGTH = 21
"""Characters of a token's own part, 126 random bits, so that the secret has the 43 of 32 bytes."""


def first_token(session_id: str) -> str:
    """Return the token of a new session, and with it the part that its family shares."""
    return f"{session_id}.{secrets.token_urlsafe(PART_BYTES)}{_own_part()}"


def next_token(token: str) -> str:
    """Return a fresh token of the family of *token*."""
    return token[:-OWN_LENGTH] + _own_part()


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


def _own_part() -> str:
    return secrets.token_urlsafe(PART_BYTES)[:OWN_LENGTH]

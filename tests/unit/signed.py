"""Access tokens, honest and forged, and the keys to sign them with, for tests."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.algorithms import ECAlgorithm

from client.tokens import Claims, TokenError, TokenProblem, verify_access_token
from tests.unit.sealed import NOON
from workers.keys.pairs import KeyKind
from workers.keys.ring import KeyRing
from workers.keys.rotation import make_missing
from workers.keys.tokens import TokenIssuer

SESSION = "5e55" * 8
ISSUER = "accounts.example"
AUDIENCE = "gateways"
LIFE_S = 300


def a_full_ring(directory: Path) -> KeyRing:
    """Return a ring with a key of each kind."""
    make_missing(directory, NOON)
    return KeyRing(directory, needs=list(KeyKind), clock=lambda: NOON)


def an_issuer(ring: KeyRing) -> TokenIssuer:
    """Return what signs with *ring*."""
    return TokenIssuer(
        ring=ring, issuer=ISSUER, audience=AUDIENCE, access_token_s=LIFE_S, device_token_s=LIFE_S
    )


def a_token(ring: KeyRing) -> str:
    """Return alice's access token, made at noon."""
    return an_issuer(ring).access_token("alice", SESSION, 3, NOON)


def verified(token: str, jwks: Mapping[str, Any], **other: Any) -> Claims:
    """Return what *token* says, at noon, unless told otherwise."""
    told: dict[str, Any] = {"issuer": ISSUER, "audience": AUDIENCE, "now": NOON}
    return verify_access_token(token, jwks, **(told | other))


def refused(token: str, jwks: Mapping[str, Any], **other: Any) -> TokenProblem:
    """Return why *token* is refused."""
    with pytest.raises(TokenError) as caught:
        verified(token, jwks, **other)
    # Whatever it was, nothing of it is repeated.
    assert str(caught.value) == f"the access token is refused: {caught.value.reason.value}"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.reason


def encoded(content: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def decoded(part: str) -> Any:
    """Return the JSON in one part of a token."""
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def signed(header: str, payload: str, key: EllipticCurvePrivateKey) -> str:
    """Return a token of exactly this text, its signature good."""
    start = f"{encoded(header.encode())}.{encoded(payload.encode())}"
    signature = ECAlgorithm(SHA256).sign(start.encode(), key)
    return f"{start}.{encoded(signature)}"


def forged(
    ring: KeyRing,
    *,
    header: Mapping[str, Any] | None = None,
    payload: Mapping[str, Any] | None = None,
    without: str = "",
) -> str:
    """Return a token that our own key signed, other than an honest one by what is given."""
    first, second, _ = a_token(ring).split(".")
    heading = {k: v for k, v in (decoded(first) | dict(header or {})).items() if k != without}
    claims = {k: v for k, v in (decoded(second) | dict(payload or {})).items() if k != without}
    return signed(json.dumps(heading), json.dumps(claims), ring.signing_key().signer())

"""Verifies tokens: the one place that decides whether a JWT of the service is good."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast

import jwt
from joserfc.util import urlsafe_b64decode

from client.clock import NUMERIC_DATE_MAX, utc_now
from contracts.message import USERNAME_PATTERN

ALGORITHM = "ES256"
"""The only one: the key says so (RFC 8725 §3.1), a token is never asked."""

TYPE = "at+jwt"
"""RFC 9068 §2.1: no other JWT of this issuer passes for an access token."""

TOKEN_LENGTH_MAX = 4096
"""Characters of an access token: ours have about 500, and more is not even decoded."""

LEEWAY_S = 5
"""How far the clocks of whoever makes and checks tokens may be apart."""

_JWS = jwt.PyJWS([ALGORITHM])
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}")
"""RFC 7515 §3.1 without padding; an ES256 signature has 64 bytes (RFC 7518 §3.4)."""
_HEADER = {"alg", "kid", "typ"}
"""Nothing beside them is said or heard: no `jwk`, `jku`, `x5c` that brings its own key, no `crit`."""
_KEY = {"kty": "EC", "crv": "P-256", "use": "sig", "alg": ALGORITHM}
_ID = re.compile(r"[!-~]{1,128}")
_USERNAME = re.compile(USERNAME_PATTERN, re.ASCII)


class TokenProblem(StrEnum):
    """Why a token is refused: for metrics and for whoever caches keys; callers learn only that."""

    MALFORMED = "malformed"
    TYPE = "type"
    ALGORITHM = "algorithm"
    HEADER = "header"
    UNKNOWN_KEY = "unknown_key"
    """No key of the set has its `kid`: read the set again, not more often than once in a while."""
    SIGNATURE = "signature"
    CLAIMS = "claims"
    """One is missing or of another type than it must be."""
    ISSUER = "issuer"
    AUDIENCE = "audience"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"


class TokenError(Exception):
    """The token is not good; says why, and nothing of what is in it."""

    def __init__(self, reason: TokenProblem) -> None:
        super().__init__(f"the access token is refused: {reason.value}")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a verified access token says."""

    username: str
    session_id: str
    token_id: str
    epoch: int
    """Of the user's credential: tokens of an older one are of before a change of password."""
    issued_at: datetime
    expires_at: datetime


def verify_access_token(
    token: str,
    jwks: Mapping[str, Any],
    *,
    issuer: str,
    audience: str,
    leeway_s: int = LEEWAY_S,
    now: datetime | None = None,
) -> Claims:
    """Return what *token* says if a key of *jwks* signed it, for us, and it is good now.

    It says nothing about the session: that may have ended (`accounts.state.revocations`).

    Raises:
        TokenError: Anything about it is not as it must be (RFC 9068 §4, RFC 8725 §3).
    """
    expected = Expected(type=TYPE, issuer=issuer, audience=audience, leeway_s=leeway_s)
    return verify(token, jwks, expected, now or utc_now())


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token has to be to be taken."""

    type: str
    """Its `typ`: no token passes for one of another type (RFC 8725 §3.11)."""
    issuer: str
    audience: str
    leeway_s: int = LEEWAY_S


def verify(token: str, jwks: Mapping[str, Any], expected: Expected, now: datetime) -> Claims:
    """Return what a *token* of any type says, as `verify_access_token`."""
    if len(token) > TOKEN_LENGTH_MAX or not _COMPACT.fullmatch(token):
        raise TokenError(TokenProblem.MALFORMED)
    key = _key(_header(token, expected.type), jwks)
    payload = _signed(token, key)
    claims = _claims(payload, expected)
    moment_s = now.timestamp()
    # RFC 7519 §4.1.4 to §4.1.6, RFC 8725 §3.8.
    if max(payload["nbf"], payload["iat"]) > moment_s + expected.leeway_s:
        raise TokenError(TokenProblem.NOT_YET_VALID)
    if payload["exp"] <= moment_s - expected.leeway_s:
        raise TokenError(TokenProblem.EXPIRED)
    return claims


def _header(token: str, of_type: str) -> dict[str, Any]:
    """Return the header, not yet authenticated but exactly as it must look."""
    try:
        header = _object(urlsafe_b64decode(token.partition(".")[0].encode()))
    except ValueError:
        raise TokenError(TokenProblem.MALFORMED) from None
    if header.get("alg") != ALGORITHM:
        raise TokenError(TokenProblem.ALGORITHM)
    if header.get("typ") != of_type:
        raise TokenError(TokenProblem.TYPE)
    if set(header) != _HEADER:
        raise TokenError(TokenProblem.HEADER)
    return header


def _key(header: Mapping[str, Any], jwks: Mapping[str, Any]) -> jwt.PyJWK:
    """Return the key that the header names, bound to its algorithm."""
    kid, found = header["kid"], jwks.get("keys")
    keys = cast("Sequence[object]", found) if isinstance(found, Sequence) else ()
    named = [cast("Mapping[str, Any]", key) for key in keys if isinstance(key, Mapping)]
    named = [key for key in named if isinstance(kid, str) and key.get("kid") == kid]
    if len(named) != 1 or any(named[0].get(name) != value for name, value in _KEY.items()):
        raise TokenError(TokenProblem.UNKNOWN_KEY)
    # The public members only: nothing else in the set has a say.
    public = {name: named[0].get(name) for name in ("kty", "crv", "x", "y")}
    try:
        return jwt.PyJWK(public, ALGORITHM)
    except (jwt.PyJWTError, TypeError, ValueError):
        raise TokenError(TokenProblem.UNKNOWN_KEY) from None


def _signed(token: str, key: jwt.PyJWK) -> dict[str, Any]:
    """Return the claims that the signature covers."""
    try:
        # Bytes, so that what is checked below is read by `_object`, duplicate names and all.
        payload: bytes = _JWS.decode(token, key, [ALGORITHM])
    except jwt.InvalidSignatureError:
        raise TokenError(TokenProblem.SIGNATURE) from None
    except jwt.PyJWTError:
        raise TokenError(TokenProblem.MALFORMED) from None
    return _object(payload)


def _claims(payload: Mapping[str, Any], expected: Expected) -> Claims:
    """Return the claims if they are all there, of the right types, and meant for us."""
    dates = [payload.get(name) for name in ("iat", "nbf", "exp")]
    username, epoch = payload.get("sub"), payload.get("epoch")
    sound = (
        isinstance(username, str)
        and _USERNAME.fullmatch(username)
        and all(_matches(payload.get(name), _ID) for name in ("sid", "jti"))
        and all(_is_count(date, NUMERIC_DATE_MAX) for date in dates)
        and _is_count(epoch, 2**53)
        and all(isinstance(payload.get(name), str) for name in ("iss", "aud"))
    )
    if not sound:
        raise TokenError(TokenProblem.CLAIMS)
    if payload["iss"] != expected.issuer:
        raise TokenError(TokenProblem.ISSUER)
    if payload["aud"] != expected.audience:
        raise TokenError(TokenProblem.AUDIENCE)
    return Claims(
        username=payload["sub"],
        session_id=payload["sid"],
        token_id=payload["jti"],
        epoch=payload["epoch"],
        issued_at=datetime.fromtimestamp(payload["iat"], tz=UTC),
        expires_at=datetime.fromtimestamp(payload["exp"], tz=UTC),
    )


def _matches(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_count(value: object, highest: int) -> bool:
    # `True` is an int too, and 1.0 equals one.
    return type(value) is int and 0 <= value <= highest


def _object(text: bytes) -> dict[str, Any]:
    """Return the JSON object in *text*, in which each name stands once (RFC 8725 §2.4)."""
    try:
        found: object = json.loads(text.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise TokenError(TokenProblem.MALFORMED) from None
    if not isinstance(found, dict):
        raise TokenError(TokenProblem.MALFORMED)
    return cast("dict[str, Any]", found)


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found

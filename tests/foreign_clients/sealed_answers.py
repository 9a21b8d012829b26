"""Tokens that a caller must not take, each for one reason, beside those that it may."""

import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.util import urlsafe_b64encode

from client.sealing import seal
from contracts.sealing import Purpose
from tests.e2e.running import RunningService

LATE = timedelta(seconds=60)
"""Beyond what clocks may differ by."""


def sealed_tokens(service: RunningService, asked: Mapping[str, Any]) -> str | None:
    """Return what this user's sign-in is answered, or None where it is refused."""
    username = asked["username"]
    if username not in ANSWERS:
        return None
    if username == "garbled":
        return "this.is.no.sealed.field"
    tokens = {
        "access_token": ANSWERS[username](service, username),
        "refresh_token": "r",
        "token_type": "Bearer",
        "expires_in": 300,
        "refresh_expires_in": 3600,
        "wrapped": {"new": 1},
    }
    purpose = Purpose.REFRESH_TOKENS if username == "of-another-purpose" else Purpose.LOGIN_TOKENS
    return seal(
        json.dumps(tokens),
        key=asked["reply_key"],
        purpose=purpose,
        command_id="another" if username == "of-another-request" else asked["request_id"],
        username="another" if username == "of-another-user" else username,
        issued_at=datetime.now(UTC),
    )


def signed(service: RunningService, username: str, **claims: Any) -> str:
    """Return a token that is good but for these claims."""
    pair = service.ring().signing_key()
    header = {"typ": "at+jwt", "kid": pair.kid}
    return jwt.encode(good(username) | claims, pair.signer(), algorithm="ES256", headers=header)


def good(username: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    times = {"iat": now, "nbf": now, "exp": now + timedelta(seconds=300)}
    ours = {"iss": "accounts", "aud": "accounts", "sid": "s", "jti": "j", "epoch": 1}
    return {name: int(each.timestamp()) for name, each in times.items()} | ours | {"sub": username}


def expired(service: RunningService, username: str) -> str:
    then = int((datetime.now(UTC) - LATE).timestamp())
    return signed(service, username, iat=then - 300, nbf=then - 300, exp=then)


def unending(service: RunningService, username: str) -> str:
    pair = service.ring().signing_key()
    claims = {name: each for name, each in good(username).items() if name != "exp"}
    header = {"typ": "at+jwt", "kid": pair.kid}
    return jwt.encode(claims, pair.signer(), algorithm="ES256", headers=header)


def of_another_type(service: RunningService, username: str) -> str:
    pair = service.ring().signing_key()
    header = {"typ": "JWT", "kid": pair.kid}
    return jwt.encode(good(username), pair.signer(), algorithm="ES256", headers=header)


def forged(service: RunningService, username: str) -> str:
    header = {"typ": "at+jwt", "kid": service.ring().signing_key().kid}
    key = ec.generate_private_key(ec.SECP256R1())
    return jwt.encode(good(username), key, algorithm="ES256", headers=header)


def by_the_public_key(service: RunningService, username: str) -> str:
    """Return one that is signed with what everybody knows, as if it were a secret."""
    [key] = service.ring().jwks()["keys"]
    header = {"alg": "HS256", "typ": "at+jwt", "kid": key["kid"]}
    said = ".".join(
        urlsafe_b64encode(json.dumps(each).encode()).decode() for each in (header, good(username))
    )
    signature = hmac.digest(json.dumps(key).encode(), said.encode(), sha256)
    return f"{said}.{urlsafe_b64encode(signature).decode()}"


def unsigned(service: RunningService, username: str) -> str:
    kid = service.ring().signing_key().kid
    header = {"typ": "at+jwt", "kid": kid}
    return jwt.encode(good(username), "", algorithm="none", headers=header)


def by_an_unknown_key(service: RunningService, username: str) -> str:
    pair = service.ring().signing_key()
    header = {"typ": "at+jwt", "kid": "unknown"}
    return jwt.encode(good(username), pair.signer(), algorithm="ES256", headers=header)


def no_token(_service: RunningService, _username: str) -> str:
    return "no token"


def of_others(**claims: str) -> Callable[[RunningService, str], str]:
    def token(service: RunningService, username: str) -> str:
        return signed(service, username, **claims)

    return token


ANSWERS: Mapping[str, Callable[[RunningService, str], str]] = {
    "of-another-request": signed,
    "of-another-user": signed,
    "of-another-purpose": signed,
    "for-others": of_others(aud="others"),
    "by-others": of_others(iss="others"),
    "about-others": of_others(sub="others"),
    "expired": expired,
    "unending": unending,
    "of-another-type": of_another_type,
    "forged": forged,
    "by-the-public-key": by_the_public_key,
    "by-an-unknown-key": by_an_unknown_key,
    "no-token": no_token,
    "garbled": signed,
    "unsigned": unsigned,
    "good": signed,
}
"""By the username. Only the last one's may be taken."""

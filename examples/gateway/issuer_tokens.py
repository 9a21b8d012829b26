"""Another issuer's access tokens: verified by its keys, and read for the name of their user."""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any, cast

import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError
from joserfc.jwt import JWTClaimsRegistry

from contracts.codes import Code
from contracts.message import USERNAME_PATTERN
from examples.gateway.issuer import Issuer
from examples.gateway.key_set import REFETCH_S, Jwks, KeySet, KeysMissingError
from examples.gateway.problems import GatewayCode, ProblemError, refusal
from examples.gateway.taking_tokens import NotTakenError

LOG = logging.getLogger(__name__)

ALGORITHMS: Mapping[str, Mapping[str, str]] = {
    **{f"{name}{bits}": {"kty": "RSA"} for name in ("RS", "PS") for bits in (256, 384, 512)},
    "ES256": {"kty": "EC", "crv": "P-256"},
    "ES384": {"kty": "EC", "crv": "P-384"},
    "ES512": {"kty": "EC", "crv": "P-521"},
    "EdDSA": {"kty": "OKP", "crv": "Ed25519"},
}
"""What may sign, and with which keys: never `none`, and nothing whose key both sides know (RFC 8725 §3.1)."""

TYPES = (None, "jwt", "at+jwt", "application/at+jwt")
"""`typ` of access tokens: as RFC 9068 §2.1 has it, or of before, when it said nothing."""

OF_ID_TOKENS = {"nonce", "at_hash", "c_hash", "s_hash"}
"""Claims of ID tokens alone (OpenID Connect Core §2, §3.3.2.11): those tell an application who signed
in, and are no right to call anything."""

OF_ACCESS_TOKENS = (None, "Bearer", "access")
"""What a claim says that tells them apart: `typ` of Keycloak, `token_use` of Cognito."""

LEEWAY_S = 30
"""How far the clocks of others may be from ours; nobody here looks after theirs."""

TOKEN_LENGTH_MAX = 16 * 1024
"""Characters of a token: with a user's hundred groups it has half of it."""

PUBLIC = ("kty", "crv", "n", "e", "x", "y")
"""Members of a public key. What else stands beside them has no say."""

_JWS = jwt.PyJWS([*ALGORITHMS], options={"enforce_minimum_key_length": True})
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_USERNAME = re.compile(USERNAME_PATTERN, re.ASCII)


class Unfit(StrEnum):
    """Why a token is not taken: for metrics, and for the log."""

    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    TYPE = "type"
    ISSUER = "issuer"
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "signature"
    CLAIMS = "claims"
    AUDIENCE = "audience"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    ID_TOKEN = "id_token"  # noqa: S105 - a reason
    BOUND = "bound"
    UNVERIFIED = "unverified"
    USERNAME = "username"
    NO_KEYS = "no_keys"


WHY: Mapping[Unfit, str] = {
    Unfit.MALFORMED: "it is no signed JWT; an issuer may give opaque ones unless it is told the audience",
    Unfit.ALGORITHM: f"it is signed with none of {', '.join(ALGORITHMS)}",
    Unfit.TYPE: "its `typ` is none of an access token",
    Unfit.ISSUER: "its `iss` is not GATEWAY_ISSUER, to the letter",
    Unfit.UNKNOWN_KEY: "the issuer has no such key",
    Unfit.SIGNATURE: "its signature is wrong",
    Unfit.CLAIMS: "`exp` or another claim is missing, or of the wrong type",
    Unfit.AUDIENCE: "its `aud` does not have GATEWAY_AUDIENCE",
    Unfit.NOT_YET_VALID: "it is of the future; compare the clocks",
    Unfit.EXPIRED: "it has expired",
    Unfit.ID_TOKEN: "it is an ID token or another one that is no access token",
    Unfit.BOUND: "it is bound to a key of its holder's (`cnf`), which nothing here asks for",
    Unfit.UNVERIFIED: "its `email` is not said to be verified (`email_verified`)",
    Unfit.USERNAME: "GATEWAY_USERNAME_CLAIM is not in it, or is no username",
    Unfit.NO_KEYS: "the keys of GATEWAY_ISSUER are not known",
}
"""What stands in the log; never anything of the token."""


class UnfitTokenError(Exception):
    """A token is not taken."""

    def __init__(self, reason: Unfit) -> None:
        super().__init__(f"the token is not taken: {WHY[reason]}")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerTokens:
    """Tokens of users who sign in with another issuer."""

    issuer: Issuer
    keys: KeySet

    @property
    def knows_what_ended(self) -> None:
        """Return that this is never told: a token is good until it expires."""

    async def username_of(self, token: str, now: datetime) -> str:
        """Return whose account *token* opens: what its claim says.

        Raises:
            NotTakenError: It is not good, or nobody knows by which keys to tell; the log says why.
        """
        try:
            return await self._verified(token, now)
        except KeysMissingError:
            raise _not_taken(Unfit.NO_KEYS, _no_keys()) from None
        except UnfitTokenError as error:
            meaning = refusal(Code.TOKEN_INVALID, Code.TOKEN_INVALID.info.meaning)
            raise _not_taken(error.reason, meaning) from None

    async def _verified(self, token: str, now: datetime) -> str:
        """Verify *token*; where its key is unknown, look once whether there are new keys."""
        try:
            return username_in(token, await self.keys.current(), self.issuer, now)
        except UnfitTokenError as error:
            if error.reason != Unfit.UNKNOWN_KEY:
                raise
        await self.keys.refresh()
        return username_in(token, await self.keys.current(), self.issuer, now)


def username_in(token: str, jwks: Jwks, issuer: Issuer, now: datetime) -> str:
    """Return the username in *token*, if a key of *jwks* signed it for us and it is good now.

    Raises:
        UnfitTokenError: Anything about it is not as it must be (RFC 9068 §4, RFC 8725 §3).
    """
    header, claims = _read(token)
    if header.get("alg") not in [*ALGORITHMS]:  # it may be anything that JSON can say
        raise UnfitTokenError(Unfit.ALGORITHM)
    if _lower(header.get("typ")) not in TYPES:
        raise UnfitTokenError(Unfit.TYPE)
    # Before its key is looked for: nobody's tokens have the keys of this issuer fetched.
    if claims.get("iss") != issuer.url:
        raise UnfitTokenError(Unfit.ISSUER)
    _check_signature(token, _key(header, jwks))
    _check_claims(claims, issuer, now)
    return _username(claims, issuer.username_claim)


def _read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of *token*, which nothing vouches for yet."""
    if len(token) > TOKEN_LENGTH_MAX or not _COMPACT.fullmatch(token):
        raise UnfitTokenError(Unfit.MALFORMED)
    try:
        # It reads the header by the rules of JWS: `crit` is refused here.
        read = _JWS.decode_complete(token, options={"verify_signature": False})
        claims: object = json.loads(read["payload"])
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise UnfitTokenError(Unfit.MALFORMED) from None
    if not isinstance(claims, dict):
        raise UnfitTokenError(Unfit.MALFORMED)
    return read["header"], cast("dict[str, Any]", claims)


def _key(header: Mapping[str, Any], jwks: Jwks) -> jwt.PyJWK:
    """Return the one key that the header names, bound to its algorithm."""
    kid, algorithm = header.get("kid"), header["alg"]
    fit = [
        key
        for key in jwks["keys"]
        if (kid is None or key.get("kid") == kid)
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and all(key.get(name) == value for name, value in ALGORITHMS[algorithm].items())
    ]
    if len(fit) != 1:
        raise UnfitTokenError(Unfit.UNKNOWN_KEY)
    try:
        return jwt.PyJWK({name: fit[0][name] for name in PUBLIC if name in fit[0]}, algorithm)
    except (jwt.PyJWTError, TypeError, ValueError):
        raise UnfitTokenError(Unfit.UNKNOWN_KEY) from None


def _check_signature(token: str, key: jwt.PyJWK) -> None:
    try:
        _JWS.decode(token, key, [key.algorithm_name])
    except jwt.PyJWTError:
        raise UnfitTokenError(Unfit.SIGNATURE) from None


def _check_claims(claims: dict[str, Any], issuer: Issuer, now: datetime) -> None:
    # RFC 7519 §4.1, by a library that can be told the time.
    registry = JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=LEEWAY_S,
        iss={"essential": True, "value": issuer.url},
        exp={"essential": True},
        aud={"value": issuer.audience},
    )
    if "aud" not in claims:
        raise UnfitTokenError(Unfit.AUDIENCE)
    try:
        registry.validate(claims)
    except ExpiredTokenError:
        raise UnfitTokenError(Unfit.EXPIRED) from None
    except InvalidClaimError as error:
        reasons = {"aud": Unfit.AUDIENCE, "nbf": Unfit.NOT_YET_VALID, "iat": Unfit.NOT_YET_VALID}
        raise UnfitTokenError(reasons.get(error.claim, Unfit.CLAIMS)) from None
    except JoseError:
        raise UnfitTokenError(Unfit.CLAIMS) from None
    kinds = (claims.get("typ"), claims.get("token_use"))
    if OF_ID_TOKENS & claims.keys() or any(kind not in OF_ACCESS_TOKENS for kind in kinds):
        raise UnfitTokenError(Unfit.ID_TOKEN)
    if "cnf" in claims:  # RFC 7800 §3: whoever only holds it need not be its holder
        raise UnfitTokenError(Unfit.BOUND)


def _username(claims: Mapping[str, Any], claim: str) -> str:
    username = claims.get(claim)
    if not isinstance(username, str) or not _USERNAME.fullmatch(username):
        raise UnfitTokenError(Unfit.USERNAME)
    # OpenID Connect Core §5.7: at many issuers, anybody may claim any address.
    if claim == "email" and claims.get("email_verified") is not True:
        raise UnfitTokenError(Unfit.UNVERIFIED)
    return username


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _not_taken(reason: Unfit, problem: ProblemError) -> NotTakenError:
    LOG.warning("a token is not taken: %s", WHY[reason])
    return NotTakenError(reason.value, problem)


def _no_keys() -> ProblemError:
    return ProblemError(
        HTTPStatus.UNAUTHORIZED,
        GatewayCode.ISSUER_UNAVAILABLE,
        "the token cannot be verified, because the keys of its issuer are not known; try again",
        retryable=True,
        headers={"Retry-After": f"{REFETCH_S:g}"},
    )

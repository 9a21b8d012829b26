"""Which tokens of another issuer are taken, rule by rule, with keys that are made here."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, OKPKey, RSAKey
from jwt.algorithms import RSAAlgorithm
from jwt.utils import base64url_encode

from contracts.message import TEXT_LENGTH_MAX
from examples.gateway.issuer import Issuer
from examples.gateway.issuer_tokens import (
    LEEWAY_S,
    TOKEN_LENGTH_MAX,
    WHY,
    Unfit,
    UnfitTokenError,
    username_in,
)
from tests.published import NOON

NOON_S = int(NOON.timestamp())
ISSUER = Issuer(url="https://login.example/", audience="https://accounts.example/api")
CLAIMS: Mapping[str, Any] = {
    "iss": ISSUER.url,
    "aud": ISSUER.audience,
    "sub": "alice",
    "iat": NOON_S,
    "exp": NOON_S + 300,
}
RSA, EC_256 = RSAKey.generate_key(2048), ECKey.generate_key("P-256")
EC_384, ED25519 = ECKey.generate_key("P-384"), OKPKey.generate_key("Ed25519")
JWKS: Mapping[str, Any] = {
    "keys": [
        {"kty": "AKP", "kid": "of the future", "alg": "ML-DSA-44", "pub": "AA"},
        {**RSA.as_dict(private=False), "kid": "rsa", "use": "sig", "x5c": ["AA"]},
        {**RSA.as_dict(private=False), "kid": "rsa", "use": "enc"},
        {**EC_256.as_dict(private=False), "kid": "p-256", "alg": "ES256"},
        {**EC_384.as_dict(private=False), "kid": "p-384"},
        {**ED25519.as_dict(private=False), "kid": "ed25519"},
    ]
}
PEMS = {
    "rsa": RSA.as_pem(private=True),
    "p-256": EC_256.as_pem(private=True),
    "p-384": EC_384.as_pem(private=True),
    "ed25519": ED25519.as_pem(private=True),
}


def a_token(
    algorithm: str = "RS256",
    key: str = "rsa",
    header: Mapping[str, Any] | None = None,
    **claims: Any,
) -> str:
    """Return a good one, but for what is said."""
    payload = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    headers = {"typ": "at+jwt", "kid": key, **(header or {})}
    return jwt.encode(payload, PEMS[key], algorithm, headers=headers)


def reason(token: str, issuer: Issuer = ISSUER, jwks: Mapping[str, Any] = JWKS) -> str | None:
    """Return why it is not taken; None where it is."""
    try:
        username_in(token, jwks, issuer, NOON)
    except UnfitTokenError as error:
        return error.reason.value
    return None


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        *(("RS256", "rsa"), ("RS512", "rsa"), ("PS256", "rsa"), ("PS384", "rsa")),
        *(("ES256", "p-256"), ("ES384", "p-384"), ("EdDSA", "ed25519")),
    ],
)
def test_signed_by_a_key_of_the_issuer_it_is_taken(algorithm: str, key: str) -> None:
    assert username_in(a_token(algorithm, key), JWKS, ISSUER, NOON) == "alice"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "https://login.example"}, "issuer"),
        ({"iss": "https://login.example/x"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"aud": None}, "audience"),
        ({"aud": "https://accounts.example/api/"}, "audience"),
        ({"aud": []}, "audience"),
        ({"aud": ["https://other.example", 1]}, "audience"),
        ({"aud": ["https://other.example", ISSUER.audience]}, None),
        ({"exp": None}, "claims"),
        ({"exp": "4102444800"}, "claims"),
        ({"exp": True}, "claims"),
        ({"exp": NOON_S - LEEWAY_S}, "expired"),
        ({"exp": NOON_S - LEEWAY_S + 1}, None),
        ({"nbf": NOON_S + LEEWAY_S}, None),
        ({"nbf": NOON_S + LEEWAY_S + 1}, "not_yet_valid"),
        ({"iat": NOON_S + LEEWAY_S + 1}, "not_yet_valid"),
        ({"iat": None}, None),
        ({"nonce": "n"}, "id_token"),
        ({"at_hash": "h"}, "id_token"),
        ({"typ": "ID"}, "id_token"),
        ({"typ": ["ID"]}, "id_token"),
        ({"typ": "Bearer"}, None),
        ({"token_use": "id"}, "id_token"),
        ({"token_use": "access"}, None),
        ({"cnf": {"jkt": "x"}}, "bound"),
        ({"sub": None}, "username"),
        ({"sub": ""}, "username"),
        ({"sub": 7}, "claims"),
        ({"sub": "a" * TEXT_LENGTH_MAX}, None),
        ({"sub": "a" * (TEXT_LENGTH_MAX + 1)}, "username"),
        ({"sub": "two words"}, "username"),
        ({"sub": "a/b"}, "username"),
        ({"sub": "alice\n"}, "username"),
        ({"sub": "-leading"}, "username"),
        ({"sub": "zoé"}, "username"),
        ({"sub": "auth0|5f7c8ec7c33c6c004bbafe82"}, None),
    ],
)
def test_it_says_what_it_has_to(claims: Mapping[str, Any], why: str | None) -> None:
    assert reason(a_token(**claims)) == why


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ({"typ": "JWT"}, None),
        ({"typ": None}, None),
        ({"typ": "application/at+JWT"}, None),
        ({"typ": "logout+jwt"}, "type"),
        ({"typ": "dpop+jwt"}, "type"),
        ({"kid": "made up"}, "unknown_key"),
        ({"kid": "of the future"}, "unknown_key"),
        ({"kid": "p-256"}, "unknown_key"),
        ({"kid": None}, None),
        ({"jwk": {"kty": "RSA"}, "jku": "https://evil.example"}, None),
        ({"crit": ["x"], "x": 1}, "malformed"),
    ],
)
def test_its_header_brings_nothing_of_its_own(header: Mapping[str, Any], why: str | None) -> None:
    headers = {"typ": "at+jwt", "kid": "rsa", **header}
    token = jwt.encode(
        dict(CLAIMS),
        PEMS["rsa"],
        "RS256",
        headers={
            name: value for name, value in headers.items() if value is not None or name == "typ"
        },
    )

    assert reason(token) == why


def test_an_algorithm_needs_a_key_of_its_own_kind() -> None:
    assert reason(a_token("ES384", "p-384", {"kid": "p-256"})) == "unknown_key"


def test_a_key_signs_by_its_own_algorithm_alone() -> None:
    shown = {**RSA.as_dict(private=False), "kid": "rsa", "alg": "PS256"}

    assert reason(a_token("PS256"), jwks={"keys": [shown]}) is None
    assert reason(a_token("RS256"), jwks={"keys": [shown]}) == "unknown_key"


def test_of_two_keys_with_one_name_none_signs() -> None:
    shown = {**RSA.as_dict(private=False), "kid": "rsa"}

    assert reason(a_token(), jwks={"keys": [shown, shown]}) == "unknown_key"


def test_a_key_that_is_too_short_signs_nothing() -> None:
    short = rsa.generate_private_key(65537, 1024)
    shown = RSAAlgorithm.to_jwk(short.public_key(), as_dict=True) | {"key_ops": None, "kid": "rsa"}
    signed = a_token().rpartition(".")[0]
    signature = short.sign(signed.encode(), PKCS1v15(), SHA256())

    assert reason(f"{signed}.{base64url_encode(signature).decode()}", jwks={"keys": [shown]}) == (
        "signature"
    )


@pytest.mark.parametrize("jwks", [{"keys": []}, {"keys": [{"kty": "RSA", "kid": "rsa", "n": 5}]}])
def test_keys_that_are_none_sign_nothing(jwks: Mapping[str, Any]) -> None:
    assert reason(a_token(), jwks=jwks) == "unknown_key"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "opaque",
        "a.b",
        "a.b.c.d.e",
        a_token(groups="g" * TOKEN_LENGTH_MAX),
        f"{a_token().rpartition('.')[0]}.",
        "eyJhbGciOlsiUlMyNTYiXX0.e30.AAAA",  # its `alg` is a list
        "eyJhbGciOiJSUzI1NiJ9.W10.AAAA",  # its claims are a list
        f"{a_token()}=",
    ],
)
def test_what_is_no_signed_token_is_not_taken(text: str) -> None:
    assert reason(text) in {"malformed", "algorithm"}


@pytest.mark.parametrize(
    ("verified", "why"), [(True, None), ("true", "unverified"), (None, "unverified")]
)
def test_an_address_names_its_user_where_it_is_verified(verified: object, why: str | None) -> None:
    token = a_token(email="alice@example.com", email_verified=verified)

    assert reason(token, replace(ISSUER, username_claim="email")) == why


def test_each_reason_is_explained() -> None:
    assert WHY.keys() == set(Unfit)

"""What a gateway must refuse: every known way to make a token that nobody issued for it."""

import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm

from client.sealing import sealing_key
from client.tokens import TokenProblem
from tests.unit.signed import (
    a_full_ring,
    a_token,
    decoded,
    encoded,
    forged,
    refused,
    signed,
)
from workers.keys.ring import KeyRing


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return a_full_ring(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def honest(ring: KeyRing) -> str:
    return a_token(ring)


def pem(ring: KeyRing) -> bytes:
    return (
        ring.signing_key()
        .signer()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


class TestAnAlgorithm:
    @pytest.mark.parametrize(
        "alg", ["none", "None", "NONE", "nOnE", "", None, "es256", ["ES256"]], ids=repr
    )
    def test_that_is_none_is_refused(self, ring: KeyRing, honest: str, alg: object) -> None:
        header, payload, signature = honest.split(".")
        unsigned = encoded(json.dumps(decoded(header) | {"alg": alg}).encode())

        assert refused(f"{unsigned}.{payload}.", ring.jwks()) is TokenProblem.MALFORMED
        assert refused(f"{unsigned}.{payload}.{signature}", ring.jwks()) is TokenProblem.ALGORITHM

    def test_that_takes_the_public_key_for_a_secret_is_refused(
        self, ring: KeyRing, honest: str
    ) -> None:
        header, payload, _ = honest.split(".")
        for alg in ("HS256", "HS384", "HS512"):
            kid = decoded(header)["kid"]
            for secret in (pem(ring), json.dumps(ring.jwks()["keys"][0]).encode()):
                heading = encoded(json.dumps({"alg": alg, "typ": "at+jwt", "kid": kid}).encode())
                start = f"{heading}.{payload}"
                mac = jwt.get_algorithm_by_name(alg).sign(start.encode(), secret)

                reason = refused(f"{start}.{encoded(mac)}", ring.jwks())

                # The longer and shorter ones are not even of a signature's length.
                assert reason in {TokenProblem.ALGORITHM, TokenProblem.MALFORMED}

    def test_that_keeps_its_length_is_refused_by_name(self, ring: KeyRing, honest: str) -> None:
        header, payload, _ = honest.split(".")
        heading = encoded(json.dumps(decoded(header) | {"alg": "HS512"}).encode())
        mac = jwt.get_algorithm_by_name("HS512").sign(f"{heading}.{payload}".encode(), pem(ring))

        reason = refused(f"{heading}.{payload}.{encoded(mac)}", ring.jwks())

        assert reason is TokenProblem.ALGORITHM

    @pytest.mark.parametrize(
        ("alg", "key"),
        [
            ("RS256", rsa.generate_private_key(65537, 2048)),
            ("PS256", rsa.generate_private_key(65537, 2048)),
            ("ES384", ec.generate_private_key(ec.SECP384R1())),
            ("EdDSA", ed25519.Ed25519PrivateKey.generate()),
        ],
    )
    def test_other_than_the_keys_own_is_refused(self, ring: KeyRing, alg: str, key: Any) -> None:
        kid = ring.signing_key().kid
        token = jwt.encode({"sub": "alice"}, key, alg, {"typ": "at+jwt", "kid": kid})

        reason = refused(token, ring.jwks())

        assert reason in {TokenProblem.ALGORITHM, TokenProblem.MALFORMED}


class TestAKey:
    def test_that_is_not_ours_under_our_name_is_refused(self, ring: KeyRing, honest: str) -> None:
        header, payload, _ = honest.split(".")
        stranger = ec.generate_private_key(ec.SECP256R1())
        token = signed(json.dumps(decoded(header)), json.dumps(decoded(payload)), stranger)

        assert refused(token, ring.jwks()) is TokenProblem.SIGNATURE

    @pytest.mark.parametrize(
        "kid", ["", "other", None, 1, ["a"], "../../etc/passwd", "k' OR 1=1"], ids=repr
    )
    def test_that_is_not_in_the_set_is_unknown(self, ring: KeyRing, kid: object) -> None:
        assert refused(forged(ring, header={"kid": kid}), ring.jwks()) is TokenProblem.UNKNOWN_KEY

    def test_for_sealing_signs_nothing(self, ring: KeyRing) -> None:
        token = forged(ring, header={"kid": sealing_key(ring.sealing_jwks())["kid"]})
        together = {"keys": [*ring.jwks()["keys"], *ring.sealing_jwks()["keys"]]}

        assert refused(token, together) is TokenProblem.UNKNOWN_KEY

    def test_of_another_installation_is_unknown(self, honest: str, tmp_path: Path) -> None:
        elsewhere = a_full_ring(tmp_path)

        assert refused(honest, elsewhere.jwks()) is TokenProblem.UNKNOWN_KEY

    @pytest.mark.parametrize(
        "change",
        [
            {"use": "enc"},
            {"use": None},
            {"alg": "HS256"},
            {"alg": None},
            {"kty": "oct", "k": "c2VjcmV0"},
            {"crv": "P-384"},
            {"crv": "secp256k1"},
            {"x": None},
            {"y": "A"},
            {"x": 1},
            {"x": "A" * 43, "y": "A" * 43},
        ],
        ids=str,
    )
    def test_of_the_set_that_says_otherwise_is_not_used(
        self, ring: KeyRing, honest: str, change: dict[str, Any]
    ) -> None:
        (jwk,) = ring.jwks()["keys"]

        assert refused(honest, {"keys": [jwk | change]}) is TokenProblem.UNKNOWN_KEY

    @pytest.mark.parametrize("keys", [None, {}, "keys", 1, [], [None, "x", 1, [], {}]], ids=repr)
    def test_is_not_found_in_what_is_no_set(self, honest: str, keys: object) -> None:
        assert refused(honest, {"keys": keys}) is TokenProblem.UNKNOWN_KEY

    def test_that_is_named_twice_is_not_guessed(self, ring: KeyRing, honest: str) -> None:
        (jwk,) = ring.jwks()["keys"]

        assert refused(honest, {"keys": [jwk, jwk]}) is TokenProblem.UNKNOWN_KEY


class TestAHeader:
    @pytest.mark.parametrize(
        "more",
        [
            {"jku": "https://keys.example/jwks.json"},
            {"x5u": "https://keys.example/chain.pem"},
            {"x5c": ["MIIB"]},
            {"crit": ["exp"], "exp": 1},
            {"crit": []},
            {"b64": True},
            {"b64": False, "crit": ["b64"]},
            {"cty": "JWT"},
            {"zip": "DEF"},
        ],
        ids=str,
    )
    def test_that_says_more_than_it_must_is_refused(
        self, ring: KeyRing, more: dict[str, Any]
    ) -> None:
        assert refused(forged(ring, header=more), ring.jwks()) is TokenProblem.HEADER

    def test_that_brings_its_own_key_is_refused(self, ring: KeyRing, honest: str) -> None:
        header, payload, _ = honest.split(".")
        own = ec.generate_private_key(ec.SECP256R1())
        jwk = ECAlgorithm.to_jwk(own.public_key(), as_dict=True)
        heading = decoded(header) | {"jwk": jwk}

        token = signed(json.dumps(heading), json.dumps(decoded(payload)), own)

        assert refused(token, ring.jwks()) is TokenProblem.HEADER

    @pytest.mark.parametrize(
        "typ",
        ["JWT", "jwt", "AT+JWT", "application/at+jwt", "rt+jwt", "", None, ["at+jwt"]],
        ids=repr,
    )
    def test_of_another_type_is_refused(self, ring: KeyRing, typ: object) -> None:
        assert refused(forged(ring, header={"typ": typ}), ring.jwks()) is TokenProblem.TYPE

    @pytest.mark.parametrize(
        ("without", "reason"),
        [
            ("alg", TokenProblem.ALGORITHM),
            ("typ", TokenProblem.TYPE),
            ("kid", TokenProblem.HEADER),
        ],
    )
    def test_that_says_less_is_refused(
        self, ring: KeyRing, without: str, reason: TokenProblem
    ) -> None:
        assert refused(forged(ring, without=without), ring.jwks()) is reason

    def test_that_says_something_twice_is_refused(self, ring: KeyRing) -> None:
        key = ring.signing_key()
        header = f'{{"alg": "none", "alg": "ES256", "typ": "at+jwt", "kid": "{key.kid}"}}'
        payload = json.dumps(decoded(a_token(ring).split(".")[1]))

        token = signed(header, payload, key.signer())

        assert refused(token, ring.jwks()) is TokenProblem.MALFORMED


def test_a_signature_is_not_taken_from_another_token(ring: KeyRing, honest: str) -> None:
    other = forged(ring, payload={"sub": "mallory"})
    mixed = ".".join([*other.split(".")[:2], honest.split(".")[2]])

    assert refused(mixed, ring.jwks()) is TokenProblem.SIGNATURE

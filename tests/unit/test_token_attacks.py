"""What a gateway must refuse: every known way to make a token that nobody issued for it."""

import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm

from client.tokens import TOKEN_LENGTH_MAX, TokenProblem
from tests.unit.signed import (
    NOON,
    SESSION,
    a_full_ring,
    a_token,
    decoded,
    encoded,
    forged,
    refused,
    signed,
    verified,
)
from workers.key_pairs import Kind
from workers.key_rotation import make_missing
from workers.keys import KeyRing
from workers.tokens import new_refresh_token

NOON_S = int(NOON.timestamp())


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
            for secret in (pem(ring), json.dumps(ring.jwks()["keys"][1]).encode()):
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
        token = forged(ring, header={"kid": ring.published().kid})

        assert refused(token, ring.jwks()) is TokenProblem.UNKNOWN_KEY

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
        (jwk,) = (key for key in ring.jwks()["keys"] if key["use"] == "sig")

        assert refused(honest, {"keys": [jwk | change]}) is TokenProblem.UNKNOWN_KEY

    @pytest.mark.parametrize("keys", [None, {}, "keys", 1, [], [None, "x", 1, [], {}]], ids=repr)
    def test_is_not_found_in_what_is_no_set(self, honest: str, keys: object) -> None:
        assert refused(honest, {"keys": keys}) is TokenProblem.UNKNOWN_KEY

    def test_that_is_named_twice_is_not_guessed(self, ring: KeyRing, honest: str) -> None:
        (jwk,) = (key for key in ring.jwks()["keys"] if key["use"] == "sig")

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


class TestAClaim:
    @pytest.mark.parametrize(
        ("claim", "reason"),
        [
            ({"iss": "somebody"}, TokenProblem.ISSUER),
            ({"iss": "accounts.example/"}, TokenProblem.ISSUER),
            ({"iss": ["accounts.example"]}, TokenProblem.CLAIMS),
            ({"aud": "others"}, TokenProblem.AUDIENCE),
            ({"aud": ""}, TokenProblem.AUDIENCE),
            ({"aud": ["gateways"]}, TokenProblem.CLAIMS),
            ({"aud": ["gateways", "others"]}, TokenProblem.CLAIMS),
            ({"sub": "Alice"}, TokenProblem.CLAIMS),
            ({"sub": "alice\n"}, TokenProblem.CLAIMS),
            ({"sub": "al\u0456ce"}, TokenProblem.CLAIMS),
            ({"sub": {"$ne": ""}}, TokenProblem.CLAIMS),
            ({"sub": None}, TokenProblem.CLAIMS),
            ({"sid": ""}, TokenProblem.CLAIMS),
            ({"sid": 1}, TokenProblem.CLAIMS),
            ({"sid": "s" * 129}, TokenProblem.CLAIMS),
            ({"jti": None}, TokenProblem.CLAIMS),
            ({"jti": "é"}, TokenProblem.CLAIMS),
            ({"epoch": True}, TokenProblem.CLAIMS),
            ({"epoch": -1}, TokenProblem.CLAIMS),
            ({"epoch": "3"}, TokenProblem.CLAIMS),
            ({"epoch": 3.0}, TokenProblem.CLAIMS),
            ({"epoch": 2**53 + 1}, TokenProblem.CLAIMS),
            ({"exp": str(NOON_S + 300)}, TokenProblem.CLAIMS),
            ({"exp": NOON_S + 300.5}, TokenProblem.CLAIMS),
            ({"exp": None}, TokenProblem.CLAIMS),
            ({"exp": 10**300}, TokenProblem.CLAIMS),
            ({"exp": float("inf")}, TokenProblem.CLAIMS),
            ({"exp": float("nan")}, TokenProblem.CLAIMS),
            ({"nbf": True}, TokenProblem.CLAIMS),
            ({"iat": -1}, TokenProblem.CLAIMS),
        ],
        ids=str,
    )
    def test_that_is_not_as_it_must_be_is_refused(
        self, ring: KeyRing, claim: dict[str, Any], reason: TokenProblem
    ) -> None:
        assert refused(forged(ring, payload=claim), ring.jwks()) is reason

    @pytest.mark.parametrize(
        "claim", ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "epoch"]
    )
    def test_must_be_there(self, ring: KeyRing, claim: str) -> None:
        assert refused(forged(ring, without=claim), ring.jwks()) is TokenProblem.CLAIMS

    def test_that_stands_twice_is_refused(self, ring: KeyRing) -> None:
        header, payload, _ = a_token(ring).split(".")
        claims = json.dumps(decoded(payload)).replace("{", '{"sub": "mallory", ', 1)

        token = signed(json.dumps(decoded(header)), claims, ring.signing_key().signer())

        assert refused(token, ring.jwks()) is TokenProblem.MALFORMED

    def test_we_do_not_know_changes_nothing(self, ring: KeyRing) -> None:
        token = forged(ring, payload={"scope": "all", "admin": True})

        assert verified(token, ring.jwks()).username == "alice"


@pytest.mark.parametrize(
    "payload",
    ["", "null", "[]", '"text"', "1", "{", "[" * 500, '{"a": 1}x', "\x00", "\ufeff{}"],
    ids=repr,
)
def test_a_payload_that_is_no_object_is_refused(ring: KeyRing, payload: str) -> None:
    header = json.dumps(decoded(a_token(ring).partition(".")[0]))

    token = signed(header, payload, ring.signing_key().signer())

    assert refused(token, ring.jwks()) is TokenProblem.MALFORMED


class TestAnyText:
    @pytest.mark.parametrize(
        "text",
        ["", ".", "..", "...", "a.b.c", "Bearer x", "é.é.é", "\0", "eyJ9.eyJ9." + "A" * 86],
        ids=repr,
    )
    def test_that_is_no_token_is_refused(self, ring: KeyRing, text: str) -> None:
        assert refused(text, ring.jwks()) is TokenProblem.MALFORMED

    def test_with_something_around_it_is_refused(self, ring: KeyRing, honest: str) -> None:
        for text in (f" {honest}", f"{honest}\n", f"{honest}=", f"{honest}.", f"Bearer {honest}"):
            assert refused(text, ring.jwks()) is TokenProblem.MALFORMED

    @pytest.mark.parametrize("cut", [1, 2, 43, 86, 87, 200])
    def test_that_is_cut_short_is_refused(self, ring: KeyRing, honest: str, cut: int) -> None:
        assert refused(honest[:-cut], ring.jwks()) is TokenProblem.MALFORMED

    def test_of_a_refresh_token_is_no_access_token(self, ring: KeyRing) -> None:
        assert refused(new_refresh_token(SESSION), ring.jwks()) is TokenProblem.MALFORMED

    def test_that_is_huge_is_not_even_read(self, ring: KeyRing) -> None:
        token = forged(ring, payload={"more": "x" * TOKEN_LENGTH_MAX})

        assert refused(token, ring.jwks()) is TokenProblem.MALFORMED
        assert refused("A" * 10_000_000, ring.jwks()) is TokenProblem.MALFORMED

    def test_in_full_width_letters_is_refused(self, ring: KeyRing, honest: str) -> None:
        assert refused(honest.replace("e", "\uff45", 1), ring.jwks()) is TokenProblem.MALFORMED

    @given(data=st.data())
    def test_one_character_away_from_a_token_is_refused(
        self, ring: KeyRing, honest: str, data: st.DataObject
    ) -> None:
        place = data.draw(st.integers(0, len(honest) - 1))
        others = st.sampled_from("ABCXYZabcxyz0189-_.=+/ ") | st.characters()
        other = data.draw((others | st.just("")).filter(lambda one: one != honest[place]))

        refused(honest[:place] + other + honest[place + 1 :], ring.jwks())

    @given(text=st.text() | st.from_regex(r"[\w-]{1,20}\.[\w-]{1,20}\.[A-Za-z0-9_-]{86}"))
    def test_at_all_is_refused_and_breaks_nothing(self, ring: KeyRing, text: str) -> None:
        refused(text, ring.jwks())


def test_a_signature_is_not_taken_from_another_token(ring: KeyRing, honest: str) -> None:
    other = forged(ring, payload={"sub": "mallory"})
    mixed = ".".join([*other.split(".")[:2], honest.split(".")[2]])

    assert refused(mixed, ring.jwks()) is TokenProblem.SIGNATURE


def test_a_retired_key_verifies_nothing(honest: str, tmp_path: Path) -> None:
    """The set of a ring leaves retired keys out; `test_key_rotation` shows when."""
    made = make_missing(tmp_path, NOON)

    assert {key.kind for key in made} == set(Kind)
    assert refused(honest, KeyRing(tmp_path).jwks()) is TokenProblem.UNKNOWN_KEY

"""What a gateway must refuse though the key is ours: claims that do not fit, and what is no token."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.tokens import TOKEN_LENGTH_MAX, TokenProblem
from tests.unit.signed import (
    NOON,
    SESSION,
    a_full_ring,
    a_token,
    decoded,
    forged,
    refused,
    signed,
    verified,
)
from workers.keys.ring import KeyRing
from workers.keys.tokens import new_refresh_token

NOON_S = int(NOON.timestamp())


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return a_full_ring(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def honest(ring: KeyRing) -> str:
    return a_token(ring)


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
            ({"sub": "al ice"}, TokenProblem.CLAIMS),
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

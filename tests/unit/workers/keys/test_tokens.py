"""Access tokens say what they must, for as long as they must; refresh tokens say nothing."""

import logging
import re
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from client.tokens import TOKEN_LENGTH_MAX, TokenProblem
from contracts.registration import SEALED_LENGTH_MAX
from contracts.sealing import Purpose
from tests.unit.sealed import a_blob, a_ring
from tests.unit.signed import (
    LIFE_S,
    NOON,
    SESSION,
    a_full_ring,
    a_token,
    an_issuer,
    decoded,
    forged,
    refused,
    verified,
)
from workers.keys.files import KeysError
from workers.keys.ring import KeyRing
from workers.keys.tokens import TokenIssuer, new_refresh_token, refresh_hash, session_of


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return a_full_ring(tmp_path)


class TestAnAccessToken:
    def test_says_whose_it_is_and_until_when(self, ring: KeyRing) -> None:
        claims = verified(a_token(ring), ring.jwks())

        assert (claims.username, claims.session_id, claims.epoch) == ("alice", SESSION, 3)
        assert claims.issued_at == NOON
        assert claims.expires_at == NOON + timedelta(seconds=LIFE_S)

    def test_is_of_the_type_that_says_so(self, ring: KeyRing) -> None:
        header = decoded(a_token(ring).partition(".")[0])

        assert header == {"alg": "ES256", "typ": "at+jwt", "kid": ring.signing_key().kid}

    def test_carries_nothing_else(self, ring: KeyRing) -> None:
        claims = decoded(a_token(ring).split(".")[1])

        assert set(claims) == {"iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "epoch"}

    def test_is_unlike_any_other(self, ring: KeyRing) -> None:
        claims = [verified(a_token(ring), ring.jwks()) for _ in range(3)]

        assert len({each.token_id for each in claims}) == 3

    @pytest.mark.parametrize(
        ("after_s", "reason"),
        [
            (-6, TokenProblem.NOT_YET_VALID),
            (-5, None),
            (0, None),
            (LIFE_S + 4, None),
            (LIFE_S + 5, TokenProblem.EXPIRED),
            (LIFE_S + 1e7, TokenProblem.EXPIRED),
        ],
    )
    def test_is_good_for_its_time_give_or_take_the_leeway(
        self, ring: KeyRing, after_s: float, reason: TokenProblem | None
    ) -> None:
        moment = NOON + timedelta(seconds=after_s)

        if reason is None:
            assert verified(a_token(ring), ring.jwks(), now=moment)
        else:
            assert refused(a_token(ring), ring.jwks(), now=moment) is reason

    @pytest.mark.parametrize(
        ("claims", "reason"),
        [
            ({"iat": 1}, TokenProblem.NOT_YET_VALID),
            ({"nbf": 1}, TokenProblem.NOT_YET_VALID),
            ({"exp": 0}, TokenProblem.EXPIRED),
            ({"exp": 1}, None),
        ],
        ids=str,
    )
    def test_is_held_against_each_of_its_times(
        self, ring: KeyRing, claims: dict[str, int], reason: TokenProblem | None
    ) -> None:
        shifted = {name: int(NOON.timestamp()) + by_s for name, by_s in claims.items()}
        token = forged(ring, payload=shifted)

        if reason is None:
            assert verified(token, ring.jwks(), leeway_s=0)
        else:
            assert refused(token, ring.jwks(), leeway_s=0) is reason

    def test_is_held_against_the_clock_where_no_moment_is_given(self, ring: KeyRing) -> None:
        assert refused(a_token(ring), ring.jwks(), now=None) is TokenProblem.NOT_YET_VALID

    @pytest.mark.parametrize(
        ("other", "reason"),
        [
            ({"issuer": "somebody"}, TokenProblem.ISSUER),
            ({"audience": "others"}, TokenProblem.AUDIENCE),
        ],
        ids=str,
    )
    def test_is_of_one_issuer_for_one_audience(
        self, ring: KeyRing, other: dict[str, Any], reason: TokenProblem
    ) -> None:
        assert refused(a_token(ring), ring.jwks(), **other) is reason

    def test_fits_sealed_with_the_longest_of_everything(self, ring: KeyRing) -> None:
        issuer = TokenIssuer(
            ring=ring,
            issuer="i" * 200,
            audience="a" * 200,
            access_token_s=24 * 3600,
            device_token_s=1,
        )

        token = issuer.access_token("u" * 32, SESSION, 2**53, NOON)
        blob = a_blob(
            ring,
            token,
            purpose=Purpose.LOGOUT_TOKEN,
            command_id="\\" * 128,
            username="u" * 32,
        )

        assert len(token) < TOKEN_LENGTH_MAX
        assert len(blob) < SEALED_LENGTH_MAX

    def test_is_not_made_without_a_key(self, tmp_path: Path) -> None:
        issuer = an_issuer(a_ring(tmp_path / "sealing only"))

        with pytest.raises(KeysError, match=r"^no signing key in .*`accounts keys new`$"):
            issuer.access_token("alice", SESSION, 0, NOON)

    def test_leaves_no_trace_in_the_log(
        self, ring: KeyRing, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        token = a_token(ring)

        verified(token, ring.jwks())
        refused(token[:-1], ring.jwks())

        assert caplog.text == ""


class TestARefreshToken:
    def test_names_its_session_and_nothing_else(self) -> None:
        token = new_refresh_token(SESSION)

        assert re.fullmatch(rf"{SESSION}\.[A-Za-z0-9_-]{{43}}", token)
        assert session_of(token) == SESSION

    def test_is_unlike_any_other(self) -> None:
        assert len({new_refresh_token(SESSION) for _ in range(100)}) == 100

    def test_is_stored_as_a_hash_of_the_whole(self) -> None:
        token = new_refresh_token(SESSION)

        assert refresh_hash(token) == sha256(token.encode()).digest()
        assert refresh_hash(token) != refresh_hash(token.swapcase())

    @pytest.mark.parametrize(
        "text",
        [
            "",
            ".",
            SESSION,
            f"{SESSION}.",
            f".{'A' * 43}",
            f"{SESSION}.{'A' * 42}",
            f"{SESSION}.{'A' * 44}",
            f"{SESSION}.{'A' * 43}\n",
            f" {SESSION}.{'A' * 43}",
            f"{SESSION}.{'é' * 43}",
            f"{'s' * 129}.{'A' * 43}",
            f"$ne.{'A' * 43}",
            "x" * 1_000_000,
        ],
        ids=range(13),
    )
    def test_of_another_shape_is_none(self, text: str) -> None:
        assert session_of(text) is None

    def test_is_not_an_access_token(self, ring: KeyRing) -> None:
        assert session_of(a_token(ring)) is None

"""Tokens on their way back: sealed to the caller's key, for one request, and opened for no other."""

import json
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import OctKey, OKPKey

from client.errors import AccountsClientError
from client.sealing import ReplyKeyPair, SealedTokensError
from contracts.registration import SEALED_LENGTH_MAX
from contracts.sealing import Purpose
from contracts.sessions import ReplyKey, Tokens
from tests.unit.sealed import CANARY, NOON, PASSWORD, a_blob, a_ring
from tests.unit.signed import decoded, encoded
from workers.keys.ring import KeyRing
from workers.keys.sealing import SealProblem, open_sealed, seal_tokens

TOKENS = Tokens(
    access_token="a.b.c", refresh_token=CANARY, expires_in=300, refresh_expires_in=86_400
)
LAX = jwe.JWERegistry(
    algorithms=["ECDH-ES", "ECDH-ES+A128KW", "dir", "A256GCM", "A128GCM", "DEF"],
    strict_check_header=False,
)
WEAK = {"kty": "OKP", "crv": "X25519", "x": "A" * 43}
"""A point that agrees on zero with everybody (RFC 7748 §6.1)."""


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return a_ring(tmp_path)


def sealed(pair: ReplyKeyPair, **other: Any) -> str:
    told: dict[str, Any] = {
        "reply_key": pair.public,
        "purpose": Purpose.LOGIN_TOKENS,
        "request_id": "1",
        "username": "alice",
        "issued_at": NOON,
    }
    return seal_tokens(TOKENS, **(told | other))


def opened(pair: ReplyKeyPair, blob: str, **other: Any) -> Tokens:
    told: dict[str, Any] = {
        "purpose": Purpose.LOGIN_TOKENS,
        "request_id": "1",
        "username": "alice",
    }
    return pair.open(blob, **(told | other))


def forged(
    pair: ReplyKeyPair,
    change: dict[str, Any],
    *,
    text: str = "",
    without: str = "",
    key: Any = None,
) -> str:
    """Return what somebody else sealed to the same key, other than honest by *change*."""
    honest = decoded(sealed(pair).partition(".")[0])
    header = {k: v for k, v in (honest | change).items() if k not in {"epk", without}}
    recipient = key or OKPKey.import_key(dict(pair.public))
    return jwe.encrypt_compact(header, text or TOKENS.model_dump_json(), recipient, registry=LAX)


class TestAReplyKey:
    def test_is_what_a_request_carries(self) -> None:
        pair = ReplyKeyPair()

        assert ReplyKey.model_validate(pair.public).model_dump() == pair.public

    def test_is_unlike_any_other(self) -> None:
        assert ReplyKeyPair().public != ReplyKeyPair().public

    def test_never_shows_its_private_half(self) -> None:
        pair = ReplyKeyPair()
        private = pair._pair.as_dict(private=True)["d"]  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]

        assert str(private) not in f"{pair!r} {pair} {pair.public}"

    @pytest.mark.parametrize(
        "reply_key",
        [
            WEAK,
            WEAK | {"x": "short"},
            WEAK | {"crv": "X448"},
            WEAK | {"crv": "Ed25519"},
            {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
            {"kty": "oct", "k": "AAAA"},
            {},
            {"kty": None, "crv": 1, "x": []},
        ],
        ids=str,
    )
    def test_that_nothing_can_be_sealed_to_opens_no_request(
        self, ring: KeyRing, reply_key: dict[str, Any]
    ) -> None:
        """Else the work would be done and its answer could not be given."""
        bound = WEAK if reply_key == WEAK else ReplyKeyPair().public
        blob = a_blob(ring, purpose=Purpose.LOGIN_PASSWORD, reply_key=bound)

        found = open_sealed(
            blob,
            ring,
            purpose=Purpose.LOGIN_PASSWORD,
            command_id="1",
            username="alice",
            reply_key=reply_key,
        )

        assert found is SealProblem.INVALID
        with pytest.raises(ValueError, match=r"."):
            sealed(ReplyKeyPair(), reply_key=reply_key)

    def test_is_the_one_a_request_is_bound_to(self, ring: KeyRing) -> None:
        pair = ReplyKeyPair()
        blob = a_blob(ring, purpose=Purpose.LOGIN_PASSWORD, reply_key=pair.public)

        def found(reply_key: dict[str, Any]) -> str | SealProblem:
            return open_sealed(
                blob,
                ring,
                purpose=Purpose.LOGIN_PASSWORD,
                command_id="1",
                username="alice",
                reply_key=reply_key,
            )

        assert found(pair.public) == PASSWORD
        assert found(pair.public | {"kid": "ignored", "use": "enc"}) == PASSWORD
        assert found(ReplyKeyPair().public) is SealProblem.INVALID


class TestSealedTokens:
    def test_open_for_who_asked(self) -> None:
        pair = ReplyKeyPair()

        assert opened(pair, sealed(pair)) == TOKENS

    def test_are_readable_by_nobody_else(self) -> None:
        blob = sealed(ReplyKeyPair())

        assert CANARY not in blob
        with pytest.raises(SealedTokensError):
            opened(ReplyKeyPair(), blob)

    def test_say_what_they_are_for(self) -> None:
        pair = ReplyKeyPair()

        header = decoded(sealed(pair).partition(".")[0])

        assert header.pop("epk")["crv"] == "X25519"
        assert header == {
            "alg": "ECDH-ES",
            "enc": "A256GCM",
            "kid": OKPKey.import_key(dict(pair.public)).thumbprint(),
            "cid": "1",
            "sub": "alice",
            "purpose": "login.sealed_tokens",
            "iat": int(NOON.timestamp()),
        }

    def test_name_the_key_by_its_thumbprint_whatever_it_says(self) -> None:
        pair = ReplyKeyPair()

        blob = sealed(pair, reply_key=pair.public | {"kid": "mine", "d": "not so private"})

        assert opened(pair, blob) == TOKENS

    @pytest.mark.parametrize(
        "elsewhere",
        [
            {"request_id": "2"},
            {"username": "mallory"},
            {"purpose": Purpose.REFRESH_TOKENS},
        ],
        ids=str,
    )
    def test_do_not_open_elsewhere(self, elsewhere: dict[str, Any]) -> None:
        pair = ReplyKeyPair()

        with pytest.raises(SealedTokensError):
            opened(pair, sealed(pair), **elsewhere)

    @pytest.mark.parametrize(
        "change",
        [
            {"zip": "DEF"},
            {"crit": ["kid"]},
            {"rkt": "x"},
            {"kid": "other"},
            {"iat": "1893499200"},
            {"iat": True},
            {"enc": "A128GCM"},
            {"alg": "ECDH-ES+A128KW"},
        ],
        ids=str,
    )
    def test_whose_header_is_other_than_ours_do_not_open(self, change: dict[str, Any]) -> None:
        pair = ReplyKeyPair()

        with pytest.raises(SealedTokensError):
            opened(pair, forged(pair, change))

    @pytest.mark.parametrize("missing", ["kid", "cid", "sub", "purpose", "iat"])
    def test_that_say_less_do_not_open(self, missing: str) -> None:
        pair = ReplyKeyPair()

        with pytest.raises(SealedTokensError):
            opened(pair, forged(pair, {}, without=missing))

    def test_under_a_key_of_somebodys_choice_do_not_open(self) -> None:
        pair = ReplyKeyPair()
        blob = forged(pair, {"alg": "dir"}, key=OctKey.generate_key(256))

        with pytest.raises(SealedTokensError):
            opened(pair, blob)

    @pytest.mark.parametrize("text", ["null", "[]", "{}", "not json", '{"access_token": 1}'])
    def test_that_are_none_do_not_open(self, text: str) -> None:
        pair = ReplyKeyPair()

        with pytest.raises(SealedTokensError):
            opened(pair, forged(pair, {}, text=text))

    def test_of_a_newer_service_still_open(self) -> None:
        pair = ReplyKeyPair()
        more = json.dumps(TOKENS.model_dump() | {"id_token": "x"})

        assert opened(pair, forged(pair, {}, text=more)) == TOKENS

    def test_do_not_open_with_any_part_changed(self) -> None:
        pair = ReplyKeyPair()
        parts = sealed(pair).split(".")
        for number in (0, 2, 3, 4):
            other = "A" if parts[number][5] != "A" else "B"
            changed = parts[number][:5] + other + parts[number][6:]
            with pytest.raises(SealedTokensError):
                opened(pair, ".".join([*parts[:number], changed, *parts[number + 1 :]]))

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "....",
            "a..b.c.d",
            "é..AA.AA.AA",
            "e30..AA.AA.AA",
            "W10..AA.AA.AA",
            encoded(b"[" * 900) + "..AA.AA.AA",
            "A" * (SEALED_LENGTH_MAX + 1),
        ],
        ids=range(8),
    )
    def test_are_not_any_text(self, text: str) -> None:
        with pytest.raises(SealedTokensError):
            opened(ReplyKeyPair(), text)

    def test_say_nothing_of_what_was_inside_when_refused(self) -> None:
        pair = ReplyKeyPair()

        with pytest.raises(AccountsClientError, match="ask again") as caught:
            opened(pair, sealed(pair), request_id="2")

        assert CANARY not in repr(caught.value)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None

    def test_fit_with_the_longest_of_everything(self) -> None:
        pair = ReplyKeyPair()
        names = {"request_id": "\\" * 128, "username": "u" * 32}
        long = TOKENS.model_copy(update={"access_token": "t" * 1500, "refresh_token": "r" * 76})

        blob = seal_tokens(
            long,
            reply_key=pair.public,
            purpose=Purpose.REFRESH_TOKENS,
            issued_at=NOON,
            **names,
        )

        assert len(blob) < SEALED_LENGTH_MAX
        assert opened(pair, blob, purpose=Purpose.REFRESH_TOKENS, **names) == long

"""A sealed secret opens once, for what it was sealed for, and for nobody else (P9)."""

import base64
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, OctKey, OKPKey

from client.sealing import seal, sealing_key
from contracts.registration import SEALED_LENGTH_MAX
from contracts.sealing import Purpose
from tests.unit.sealed import CANARY, NOON, PASSWORD, a_blob, a_ring
from workers.keys.ring import KeyRing
from workers.keys.sealing import SealProblem, open_sealed

LAX = jwe.JWERegistry(
    algorithms=["ECDH-ES", "ECDH-ES+A128KW", "dir", "A128KW", "A256GCM", "A128GCM", "DEF"],
    strict_check_header=False,
)
A_REPLY_KEY: dict[str, Any] = OKPKey.generate_key("X25519").as_dict(private=False)
ANOTHER_REPLY_KEY: dict[str, Any] = OKPKey.generate_key("X25519").as_dict(private=False)


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return a_ring(tmp_path)


def opened(blob: str, ring: KeyRing, **other: Any) -> str | SealProblem:
    told: dict[str, Any] = {
        "purpose": Purpose.REGISTER_PASSWORD,
        "command_id": "1",
        "username": "alice",
    }
    return open_sealed(blob, ring, **(told | other))


def header_of(blob: str) -> dict[str, Any]:
    part = blob.partition(".")[0]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def forged(ring: KeyRing, change: dict[str, Any], *, key: Any = None, without: str = "") -> str:
    """Return a blob whose header differs by *change* from an honest one."""
    header = {k: v for k, v in header_of(a_blob(ring)).items() if k not in {"epk", without}}
    recipient = key or OKPKey.import_key(sealing_key(ring.sealing_jwks()) | {"use": "enc"})
    return jwe.encrypt_compact(header | change, PASSWORD, recipient, registry=LAX)


class TestASealedSecret:
    def test_opens_for_what_it_was_sealed_for(self, ring: KeyRing) -> None:
        assert opened(a_blob(ring), ring) == PASSWORD

    @pytest.mark.parametrize("secret", ["x", "é" * 256, "\U0001f600" * 256, "nul\0inside"])
    def test_comes_out_as_it_went_in(self, ring: KeyRing, secret: str) -> None:
        assert opened(a_blob(ring, secret), ring) == secret

    def test_fits_with_the_longest_of_everything(self, ring: KeyRing) -> None:
        names = {"command_id": "\\" * 128, "username": "u" * 32}

        blob = a_blob(ring, "\U0001f600" * 256, reply_key=A_REPLY_KEY, **names)

        assert len(blob) < SEALED_LENGTH_MAX
        assert opened(blob, ring, reply_key=A_REPLY_KEY, **names) == "\U0001f600" * 256

    def test_that_is_longer_than_a_field_may_be_is_not_opened(self, ring: KeyRing) -> None:
        blob = a_blob(ring, "x" * 6000)

        assert len(blob) > SEALED_LENGTH_MAX
        assert opened(blob, ring) is SealProblem.INVALID

    @pytest.mark.parametrize(
        "elsewhere",
        [
            {"command_id": "2"},
            {"username": "mallory"},
            {"username": "Alice"},
            {"reply_key": A_REPLY_KEY},
        ],
    )
    def test_does_not_open_elsewhere(self, ring: KeyRing, elsewhere: dict[str, Any]) -> None:
        assert opened(a_blob(ring), ring, **elsewhere) is SealProblem.INVALID

    def test_does_not_open_for_another_purpose(self, ring: KeyRing) -> None:
        blob = forged(ring, {"purpose": "login.sealed_password"})

        assert opened(blob, ring) is SealProblem.INVALID

    def test_is_bound_to_the_key_the_answer_goes_to(self, ring: KeyRing) -> None:
        blob = a_blob(ring, reply_key=A_REPLY_KEY)

        assert opened(blob, ring, reply_key=A_REPLY_KEY) == PASSWORD
        assert opened(blob, ring, reply_key=ANOTHER_REPLY_KEY) is SealProblem.INVALID
        assert opened(blob, ring) is SealProblem.INVALID

    def test_cannot_be_rebound_by_rewriting_its_header(self, ring: KeyRing) -> None:
        blob = a_blob(ring)
        header = json.dumps(header_of(blob) | {"sub": "mallory"}).encode()
        rewritten = base64.urlsafe_b64encode(header).decode().rstrip("=")
        moved = ".".join([rewritten, *blob.split(".")[1:]])

        assert opened(moved, ring, username="mallory") is SealProblem.INVALID

    @pytest.mark.parametrize("part", [2, 3, 4])
    def test_does_not_open_once_touched(self, ring: KeyRing, part: int) -> None:
        parts = a_blob(ring).split(".")
        parts[part] = ("A" if parts[part][0] != "A" else "B") + parts[part][1:]

        assert opened(".".join(parts), ring) is SealProblem.INVALID

    @pytest.mark.parametrize("missing", ["kid", "cid", "sub", "purpose", "iat"])
    def test_must_say_all_of_it(self, ring: KeyRing, missing: str) -> None:
        assert isinstance(opened(forged(ring, {}, without=missing), ring), SealProblem)

    @pytest.mark.parametrize("iat", ["1893499200", True, None, 1893499200.5])
    def test_says_when_as_a_whole_number(self, ring: KeyRing, iat: object) -> None:
        assert opened(forged(ring, {"iat": iat}), ring) is SealProblem.INVALID

    def test_of_a_key_we_never_had_does_not_open(self, ring: KeyRing, tmp_path: Path) -> None:
        stranger = a_ring(tmp_path / "elsewhere")

        assert opened(a_blob(stranger), ring) is SealProblem.UNKNOWN_KEY


class TestAnAlgorithm:
    @pytest.mark.parametrize(
        ("change", "key"),
        [
            ({"alg": "ECDH-ES+A128KW"}, None),
            ({"enc": "A128GCM"}, None),
            ({"zip": "DEF"}, None),
            ({"alg": "dir"}, OctKey.generate_key(256)),
            ({"alg": "A128KW"}, OctKey.generate_key(128)),
        ],
    )
    def test_other_than_ours_is_refused(
        self, ring: KeyRing, change: dict[str, Any], key: Any
    ) -> None:
        assert opened(forged(ring, change, key=key), ring) is SealProblem.INVALID

    def test_on_another_curve_is_refused(self, ring: KeyRing) -> None:
        blob = forged(ring, {}, key=ECKey.generate_key("P-256"))

        assert opened(blob, ring) is SealProblem.INVALID

    def test_with_a_weak_point_is_refused(self, ring: KeyRing) -> None:
        header = header_of(a_blob(ring))
        header["epk"]["x"] = "A" * 43
        weak = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")

        assert opened(".".join([weak, *a_blob(ring).split(".")[1:]]), ring) is SealProblem.INVALID

    def test_with_a_demand_for_extensions_is_refused(self, ring: KeyRing) -> None:
        blob = a_blob(ring)
        header = json.dumps(header_of(blob) | {"crit": ["cid"]}).encode()
        demanding = base64.urlsafe_b64encode(header).decode().rstrip("=")

        assert opened(".".join([demanding, *blob.split(".")[1:]]), ring) is SealProblem.INVALID


@pytest.mark.parametrize(
    "text",
    [
        "",
        "....",
        "not sealed",
        PASSWORD,
        "a..b.c.d",
        "W10..AA.AA.AA",
        "bnVsbA..AA.AA.AA",
        "é..AA.AA.AA",
        "e30..AA.AA.AA\n",
        "e30.AA.AA.AA.AA",
        "A" * (SEALED_LENGTH_MAX + 1),
        base64.urlsafe_b64encode(b"[" * 900).decode().rstrip("=") + "..AA.AA.AA",
    ],
)
def test_what_is_not_sealed_at_all_is_refused(ring: KeyRing, text: str) -> None:
    assert opened(text, ring) is SealProblem.INVALID


@pytest.mark.parametrize("secret", [b"\xff\xfe\x00", b"surrogate \xed\xa0\x80"])
def test_bytes_that_are_no_text_are_refused(ring: KeyRing, secret: bytes) -> None:
    key = OKPKey.import_key(sealing_key(ring.sealing_jwks()))
    header = {k: v for k, v in header_of(a_blob(ring)).items() if k != "epk"}
    blob = jwe.encrypt_compact(header, secret, key, registry=LAX)

    assert opened(blob, ring) is SealProblem.INVALID


class TestSealing:
    @pytest.mark.parametrize(
        "key",
        [
            {},
            {"kty": "OKP"},
            {"kty": "OKP", "crv": "X25519", "x": "short"},
            OKPKey.generate_key("Ed25519").as_dict(private=False),
            ECKey.generate_key("P-256").as_dict(private=False),
        ],
    )
    def test_to_something_else_is_refused(self, ring: KeyRing, key: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"no X25519 JWK; take it from"):
            a_blob(ring, key=key)

    def test_takes_the_key_from_the_published_set(self, ring: KeyRing) -> None:
        blob = a_blob(ring, key=sealing_key(ring.sealing_jwks()))

        assert opened(blob, ring) == PASSWORD

    def test_says_when_the_set_has_none(self) -> None:
        with pytest.raises(ValueError, match=r"no X25519 key .* take it from"):
            sealing_key({"keys": [{"use": "sig", "crv": "Ed25519"}]})

    def test_never_shows_the_secret_in_an_error(self, ring: KeyRing) -> None:
        with pytest.raises(ValueError, match="lone surrogate") as caught:
            a_blob(ring, CANARY + "\ud800")

        assert CANARY not in repr(caught.value)
        assert caught.value.__suppress_context__


@pytest.mark.parametrize("cut", [0, 8, 2000])
def test_no_secret_is_logged(ring: KeyRing, caplog: pytest.LogCaptureFixture, cut: int) -> None:
    caplog.set_level(logging.DEBUG)
    blob = a_blob(ring, CANARY)

    opened(blob[: len(blob) - cut], ring)

    assert CANARY not in caplog.text


def test_sealing_twice_gives_other_bytes(ring: KeyRing) -> None:
    key = sealing_key(ring.sealing_jwks())

    blobs = {
        seal(
            PASSWORD,
            key=key,
            purpose=Purpose.REGISTER_PASSWORD,
            command_id="1",
            username="alice",
            issued_at=NOON,
        )
        for _ in range(2)
    }

    assert len(blobs) == 2

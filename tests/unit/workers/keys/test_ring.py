"""The key ring: what is published, what still opens and signs, and what is refused (P9)."""

import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from joserfc.jwk import OctKey

from client.sealing import sealing_key
from contracts.sealing import Purpose
from tests.out_of_files import out_of_files
from tests.unit.sealed import NOON, a_blob, a_ring
from workers.config.roles import ALL, Role
from workers.keys.pairs import KeyKind
from workers.keys.ring import (
    CHECK_INTERVAL_S,
    KeyRing,
    KeysError,
    needed_by,
    new_key,
    read_keys,
)
from workers.keys.sealing import open_sealed

LATER = NOON + timedelta(days=1)


class HandClock:
    """Stands still until told."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def only_file(directory: Path) -> Path:
    (path,) = directory.glob("*.json")
    return path


def a_ring_at(directory: Path, moment: datetime) -> KeyRing:
    return KeyRing(directory, clock=lambda: moment)


class TestTheRing:
    def test_publishes_the_newest_sealing_key_only(self, tmp_path: Path) -> None:
        newest = new_key(tmp_path, LATER)
        new_key(tmp_path, NOON)

        (published,) = a_ring_at(tmp_path, LATER).sealing_jwks()["keys"]

        assert published["kid"] == newest.kid
        assert set(published) == {"kty", "crv", "x", "use", "alg", "kid"}

    def test_publishes_every_signing_key(self, tmp_path: Path) -> None:
        new_key(tmp_path, NOON)
        made = [new_key(tmp_path, moment, KeyKind.SIGNING) for moment in (NOON, LATER)]

        published = a_ring_at(tmp_path, NOON).jwks()["keys"]

        assert [jwk["kid"] for jwk in published] == [key.kid for key in reversed(made)]
        for jwk in published:
            assert set(jwk) == {"kty", "crv", "x", "y", "use", "alg", "kid"}
            assert (jwk["use"], jwk["alg"], jwk["crv"]) == ("sig", "ES256", "P-256")

    def test_uses_the_first_to_come_while_none_is_active(self, tmp_path: Path) -> None:
        """P4: a clock that is behind must not leave a worker without a key."""
        first = new_key(tmp_path, NOON)
        new_key(tmp_path, LATER)

        ring = a_ring_at(tmp_path, NOON - timedelta(hours=1))

        assert sealing_key(ring.sealing_jwks()) == first.public_jwk()

    def test_still_opens_with_a_replaced_key(self, tmp_path: Path) -> None:
        ring = a_ring(tmp_path)
        blob = a_blob(ring, "sealed long ago")
        new_key(tmp_path, LATER)
        ring = a_ring_at(tmp_path, LATER)

        secret = open_sealed(
            blob,
            ring,
            purpose=Purpose.REGISTER_PASSWORD,
            command_id="1",
            username="alice",
        )

        assert secret == "sealed long ago"
        assert sealing_key(ring.sealing_jwks())["kid"] not in blob

    @pytest.mark.parametrize("kind", KeyKind)
    def test_sees_a_new_key_soon_but_does_not_look_all_the_time(
        self, tmp_path: Path, kind: KeyKind
    ) -> None:
        clock = HandClock()
        new_key(tmp_path, NOON)
        new_key(tmp_path, NOON, KeyKind.SIGNING)
        new_key(tmp_path, NOON, KeyKind.MAC)
        ring = KeyRing(tmp_path, clock_s=clock, clock=lambda: LATER)
        late = new_key(tmp_path, LATER, kind)

        def used() -> list[str]:
            return [
                sealing_key(ring.sealing_jwks())["kid"],
                ring.signing_key().kid,
                OctKey.import_key(ring.mac_keys()[0].secret).thumbprint(),
            ]

        at_once = used()
        clock.now_s += CHECK_INTERVAL_S
        soon = used()

        assert late.kid not in at_once
        assert late.kid in soon

    def test_forgets_a_key_that_was_removed(self, tmp_path: Path) -> None:
        clock = HandClock()
        old = new_key(tmp_path, NOON)
        new_key(tmp_path, LATER)
        ring = KeyRing(tmp_path, clock_s=clock)
        (tmp_path / f"sealing-{old.kid}.json").unlink()
        clock.now_s += CHECK_INTERVAL_S

        assert ring.find(old.kid) is None

    def test_opens_nothing_with_a_signing_key(self, tmp_path: Path) -> None:
        new_key(tmp_path, NOON)
        signing = new_key(tmp_path, NOON, KeyKind.SIGNING)

        assert KeyRing(tmp_path).find(signing.kid) is None

    @pytest.mark.parametrize("content", ["", '{"kty": "EC",', "null"])
    def test_keeps_what_works_while_a_file_is_half_written(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str
    ) -> None:
        clock = HandClock()
        new_key(tmp_path, NOON)
        signing = new_key(tmp_path, NOON, KeyKind.SIGNING)
        ring = KeyRing(tmp_path, clock_s=clock, clock=lambda: LATER)
        late = new_key(tmp_path / "elsewhere", LATER, KeyKind.SIGNING)
        whole = tmp_path / "elsewhere" / f"signing-{late.kid}.json"
        half = tmp_path / whole.name
        half.write_text(content)
        half.chmod(0o600)
        clock.now_s += CHECK_INTERVAL_S

        meanwhile = ring.signing_key()
        whole.rename(half)
        clock.now_s += CHECK_INTERVAL_S

        assert meanwhile == signing
        assert "is not a signing key" in caplog.text
        assert ring.signing_key() == late

    def test_keeps_what_works_when_the_folder_breaks(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        clock = HandClock()
        key = new_key(tmp_path, NOON)
        ring = KeyRing(tmp_path, clock_s=clock)
        only_file(tmp_path).chmod(0o644)
        clock.now_s += CHECK_INTERVAL_S

        assert ring.find(key.kid) == key
        assert "chmod 600" in caplog.text

    def test_keeps_what_works_while_no_file_can_be_opened(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        clock = HandClock()
        first = new_key(tmp_path, NOON)
        ring = KeyRing(tmp_path, clock_s=clock)
        second = new_key(tmp_path, LATER)

        with out_of_files():
            for _ in range(3):
                clock.now_s += CHECK_INTERVAL_S
                assert ring.find(first.kid) is not None
                assert ring.find(second.kid) is None
        clock.now_s += CHECK_INTERVAL_S

        assert len(caplog.records) == 1, "one line, however often it is looked"
        assert ring.find(second.kid) is not None, "it is read once that is over"

    def test_keeps_what_it_needs_when_that_is_removed(self, tmp_path: Path) -> None:
        clock = HandClock()
        key = new_key(tmp_path, NOON)
        ring = KeyRing(tmp_path, clock_s=clock)
        only_file(tmp_path).unlink()
        clock.now_s += CHECK_INTERVAL_S

        assert sealing_key(ring.sealing_jwks()) == key.public_jwk()

    def test_keeps_nobody_waiting_for_a_disk_that_hangs(self, tmp_path: Path) -> None:
        clock = HandClock()
        key = new_key(tmp_path, NOON)
        ring = KeyRing(tmp_path, clock_s=clock)
        stuck = tmp_path / "sealing-stuck.json"
        os.mkfifo(stuck, 0o600)
        clock.now_s += CHECK_INTERVAL_S

        with ThreadPoolExecutor(1) as pool:
            looking = pool.submit(ring.find, key.kid)
            while not ring._lock.locked():  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
                pass
            meanwhile = sealing_key(ring.sealing_jwks())
            os.close(os.open(stuck, os.O_WRONLY))  # lets it read to the end

        assert meanwhile == key.public_jwk()
        assert looking.result() == key

    def test_answers_many_threads_while_keys_change(self, tmp_path: Path) -> None:
        new_key(tmp_path, NOON)
        new_key(tmp_path, NOON, KeyKind.SIGNING)
        clock = HandClock()
        ring = KeyRing(tmp_path, clock_s=clock, clock=lambda: LATER)

        def ask(_: int) -> str:
            clock.now_s += CHECK_INTERVAL_S
            return ring.signing_key().kid

        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(ask, number) for number in range(100)]
            late = new_key(tmp_path, LATER, KeyKind.SIGNING)
            answers = {each.result() for each in asked}

        assert answers <= {key.kid for key in read_keys(tmp_path, KeyKind.SIGNING)}
        clock.now_s += CHECK_INTERVAL_S
        assert ring.signing_key() == late


class TestAMissingKey:
    @pytest.mark.parametrize("folder", ["", "missing"])
    def test_is_one_line_with_the_remedy(self, tmp_path: Path, folder: str) -> None:
        with pytest.raises(KeysError, match=r"^no sealing key in .*`accounts keys new`$"):
            KeyRing(tmp_path / folder)

    def test_to_sign_with_stops_who_needs_it(self, tmp_path: Path) -> None:
        new_key(tmp_path, NOON)
        new_key(tmp_path, NOON, KeyKind.MAC)

        with pytest.raises(KeysError, match=r"^no signing key in .*`accounts keys new`$"):
            KeyRing(tmp_path, needs=needed_by({Role.IDENTITY}))

    @pytest.mark.parametrize(
        "role", [role for role in Role if role is not Role.IDENTITY], ids=lambda role: role.value
    )
    def test_to_sign_with_stops_nobody_else(self, tmp_path: Path, role: Role) -> None:
        new_key(tmp_path, NOON)
        new_key(tmp_path, NOON, KeyKind.MAC)

        ring = KeyRing(tmp_path, needs=needed_by({role}))

        assert [jwk["use"] for jwk in ring.sealing_jwks()["keys"]] == ["enc"]

    def test_of_each_kind_is_one_line(self, tmp_path: Path) -> None:
        one_line = (
            r"^no mac key and no sealing key and no signing key in \S+; "
            r"make them with `accounts keys new`$"
        )

        with pytest.raises(KeysError, match=one_line):
            KeyRing(tmp_path, needs=needed_by(ALL))


def test_nothing_shows_what_is_private(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    keys = [new_key(tmp_path, NOON, kind) for kind in KeyKind]
    files = sorted(tmp_path.iterdir())
    jwks = [json.loads(path.read_text()) for path in files]
    private = [jwk["k" if jwk["kty"] == "oct" else "d"] for jwk in jwks]
    ring = KeyRing(tmp_path)

    shown = [repr(ring), json.dumps([ring.jwks(), ring.sealing_jwks()]), caplog.text]
    shown += [show for key in keys for show in (repr(key), str(key), repr(key.key))]

    assert not any(each in text for each in private for text in shown)
    assert [path.suffix for path in files] == [".json"] * len(keys)

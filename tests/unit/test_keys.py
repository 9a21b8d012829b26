"""The key ring: what is published, what still opens, and what is refused (P9)."""

import json
import logging
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.sealing import Purpose
from tests.unit.sealed import NOON, a_blob, a_ring
from workers.keys import CHECK_INTERVAL_S, KeyRing, KeysError, new_key, read_keys
from workers.sealing import open_sealed

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


class TestANewKey:
    def test_is_for_its_owner_alone(self, tmp_path: Path) -> None:
        new_key(tmp_path / "keys", NOON)

        assert only_file(tmp_path / "keys").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700

    def test_is_named_by_its_thumbprint(self, tmp_path: Path) -> None:
        key = new_key(tmp_path, NOON)

        assert only_file(tmp_path).name == f"sealing-{key.kid}.json"
        assert key.kid == key.key.thumbprint()

    def test_comes_back_as_it_was(self, tmp_path: Path) -> None:
        key = new_key(tmp_path, NOON)

        assert read_keys(tmp_path) == [key]

    def test_says_where_it_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()

        with pytest.raises(KeysError, match=r"cannot write .*file"):
            new_key(tmp_path / "file", NOON)


class TestAKeyFile:
    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o601])
    def test_open_to_others_is_refused(self, tmp_path: Path, mode: int) -> None:
        new_key(tmp_path, NOON)
        only_file(tmp_path).chmod(mode)

        with pytest.raises(KeysError, match=rf"mode 0{mode:o}.*chmod 600"):
            KeyRing(tmp_path)

    @pytest.mark.parametrize(
        "change",
        [
            {"d": None},
            {"d": "short"},
            {"kid": "other"},
            {"use": "sig"},
            {"crv": "Ed25519"},
            {"created_at": "yesterday"},
            {"created_at": "2030-01-01T12:00:00"},
            {"x": "A" * 43},
            {"padding": "A" * 5000},
        ],
        ids=str,
    )
    def test_that_is_wrong_is_refused_without_its_content(
        self, tmp_path: Path, change: dict[str, str | None]
    ) -> None:
        new_key(tmp_path, NOON)
        jwk = json.loads(only_file(tmp_path).read_text())
        only_file(tmp_path).write_text(json.dumps(jwk | change))

        with pytest.raises(KeysError, match="is not a sealing key; restore it") as caught:
            KeyRing(tmp_path)

        assert jwk["d"] not in str(caught.value)
        assert caught.value.__suppress_context__

    def test_whose_halves_do_not_belong_together_is_refused(self, tmp_path: Path) -> None:
        new_key(tmp_path, NOON)
        stranger = new_key(tmp_path / "elsewhere", NOON).public_jwk()
        jwk = json.loads(only_file(tmp_path).read_text())
        mixed = jwk | {"x": stranger["x"], "kid": stranger["kid"]}
        only_file(tmp_path).write_text(json.dumps(mixed))

        with pytest.raises(KeysError, match="is not a sealing key"):
            KeyRing(tmp_path)

    @pytest.mark.parametrize("content", ["", "[]", "null", "{", "\x00\xff", "[" * 4000])
    def test_that_is_no_key_is_refused(self, tmp_path: Path, content: str) -> None:
        path = tmp_path / "sealing-x.json"
        path.write_text(content)
        path.chmod(0o600)

        with pytest.raises(KeysError, match=r"sealing-x\.json is not a sealing key"):
            read_keys(tmp_path)

    @pytest.mark.parametrize("folder", ["", "missing"])
    def test_that_is_missing_is_one_line_with_the_remedy(self, tmp_path: Path, folder: str) -> None:
        with pytest.raises(KeysError, match=r"^no sealing key in .*`accounts keys new`$"):
            KeyRing(tmp_path / folder)


class TestTheRing:
    def test_publishes_the_newest_only(self, tmp_path: Path) -> None:
        newest = new_key(tmp_path, LATER)
        new_key(tmp_path, NOON)

        (published,) = KeyRing(tmp_path).jwks()["keys"]

        assert published["kid"] == newest.kid
        assert set(published) == {"kty", "crv", "x", "use", "alg", "kid"}

    def test_still_opens_with_a_retired_key(self, tmp_path: Path) -> None:
        ring = a_ring(tmp_path)
        blob = a_blob(ring, "sealed long ago")
        new_key(tmp_path, LATER)
        ring = KeyRing(tmp_path)

        secret = open_sealed(
            blob,
            ring,
            purpose=Purpose.REGISTER_PASSWORD,
            command_id="1",
            username="alice",
        )

        assert secret == "sealed long ago"
        assert ring.published().kid not in blob

    def test_sees_a_new_key_soon_but_does_not_look_all_the_time(self, tmp_path: Path) -> None:
        clock = HandClock()
        new_key(tmp_path, NOON)
        ring = KeyRing(tmp_path, clock_s=clock)
        late = new_key(tmp_path, LATER)

        at_once = ring.find(late.kid)
        clock.now_s += CHECK_INTERVAL_S
        soon = ring.find(late.kid)

        assert at_once is None
        assert soon == late
        assert ring.published() == late

    def test_forgets_a_key_that_was_removed(self, tmp_path: Path) -> None:
        clock = HandClock()
        old = new_key(tmp_path, NOON)
        new_key(tmp_path, LATER)
        ring = KeyRing(tmp_path, clock_s=clock)
        (tmp_path / f"sealing-{old.kid}.json").unlink()
        clock.now_s += CHECK_INTERVAL_S

        assert ring.find(old.kid) is None

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

    def test_ignores_other_files(self, tmp_path: Path) -> None:
        key = new_key(tmp_path, NOON)
        (tmp_path / "signing-abc.json").write_text("{}")
        (tmp_path / "README").touch()

        assert read_keys(tmp_path) == [key]


def test_nothing_shows_what_is_private(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key = new_key(tmp_path, NOON)
    private = json.loads(only_file(tmp_path).read_text())["d"]
    ring = KeyRing(tmp_path)

    shown = [repr(ring), repr(key), str(key), repr(key.key), json.dumps(ring.jwks()), caplog.text]

    assert not any(private in text for text in shown)
    assert list(tmp_path.iterdir()) == [only_file(tmp_path)]

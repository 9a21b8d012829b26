"""Rotation: the new key is known before it is used, the old one good until it retires."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import OctKey

from client.sealing import sealing_key
from client.tokens import TokenProblem
from contracts.sealing import Purpose
from contracts.topics import TOPICS
from tests.unit.sealed import NOON, PASSWORD, a_blob
from tests.unit.signed import a_token, an_issuer, refused, verified
from workers.bootstrap.sidecar import KEYS_CACHE
from workers.config.settings import load_settings
from workers.keys.files import KeysError, new_key, read_keys, retire
from workers.keys.pairs import KeyKind
from workers.keys.ring import CHECK_INTERVAL_S, KeyRing
from workers.keys.rotation import (
    ACTIVATION_S,
    OVERLAP_S,
    add_key,
    make_missing,
    rotate,
)
from workers.keys.sealing import SealProblem, open_sealed

every_kind = pytest.mark.parametrize("kind", KeyKind, ids=lambda kind: kind.value)
every_kind_that_retires = pytest.mark.parametrize("kind", OVERLAP_S, ids=lambda kind: kind.value)
LONG_AGO = NOON - timedelta(days=30)
OVERLAP = 600


class HandRing:
    """A ring whose moment the test sets; it looks at its folder each time."""

    def __init__(self, directory: Path) -> None:
        self.now = NOON
        self._looks = 0.0
        self.ring = KeyRing(directory, needs=(), clock_s=self._later, clock=lambda: self.now)

    def _later(self) -> float:
        self._looks += 1
        return self._looks

    def at(self, moment: datetime) -> KeyRing:
        self.now = moment
        return self.ring


def in_use(ring: KeyRing, kind: KeyKind) -> str:
    if kind is KeyKind.SIGNING:
        return ring.signing_key().kid
    if kind is KeyKind.MAC:
        return OctKey.import_key(ring.mac_keys()[0].secret).thumbprint()
    return sealing_key(ring.sealing_jwks())["kid"]


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


class TestANewKey:
    @every_kind
    def test_waits_until_it_is_active(self, tmp_path: Path, kind: KeyKind) -> None:
        old = new_key(tmp_path, LONG_AGO, kind)
        ring = HandRing(tmp_path)

        made = rotate(tmp_path, kind, NOON).made

        assert in_use(ring.at(NOON), kind) == old.kid
        assert in_use(ring.at(after(ACTIVATION_S - 0.001)), kind) == old.kid
        assert in_use(ring.at(after(ACTIVATION_S)), kind) == made.kid

    @every_kind
    def test_is_used_at_once_where_it_is_the_only_one(self, tmp_path: Path, kind: KeyKind) -> None:
        made = rotate(tmp_path, kind, NOON).made

        assert made.activates_at == NOON
        assert in_use(HandRing(tmp_path).at(NOON), kind) == made.kid

    @every_kind
    def test_is_used_at_once_where_the_others_have_retired(
        self, tmp_path: Path, kind: KeyKind
    ) -> None:
        retire(tmp_path, new_key(tmp_path, LONG_AGO, kind), NOON)

        assert add_key(tmp_path, kind, NOON).activates_at == NOON

    def test_to_sign_with_is_published_before_it_signs(self, tmp_path: Path) -> None:
        make_missing(tmp_path, LONG_AGO)
        ring = HandRing(tmp_path)
        made = rotate(tmp_path, KeyKind.SIGNING, NOON).made

        kept_by_a_gateway = ring.at(NOON).jwks()
        token = an_issuer(ring.at(after(ACTIVATION_S))).access_token(
            "alice", "s", 0, after(ACTIVATION_S)
        )

        assert made.kid in [jwk["kid"] for jwk in kept_by_a_gateway["keys"]]
        assert verified(token, kept_by_a_gateway, now=after(ACTIVATION_S))

    def test_to_seal_to_opens_before_it_is_published(self, tmp_path: Path) -> None:
        """Another process may publish it a moment before this one would."""
        make_missing(tmp_path, LONG_AGO)
        ring = HandRing(tmp_path)
        made = rotate(tmp_path, KeyKind.SEALING, NOON).made

        assert made.kid not in [jwk["kid"] for jwk in ring.at(NOON).sealing_jwks()["keys"]]
        assert ring.at(NOON).find(made.kid) == made


class TestAReplacedKey:
    def test_verifies_until_it_retires(self, tmp_path: Path) -> None:
        make_missing(tmp_path, LONG_AGO)
        ring = HandRing(tmp_path)
        token = a_token(ring.at(NOON))

        rotate(tmp_path, KeyKind.SIGNING, NOON, activation_s=60, overlap_s=OVERLAP)

        last, gone = after(60 + OVERLAP - 0.001), after(60 + OVERLAP)
        assert verified(token, ring.at(last).jwks(), now=NOON)
        assert refused(token, ring.at(gone).jwks(), now=NOON) is TokenProblem.UNKNOWN_KEY

    def test_opens_until_it_retires(self, tmp_path: Path) -> None:
        make_missing(tmp_path, LONG_AGO)
        ring = HandRing(tmp_path)
        blob = a_blob(ring.at(NOON))

        rotate(tmp_path, KeyKind.SEALING, NOON, activation_s=60, overlap_s=OVERLAP)

        def opened(moment: datetime) -> str | SealProblem:
            return open_sealed(
                blob,
                ring.at(moment),
                purpose=Purpose.REGISTER_PASSWORD,
                command_id="1",
                username="alice",
            )

        assert opened(after(60 + OVERLAP - 0.001)) == PASSWORD
        assert opened(after(60 + OVERLAP)) is SealProblem.UNKNOWN_KEY

    def test_that_authenticates_accounts_stays_good(self, tmp_path: Path) -> None:
        """An account may rest for years."""
        old = new_key(tmp_path, LONG_AGO, KeyKind.MAC)
        made = rotate(tmp_path, KeyKind.MAC, NOON, activation_s=60, overlap_s=0).made

        keys = HandRing(tmp_path).at(after(10**9)).mac_keys()

        assert [key.secret for key in keys] == [made.mac_secret(), old.mac_secret()]

    @every_kind_that_retires
    def test_keeps_the_time_it_was_given_first(self, tmp_path: Path, kind: KeyKind) -> None:
        oldest = new_key(tmp_path, LONG_AGO, kind)
        rotate(tmp_path, kind, NOON, activation_s=0, overlap_s=OVERLAP)

        rotate(tmp_path, kind, after(100), activation_s=0, overlap_s=OVERLAP)

        retiring = {key.kid: key.retires_at for key in read_keys(tmp_path, kind)}
        assert retiring.pop(oldest.kid) == after(OVERLAP)
        assert sorted(map(str, retiring.values())) == [str(after(100 + OVERLAP)), "None"]

    @every_kind
    def test_that_has_retired_is_left_alone(self, tmp_path: Path, kind: KeyKind) -> None:
        gone = retire(tmp_path, new_key(tmp_path, LONG_AGO, kind), NOON)

        rotation = rotate(tmp_path, kind, NOON)

        assert rotation.replaced == []
        assert gone in read_keys(tmp_path, kind)

    @every_kind
    def test_alone_is_no_key_at_all(self, tmp_path: Path, kind: KeyKind) -> None:
        retire(tmp_path, new_key(tmp_path, LONG_AGO, kind), NOON)

        with pytest.raises(KeysError, match=f"^no {kind.value} key that has not retired in"):
            KeyRing(tmp_path, needs=[kind], clock=lambda: NOON)

    def test_outlives_what_it_was_used_for(self, tmp_path: Path) -> None:
        defaults = load_settings({}, tmp_path)
        longest_s = max(topic.retention_ms for topic in TOPICS if topic.carries_secrets) // 1000

        assert OVERLAP_S[KeyKind.SEALING] >= 2 * longest_s  # on two topics, one after the other
        assert OVERLAP_S[KeyKind.SIGNING] > defaults.access_token_s + defaults.token_leeway_s

    def test_is_replaced_when_everybody_has_the_new_one(self) -> None:
        kept_s = int(KEYS_CACHE["cache-control"].removeprefix("public, max-age="))

        assert kept_s + CHECK_INTERVAL_S < ACTIVATION_S


class TestRotatingAgainAndAgain:
    @every_kind
    def test_in_a_hurry_overtakes_a_key_that_waits(self, tmp_path: Path, kind: KeyKind) -> None:
        """Used later, it would retire with what was signed with it a moment before still good."""
        new_key(tmp_path, LONG_AGO, kind)
        ring = HandRing(tmp_path)
        overtaken = rotate(tmp_path, kind, NOON, activation_s=60).made

        made = rotate(tmp_path, kind, after(1), activation_s=0, overlap_s=OVERLAP).made

        used = {in_use(ring.at(after(seconds)), kind) for seconds in range(1, OVERLAP + 2)}
        assert used == {made.kid}
        assert overtaken.kid in [key.kid for key in read_keys(tmp_path, kind)]

    @every_kind
    def test_never_leaves_a_moment_without_a_key(self, tmp_path: Path, kind: KeyKind) -> None:
        new_key(tmp_path, LONG_AGO, kind)
        ring = HandRing(tmp_path)
        used: list[str] = []
        for moment in map(after, range(0, 3600, 20)):
            if moment.minute % 5 == 0 and moment.second == 0:
                rotate(tmp_path, kind, moment, activation_s=60, overlap_s=400)
            used.append(in_use(ring.at(moment), kind))

        assert len(set(used)) == 13
        assert used == sorted(used, key=used.index)  # none comes back

    @settings(max_examples=30, deadline=None)
    @given(
        steps=st.lists(
            st.tuples(st.integers(0, 400), st.integers(0, 200), st.integers(306, 900)), max_size=5
        )
    )
    def test_uses_no_key_that_retires_before_what_it_signed(
        self, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, int]]
    ) -> None:
        folder = tmp_path_factory.mktemp("keys")
        new_key(folder, LONG_AGO, KeyKind.SIGNING)
        ring = HandRing(folder)
        used: dict[str, datetime] = {}
        second = 0
        for pause, activation, overlap in [*steps, (1000, 0, 306)]:
            for now in range(second, second + pause, 10):
                used[in_use(ring.at(after(now)), KeyKind.SIGNING)] = after(now)
            second += pause
            rotate(
                folder, KeyKind.SIGNING, after(second), activation_s=activation, overlap_s=overlap
            )

        for key in read_keys(folder, KeyKind.SIGNING):
            if key.kid in used and key.retires_at is not None:
                assert key.retires_at > used[key.kid] + timedelta(seconds=305)

    def test_keeps_every_token_good_for_its_life(self, tmp_path: Path) -> None:
        make_missing(tmp_path, LONG_AGO)
        ring = HandRing(tmp_path)
        kept: list[tuple[datetime, str]] = []
        for moment in map(after, range(0, 3600, 30)):
            if moment.minute % 5 == 0 and moment.second == 0:
                rotate(tmp_path, KeyKind.SIGNING, moment, activation_s=60, overlap_s=310)
            now = ring.at(moment)
            kept.append((moment, an_issuer(now).access_token("alice", "s", 0, moment)))
            for made_at, token in kept[-10:]:  # 300 s, as long as each is good
                assert verified(token, now.jwks(), now=moment).issued_at == made_at


class TestMakingWhatIsMissing:
    def test_makes_one_of_each_kind_once(self, tmp_path: Path) -> None:
        first = make_missing(tmp_path, NOON)
        second = make_missing(tmp_path, NOON)

        assert [key.kind for key in first] == list(KeyKind)
        assert second == []

    @every_kind
    def test_leaves_what_is_there(self, tmp_path: Path, kind: KeyKind) -> None:
        new_key(tmp_path, NOON, kind)

        assert [key.kind for key in make_missing(tmp_path, NOON)] == [
            other for other in KeyKind if other is not kind
        ]

    def test_replaces_what_has_retired(self, tmp_path: Path) -> None:
        for key in make_missing(tmp_path, LONG_AGO):
            retire(tmp_path, key, NOON)

        assert len(make_missing(tmp_path, NOON)) == len(KeyKind)

"""An account that was opened without a sign-in is built anew without what only a registration has."""

from datetime import timedelta

from msgspec.structs import replace

from handlers.history.rebuilding import claims
from handlers.model.account import Profile
from handlers.model.changes import EmailClaim
from tests.builders import NOON, an_outcome
from tests.unit.handlers.history.test_rebuilding import (
    SOUND,
    but_the_mark,
    rebuilt,
    remains_of,
    shown,
)


class TestRebuild:
    OPENED = replace(SOUND, profile=Profile(email="alice@example.com"), signs_in=False)
    BY = an_outcome(command_id="opening", type="open")

    def test_needs_no_names(self) -> None:
        found = rebuilt(remains_of(self.OPENED, "sequence"), decisions=[self.BY])

        assert but_the_mark(found.account) == but_the_mark(self.OPENED)
        assert [field for field, _, _ in shown(found)] == ["sequence"]

    def test_takes_back_the_address_that_is_claimed(self) -> None:
        found = rebuilt(remains_of(self.OPENED, "profile.email"), decisions=[self.BY])

        assert found.account.profile.email == "alice@example.com"

    def test_goes_by_what_opened_it(self) -> None:
        remains = remains_of(replace(SOUND, signs_in=False))

        assert rebuilt(remains).account.signs_in
        assert not rebuilt(remains, decisions=[]).account.signs_in
        lost = remains_of(self.OPENED, "signs_in")
        assert shown(rebuilt(lost, decisions=[self.BY])) == [("signs_in", "unreadable", "False")]

    def test_without_an_address_claims_none(self) -> None:
        bare = replace(self.OPENED, profile=Profile())

        assert claims(bare, [], None) == ([], [])
        released, taken = claims(bare, ["old@example.com"], None)
        assert (released, taken) == ([EmailClaim(email="old@example.com", username="alice")], [])


class TestAClaim:
    OPENED = replace(TestRebuild.OPENED, claim_digest=bytes(32))
    BY = TestRebuild.BY

    def test_stays_with_the_account(self) -> None:
        found = rebuilt(remains_of(self.OPENED, "sequence"), decisions=[self.BY])

        assert found.account.claim_digest == bytes(32)
        assert [field for field, _, _ in shown(found)] == ["sequence"]

    def test_that_cannot_be_read_is_lost_and_not_shown(self) -> None:
        remains = remains_of(self.OPENED, "claim_digest")

        found = rebuilt(remains, decisions=[self.BY])

        assert found.account.claim_digest is None
        assert shown(found) == [("claim_digest", "unreadable", "none")]
        assert list(found.lost) == ["claim_digest"]

    def test_is_used_up_once_its_user_registered(self) -> None:
        taken = an_outcome(command_id="registration")
        remains = replace(remains_of(SOUND), claim_digest=bytes(32))

        found = rebuilt(remains, decisions=[taken, self.BY])

        assert (found.account.signs_in, found.account.claim_digest) == (True, None)
        assert shown(found) == [("claim_digest", "there", "none")]
        assert list(found.lost) == []

    def test_leaves_it_opened_when_it_was_opened(self) -> None:
        later = NOON + timedelta(days=1)
        taken = an_outcome(command_id="registration", decided_at=later)
        remains = remains_of(SOUND, "opened_at", "signs_in")

        found = rebuilt(remains, decisions=[taken, self.BY])

        assert (found.account.opened_at, found.account.signs_in) == (NOON, True)

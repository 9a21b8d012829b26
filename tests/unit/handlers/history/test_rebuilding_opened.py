"""An account that was opened without a sign-in is built anew without what only a registration has."""

from msgspec.structs import replace

from handlers.history.rebuilding import claims
from handlers.model.account import Profile
from handlers.model.changes import EmailClaim
from tests.builders import an_outcome
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

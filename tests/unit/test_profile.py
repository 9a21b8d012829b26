"""A profile changes in the fields that were sent, and in no other."""

from datetime import date

import pytest

from contracts.codes import Code
from handlers.account import Profile
from handlers.decision import ProfileChanged, Refused
from handlers.profile import update_profile
from tests.builders import an_account
from tests.received import an_update

FULL = Profile(
    email="alice@example.com",
    first_name="Alice",
    last_name="Liddell",
    phone="+14155550123",
    date_of_birth=date(1990, 1, 1),
    marketing_consent=True,
)


class TestUpdateProfile:
    def test_leaves_alone_what_was_not_sent(self) -> None:
        decision = update_profile(an_account(profile=FULL), an_update(last_name="Other"), {})

        assert isinstance(decision, ProfileChanged)
        assert decision.profile.last_name == "Other"
        assert decision.fields == ("last_name",)
        assert (decision.profile.phone, decision.profile.first_name) == (FULL.phone, "Alice")

    def test_clears_an_optional_field_by_null(self) -> None:
        command = an_update(phone=None, date_of_birth=None)

        decision = update_profile(an_account(profile=FULL), command, {})

        assert isinstance(decision, ProfileChanged)
        assert (decision.profile.phone, decision.profile.date_of_birth) == (None, None)
        assert decision.fields == ("date_of_birth", "phone")

    @pytest.mark.parametrize(
        ("owner", "code"), [(None, None), ("alice", None), ("bobby", Code.EMAIL_TAKEN)]
    )
    def test_takes_an_address_that_is_free_or_its_own(
        self, owner: str | None, code: Code | None
    ) -> None:
        owners = {"new@example.com": owner} if owner else {}

        decision = update_profile(an_account(), an_update(email="New@example.com"), owners)

        assert (decision.code if isinstance(decision, Refused) else None) is code

    def test_knows_no_account_nobody_opened(self) -> None:
        decision = update_profile(None, an_update(first_name="A"), {})

        assert decision == Refused(code=Code.UNKNOWN_ACCOUNT, detail="no account is named alice")

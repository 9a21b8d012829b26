"""What is said of an account that was opened without a sign-in."""

import pytest

from contracts.queries import GetProfile, ProfileAnswer
from handlers.history import querying
from handlers.model.account import Profile
from handlers.model.refused import Refused
from tests.builders import NOON, an_account


@pytest.mark.parametrize("has_credential", [True, False])
def test_its_profile_is_active_at_once_and_says_what_is_known(*, has_credential: bool) -> None:
    account = an_account("auth0|5f7c", profile=Profile(first_name="Bob"), signs_in=False)
    query = GetProfile(request_id="q-1", username=account.username)

    answer = querying.profile(query, account, has_credential=has_credential)

    assert not isinstance(answer, Refused)
    assert ProfileAnswer.model_validate(answer["profile"], strict=False) == ProfileAnswer(
        account_id="id-of-auth0|5f7c",
        status="active",
        first_name="Bob",
        marketing_consent=False,
        opened_at=NOON,
    )
    assert answer["profile"].keys().isdisjoint({"email", "last_name", "phone", "date_of_birth"})

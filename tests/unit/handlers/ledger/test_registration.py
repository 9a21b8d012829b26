"""An account is opened once per username and address."""

import uuid
from typing import Any

import pytest

from contracts.codes import Code
from handlers.ledger.registration import account_id, open_account, register
from handlers.model.account import Profile
from handlers.model.changes import Owners
from handlers.model.decision import Opened
from handlers.model.input_records import NOTHING_SEALED, Judged
from handlers.model.refused import Refused
from tests.builders import an_account
from tests.received import a_registration, an_opening


class TestRegister:
    def test_opens_an_account_with_the_profile_sent(self) -> None:
        command = a_registration(phone="+14155550123", marketing_consent=True)

        decision = register(None, command, NOTHING_SEALED, Owners())

        assert isinstance(decision, Opened)
        profile = decision.profile
        assert (profile.email, profile.first_name) == ("alice@example.com", "Given")
        assert (profile.phone, profile.marketing_consent) == ("+14155550123", True)

    def test_refuses_a_username_that_has_an_account(self) -> None:
        decision = register(an_account(), a_registration(), NOTHING_SEALED, Owners())

        assert decision == Refused(code=Code.USERNAME_TAKEN, detail="alice is taken")

    @pytest.mark.parametrize("email", ["shared@example.com", "SHARED@example.com"])
    def test_refuses_an_address_in_use_whatever_its_case_and_does_not_repeat_it(
        self, email: str
    ) -> None:
        owners = Owners(emails={"shared@example.com": "bob"})

        decision = register(None, a_registration(email=email), NOTHING_SEALED, owners)

        assert isinstance(decision, Refused)
        assert decision.code is Code.EMAIL_TAKEN
        assert "shared" not in decision.detail.lower()

    def test_tells_the_password_before_the_username_before_the_address(self) -> None:
        owners = Owners(emails={"alice@example.com": "bob"})
        command = a_registration()

        decisions = [
            register(an_account(), command, Judged(problem=Code.PASSWORD_COMMON), owners),
            register(an_account(), command, NOTHING_SEALED, owners),
            register(None, command, NOTHING_SEALED, owners),
        ]

        codes = [it.code for it in decisions if isinstance(it, Refused)]
        assert codes == [Code.PASSWORD_COMMON, Code.USERNAME_TAKEN, Code.EMAIL_TAKEN]

    def test_refuses_a_username_that_differs_in_case_alone_and_does_not_say_from_which(
        self,
    ) -> None:
        decision = register(
            None, a_registration(), NOTHING_SEALED, Owners(names={"alice": "aLiCe"})
        )

        assert decision == Refused(code=Code.USERNAME_TAKEN, detail="alice is taken")


class TestOpenAccount:
    def test_needs_no_more_than_a_username(self) -> None:
        decision = open_account(None, an_opening("auth0|5f7c"), NOTHING_SEALED, Owners())

        assert decision == Opened(profile=Profile(), signs_in=False)

    def test_keeps_the_profile_sent(self) -> None:
        told: dict[str, Any] = {
            "email": "bob@example.com",
            "first_name": "Bob",
            "phone": "+14155550123",
        }

        decision = open_account(None, an_opening(**told), NOTHING_SEALED, Owners())

        assert decision == Opened(profile=Profile(**told), signs_in=False)

    def test_refuses_a_username_that_has_an_account(self) -> None:
        decision = open_account(an_account(), an_opening(), NOTHING_SEALED, Owners())

        assert decision == Refused(code=Code.USERNAME_TAKEN, detail="alice is taken")

    def test_takes_a_username_that_differs_in_case_alone(self) -> None:
        """Names of another issuer are its own; nobody can register one that looks like them."""
        decision = open_account(
            None, an_opening("Alice"), NOTHING_SEALED, Owners(names={"alice": "alice"})
        )

        assert isinstance(decision, Opened)

    def test_refuses_an_address_in_use(self) -> None:
        owners = Owners(emails={"bob@example.com": "bob"})

        decision = open_account(None, an_opening(email="BOB@example.com"), NOTHING_SEALED, owners)

        assert isinstance(decision, Refused)
        assert decision.code is Code.EMAIL_TAKEN


class TestAccountId:
    def test_is_the_same_for_the_same_command_and_no_other(self) -> None:
        first = account_id("alice", "r-1")

        assert first == account_id("alice", "r-1")
        assert len({first, account_id("alice", "r-2"), account_id("bobby", "r-1")}) == 3
        assert uuid.UUID(first).version == 5

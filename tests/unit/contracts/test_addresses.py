"""Whose an e-mail address is while one batch gives addresses up and takes them (P1)."""

import pytest

from contracts.codes import Code
from handlers.model.changes import EmailClaim
from tests.builders import an_account
from tests.received import a_registration, an_update, known, received
from tests.unit.handlers.ledger.test_batch import codes, decided


class TestAddresses:
    ALICE = an_account("alice")

    def test_given_up_and_taken_by_another_in_one_batch(self) -> None:
        commands = [
            received(an_update(email="new@example.com"), offset=1),
            received(a_registration("bobby", email="alice@example.com"), offset=2),
        ]

        decision = decided(commands, known(self.ALICE))

        assert codes(decision) == [None, None]
        assert list(decision.changes.released) == [
            EmailClaim(email="alice@example.com", username="alice")
        ]
        assert sorted(decision.changes.claimed, key=lambda claim: claim.email) == [
            EmailClaim(email="alice@example.com", username="bobby"),
            EmailClaim(email="new@example.com", username="alice"),
        ]

    def test_of_somebody_else_is_not_ours_to_give_up(self) -> None:
        """Accounts and claims contradict each other only where somebody edited them."""
        gathered = known(self.ALICE, email_owners={"alice@example.com": "bobby"})

        decision = decided([received(an_update(email="new@example.com"))], gathered)

        assert codes(decision) == [None]
        assert list(decision.changes.released) == []
        assert [claim.email for claim in decision.changes.claimed] == ["new@example.com"]

    def test_taken_once_by_the_first(self) -> None:
        commands = [
            received(a_registration("bobby", email="one@example.com")),
            received(a_registration("carol", email="ONE@example.com")),
        ]

        decision = decided(commands, known())

        assert codes(decision) == [None, Code.EMAIL_TAKEN]
        assert [claim.username for claim in decision.changes.claimed] == ["bobby"]

    def test_taken_and_given_up_again_leave_no_trace(self) -> None:
        commands = [
            received(an_update(email="new@example.com", command_id="u-1"), offset=1),
            received(an_update(email="alice@example.com", command_id="u-2"), offset=2),
        ]

        decision = decided(commands, known(self.ALICE))

        assert codes(decision) == [None, None]
        assert (list(decision.changes.released), list(decision.changes.claimed)) == ([], [])

    @pytest.mark.parametrize("fields", [{"first_name": "A"}, {"email": "ALICE@example.com"}])
    def test_stay_where_nothing_about_them_changes(self, fields: dict[str, str]) -> None:
        """Whether or not their owners were asked for."""
        for owners in ({}, {"alice@example.com": "alice"}):
            gathered = known(self.ALICE, email_owners=owners)

            decision = decided([received(an_update(**fields))], gathered)

            assert codes(decision) == [None]
            assert (list(decision.changes.released), list(decision.changes.claimed)) == ([], [])

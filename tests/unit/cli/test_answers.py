"""How answers are said to people and to scripts."""

import pytest

from cli.screen.answers import exit_code, facts, mark, spoken
from contracts.ledger import Deposit, Withdraw
from contracts.profile import UpdateProfile
from contracts.results import Result
from tests.unit.records import a_record, a_refusal_body, a_result_body


def a_result(**changed: object) -> Result:
    return Result.model_validate_json(a_record(a_result_body(**changed)).value or b"")


def a_refusal() -> Result:
    return Result.model_validate_json(a_record(a_refusal_body()).value or b"")


class TestExitCode:
    def test_tells_accepted_from_rejected(self) -> None:
        assert exit_code(a_result()) == 0
        assert exit_code(a_refusal()) == 3

    def test_of_a_status_of_a_later_release_is_that_of_no_answer(self) -> None:
        assert exit_code(a_result(status="scheduled")) == 4

    def test_is_the_same_for_a_repeat(self) -> None:
        assert exit_code(a_result(duplicate=True)) == 0


class TestMark:
    def test_says_whether_it_was_accepted(self) -> None:
        assert mark(a_result()).plain == "✓ accepted"
        assert mark(a_refusal()).plain == "✗ rejected"

    def test_says_a_status_of_a_later_release_as_it_is(self) -> None:
        assert mark(a_result(status="scheduled")).plain == "? scheduled"

    def test_says_that_it_was_decided_before(self) -> None:
        assert mark(a_result(duplicate=True)).plain == "✓ accepted  a repeat, answered as before"


class TestFacts:
    def test_show_what_moved(self) -> None:
        assert ("balance", "0.00 → 10.50 USD") in facts(a_result())

    def test_show_why_not(self) -> None:
        assert facts(a_refusal())[:2] == [("code", "insufficient_funds"), ("reason", "D")]

    def test_end_with_the_id_to_ask_again_with(self) -> None:
        assert facts(a_result())[-1] == ("command id", "c-1")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            Deposit(command_id="c", username="alice", amount="1.5", currency="USD"),
            "deposit 1.5 USD to alice",
        ),
        (
            Withdraw(command_id="c", username="alice", amount="1.5", currency="USD"),
            "withdraw 1.5 USD from alice",
        ),
        (
            UpdateProfile(command_id="c", username="alice", first_name="Al"),
            "update profile of alice",
        ),
    ],
)
def test_a_command_is_said_in_a_few_words(
    command: Deposit | Withdraw | UpdateProfile, words: str
) -> None:
    assert spoken(command) == words

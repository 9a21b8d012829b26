"""Which usernames there may be, and that nothing that is made from one is also made from another."""

from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from contracts.commands import COMMANDS
from contracts.ledger import Deposit
from contracts.message import COMMAND_ID_PATTERN, SIGN_IN_NAME_PATTERN
from contracts.queries import ListTransactions
from contracts.registration import Open, Register
from contracts.requests import REQUESTS
from contracts.topics import TopicSpec
from handlers.history.pages import cursor_of, sequence_of
from handlers.model.outcome import outcome_id
from storage.mongo.inspection import BEYOND
from tests.received import SEALED
from tests.unit.contracts.test_messages import accepted
from tests.unit.raw import DEPOSIT_BODY, OPEN_BODY, REGISTER_BODY
from tests.usernames import ODD_NAMES, USERNAMES

SEPARATORS = " \"'`/\\,:"
"""What stands between a name and what is beside it: in keys, lists, addresses, shells."""

SIGN_IN_NAMES = st.from_regex(SIGN_IN_NAME_PATTERN[:-1] + r"\Z")
COMMAND_IDS = st.from_regex(COMMAND_ID_PATTERN[:-1] + r"\Z")


@pytest.mark.parametrize("sign", [chr(code) for code in range(0xA1)])
def test_may_hold_every_printable_ascii_character_that_separates_nothing(sign: str) -> None:
    printable = "!" <= sign <= "~"

    good = printable and sign not in SEPARATORS
    assert accepted(Deposit, DEPOSIT_BODY, username=f"a{sign}") is good
    begins = sign.isascii() and sign.isalnum()
    assert accepted(Deposit, DEPOSIT_BODY, username=f"{sign}a") is begins


@pytest.mark.parametrize(
    ("username", "good"),
    [
        ("", False),
        ("a" * 129, False),
        ("alicé", False),
        ("alice\n", False),
        (7, False),
        *((name, True) for name in ODD_NAMES),
    ],
)
def test_are_taken_as_other_systems_give_them(username: object, *, good: bool) -> None:
    assert accepted(Deposit, DEPOSIT_BODY, username=username) is good


@pytest.mark.parametrize(
    ("username", "good"),
    [
        ("ab", False),
        ("abc", True),
        ("a" * 32, True),
        ("a" * 33, False),
        ("a.b_c-9", True),
        ("9ab", True),
        (".ab", False),
        ("Alice", False),
        ("al|ice", False),
        ("alice\n", False),
    ],
)
def test_to_sign_in_with_are_plain(username: str, *, good: bool) -> None:
    assert accepted(Register, REGISTER_BODY, username=username) is good


@pytest.mark.parametrize(("topic", "model"), [*COMMANDS.items(), *REQUESTS.items()])
def test_are_narrow_only_where_somebody_signs_in(topic: TopicSpec, model: Any) -> None:
    pattern = model.model_json_schema(by_alias=True)["properties"]["username"]["pattern"]

    assert (pattern == SIGN_IN_NAME_PATTERN) is (topic.carries_secrets and model is not Open)


@pytest.mark.parametrize("username", ["Alice", "al", "a" * 33, "a@example.com", "auth0|5f7c"])
def test_that_nobody_can_register_are_opened_with_no_claim(username: str) -> None:
    assert accepted(Open, OPEN_BODY, username=username)
    assert not accepted(Open, OPEN_BODY, username=username, sealed_claim=SEALED)
    assert accepted(Open, OPEN_BODY, username="alice", sealed_claim=SEALED)


@given(SIGN_IN_NAMES)
def test_to_sign_in_with_are_usernames(username: str) -> None:
    assert accepted(Deposit, DEPOSIT_BODY, username=username)


@example(one="a", other="a;", first="x", second="x")
@given(one=USERNAMES, other=USERNAMES, first=COMMAND_IDS, second=COMMAND_IDS)
def test_no_two_commands_share_the_id_of_a_decision(
    one: str, other: str, first: str, second: str
) -> None:
    same = outcome_id(one, first) == outcome_id(other, second)

    assert same is ((one, first) == (other, second))


@example(one="a", other="a;", command_id=":")
@example(one="a", other="a9", command_id="x")
@given(one=USERNAMES, other=USERNAMES, command_id=COMMAND_IDS)
def test_decisions_of_one_user_stand_between_no_other_ones(
    one: str, other: str, command_id: str
) -> None:
    assert f"{one}:" < outcome_id(one, command_id) < f"{one}{BEYOND}"
    if one != other:
        assert not f"{one}:" < outcome_id(other, command_id) < f"{one}{BEYOND}"


@example(one="Alice", other="alice")
@given(one=USERNAMES, other=USERNAMES)
def test_a_cursor_is_as_short_for_all_and_good_for_one(one: str, other: str) -> None:
    assume(one != other)
    cursor = cursor_of(ListTransactions(request_id="q", username=one), 7)

    assert len(cursor) == 32
    own, others = (
        ListTransactions(request_id="q", username=name, cursor=cursor) for name in (one, other)
    )
    assert (sequence_of(own), sequence_of(others)) == (7, None)

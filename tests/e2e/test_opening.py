"""Accounts of users who sign in elsewhere: opened under their own names, by the ledger alone."""

import hashlib

import pytest

from client.accounts import AccountsClient
from contracts.queries import GetProfile, ListTransactions
from contracts.topics import BALANCE_EVENTS, BALANCES, DEPOSIT, OPEN, REGISTER, WITHDRAW
from handlers.ledger.registration import account_id
from tests.e2e.caller import Body, Caller, a_movement, a_name, an_id
from tests.e2e.entries import posted
from tests.usernames import ODD_NAMES

pytestmark = pytest.mark.asyncio(loop_scope="module")


def an_opening(username: str, **fields: str) -> Body:
    return {"command_id": an_id(), "username": username} | fields


def unique(name: str) -> str:
    """Return *name* as nobody else has it here, still of 128 characters at most."""
    return name[:90] + a_name("-")


async def test_opening_is_answered_like_a_registration(caller: Caller) -> None:
    body = an_opening(unique("auth0|5f7c8ec7c33c6c004bbafe82"))

    answer = await caller.ask(OPEN, body)

    username, command_id = body["username"], body["command_id"]
    at, account = answer.body["decided_at"], account_id(username, command_id)
    assert answer.body == {
        "command_id": command_id,
        "username": username,
        "type": "open",
        "status": "accepted",
        "duplicate": False,
        "decided_at": at,
        "account_id": account,
    }
    [state] = await caller.inbox.some(BALANCES, username)
    assert state.body == {
        "username": username,
        "account_id": account,
        "sequence": 0,
        "balances": {},
        "changed_at": at,
        "hash": hashlib.sha256(f"{account}\n0".encode()).hexdigest(),
    }
    audit = await caller.inbox.until(
        lambda: next(iter(caller.inbox.audit_events(username)), None), "the audit event"
    )
    assert (audit.body["action"], audit.body["outcome"]) == ("open", "accepted")
    assert caller.inbox.balance_events(username) == []


async def test_opening_again_repeats_the_answer_and_another_one_is_refused(caller: Caller) -> None:
    body = an_opening(unique("shop"))
    first = await caller.accepted(OPEN, body)

    again = await caller.accepted(OPEN, body)

    assert again.body == {**first.body, "duplicate": True}
    assert await caller.refused(OPEN, an_opening(body["username"])) == "username_taken"


async def test_a_name_that_differs_in_case_alone_cannot_be_registered(caller: Caller) -> None:
    username = a_name()
    await caller.accepted(OPEN, an_opening(username.upper()))

    assert await caller.refused(REGISTER, caller.registration(username)) == "username_taken"
    await caller.accepted(OPEN, an_opening(username))
    assert await caller.refused(REGISTER, caller.registration(username)) == "username_taken"


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_money_moves_under_any_name(caller: Caller, name: str) -> None:
    """P5: sent right behind each other, without an answer in between."""
    username = unique(name)
    await caller.send(OPEN, an_opening(username))
    await caller.send(DEPOSIT, a_movement(username, "10.00"))

    answer = await caller.accepted(WITHDRAW, a_movement(username, "4.00"))

    assert posted(answer.body["entry"]) == "6.00"
    events = await caller.inbox.some(BALANCE_EVENTS, username, 2)
    assert [(one.key, one.body["sequence"]) for one in events] == [
        (username.encode(), 1),
        (username.encode(), 2),
    ]


async def test_questions_are_answered_for_such_a_user(caller: Caller) -> None:
    body = an_opening(unique("a.b+tag@example.com"), first_name="Ann")
    username = body["username"]
    await caller.accepted(OPEN, body)
    await caller.deposit(username, "1.00")

    service = caller.service
    async with AccountsClient(service.addresses.kafka, topic_prefix=service.prefix) as client:
        known = (await client.request(GetProfile(request_id=an_id(), username=username))).profile
        listed = await client.request(ListTransactions(request_id=an_id(), username=username))

    assert known is not None
    assert (known.status, known.first_name, known.email) == ("active", "Ann", None)
    assert listed.page is not None
    assert len(listed.page.transactions) == 1

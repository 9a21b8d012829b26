"""Every command, accepted: its answer, its events, the state, and the headers of each, exactly."""

import hashlib
import re
from typing import Any

import pytest

from contracts.topics import BALANCE_EVENTS, BALANCES, DEPOSIT, REGISTER, WITHDRAW
from handlers.ledger.registration import account_id
from tests.e2e.caller import Caller, a_movement, a_name, an_id
from tests.e2e.entries import hash_of, moved, posted
from tests.e2e.inbox import Message

pytestmark = pytest.mark.asyncio(loop_scope="module")

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
STATE = "vendor=a1b2"
SENT = [
    ("correlation_id", b"order-77"),
    ("actor", b"back office"),
    ("traceparent", PARENT.encode()),
    ("tracestate", STATE.encode()),
]


def envelope(kind: str, event_id: str, username: str, at: str, command_id: str) -> dict[str, str]:
    """Return the headers that everything published about a command sent with `SENT` carries."""
    return {
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_source": "/accounts",
        "ce_type": f"accounts.{kind}",
        "ce_time": at,
        "ce_subject": username,
        "correlation_id": "order-77",
        "causation_id": command_id,
        "traceparent": PARENT,
        "tracestate": STATE,
    }


async def audit_of(caller: Caller, username: str, command_id: str) -> Message:
    def found() -> Message | None:
        events = caller.inbox.audit_events(username)
        return next((one for one in events if one.body["command_id"] == command_id), None)

    return await caller.inbox.until(found, f"the audit event of {command_id}")


def said(command_id: str, username: str, kind: str, at: str) -> dict[str, Any]:
    return {
        "command_id": command_id,
        "username": username,
        "type": kind,
        "status": "accepted",
        "duplicate": False,
        "decided_at": at,
    }


async def test_register_opens_an_account(caller: Caller) -> None:
    username = a_name()
    body = caller.registration(username)

    answer = await caller.ask(REGISTER, body, headers=SENT)

    command_id, at = body["command_id"], answer.body["decided_at"]
    account = account_id(username, command_id)
    assert answer.body == said(command_id, username, "register", at) | {"account_id": account}
    assert (answer.topic, answer.key) == ("results", username.encode())
    event_id = f"{username}:{command_id}:result"
    assert answer.headers == envelope("result.v2", event_id, username, at, command_id)
    audit = await audit_of(caller, username, command_id)
    assert audit.body == {
        "event_id": f"{username}:{command_id}:audit",
        "username": username,
        "action": "register",
        "outcome": "accepted",
        "command_id": command_id,
        "actor": "back office",
        "occurred_at": at,
    }
    audit_id = f"{username}:{command_id}:audit"
    assert audit.headers == envelope("audit-recorded.v1", audit_id, username, at, command_id)
    [state] = await caller.inbox.some(BALANCES, username)
    assert state.body == {
        "username": username,
        "account_id": account,
        "sequence": 0,
        "balances": {},
        "changed_at": at,
        "hash": hashlib.sha256(f"{account}\n0".encode()).hexdigest(),
    }
    assert caller.inbox.balance_events(username) == []


async def test_register_is_accepted_once_the_password_is_hashed(caller: Caller) -> None:
    username = await caller.a_user()

    with caller.service.mongodb() as database:
        credential = database["credentials"].find_one({"_id": username})
    assert credential is not None
    assert credential["hash"].startswith("$bcrypt-sha256$")


async def test_deposit_says_everything_about_the_change(caller: Caller) -> None:
    username = await caller.a_user()
    body = a_movement(
        username, "10.5", metadata={"order": "A-1"}, reason="sale", related_id="A-1001"
    )

    answer = await caller.ask(DEPOSIT, body, headers=SENT)

    command_id, at = body["command_id"], answer.body["decided_at"]
    [event] = await caller.inbox.some(BALANCE_EVENTS, username)
    assert answer.body == said(command_id, username, "deposit", at) | {"entry": event.body}
    account = event.body["account_id"]
    assert event.body == {
        "event_id": f"{account}:1",
        "username": username,
        "account_id": account,
        "sequence": 1,
        "kind": "deposited",
        "command_id": command_id,
        "occurred_at": at,
        "postings": [
            {"account": username, "currency": "USD", "amount": "10.50"},
            {"account": "house:external", "currency": "USD", "amount": "-10.50"},
        ],
        "balances": {
            "USD": {"posted": "10.50", "held": "0.00", "overdraft": "0.00", "available": "10.50"}
        },
        "metadata": {"order": "A-1"},
        "reason": "sale",
        "related_id": "A-1001",
        "previous_hash": hashlib.sha256(f"{account}\n0".encode()).hexdigest(),
        "hash": hash_of(event),
    }
    assert event.headers == envelope("balance-changed.v2", f"{account}:1", username, at, command_id)


async def test_withdraw_takes_what_is_there(caller: Caller) -> None:
    username = await caller.a_user("10.50")
    body = a_movement(username, "4.25")

    answer = await caller.ask(WITHDRAW, body)

    before, event = await caller.inbox.some(BALANCE_EVENTS, username, 2)
    assert answer.body["entry"] == event.body
    assert (moved(event.body), posted(event.body)) == ("-4.25", "6.25")
    assert event.body["previous_hash"] == before.body["hash"] == hash_of(before)
    assert (event.body["kind"], event.body["sequence"]) == ("withdrawn", 2)
    assert not {"metadata", "reason", "related_id"} & event.body.keys()
    state = caller.inbox.states(username)[-1]
    assert state.body["sequence"] == 2
    assert state.body["balances"] == event.body["balances"]
    assert state.body["hash"] == event.body["hash"]
    event_id = state.headers["ce_id"]
    assert re.fullmatch(rf"{event.body['account_id']}:\d+:balances", event_id)
    assert state.headers == {
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_source": "/accounts",
        "ce_type": "accounts.balances.v1",
        "ce_time": answer.body["decided_at"],
        "ce_subject": username,
    }


async def test_withdraw_may_take_everything(caller: Caller) -> None:
    username = await caller.a_user("10.50")

    answer = await caller.withdraw(username, "10.50")

    assert posted(answer.body["entry"]) == "0.00"


async def test_update_profile_names_the_fields_but_never_what_is_in_them(caller: Caller) -> None:
    username = await caller.a_user()

    answer = await caller.update_profile(
        username, email=f"{username}@example.org", first_name="Renamed", phone="+14155550123"
    )

    command_id, at = answer.body["command_id"], answer.body["decided_at"]
    assert answer.body == said(command_id, username, "update-profile", at)
    audit = await audit_of(caller, username, command_id)
    assert audit.body["detail"] == "changed email, first_name, phone"
    assert b"Renamed" not in audit.value
    assert caller.inbox.balance_events(username) == []


async def test_an_address_given_up_is_free_for_others(caller: Caller) -> None:
    first, second = await caller.a_user(), await caller.a_user()
    await caller.update_profile(first, email=f"{first}@example.org")

    answer = await caller.update_profile(second, email=f"{first}@example.com")

    assert answer.body["status"] == "accepted"


async def test_a_profile_change_leaves_a_sequence_without_a_gap(caller: Caller) -> None:
    username = await caller.a_user("1.00")
    await caller.update_profile(username, marketing_consent=True)

    answer = await caller.deposit(username, "1.00")

    assert answer.body["entry"]["sequence"] == 2


async def test_a_deposit_right_behind_its_registration_works(caller: Caller) -> None:
    """P1: both waited for Kafka's acknowledgement only."""
    username = a_name()
    deposit = a_movement(username, "1.00")

    await caller.send(REGISTER, caller.registration(username))
    await caller.send(DEPOSIT, deposit)

    answer = await caller.inbox.answer(deposit["command_id"])
    assert answer.body["status"] == "accepted"


async def test_without_headers_the_command_id_is_the_correlation(caller: Caller) -> None:
    username = await caller.a_user()
    command_id = an_id()

    answer = await caller.ask(DEPOSIT, a_movement(username, "1.00", command_id=command_id))

    assert answer.headers["correlation_id"] == command_id
    assert answer.headers["causation_id"] == command_id
    assert not {"traceparent", "tracestate"} & answer.headers.keys()

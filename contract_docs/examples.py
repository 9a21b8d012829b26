"""One believable story: what is sent, and what this service's own code renders as its answers."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from contracts import headers
from contracts.codes import Code
from contracts.commands import CommandName
from contracts.dead_letters import DlqHeader
from contracts.message import rfc3339
from contracts.money import to_minor
from contracts.problems import Problem, field_error, in_short
from handlers.history.operating import audit_event
from handlers.history.repair import Repair
from handlers.ledger.registration import account_id
from handlers.model.account import Account, Balance, Profile
from handlers.model.chain import chain_start
from handlers.model.outcome import SCHEMA, UNCHAINED, LedgerEntry, Outcome, Source, Trace
from handlers.wire import rendering
from handlers.wire.rendering import Record, Rendering

Json = dict[str, Any]

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
VOUCHER = "1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014"
SEALED = "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTI1NkdDTSJ9..c2hvcnRlbmVk.c2hvcnRlbmVk.c2hvcnRlbmVk"
SCALE = 2

OPEN: Json = {
    "command_id": "01JZX5Y7M2C9W0",
    "username": "auth0|5f7c8ec7c33c6c004bbafe82",
    "email": "bob@example.com",
}
OPEN_WITH_CLAIM: Json = {
    "command_id": "01JZX5Y7M2C9V0",
    "username": "bob",
    "sealed_claim": SEALED,
}
REGISTER: Json = {
    "command_id": "01JZX5Y7M2C9W1",
    "username": "alice",
    "email": "alice@example.com",
    "first_name": "Alice",
    "last_name": "Example",
    "phone": "+14155550123",
    "date_of_birth": "1990-02-28",
    "marketing_consent": False,
    "sealed_password": SEALED,
}
TAKE_OVER: Json = {
    "command_id": "01JZX5Y7M2C9V1",
    "username": "bob",
    "email": "bob@example.com",
    "first_name": "Bob",
    "last_name": "Example",
    "sealed_password": SEALED,
    "sealed_claim": SEALED,
}
DEPOSIT: Json = {
    "command_id": "01JZX5Y7M2C9W2",
    "username": "alice",
    "amount": "10.50",
    "currency": "USD",
}
WITHDRAW: Json = {
    "command_id": "01JZX5Y7M2C9W3",
    "username": "alice",
    "amount": "4.25",
    "currency": "USD",
    "expires_at": rfc3339(NOON + timedelta(minutes=5)),
    "metadata": {"order": "A-1001"},
    "reason": "purchase",
    "related_id": "A-1001",
}
TOO_MUCH: Json = {
    "command_id": "01JZX5Y7M2C9W4",
    "username": "alice",
    "amount": "25.00",
    "currency": "USD",
}
UPDATE_PROFILE: Json = {
    "command_id": "01JZX5Y7M2C9W5",
    "username": "alice",
    "first_name": "Alicia",
    "phone": None,
}
BAD = '{"command_id": "01JZX5Y7M2C9W6", "username": "alice", "amount": 10.5, "currency": "USD"}'
"""A deposit as it must not be sent."""

OFFSET = 1815
ACCOUNT_ID = account_id("alice", REGISTER["command_id"])


def sent_headers(prefix: str) -> Json:
    """Return the headers a sender may add."""
    return {
        headers.REPLY_TO: f"{prefix}replies.order-service",
        headers.CORRELATION_ID: "order-A-1001",
        headers.ACTOR: "order-service",
    }


def _outcome(command: Json, name: CommandName, **more: Any) -> Outcome:
    return Outcome(
        username=command["username"],
        command_id=command["command_id"],
        type=name,
        fingerprint=b"",
        account_id=ACCOUNT_ID,
        decided_at=NOON,
        source=Source(topic=name, partition=0, offset=0),
        trace=Trace(correlation_id="order-A-1001"),
        actor="order-service",
        **more,
    )


def _moved(
    command: Json,
    name: CommandName,
    sequence: int,
    *,
    before: str,
    after: str,
    previous_hash: bytes | None,
) -> Outcome:
    entry = LedgerEntry(
        sequence=sequence,
        currency=command["currency"],
        scale=SCALE,
        amount_minor=to_minor(command["amount"], SCALE) or 0,
        before_minor=to_minor(before, SCALE) or 0,
        after_minor=to_minor(after, SCALE) or 0,
        held_minor=0,
        previous_hash=previous_hash,
    )
    return _outcome(
        command,
        name,
        entry=entry,
        schema=UNCHAINED if previous_hash is None else SCHEMA,
        reason=command.get("reason"),
        related_id=command.get("related_id"),
        metadata=tuple(command.get("metadata", {}).items()) or None,
    )


REPAIRED = Repair(
    id="repair-0b8f7c1de9a34f5c8d2e6b7a90c1d2e3",
    username="alice",
    at=NOON,
    detail="balances.USD 10000.00 -> 6.25",
    actor="an operator",
)
REGISTERED = _outcome(REGISTER, "register")
DEPOSITED = _moved(
    DEPOSIT, "deposit", 1, before="0.00", after="10.50", previous_hash=chain_start(ACCOUNT_ID)
)
WITHDRAWN = _moved(
    WITHDRAW,
    "withdraw",
    2,
    before="10.50",
    after="6.25",
    previous_hash=Rendering(DEPOSITED).entry_hash,
)
DEPOSITED_BEFORE = _moved(DEPOSIT, "deposit", 1, before="0.00", after="10.50", previous_hash=None)
REFUSED = _outcome(
    TOO_MUCH,
    "withdraw",
    code=Code.INSUFFICIENT_FUNDS,
    detail="available 6.25 USD, requested 25.00 USD",
)
ALICE = Account(
    username="alice",
    account_id=ACCOUNT_ID,
    profile=Profile(email="alice@example.com", first_name="Alice", last_name="Example"),
    balances={"USD": Balance(posted_minor=625, scale=SCALE)},
    sequence=2,
    version=3,
    writer="",
    published_sequence=0,
    opened_at=NOON,
    changed_at=NOON,
    head=Rendering(WITHDRAWN).entry_hash,
)


def _not_a_command() -> Record:
    problem = field_error("amount", Problem.WRONG_TYPE)
    return rendering.OF_COMMANDS.refusal(
        username="alice",
        identifier="01JZX5Y7M2C9W6",
        name="deposit",
        error=rendering.error_body(Code.INVALID_COMMAND, in_short([problem]), [problem]),
        at=NOON,
        trace=Trace(correlation_id="01JZX5Y7M2C9W6"),
    )


def results() -> list[Json]:
    """Return one example for each shape of an answer."""
    return [
        example("An account was opened", Rendering(REGISTERED).result(duplicate=False)),
        example("Money was added", Rendering(DEPOSITED).result(duplicate=False)),
        example("The same command, sent again", Rendering(DEPOSITED).result(duplicate=True)),
        example("Refused by a rule", Rendering(REFUSED).result(duplicate=False)),
        example("Not a command", _not_a_command()),
    ]


def balance_events() -> list[Json]:
    """Return a credit, and a debit with everything optional."""
    return [
        example("A deposit", Rendering(DEPOSITED).balance_event()),
        example("A withdrawal, with what its sender noted", Rendering(WITHDRAWN).balance_event()),
    ]


def balance_events_v1() -> list[Json]:
    """Return a credit as release 0.1 told it."""
    return [
        example("A deposit, decided by release 0.1", Rendering(DEPOSITED_BEFORE).balance_event())
    ]


def audit_events() -> list[Json]:
    """Return one accepted and one refused command, and a repair."""
    return [
        example("Accepted", Rendering(DEPOSITED).audit_event()),
        example("Refused", Rendering(REFUSED).audit_event()),
        example("An account that an operator had rebuilt", audit_event(REPAIRED)),
    ]


def states() -> list[Json]:
    """Return the balances after that story."""
    return [example("After a deposit and a withdrawal", rendering.balances(ALICE))]


def pending() -> Json:
    """Return what waits for its password to be hashed."""
    answer = Rendering(REGISTERED).result(duplicate=False)
    return {
        "command_id": REGISTER["command_id"],
        "username": "alice",
        "sealed_password": SEALED,
        "result": orjson.loads(answer.value),
        "headers": _text(answer),
        "voucher": VOUCHER,
    }


def dlq_headers(topic: str) -> Json:
    """Return what a dead letter from *topic* says about itself."""
    return {
        DlqHeader.TOPIC: topic,
        DlqHeader.PARTITION: "3",
        DlqHeader.OFFSET: str(OFFSET),
        DlqHeader.TIMESTAMP: str(int(NOON.timestamp() * 1000)),
        DlqHeader.GROUP: "accounts-ledger",
        DlqHeader.CODE: Code.INVALID_COMMAND.value,
        DlqHeader.REASON: "amount: wrong_type",
        DlqHeader.ATTEMPTS: "1",
        DlqHeader.AT: rfc3339(NOON),
        DlqHeader.VERSION: "1.0.0",
    }


def withheld(topic: str) -> Json:
    """Return what stands for a value that is not shown."""
    digest = hashlib.sha256(BAD.encode()).hexdigest()
    return {"sha256": digest, "length": len(BAD), "topic": topic, "partition": 3, "offset": OFFSET}


def example(summary: str, record: Record) -> Json:
    """Return *record* as an AsyncAPI message example."""
    return {"summary": summary, "headers": _text(record), "payload": orjson.loads(record.value)}


def _text(record: Record) -> Json:
    return {name: value.decode() for name, value in record.headers}

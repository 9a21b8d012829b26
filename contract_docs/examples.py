"""One believable story: what is sent, and what this service's own code renders as its answers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from contracts import headers, topics
from contracts.codes import Code
from contracts.commands import CommandName, command_name
from contracts.message import rfc3339
from contracts.money import to_minor
from contracts.problems import Problem, field_error, in_short
from contracts.refusals import COMMAND_REFUSALS
from contracts.topics import TopicSpec
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


DETAILS = {
    Code.COMMAND_ID_CONFLICT: "the command id was used before, with another content",
    Code.EXPIRED: "expired at 2030-01-01T11:59:00.000Z, decided at 2030-01-01T12:00:00.000Z",
    Code.UNKNOWN_HOUSE_ACCOUNT: "no house account is named house:tips",
    Code.CURRENCY_UNSUPPORTED: "balances in XAU are not kept",
    Code.AMOUNT_TOO_PRECISE: "USD has 2 decimals, requested 10.505 USD",
    Code.AMOUNT_TOO_SMALL: "the smallest amount is 0.01 USD",
    Code.AMOUNT_TOO_LARGE: "the largest amount is 500.00 USD",
    Code.USERNAME_TAKEN: "alice is taken",
    Code.EMAIL_TAKEN: "the e-mail address belongs to another account",
    Code.UNKNOWN_ACCOUNT: "no account is named alice",
    Code.TOO_MANY_CURRENCIES: "the account holds 50 currencies, the most there may be",
    Code.BALANCE_TOO_LARGE: "the balance would exceed 1000000.00 USD",
    Code.INSUFFICIENT_FUNDS: "available 6.25 USD, requested 25.00 USD",
}
"""What a refusal says for people, where that is more than what its code means."""


def results() -> list[Json]:
    """Return an accepted command of each name, a repeat, and a refusal with each code."""
    accepted = {
        "An account without a sign-in was opened": _outcome(OPEN, "open"),
        "An account was opened, and its user can sign in": REGISTERED,
        "Money was added": DEPOSITED,
        "Money was taken": WITHDRAWN,
        "A profile was changed": _outcome(UPDATE_PROFILE, "update-profile"),
    }
    said = [
        example(text, Rendering(each).result(duplicate=False)) for text, each in accepted.items()
    ]
    repeated = example("The same command, sent again", Rendering(DEPOSITED).result(duplicate=True))
    refused = [
        example(f"{code}: {code.info.title}", _refused(code, topic))
        for code in Code
        for topic in [each for each, codes in COMMAND_REFUSALS.items() if code in codes][-1:]
    ]
    return [*said, repeated, *refused]


def _refused(code: Code, topic: TopicSpec) -> Record:
    """Return the answer to a command on *topic* that is refused with *code*."""
    name, command = command_name(topic), _SENT[topic]
    detail = DETAILS.get(code, code.info.meaning)
    if code.info.recorded:
        return Rendering(_outcome(command, name, code=code, detail=detail)).result(duplicate=False)
    problems = [field_error("amount", Problem.WRONG_TYPE)] if code is Code.INVALID_COMMAND else []
    return rendering.OF_COMMANDS.refusal(
        username=command["username"],
        identifier=command["command_id"],
        name=name,
        error=rendering.error_body(code, in_short(problems) or detail, problems),
        at=NOON,
        trace=Trace(correlation_id=command["command_id"]),
    )


_SENT = {
    topics.OPEN: OPEN,
    topics.REGISTER: REGISTER,
    topics.DEPOSIT: DEPOSIT,
    topics.UPDATE_PROFILE: UPDATE_PROFILE,
    topics.WITHDRAW: TOO_MUCH,
}


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


def example(summary: str, record: Record) -> Json:
    """Return *record* as an AsyncAPI message example."""
    return {"summary": summary, "headers": _text(record), "payload": orjson.loads(record.value)}


def _text(record: Record) -> Json:
    return {name: value.decode() for name, value in record.headers}

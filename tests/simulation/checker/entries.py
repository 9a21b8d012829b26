"""P2, P5, P6, P13, P18: events in order and without gaps, chained, and adding up to what is stored."""

import hashlib
from collections.abc import Sequence
from decimal import Context, Decimal
from typing import Any

from contracts.topics import BALANCE_EVENTS, BALANCES
from tests.simulation.checker.evidence import Evidence, Findings, Stood, by_user

EXACT = Context(prec=60)
"""Digits enough for any sum; the default context rounds at 28."""


def check_entries(evidence: Evidence) -> Findings:
    """Look at every balance event, and at what it must come to."""
    events = by_user(evidence.topics.get(BALANCE_EVENTS.name, ()))
    first: dict[bytes | None, list[Stood]] = {}
    for key, records in events.items():
        found: list[Stood] = []
        yield from _in_order(key, records, found)
        yield from _chained(found)
        first[key] = found
    yield from _answered(evidence, first)
    yield from _stored(evidence, first)
    yield from _states(evidence, first)


def _in_order(key: bytes | None, records: Sequence[Stood], first: list[Stood]) -> Findings:
    """P5: 1, 2, 3 … by first appearance, and each repeat byte for byte."""
    for each in records:
        sequence = int(each.body["sequence"])
        if sequence == len(first) + 1:
            first.append(each)
        elif sequence > len(first):
            yield f"P5: {key!r}: event {sequence} comes when there are {len(first)}"
            return
        else:
            known = first[sequence - 1]
            if (known.value, known.headers) != (each.value, each.headers):
                yield f"P5: {key!r}: event {sequence} is said in two ways"


def _chained(events: Sequence[Stood]) -> Findings:
    balances: dict[str, Decimal] = {}
    head: str | None = None
    for event in events:
        body, value = event.body, event.value or b""
        where = f"{body['username']} {body['sequence']}"
        if head is None:
            head = hashlib.sha256(f"{body['account_id']}\n0".encode()).hexdigest()
        if body["previous_hash"] != head:
            yield f"P18: entry {where} does not follow on the one before"
        head = hashlib.sha256(value.rpartition(b',"hash":"')[0]).hexdigest()
        if body["hash"] != head:
            yield f"P18: entry {where} has another hash than its bytes"
        yield from _balanced(where, body, balances)


def _balanced(where: str, body: dict[str, Any], balances: dict[str, Decimal]) -> Findings:
    """P6, P13: the postings sum to zero, and the balance is what it was and what moved."""
    sums: dict[str, Decimal] = {}
    for posting in body["postings"]:
        currency, amount = posting["currency"], Decimal(posting["amount"])
        sums[currency] = EXACT.add(sums.get(currency, Decimal(0)), amount)
        if posting["account"] == body["username"]:
            before = balances.get(currency, Decimal(0))
            balances[currency] = EXACT.add(before, amount)
    if any(sums.values()):
        yield f"P13: the postings of entry {where} come to {sums}"
    for currency, state in body["balances"].items():
        if Decimal(state["posted"]) != balances.get(currency):
            yield f"P6: entry {where} ends at {state['posted']} {currency}, not {balances}"
        if Decimal(state["available"]) < 0:
            yield f"P6: after entry {where} less than nothing is available"


def _answered(evidence: Evidence, first: dict[bytes | None, list[Stood]]) -> Findings:
    """P2, P4: whatever was accepted and moved something has its event, and says the same."""
    told = {
        f"{body['username']}:{body['command_id']}": body
        for records in first.values()
        for body in (each.body for each in records)
    }
    for name, outcome in evidence.outcomes.items():
        if outcome.get("sequence") is not None and name not in told:
            yield f"P4: {name} is recorded as entry {outcome['sequence']}, and has no event"
    for name, body in told.items():
        if evidence.outcomes.get(name, {}).get("sequence") != body["sequence"]:
            yield f"P2: entry {body['sequence']} of {name} is recorded otherwise"
        for answer in evidence.answers.get(name, ()):
            entry = answer.body.get("entry")
            if entry is not None and entry != body:
                yield f"P2: the answer to {name} says another entry than its event"


def _stored(evidence: Evidence, first: dict[bytes | None, list[Stood]]) -> Findings:
    """P2, P13: what is stored is what the events come to, and users and houses sum to zero."""
    books: dict[str, Decimal] = {}
    for account in evidence.documents.get("accounts", ()):
        events = first.get(account["_id"].encode(), [])
        said: dict[str, Decimal] = {}
        for event in events:
            for currency, state in event.body["balances"].items():
                said[currency] = Decimal(state["posted"])
        held = {
            each["currency"]: _amount(each["posted_minor"], each["scale"])
            for each in account["balances"]
        }
        if held != said:
            yield f"P2: {account['_id']} has {held}, its events come to {said}"
        if account["sequence"] != len(events):
            yield f"P5: {account['_id']} has {account['sequence']} entries and {len(events)} events"
        for currency, posted in held.items():
            books[currency] = EXACT.add(books.get(currency, Decimal(0)), posted)
    for row in evidence.documents.get("houses", ()):
        amount = _amount(int(str(row["sum"])), row["scale"])
        books[row["currency"]] = EXACT.add(books.get(row["currency"], Decimal(0)), amount)
    if any(books.values()):
        yield f"P13: users and houses come to {books}"


def _amount(minor: Any, scale: int) -> Decimal:
    return EXACT.scaleb(Decimal(str(minor)), -scale)


def _states(evidence: Evidence, first: dict[bytes | None, list[Stood]]) -> Findings:
    """P5: the state of each account that stands last is its latest."""
    last = {each.key: each.body for each in evidence.topics.get(BALANCES.name, ())}
    for key, events in first.items():
        if not events:
            continue
        event, state = events[-1].body, last.get(key)
        if state is None or state["sequence"] != event["sequence"]:
            said = None if state is None else state["sequence"]
            yield f"P5: {key!r}: the last state is of entry {said}, not {event['sequence']}"
        elif state["hash"] != event["hash"]:
            yield f"P18: {key!r}: the last state names another hash than the last event"

"""What must hold of everything published, whatever happened meanwhile."""

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tests.e2e.entries import before, hash_of, posted
from tests.e2e.inbox import Inbox, Message


def assert_in_order(events: Sequence[Message]) -> int:
    """Check P5: per account 1, 2, 3 … in order of first appearance, repeats byte for byte.

    *events* as they stand on `accounts.events.balance`; all of one user are in one partition.
    Returns how many different ones there are.
    """
    seen: dict[str, list[Message]] = {}
    for event in events:
        known = seen.setdefault(event.body["username"], [])
        sequence = int(event.body["sequence"])
        assert sequence <= len(known) + 1, f"{sequence} appears after {len(known)}: {event.body}"
        if sequence == len(known) + 1:
            known.append(event)
        else:
            first = known[sequence - 1]
            assert (event.partition, event.key) == (first.partition, first.key)
            assert event.value == first.value
    for known in seen.values():
        assert_chained(known)
    return sum(len(known) for known in seen.values())


def assert_chained(events: Sequence[Message]) -> None:
    """Check that each entry goes on where the one before it ended, in money and by its hash (P18)."""
    last: dict[str, str] = {}
    head = hashlib.sha256(f"{events[0].body['account_id']}\n0".encode()).hexdigest()
    for event in events:
        entry = event.body
        [currency] = entry["balances"]
        assert Decimal(before(entry, currency)) == Decimal(last.get(currency, "0")), entry
        last[currency] = posted(entry, currency)
        assert entry["previous_hash"] == head
        head = hash_of(event)
        assert entry["hash"] == head


async def assert_states_are_the_latest(inbox: Inbox) -> None:
    """Check that the last state of each account comes to say what its last event says (P5)."""
    await inbox.until(lambda: not _stale(inbox), "the latest states")


def _stale(inbox: Inbox) -> list[bytes]:
    states = {one.key: one.body for one in inbox.states()}
    latest = {one.key: one.body for one in sorted(inbox.balance_events(), key=_sequence)}
    stale: list[bytes] = []
    for key, event in latest.items():
        state: dict[str, Any] = states.get(key, {"hash": "", "balances": {}})
        said = event["balances"].items() <= state["balances"].items()
        if not (said and state["hash"] == event["hash"]):
            stale.append(key or b"")
    return stale


def _sequence(message: Message) -> int:
    return int(message.body["sequence"])

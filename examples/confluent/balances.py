"""Follows the balances of all accounts, from the beginning of the topic."""

import json
import time
import uuid
from collections.abc import Iterator
from decimal import Context, Decimal
from typing import Any

from asking import UnknownOutcomeError, partitions
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

EXACT = Context(prec=40)
"""Amounts have up to 29 digits; Decimal's own arithmetic rounds to 28."""
FOLLOWED_MAX_S = 30.0
V1, V2 = b"accounts.balance-changed.v1", b"accounts.balance-changed.v2"


def follow(bootstrap: str, topics: str, caller: str, until: tuple[str, int]) -> None:
    """Print every change of a balance, up to and with this user's with this sequence."""
    last: dict[str, int] = {}
    for event in events(bootstrap, f"{topics}events.balance", caller):
        account, sequence = event["account_id"], event["sequence"]
        seen = last.get(account, 0)
        if sequence <= seen:
            continue  # said again
        if sequence > seen + 1:
            # Or older than the topic keeps: whoever copies balances begins with these anyway.
            print(f"{event['username']} #{seen + 1} is missing: read {topics}state.balances again")
        last[account] = sequence
        # A kind that is not known changed the account all the same.
        for currency, balance in sorted(event.get("balances", {}).items()):
            available = f"{balance['available']} {currency}"
            print(f"{event['username']} #{sequence} {event['kind']}: {available} available")
        if any(sums(event).values()):
            print(f"{event['username']} #{sequence} does not come to zero")
        if event["username"] == until[0] and sequence >= until[1]:
            return
    raise UnknownOutcomeError(f"the event {until} did not come")


def events(bootstrap: str, topic: str, caller: str) -> Iterator[dict[str, Any]]:
    """Yield all events there were and will be, until none comes for a while."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"{caller}-{uuid.uuid4().hex}",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
        }
    )
    try:
        consumer.assign(
            [
                TopicPartition(topic, each.partition, OFFSET_BEGINNING)
                for each in partitions(consumer, topic)
            ]
        )
        quiet_since = time.monotonic()
        while time.monotonic() < quiet_since + FOLLOWED_MAX_S:
            record = consumer.poll(1.0)
            # Other types may come, and are not ours. Those of release 0.1 count too.
            if record is None or record.error() or type_of(record) not in (V1, V2):
                continue
            quiet_since = time.monotonic()
            yield json.loads(record.value() or b"null")
    finally:
        consumer.close()


def type_of(record: Message) -> object:
    """Return the header that says what a record is."""
    headers: dict[str, object] = dict(record.headers() or ())
    return headers.get("ce_type")


def sums(event: dict[str, Any]) -> dict[str, Decimal]:
    """Return what the postings come to in each currency: what one gains another loses."""
    found: dict[str, Decimal] = {}
    for posting in event.get("postings", ()):
        currency, amount = posting["currency"], Decimal(posting["amount"])
        found[currency] = EXACT.add(found.get(currency, Decimal(0)), amount)
    return found

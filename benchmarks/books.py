"""Accounts and histories put straight into MongoDB, in bulk and in order: for reading, not moving.

The books are right, so that recomputing them finds nothing: each entry deposits one cent.
"""

from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from handlers.model.account import Account, Balance, Profile
from handlers.model.chain import chain_start
from handlers.model.house import EXTERNAL, HouseRow
from handlers.model.outcome import LedgerEntry, Outcome, Source, Trace
from handlers.wire.rendering import Rendering
from storage.mongo.client import DURABLE, MongoClient
from storage.mongo.documents.accounts import Document, from_account, from_outcome
from storage.mongo.documents.houses import added
from storage.mongo.schema import prepare

INSERT_RECORDS = 2000
"""Documents of one insert: about a megabyte."""

OPENED_AT = datetime(2025, 1, 1, tzinfo=UTC)

WRITER = "the benchmark"


async def write(client: MongoClient, names: Sequence[str], *, entries: int = 1) -> None:
    """Store an account for each of *names*, with so many entries of which nothing is owed."""
    await prepare(client)
    heads: dict[str, bytes | None] = {}
    outcomes = (outcome for name in names for outcome in history(name, entries, heads))
    await _insert(client, "outcomes", map(from_outcome, outcomes))
    accounts = (account(name, entries, heads.get(name)) for name in names)
    macs = client.macs()
    await _insert(client, "accounts", (from_account(each, macs) for each in accounts))
    await client.run(
        {
            "update": "houses",
            "updates": [_other_side(len(names) * entries)],
            "writeConcern": DURABLE,
        }
    )


def account(name: str, entries: int, head: bytes | None) -> Account:
    """Return an account after that many entries, all published; *head* is the hash of the last."""
    return Account(
        username=name,
        account_id=f"id-of-{name}",
        profile=Profile(email=f"{name}@example.com", first_name="Bench", last_name="Mark"),
        balances={"USD": Balance(posted_minor=entries, scale=2)},
        sequence=entries,
        version=entries + 1,
        writer=WRITER,
        published_sequence=entries,
        opened_at=OPENED_AT,
        changed_at=OPENED_AT + timedelta(seconds=entries),
        head=head,
    )


def history(name: str, entries: int, heads: MutableMapping[str, bytes | None]) -> Iterator[Outcome]:
    """Yield the outcomes of that many deposits, one a second; *heads* has the hash of the last."""
    heads[name] = chain_start(f"id-of-{name}")
    for sequence in range(1, entries + 1):
        command_id = f"deposit-{sequence}"
        outcome = Outcome(
            username=name,
            command_id=command_id,
            type="deposit",
            fingerprint=bytes(32),
            account_id=f"id-of-{name}",
            decided_at=OPENED_AT + timedelta(seconds=sequence),
            source=Source(topic=WRITER, partition=0, offset=sequence),
            trace=Trace(correlation_id=command_id),
            entry=LedgerEntry(
                sequence=sequence,
                currency="USD",
                scale=2,
                amount_minor=1,
                before_minor=sequence - 1,
                after_minor=sequence,
                held_minor=0,
                previous_hash=heads[name],
            ),
        )
        yield outcome
        heads[name] = Rendering(outcome).entry_hash


def _other_side(deposits: int) -> Document:
    """Return the update of the house that so many cents came from."""
    row = HouseRow(
        writer=WRITER,
        house=EXTERNAL,
        currency="USD",
        scale=2,
        sum_minor=-deposits,
        changed_at=OPENED_AT,
    )
    return added(row)


async def _insert(client: MongoClient, collection: str, documents: Iterable[Document]) -> None:
    waiting = iter(documents)
    while some := list(islice(waiting, INSERT_RECORDS)):
        await client.run(
            {"insert": collection, "documents": some, "ordered": False, "writeConcern": DURABLE}
        )

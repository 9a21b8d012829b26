"""How fast MongoDB alone takes the worker's writes: no Kafka, no rules, no reads.

The documents are the worker's own (storage/mongo/documents/accounts.py) and are built before the clock starts,
into collections that hold as much as the worker's: MongoDB takes half as many where a million are.
Run as `python -m benchmarks.ceiling`: takes a `Trial` and prints a `Measured`, as JSON.
"""

import asyncio
import random
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import uvloop
from pydantic import BaseModel

from benchmarks.figures import cpu_per_command
from benchmarks.processes import cpu_of, wait_for_go
from benchmarks.traffic import CURRENCY, username, users_of
from handlers.model.account import Account, Balance, Profile
from handlers.model.chain import HASH_BYTES
from handlers.model.house import EXTERNAL, HouseRow
from handlers.model.outcome import LedgerEntry, Outcome, Source, Trace
from storage.mongo.client import DURABLE, MongoClient, MongoOptions
from storage.mongo.documents.account_macs import AccountMacs
from storage.mongo.documents.accounts import Document, from_account, from_outcome
from storage.mongo.documents.houses import added
from storage.mongo.schema import prepare
from storage.ports.account_keys import TAG_BYTES, MacKey

Batch: TypeAlias = tuple[list[Document], list[Document]]

WRITER = "0" * 32
EPOCH = datetime(2030, 1, 1, tzinfo=UTC)
POSTED_MINOR = 100_000_000


class Trial(BaseModel):
    """One window: how much, and how it is cut."""

    mongodb: str
    database: str
    users: int
    stored: int
    """Outcomes that are there before the clock starts."""
    commands: int
    batch: int
    writers: int
    mongod_pid: int


class Measured(BaseModel):
    """What came of it."""

    batch: int
    writers: int
    stored: int
    per_s: float
    cpu_us: dict[str, float]


MACS = AccountMacs([MacKey(bytes(TAG_BYTES), bytes(32))])
"""Nothing reads these accounts; to write them costs what it costs the worker."""


def an_account(user: int, sequence: int) -> Document:
    """Return the account document after *sequence* entries."""
    name = username(user)
    account = Account(
        username=name,
        account_id=f"00000000-0000-5000-8000-{user:012d}",
        profile=Profile(email=f"{name}@example.com", first_name="Bench", last_name="Mark"),
        balances={CURRENCY: Balance(posted_minor=POSTED_MINOR + sequence, scale=2)},
        sequence=sequence,
        version=sequence + 1,
        writer=WRITER,
        published_sequence=max(sequence - 1, 0),
        opened_at=EPOCH,
        changed_at=EPOCH + timedelta(milliseconds=sequence),
        head=sequence.to_bytes(HASH_BYTES, "big"),
    )
    return from_account(account, MACS)


def an_outcome(user: int, sequence: int, number: int) -> Document:
    """Return the outcome document of the user's *sequence*-th entry."""
    name = username(user)
    before = POSTED_MINOR + sequence - 1
    outcome = Outcome(
        username=name,
        command_id=f"ceiling-{number}",
        type="deposit",
        fingerprint=number.to_bytes(32, "big"),
        account_id=f"00000000-0000-5000-8000-{user:012d}",
        decided_at=EPOCH + timedelta(milliseconds=sequence),
        source=Source(topic="accounts.commands.deposit", partition=user % 12, offset=number),
        trace=Trace(correlation_id=f"ceiling-{number}"),
        entry=LedgerEntry(
            sequence=sequence,
            currency=CURRENCY,
            scale=2,
            amount_minor=1,
            before_minor=before,
            after_minor=before + 1,
            held_minor=0,
            previous_hash=number.to_bytes(HASH_BYTES, "big"),
        ),
    )
    return from_outcome(outcome)


def batches(trial: Trial, writer: int) -> tuple[Iterator[Batch], Iterator[Batch]]:
    """Return what one writer stores beforehand, and then writes, in each transaction.

    Users are divided among the writers.
    """
    rng = random.Random(writer)
    users = trial.users // trial.writers
    stored, timed = trial.stored // trial.writers, trial.commands // trial.writers
    picks = users_of("uniform", users=users, count=stored + timed, rng=rng)
    sequences: dict[int, int] = {}

    def cut(start: int, end: int) -> Iterator[Batch]:
        for first in range(start, end, trial.batch):
            yield one(first, picks[first : min(first + trial.batch, end)])

    def one(first: int, users_picked: Sequence[int]) -> Batch:
        outcomes: list[Document] = []
        touched: set[int] = set()
        for offset, pick in enumerate(users_picked):
            user = pick * trial.writers + writer
            sequences[user] = sequences.get(user, 0) + 1
            number = (first + offset) * trial.writers + writer
            outcomes.append(an_outcome(user, sequences[user], number))
            touched.add(user)
        return [an_account(user, sequences[user]) for user in touched], outcomes

    return cut(0, stored), cut(stored, stored + timed)


def other_side(writer: int, deposits: int) -> HouseRow:
    """Return what one transaction with so many deposits adds to its writer's own row."""
    return HouseRow(
        writer=f"{WRITER}:{writer}",
        house=EXTERNAL,
        currency=CURRENCY,
        scale=2,
        sum_minor=-deposits,
        changed_at=EPOCH,
    )


async def write(client: MongoClient, writer: int, work: Iterable[Batch]) -> None:
    """Write batches one after the other, as the worker does: one transaction, three commands each."""
    for accounts, outcomes in work:
        updates: list[Document] = [{"q": {"_id": doc["_id"]}, "u": doc} for doc in accounts]
        session = await client.begin()
        replaced = await client.run(
            {"update": "accounts", "updates": updates, "ordered": True}, session=session
        )
        assert replaced["n"] == len(updates)
        await client.run(
            {"insert": "outcomes", "documents": outcomes, "ordered": True}, session=session
        )
        houses = [added(other_side(writer, len(outcomes)))]
        await client.run({"update": "houses", "updates": houses, "ordered": True}, session=session)
        await session.commit_transaction()
        await session.end_session()


async def open_accounts(client: MongoClient, users: int) -> None:
    """Make the collections and indexes as the worker has them, with every account in place."""
    await prepare(client)
    documents = [an_account(user, 0) for user in range(users)]
    await client.run({"insert": "accounts", "documents": documents, "writeConcern": DURABLE})


async def run(trial: Trial) -> Measured:
    """Measure one trial in a database of its own, removed afterwards."""
    cut = [batches(trial, writer) for writer in range(trial.writers)]
    client = MongoClient(MongoOptions(uri=trial.mongodb, database=trial.database))
    await client.run({"dropDatabase": 1})
    await open_accounts(client, trial.users)
    await asyncio.gather(*(write(client, number, first) for number, (first, _) in enumerate(cut)))
    work = [list(timed) for _, timed in cut]
    await asyncio.to_thread(wait_for_go)
    try:
        before, start = cpu_of({"mongod": trial.mongod_pid}), time.perf_counter()
        await asyncio.gather(*(write(client, number, part) for number, part in enumerate(work)))
        seconds = time.perf_counter() - start
        after = cpu_of({"mongod": trial.mongod_pid})
    finally:
        await client.run({"dropDatabase": 1})
        await client.close()
    commands = sum(len(outcomes) for part in work for _, outcomes in part)
    return Measured(
        batch=trial.batch,
        writers=trial.writers,
        stored=trial.stored,
        per_s=round(commands / seconds, 1),
        cpu_us=cpu_per_command(before, after, commands),
    )


if __name__ == "__main__":
    question = Trial.model_validate_json(sys.stdin.readline())
    sys.stdout.write(uvloop.run(run(question)).model_dump_json())

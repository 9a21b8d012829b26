"""An engine over a store in memory, whose transactions, answers and end offsets the test decides."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import orjson
from aiokafka import TopicPartition

from contracts.registration import Open, Register
from contracts.topics import DEPOSIT, ORDERED, RESULTS, WITHDRAW, TopicSpec
from handlers.model.account import Account
from handlers.model.input_records import Judged
from handlers.model.schema import NEWEST
from storage.memory.ledger import MemoryLedger, MemoryTransaction
from tests.received import PREFIX, RULES
from tests.unit.workers.requests.requests_in_memory import (
    PATIENCE_S,
    EventLog,
    TellingPublisher,
    TellingReplies,
)
from workers.config.ledger import LedgerOptions
from workers.consuming.consumer import CursorConsumer
from workers.consuming.records import Raw
from workers.ledger.dependencies import LedgerDependencies
from workers.ledger.end_offsets import EndOffsets
from workers.ledger.engine import Engine
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics
from workers.monitoring.progress import Progress

BATCH = 3
PARTITION = 3
DEPOSITS = TopicPartition(PREFIX + DEPOSIT.name, PARTITION)
WITHDRAWALS = TopicPartition(PREFIX + WITHDRAW.name, PARTITION)


class Consumer:
    """Knows how far it is; commits what it is told."""

    def __init__(self, engine: Engine) -> None:
        self.cursors = dict.fromkeys((DEPOSITS, WITHDRAWALS), 0)
        self.undecodable: set[TopicPartition] = set()
        self.hooks = engine.membership.hooks
        self.hooks.reset_needed = False
        self.commits: list[dict[TopicPartition, int]] = []

    def polled(self, records: Sequence[Raw]) -> Sequence[Raw]:
        for each in records:
            self.cursors[TopicPartition(each.topic, each.partition)] = each.offset + 1
        return records

    def assignment(self) -> Collection[TopicPartition]:
        return self.cursors.keys()

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        self.commits.append(dict(offsets))

    async def committed_or_zero(self, _tp: TopicPartition) -> int:
        return 0

    async def settle_cursors(self, _places: Iterable[TopicPartition]) -> None: ...

    async def keep_membership(self) -> None: ...

    def set_paused(self, places: Iterable[TopicPartition]) -> None:
        assert not list(places)


class SlowLedger(MemoryLedger):
    """Transactions wait until they may begin."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.open.set()

    @asynccontextmanager
    async def transaction(self):  # pyright: ignore[reportIncompatibleMethodOverride]
        await self.open.wait()
        async with MemoryTransaction(self) as transaction:
            yield transaction


class Ends(EndOffsets):
    """Every topic ends at one offset, but those of which a test says otherwise; counts questions."""

    def __init__(self) -> None:
        super().__init__({})
        self.asked = 0
        self.end = 0
        self.but: dict[TopicPartition, int] = {}

    async def ask(self, places: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        self.asked += 1
        return {place: self.but.get(place, self.end) for place in places}


class OpenGate:
    async def verdicts(self, commands: Sequence[Open | Register]) -> Sequence[Judged]:
        return [Judged() for _ in commands]


class EngineInMemory:
    """An engine over a memory store, a new one unless told, and what comes of it."""

    def __init__(self, ledger: SlowLedger | None = None, **options: Any) -> None:
        self.story = story = EventLog()
        metrics = Metrics()
        self.ledger = ledger or SlowLedger()
        self.publisher = TellingPublisher(story)
        self.ends = Ends()
        self.engine = Engine(
            LedgerDependencies(
                ledger=cast("MemoryLedger", self.ledger),
                publisher=self.publisher,
                replies=TellingReplies(self.publisher, story),
                end_offsets=self.ends,
                gate=OpenGate(),
                metrics=metrics,
                corrupt=CorruptDocuments(metrics),
                schema=lambda: NEWEST,
                progress=Progress("ledger"),
            ),
            LedgerOptions(batch_records_max=BATCH, **options),
            RULES,
            [PREFIX + topic.name for topic in ORDERED],
            PREFIX,
        )
        self.consumer = Consumer(self.engine)
        self.engine.membership.attach(cast("CursorConsumer", self.consumer))

    async def take(self, *records: Raw) -> None:
        await self.engine.take(self.consumer.polled(records))
        await asyncio.sleep(0)  # what was only taken when a stop comes is read again

    async def all_done(self) -> None:
        """Return once nothing is in hand."""
        await self.engine.membership.drain()
        assert self.engine.progress.failed is None

    async def idle_until(self, done: Callable[[], object]) -> None:
        """Poll without records until *done* says so."""
        async with asyncio.timeout(PATIENCE_S):
            while not done():
                await self.engine.idle()
                await asyncio.sleep(0.005)

    async def stored(self) -> Account:
        """Return the account that every command here is for."""
        account = await self.ledger.account("alice")
        assert account is not None
        return account

    async def stored_at(self, sequence: int) -> Account:
        """Return the account once it has come that far."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                account = await self.stored()
                if account.sequence >= sequence:
                    return account
                await asyncio.sleep(0.005)

    def said(self, topic: TopicSpec) -> list[dict[str, Any]]:
        """Return what was published on *topic*, in order."""
        records = self.publisher.records
        return [orjson.loads(each.value) for each in records if each.topic == PREFIX + topic.name]

    def answered(self) -> list[tuple[str, str]]:
        """Return command id and status of every answer, in order."""
        return [(body["command_id"], body["status"]) for body in self.said(RESULTS)]

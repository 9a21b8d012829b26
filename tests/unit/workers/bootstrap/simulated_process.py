"""One process after another over the same topics and stores; each awaited call can be made to fail.

The readers are the real ones, with all that publishes and commits for them. Simulated are Kafka (a
list of records for each partition, committed offsets, one list of what was published) and the moment
at which something fails in a way nobody foresaw.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

from aiokafka import TopicPartition

from client.shared import Shared
from tests.simulation.network import UnforeseenError
from tests.unit.workers.requests.requests_in_memory import HERS
from workers.batches.membership import Membership
from workers.config.ledger import LedgerOptions
from workers.consuming.hooks import Hooks
from workers.consuming.records import Raw
from workers.consuming.unforeseen import end_for, or_end
from workers.kafka.publishing import Outgoing, Publisher
from workers.kafka.replies import AddressedAnswer, Replies
from workers.ledger.end_offsets import EndOffsets
from workers.monitoring.halt import Halt
from workers.monitoring.metrics import Metrics

ROUNDS_MAX = 2000
"""Polls of one process: far more than any history here needs."""

ROUNDS_AFTERWARDS = 5
"""Polls of a process that has failed, before it is gone."""

BATCH = 3
OPTIONS = LedgerOptions(
    batch_records_max=BATCH,
    lanes=2,
    parked_recheck_ms=0,
    retry_backoff_ms=1,
    retry_backoff_max_ms=2,
    revoke_timeout_ms=2000,
    shutdown_timeout_ms=2000,
)


class Tripwire:
    """Counts awaited calls; the one with the number *at* fails, before it does anything or after."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.count = 0
        self.tripped: str | None = None

    def touch(self, name: str) -> None:
        """Count one; fail if it is the one."""
        self.count += 1
        if self.count == self.at:
            self.tripped = name
            raise UnforeseenError(name)

    def around(self, target: Any) -> Any:
        """Return *target*, each of whose awaited methods counts twice: before and after."""
        return _Watched(target, self)


class _Watched:
    def __init__(self, target: Any, trip: Tripwire) -> None:
        self._target = target
        self._trip = trip

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if name == "transaction":
            return lambda: _WatchedTransaction(found(), self._trip)
        if not inspect.iscoroutinefunction(found):
            return found

        async def watched(*given: Any, **named: Any) -> Any:
            self._trip.touch(f"before {name}")
            answer = await found(*given, **named)
            self._trip.touch(f"after {name}")
            return answer

        return watched


class _WatchedTransaction(_Watched):
    async def __aenter__(self) -> Any:
        self._trip.touch("before a transaction")
        await self._target.__aenter__()
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self._target.__aexit__(*raised)
        if raised[0] is None:
            self._trip.touch("after a transaction")


@dataclass
class Topics:
    """What Kafka holds: it outlives every process."""

    inputs: dict[TopicPartition, list[Raw]]
    committed: dict[TopicPartition, int] = field(default_factory=dict[TopicPartition, int])
    published: list[Outgoing] = field(default_factory=list[Outgoing])

    @property
    def finished(self) -> bool:
        """Whether everything is committed."""
        return all(self.committed.get(tp, 0) == len(self.inputs[tp]) for tp in self.inputs)


class Consumer:
    """Reads batches of several partitions, as the real one leaves them."""

    def __init__(self, topics: Topics, hooks: Hooks, trip: Tripwire) -> None:
        self.cursors: dict[TopicPartition, int] = {}
        self.undecodable: set[TopicPartition] = set()
        self.hooks = hooks
        self._topics = topics
        self._trip = trip
        self._held: set[TopicPartition] = set()

    def poll(self) -> Sequence[Raw]:
        """Return the next records, from the committed offsets where that is asked for."""
        if self.hooks.reset_needed:
            self.hooks.reset_needed = False
            self.cursors = {tp: self._topics.committed.get(tp, 0) for tp in self._topics.inputs}
            self._held = set()
        found: list[Raw] = []
        for tp, records in self._topics.inputs.items():
            if tp not in self._held:
                more = records[self.cursors[tp] :][: BATCH - len(found)]
                self.cursors[tp] += len(more)
                found += more
        return found

    def assignment(self) -> Collection[TopicPartition]:
        return self.cursors.keys()

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        self._trip.touch("before commit of offsets")
        self._topics.committed.update(offsets)
        self._trip.touch("after commit of offsets")

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.cursors[partition] = offset

    def set_paused(self, places: Iterable[TopicPartition]) -> None:
        self._held = set(places)

    async def committed_or_zero(self, tp: TopicPartition) -> int:
        return self._topics.committed.get(tp, 0)

    async def settle_cursors(self, places: Iterable[TopicPartition]) -> None:
        del places
        self._trip.touch("settling cursors")

    async def keep_membership(self) -> None:
        self._trip.touch("staying in the group")


class SimulatedPublisher(Publisher):
    """The real one but for its connection."""

    def __init__(self, topics: Topics, trip: Tripwire, halt: Halt) -> None:
        super().__init__({}, deadline_ms=5000, metrics=Metrics(), halt=halt)
        self._topics = topics
        self._trip = trip
        self._producers = Shared(self._started, self._forgotten, open_timeout_s=5)

    async def _started(self) -> Any:
        return None

    async def _forgotten(self, producer: Any) -> None:
        """Close nothing."""

    async def _send(self, producer: Any, records: Sequence[Outgoing]) -> None:
        del producer
        self._trip.touch("before publishing")
        await asyncio.sleep(0)
        self._topics.published += records
        self._trip.touch("after publishing")


class SimulatedReplies(Replies):
    """Delivers to one caller's topic; any other is missing."""

    def __init__(self, publisher: Publisher, trip: Tripwire) -> None:
        super().__init__({}, publisher, allowed=".*", timeout_ms=1000, retry_s=30)
        self._trip = trip

    async def _problem_with(self, topic: str) -> str | None:
        self._trip.touch("asking for a reply topic")
        return None if topic == HERS else "missing"

    async def deliver(self, replies: Sequence[AddressedAnswer]) -> Sequence[Outgoing]:
        delivered = await super().deliver(replies)
        self._trip.touch("after delivering")
        return delivered


class SimulatedEnds(EndOffsets):
    """Where the topics end."""

    def __init__(self, topics: Topics, trip: Tripwire) -> None:
        super().__init__({})
        self._topics = topics
        self._trip = trip

    async def ask(self, places: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        self._trip.touch("asking for end offsets")
        return {tp: len(self._topics.inputs.get(tp, ())) for tp in places}


Start = Callable[[Topics, Tripwire], Membership[Any]]
"""Returns the membership of a process's reader, over stores that outlive it."""


async def lived(topics: Topics, trip: Tripwire, start: Start) -> Membership[Any]:
    """Run one process until all is committed, or until it has failed and would be gone."""
    member = start(topics, trip)
    consumer = Consumer(topics, member.hooks, trip)
    member.attach(cast("Any", consumer))
    take = or_end(member.reader.take, title="records", progress=member.progress)
    halt = member.progress.halt
    for _ in range(ROUNDS_MAX):
        await _polled(consumer, take, member)
        if halt.is_set or topics.finished:
            break
    if halt.is_set:
        await _goes_on(topics, consumer, take, member)
    else:
        assert topics.finished, "this process got stuck"
    with suppress(UnforeseenError):  # by the answer to the last commit, which has had its effect
        await member.drain()
    return member


async def _polled(
    consumer: Consumer, take: Callable[[Any], Awaitable[None]], member: Membership[Any]
) -> None:
    """Poll once, as the framework and the real consumer do."""
    records = consumer.poll()
    try:
        if records:
            await take(records)
        else:
            await member.reader.idle()
    except Exception as error:  # noqa: BLE001 - as `CursorConsumer.getmany`
        end_for(error, what="a poll", progress=member.progress)
    await asyncio.sleep(0.0005)


async def _goes_on(
    topics: Topics,
    consumer: Consumer,
    take: Callable[[Any], Awaitable[None]],
    member: Membership[Any],
) -> None:
    """Hold that a process that has failed does nothing more, whatever it is still asked to do."""
    before = (dict(topics.committed), len(topics.published))
    for _ in range(ROUNDS_AFTERWARDS):
        await _polled(consumer, take, member)
    await member.hooks.on_partitions_revoked(list(consumer.cursors))
    await member.hooks.on_partitions_assigned(list(consumer.cursors))
    await _polled(consumer, take, member)
    await member.drain()
    assert before == (topics.committed, len(topics.published)), "it published or committed"

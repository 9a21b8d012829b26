"""The people outside: senders, each with its own patience, and a journal of what they know."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from zlib import crc32

from aiokafka import TopicPartition

from contracts.topics import RESULTS
from tests.simulation.checker.evidence import Sent, given, named, parsed
from tests.simulation.history import Ends, Placement, Record, Sender, Unit, Waits
from tests.simulation.kafka.cluster import SimulatedKafka, unpacked
from tests.simulation.keys import Sealing, sealed
from tests.simulation.values import encoded

LOST = 0.05
"""How often a sender does not hear that its record stands there, and sends it again."""

PATIENCE_S = 1.0
"""How long one waits to hear of it."""

ANSWER_MAX_S = 8.0
"""How long one waits for an answer before it goes on without."""


@dataclass(slots=True)
class Answers:
    """Who was answered so far, and who waits for it."""

    kafka: SimulatedKafka
    topics: Sequence[str]
    seen: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    _next: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    _waiting: dict[str, asyncio.Future[None]] = field(
        default_factory=dict[str, asyncio.Future[None]]
    )

    async def follow(self) -> None:
        """Read on whenever something is written, and tell those who wait for it."""
        loop = asyncio.get_running_loop()
        while True:
            self._read_on()
            woken: asyncio.Future[None] = loop.create_future()
            for topic in self.topics:
                for log in self.kafka.topics[topic].logs:
                    log.waiting[woken] = None
            await woken

    async def has(self, name: str) -> None:
        """Wait until there is an answer to `<username>:<id>`."""
        if name not in self.seen:
            loop = asyncio.get_running_loop()
            await asyncio.shield(self._waiting.setdefault(name, loop.create_future()))

    def _read_on(self) -> None:
        for topic in self.topics:
            for number, log in enumerate(self.kafka.topics[topic].logs):
                position = self._next.get((topic, number), 0)
                if position >= log.end:
                    continue
                read = log.read(position, committed=False, bytes_max=1 << 60)
                for record in unpacked(TopicPartition(topic, number), read.data, (), position):
                    self._take(parsed(record.value))
                self._next[topic, number] = log.end

    def _take(self, body: Mapping[str, Any]) -> None:
        name = named(body)
        self.seen[name] = body
        if (waiting := self._waiting.pop(name, None)) is not None:
            waiting.set_result(None)


@dataclass(slots=True)
class Outside:
    """Sends what a history says."""

    kafka: SimulatedKafka
    prefix: str
    random: Random
    sent: list[Sent] = field(default_factory=list[Sent])
    away_until_s: float = 0.0
    """Until when no sender reaches Kafka."""
    answers: Answers = field(init=False)

    reply_topics: Sequence[str] = ()
    """Made by senders for their answers; after the prefix."""

    def __post_init__(self) -> None:
        """Make the reply topics, and listen to all."""
        partitions = len(self.kafka.topics[self.prefix + RESULTS.name].logs)
        for name in self.reply_topics:
            self.kafka.create_topic(self.prefix + name, partitions)
        topics = (RESULTS.name, *self.reply_topics)
        self.answers = Answers(self.kafka, [self.prefix + name for name in topics])

    async def send_all(self, sender: Sender) -> None:
        """Send all units of *sender*, one after the other."""
        for unit in sender.units:
            await asyncio.sleep(unit.pause_s)
            await self._reached()
            if unit.ends is Ends.PLAIN:
                for record in unit.records:
                    await self._send(sender, record)
            else:
                await self._transaction(sender, unit)
            if sender.waits is Waits.ANSWERED:
                await self._answered(unit)

    def repeat(self, count: int) -> None:
        """Send *count* records once more, byte for byte, and one of another content under its id."""
        movements = [each.record for each in self.sent if "amount" in parsed(each.record.value)]
        again = [self.random.choice(self.sent).record for _ in range(count if self.sent else 0)]
        for record in again:
            self._append(record)
        if movements:
            record = self.random.choice(movements)
            other = {**parsed(record.value), "reason": "another content"}
            self._append(replace(record, value=encoded(other)))

    async def _reached(self) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() < self.away_until_s:  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(self.away_until_s - loop.time())

    async def _send(self, sender: Sender, record: Record) -> None:
        loop = asyncio.get_running_loop()
        sent_s = loop.time()
        record = self._filled(sender, record)
        await asyncio.sleep(self.random.random() * 0.01)
        partition = self._append(record)
        while sender.waits is not Waits.NOTHING and self.random.random() < LOST:
            await asyncio.sleep(PATIENCE_S)
            await self._reached()
            if self.random.random() < 1 / 2:
                self._append(record)
        acknowledged_s = loop.time()
        self.sent.append(Sent(sender.name, record, partition, sent_s, acknowledged_s))
        if sender.waits is not Waits.NOTHING:
            await asyncio.sleep(self.random.random() * 0.01)

    def _filled(self, sender: Sender, record: Record) -> Record:
        """Return *record* with its secrets sealed, and in them the tokens that *sender* was given last."""
        if not record.secrets:
            return record
        held = self._held(sender)
        body = dict(parsed(record.value))
        for each in record.secrets:
            text = each.text
            for name, token in held.items():
                text = text.replace(f"{{{name}}}", token)
            sealing = Sealing(
                text, each.purpose, body["request_id"], body["username"], each.to_reply
            )
            body[each.field] = sealed(sealing)
        return replace(record, value=encoded(body), secrets=())

    def _held(self, sender: Sender) -> Mapping[str, str]:
        for each in reversed(self.sent):
            if each.sender != sender.name:
                continue
            said = self.answers.seen.get(named(parsed(each.record.value)))
            if said is not None and "sealed_tokens" in said:
                tokens = given(said).model_dump()
                return {name: each for name, each in tokens.items() if isinstance(each, str)}
        return {}

    async def _transaction(self, sender: Sender, unit: Unit) -> None:
        loop = asyncio.get_running_loop()
        transaction = self.kafka.transaction()
        written: list[tuple[Record, int, float]] = []
        for record in unit.records:
            sent_s = loop.time()
            partition, _ = transaction.append(
                self.prefix + record.topic, record.key, record.value, record.headers
            )
            written.append((record, partition, sent_s))
            await asyncio.sleep(self.random.random() * 0.01)
        await asyncio.sleep(unit.held_s)
        if unit.ends is Ends.ABORTED:
            transaction.abort()
            return
        transaction.commit()
        ended_s = loop.time()
        self.sent += [
            Sent(sender.name, record, at, sent_s, ended_s) for record, at, sent_s in written
        ]

    async def _answered(self, unit: Unit) -> None:
        """Wait until all of *unit* is answered, within a bound."""
        deadline_s = asyncio.get_running_loop().time() + ANSWER_MAX_S
        bodies = [parsed(record.value) for record in unit.records]
        names = [named(body) for body in bodies]
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline_s):
                for name in names:
                    await self.answers.has(name)

    def _append(self, record: Record) -> int:
        topic = self.prefix + record.topic
        partition = None
        if record.placement is Placement.OTHER:
            partition = crc32(record.key or b"") % len(self.kafka.topics[topic].logs)
        return self.kafka.append(
            topic, record.key, record.value, record.headers, partition=partition
        )[0]

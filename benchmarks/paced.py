"""Sends commands on a schedule and times each until its result is seen; a process of its own.

Open loop: a command's clock starts when it was due, not when it went out, so that a stall of the
worker or of this program is charged to every command that waits behind it. Without a rate it is
one at a time: the next goes out after the result of the last. Run as `python -m benchmarks.paced`:
takes a `Job` and prints an `Answer`, as JSON.
"""

import asyncio
import gc
import random
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import BaseModel

from benchmarks.processes import wait_for_go
from benchmarks.records import BATCH_BYTES, PARTITIONS
from benchmarks.traffic import Command, movements, partition_of, questions, username

FETCH_WAIT_MS = 500
"""How long Kafka may hold a fetch that finds nothing: what comes ends it at once, and asking more
often would cost the machine, not make anything faster."""

TICK_S = 0.005
"""Of a steady sender: what became due since the last tick goes out together, as with any client in
production (5 ms is also how long Java's lingers by default). It is part of the latency that is
reported."""

TOGETHER_MAX = 1000
"""Commands that go out together, however many are due: they fit into one batch even if all of them
are one user's."""

LEFT_OVER_S = 30.0
"""How long after the last command we wait for results that are still missing."""

PAUSE_MAX_S = 0.02
"""Between commands of one at a time, random: no falling into step with the worker's polling."""


class Job(BaseModel):
    """What to send."""

    kafka: str
    prefix: str
    users: int
    name: str
    count: int
    warmup: int
    """Of *count*: the first ones, sent the same way but not counted."""
    rate: float | None = None
    dead_topic: str | None = None
    dead_share: float = 0.0
    """Of the commands: how many name *dead_topic* as `reply_to`. They are not counted."""
    reads: bool = False
    """Whether balances are asked for instead of money moved."""


class Answer(BaseModel):
    """What was seen."""

    latencies_ms: list[float]
    """Until now where there was no answer yet: it takes longer than that."""
    late_ms: list[float]
    """How late each command went out: this program's own part."""
    unanswered: int
    rejected: int
    seconds: float


class Probe:
    """Matches results to commands."""

    def __init__(self, job: Job) -> None:
        self._job = job
        rng = random.Random(f"{job.name}-dead")
        self.commands: Sequence[Command] = list(
            questions(users=job.users, count=job.count, name=job.name)
            if job.reads
            else movements("uniform", users=job.users, count=job.count, name=job.name)
        )
        self._id = "request_id" if job.reads else "command_id"
        self.dead = [rng.random() < job.dead_share for _ in range(job.count)]
        self.due_s = [0.0] * job.count
        self.sent_s = [0.0] * job.count
        self.seen_s: list[float | None] = [None] * job.count
        self.missing = job.count
        self.rejected = 0
        self.changed = asyncio.Event()

    def see(self, value: bytes, now_s: float) -> None:
        """Take one record of the results topic; others' are passed over."""
        result: dict[str, Any] = orjson.loads(value)
        name, _, number = result.get(self._id, "").rpartition("-")
        if name != self._job.name or self.seen_s[int(number)] is not None:
            return
        self.seen_s[int(number)] = now_s
        self.missing -= 1
        self.rejected += result["status"] != "accepted"
        self.changed.set()

    async def until_missing(self, at_most: int) -> None:
        """Wait until no more than *at_most* results are missing."""
        while self.missing > at_most:
            self.changed.clear()
            await self.changed.wait()

    def answer(self, now_s: float) -> Answer:
        """Return the figures of what counts: after the warm-up, with a living reply topic."""
        counted = [i for i in range(self._job.warmup, self._job.count) if not self.dead[i]]
        seen = [(i, now_s if (at := self.seen_s[i]) is None else at) for i in counted]
        return Answer(
            latencies_ms=[round((at - self.due_s[i]) * 1000, 3) for i, at in seen],
            late_ms=[round((self.sent_s[i] - self.due_s[i]) * 1000, 3) for i in counted],
            unanswered=self.missing,
            rejected=self.rejected,
            seconds=self.due_s[-1] - self.due_s[self._job.warmup],
        )


class Outgoing(NamedTuple):
    """A command as it goes out: all that can be worked out beforehand."""

    partition: TopicPartition
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]]


class Mouth:
    """Sends the commands of a probe."""

    def __init__(self, job: Job, probe: Probe) -> None:
        self._job = job
        self._probe = probe
        self._producer: Any = AIOKafkaProducer(
            bootstrap_servers=job.kafka, acks="all", max_batch_size=BATCH_BYTES
        )
        self._records = [self._record(number) for number in range(job.count)]

    async def open(self) -> None:
        """Connect; then `close`."""
        await self._producer.start()

    async def close(self) -> None:
        """Disconnect."""
        await self._producer.stop()

    async def run(self) -> None:
        """Send everything, then wait for the results still missing."""
        await (self._one_at_a_time() if self._job.rate is None else self._paced(self._job.rate))
        try:
            await asyncio.wait_for(self._probe.until_missing(0), LEFT_OVER_S)
        except TimeoutError:
            return  # the answer says how many

    async def _one_at_a_time(self) -> None:
        rng = random.Random(self._job.name)
        for number, record in enumerate(self._records):
            now_s = time.perf_counter()
            self._probe.due_s[number] = self._probe.sent_s[number] = now_s
            await self._producer.send(
                record.partition.topic,
                record.value,
                record.key,
                partition=record.partition.partition,
                headers=record.headers,
            )
            left = self._job.count - number - 1
            await asyncio.wait_for(self._probe.until_missing(left), LEFT_OVER_S)
            await asyncio.sleep(rng.random() * PAUSE_MAX_S)

    async def _paced(self, rate: float) -> None:
        start_s = time.perf_counter()
        self._probe.due_s = [start_s + number / rate for number in range(self._job.count)]
        sent = 0
        while sent < self._job.count:
            passed_s = time.perf_counter() - start_s
            due = min(int(passed_s * rate) + 1, sent + TOGETHER_MAX, self._job.count)
            await self._send_together(range(sent, due))
            sent = due
            # On the ticks of one clock, whatever sending took.
            await asyncio.sleep(TICK_S - (time.perf_counter() - start_s) % TICK_S)
        # A command that was not sent is missed as one without an answer.
        await self._producer.flush()

    async def _send_together(self, numbers: range) -> None:
        """Send one batch for each partition: what is per call or per future is paid once for all."""
        batches: dict[TopicPartition, Any] = {}
        now_s = time.perf_counter()
        for number in numbers:
            self._probe.sent_s[number] = now_s
            partition, key, value, headers = self._records[number]
            if partition not in batches:
                batches[partition] = self._producer.create_batch()
            added = batches[partition].append(timestamp=None, key=key, value=value, headers=headers)
            assert added is not None, "a tick's commands fit into a batch"
        for (topic, partition), batch in batches.items():
            await self._producer.send_batch(batch, topic, partition=partition)

    def _record(self, number: int) -> Outgoing:
        command = self._probe.commands[number]
        key = username(command.user).encode()
        kind = "requests" if self._job.reads else "commands"
        headers: list[tuple[str, bytes]] = []
        if self._probe.dead[number] and self._job.dead_topic:
            headers = [("reply_to", self._job.dead_topic.encode())]
        topic = f"{self._job.prefix}{kind}.{command.topic}"
        partition = TopicPartition(topic, partition_of(key, PARTITIONS))
        return Outgoing(partition, key, command.value, headers)


async def listen(consumer: Any, probe: Probe) -> None:
    """Note when each result is seen, for ever."""
    while True:
        polled = await consumer.getmany(timeout_ms=1000)
        now_s = time.perf_counter()
        for records in polled.values():
            for record in records:
                probe.see(record.value, now_s)


async def run(job: Job) -> Answer:
    """Do the job."""
    probe = Probe(job)
    consumer: Any = AIOKafkaConsumer(
        bootstrap_servers=job.kafka, fetch_max_wait_ms=FETCH_WAIT_MS, auto_offset_reset="latest"
    )
    await consumer.start()
    partitions = [TopicPartition(f"{job.prefix}results", number) for number in range(PARTITIONS)]
    consumer.assign(partitions)
    for partition, end in (await consumer.end_offsets(partitions)).items():
        consumer.seek(partition, end)
    mouth = Mouth(job, probe)
    await mouth.open()
    gc.freeze()  # What was prepared stays: going through it again and again would cost CPU.
    await asyncio.to_thread(wait_for_go)
    listening = asyncio.create_task(listen(consumer, probe))
    try:
        await mouth.run()
    finally:
        listening.cancel()
        await mouth.close()
        await consumer.stop()
    return probe.answer(time.perf_counter())


if __name__ == "__main__":
    asked = Job.model_validate_json(sys.stdin.readline())
    sys.stdout.write(uvloop.run(run(asked)).model_dump_json())

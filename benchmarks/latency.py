"""How long from a command to its result: idle, at a steady rate, and beside others' trouble."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from benchmarks.figures import cpu_per_command, p50_p99, percentile
from benchmarks.paced import Answer, Job
from benchmarks.plan import Plan
from benchmarks.processes import BenchError, Child, Dialogue, cpu_of
from benchmarks.records import Ends, ends, sender
from benchmarks.subject import Record, Service
from contracts import topics

WARMUP_S = 2.0
"""Of every paced window: connections open and caches fill; not counted."""

IDLE_WARMUP = 20

CONTRAST_RATE = 500.0
"""Commands a second of the windows with and without a disturbance."""

DEAD_SHARE = 0.05
"""Of the commands: how many name the dead reply topic."""

DRAIN_S = 300.0
"""How long registrations and sign-ins may take to be hashed after their window, and what was too
much to be decided."""

SENDER = "benchmarks.paced"

SETTLE_S = 2.0
"""Between windows, so that one does not pay for the other."""


@dataclass(kw_only=True)
class Latency:
    """The latency scenarios against one running worker with the default hash cost."""

    service: Service
    plan: Plan
    worker: Child
    pids: Mapping[str, int]
    key: Mapping[str, Any]
    details: dict[str, Any] = field(default_factory=dict[str, Any])

    async def settle(self) -> None:
        """Wait until the worker answers at all: start-up is not measured here."""
        job = self.job("first", 0, 0).model_copy(update={"rate": None, "count": 1})
        await self._alone(job)

    def job(self, name: str, rate: float, seconds: float) -> Job:
        """Return a paced job."""
        warmup = int(rate * WARMUP_S)
        return Job(
            kafka=self.service.kafka,
            prefix=self.service.prefix,
            users=self.plan.users,
            name=name,
            count=warmup + int(rate * seconds),
            warmup=warmup,
            rate=rate,
        )

    async def idle(self) -> dict[str, float]:
        """Measure one command at a time."""
        job = self.job("idle", 0, 0).model_copy(
            update={
                "rate": None,
                "warmup": IDLE_WARMUP,
                "count": self.plan.idle_samples + IDLE_WARMUP,
            }
        )
        answer = await self._alone(job)
        return p50_p99(answer.latencies_ms)

    async def paced(self, rate: float) -> dict[str, float]:
        """Measure a steady rate."""
        job = self.job(f"paced-{rate:.0f}", rate, self.plan.paced_s)
        answer = await self._alone(job)
        return p50_p99(answer.latencies_ms)

    async def flood_ratio(self) -> float:
        """Return money's p99 while registrations are queued, over the p99 without them."""
        return await self._ratio("flood", "flood", self._flooded)

    async def dead_reply_ratio(self) -> float:
        """Return the others' p99 while some name a dead reply topic, over the p99 without."""

        async def beside(number: int) -> list[float]:
            return await self._contrast(f"dead-{number}-beside", dead_share=DEAD_SHARE)

        return await self._ratio("dead_reply", "dead", beside)

    async def sign_ins_ratio(self, names: Sequence[str]) -> float:
        """Return money's p99 while *names* queue to sign in, over the p99 without them."""
        return await self._ratio("sign_ins", "sign-ins", partial(self._signing_in, names))

    async def _ratio(
        self, name: str, run: str, disturbed: Callable[[int], Awaitable[list[float]]]
    ) -> float:
        """Return the p99 of windows with a disturbance over that of windows without, by turns."""
        quiet: list[float] = []
        beside: list[float] = []
        for number in range(self.plan.contrast_rounds):
            quiet += await self._contrast(f"{run}-{number}-quiet", dead_share=0)
            beside += await disturbed(number)
        self.details[name] = {
            "without_ms": p50_p99(quiet),
            "with_ms": p50_p99(beside),
            "rounds": self.plan.contrast_rounds,
        }
        return round(percentile(beside, 0.99) / percentile(quiet, 0.99), 2)

    async def offered(self, job: Job) -> Answer:
        """Run *job*, which may be more than the worker can take, and wait until it is idle again."""
        results = [self.service.topic(topics.RESULTS)]
        async with ends(self.service.kafka, results) as counted:
            answer = await self._watched(job, await Dialogue.open(SENDER, job.model_dump_json()))
            await self._drained(counted, job.count)
        return answer

    async def _contrast(self, name: str, *, dead_share: float) -> list[float]:
        job = self.job(name, CONTRAST_RATE, self.plan.contrast_s).model_copy(
            update={
                "dead_topic": f"{self.service.prefix}{topics.REPLIES}nobody-{name}",
                "dead_share": dead_share,
            }
        )
        answer = await self._alone(job)
        return answer.latencies_ms

    async def _flooded(self, number: int) -> list[float]:
        count = self.plan.registrations
        names = [f"flood-{number}-{user:04d}" for user in range(count)]
        now = datetime.now(tz=UTC)
        registrations = list(self.service.registrations(self.key, names, issued_at=now))
        return await self._beside(f"flood-{number}-beside", registrations)

    async def _signing_in(self, names: Sequence[str], number: int) -> list[float]:
        run = f"sign-ins-{number}"
        logins = self.service.sign_ins(self.key, names, run=run, issued_at=datetime.now(tz=UTC))
        topic = self.service.topic(topics.LOGIN)
        records = [(topic, each.username, each.model_dump_json().encode()) for each in logins]
        return await self._beside(f"{run}-beside", records)

    async def _beside(self, name: str, records: Sequence[Record]) -> list[float]:
        """Measure money while *records*, each with one answer, are queued."""
        job = self.job(name, CONTRAST_RATE, self.plan.contrast_s)
        results = [self.service.topic(topics.RESULTS)]
        dialogue = await Dialogue.open(SENDER, job.model_dump_json())
        async with ends(self.service.kafka, results) as counted, sender(self.service.kafka) as out:
            await out.send(records)
            answer = await self._ask(job, dialogue)
            left = job.count + len(records) - await counted.done()
            self.details.setdefault("left_at_the_end", []).append(left)
            await self._drained(counted, job.count + len(records))
        return answer.latencies_ms

    async def _drained(self, counted: Ends, target: int) -> None:
        done = 0
        try:
            async with asyncio.timeout(DRAIN_S):
                while (done := await counted.done()) < target:
                    self.worker.require_running()
                    await asyncio.sleep(SETTLE_S / 4)
        except TimeoutError:
            raise BenchError(
                f"{target - done} of {target} commands still without an answer after "
                f"{DRAIN_S:.0f} s; the worker's last lines:\n{self.worker.tail()}"
            ) from None

    async def _alone(self, job: Job) -> Answer:
        """Run *job* beside nothing else; all of it has to be answered."""
        return await self._ask(job, await Dialogue.open(SENDER, job.model_dump_json()))

    async def _ask(self, job: Job, dialogue: Dialogue) -> Answer:
        answer = await self._watched(job, dialogue)
        if answer.unanswered:
            raise self._meaningless(job, answer)
        return answer

    def _meaningless(self, job: Job, answer: Answer) -> BenchError:
        return BenchError(
            f"{job.name}: {answer.unanswered} commands without an answer and "
            f"{answer.rejected} refused, of {job.count}; the figures would mean nothing. "
            f"The worker's last lines:\n{self.worker.tail()}"
        )

    async def _watched(self, job: Job, dialogue: Dialogue) -> Answer:
        """Let the sender run; keep what it cost and how late it was itself."""
        pids = {**self.pids, "worker": self.worker.pid, "sender": dialogue.pid}
        await asyncio.sleep(SETTLE_S)
        before = cpu_of(pids)
        answering = asyncio.create_task(dialogue.answer())
        after = before
        while not answering.done():
            after = cpu_of(pids)
            await asyncio.wait([answering], timeout=0.25)
        answer = Answer.model_validate_json(await answering)
        self.worker.require_running()
        if answer.rejected:
            raise self._meaningless(job, answer)
        self.details[job.name] = {
            "counted": len(answer.latencies_ms),
            "max_ms": max(answer.latencies_ms),
            **p50_p99(answer.latencies_ms),
            "sender_late_p99_ms": percentile(answer.late_ms, 0.99),
            "cpu_us": cpu_per_command(before, after, job.count - answer.unanswered),
        }
        return answer

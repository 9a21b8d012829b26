"""How many commands a second: ours, the ordinary worker and MongoDB alone, taking turns."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from benchmarks import ordinary
from benchmarks.ceiling import Measured, Trial
from benchmarks.figures import Sample, Window, median, window
from benchmarks.plan import Plan
from benchmarks.processes import Child, Dialogue
from benchmarks.records import create_topics, ends, sender
from benchmarks.subject import Record, Service
from benchmarks.traffic import Shape, movements, username
from benchmarks.watching import after_commands, after_seconds, watch
from storage.mongo.client import MongoClient, MongoOptions

FINALISTS = 2
"""Ways of cutting the ceiling's work that get full windows: trials are short, so the best one
of them may have been lucky."""


@dataclass(kw_only=True)
class Throughput:
    """The windows of one run."""

    service: Service
    plan: Plan
    pids: Mapping[str, int]
    windows: dict[str, list[Window]] = field(default_factory=dict[str, list[Window]])
    trials: list[Measured] = field(default_factory=list[Measured])
    ceilings: list[Measured] = field(default_factory=list[Measured])

    def per_s(self, name: str) -> float | None:
        """Return the median rate of a scenario's windows."""
        if name == "ceiling":
            return best_ceiling(self.ceilings)
        rates = [done.per_s for done in self.windows.get(name, [])]
        return round(median(rates), 1) if rates else None

    async def ours(self, shape: Shape, *, count: int, name: str) -> tuple[Window, list[Sample]]:
        """Put a backlog into Kafka, then start the worker and watch it."""
        async with sender(self.service.kafka) as out:
            await out.send(backlog(self.service.prefix, shape, self.plan.users, count, name))
        async with ends(self.service.kafka, self.service.outputs) as counted:
            started_s = time.perf_counter()
            worker = await self.service.start_worker()
            try:
                over = after_commands(count)
                samples = await watch(counted, worker, self.pids, over=over)
            finally:
                await worker.stop()
        return window(samples, started_s=started_s), samples

    async def prepare_ordinary(self) -> ordinary.Settings:
        """Give the ordinary worker its topics, accounts and backlog; it never gets to its end."""
        settings = ordinary.Settings(
            kafka=self.service.kafka,
            mongodb=self.service.mongodb,
            database=f"{self.service.database}_ordinary",
            prefix=f"ordinary-{self.service.prefix}",
        )
        names = ["commands.deposit", "commands.withdraw", "results", "events.balance"]
        await create_topics(
            self.service.kafka, [settings.prefix + name for name in [*names, "events.audit"]]
        )
        await ordinary.open_accounts(settings, [username(user) for user in range(self.plan.users)])
        async with sender(self.service.kafka) as out:
            count = self.plan.backlog
            await out.send(backlog(settings.prefix, "uniform", self.plan.users, count, "ordinary"))
        return settings

    async def ordinary(self, settings: ordinary.Settings) -> Window:
        """Watch the ordinary worker for a while; it goes on where it stopped last time."""
        outputs = [f"{settings.prefix}{name}" for name in ("results", "events.balance")]
        async with ends(settings.kafka, [*outputs, f"{settings.prefix}events.audit"]) as counted:
            started_s = time.perf_counter()
            worker = await Child.start(
                "the ordinary worker",
                ("-m", "benchmarks.ordinary", settings.model_dump_json()),
                env={},
                log=self.service.folder / "ordinary.log",
            )
            try:
                over = after_seconds(self.plan.ordinary_s)
                samples = await watch(counted, worker, self.pids, over=over)
            finally:
                await worker.stop()
        return window(samples, started_s=started_s)

    async def stored(self) -> int:
        """Return how many outcomes the worker has recorded."""
        options = MongoOptions(uri=self.service.mongodb, database=self.service.database)
        client = MongoClient(options)
        try:
            return int((await client.run({"count": "outcomes"}))["n"])
        finally:
            await client.close()

    async def ceiling(self, batch: int, writers: int, *, stored: int, commands: int) -> Measured:
        """Measure MongoDB alone with one way of cutting the work, on top of what is *stored*."""
        trial = Trial(
            mongodb=self.service.mongodb,
            database=f"{self.service.database}_ceiling",
            users=self.plan.users,
            stored=stored,
            commands=commands,
            batch=batch,
            writers=writers,
            mongod_pid=self.pids["mongod"],
        )
        dialogue = await Dialogue.open("benchmarks.ceiling", trial.model_dump_json())
        return Measured.model_validate_json(await dialogue.answer())

    async def try_ceilings(self) -> list[tuple[int, int]]:
        """Try every batch size with every number of writers; return the most promising."""
        for batch, writers in product(self.plan.ceiling_batches, self.plan.ceiling_writers):
            trial = self.ceiling(batch, writers, stored=0, commands=self.plan.ceiling_trial)
            self.trials.append(await trial)
        ranked = sorted(self.trials, key=lambda trial: trial.per_s, reverse=True)
        return [(trial.batch, trial.writers) for trial in ranked[:FINALISTS]]


def backlog(prefix: str, shape: Shape, users: int, count: int, name: str) -> Iterator[Record]:
    """Yield the records of a backlog."""
    for command in movements(shape, users=users, count=count, name=name):
        yield f"{prefix}commands.{command.topic}", username(command.user), command.value


def best_ceiling(measured: Sequence[Measured]) -> float | None:
    """Return the highest median over the ways of cutting the work that had full windows."""
    rates: dict[tuple[int, int], list[float]] = {}
    for window_ in measured:
        rates.setdefault((window_.batch, window_.writers), []).append(window_.per_s)
    return round(max(median(values) for values in rates.values()), 1) if rates else None

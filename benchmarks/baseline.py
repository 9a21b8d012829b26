"""Our worker against another checkout's: what a command in the backlog costs, in pairs of windows.

Both run with this interpreter on the same packages and servers; only the project's code differs.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.figures import Window, cpu_per_command
from benchmarks.pairs import BAR, SIDES, Pair, Side, compared, joined, order
from benchmarks.plan import Plan
from benchmarks.processes import BenchError, Child, cpu_of
from benchmarks.records import delete_topics, ends, sender, withheld
from benchmarks.report import machine
from benchmarks.seeding import open_through
from benchmarks.subject import SEED_ROUNDS, Record, Service
from benchmarks.throughput import backlog
from benchmarks.watching import after_commands, watch
from storage.mongo.client import MongoClient, MongoOptions

GROUPS = ("ledger", "identity", "signin", "sessions", "query")
"""Consumer groups of a worker, as its settings name them."""

OURS = Path(__file__).resolve().parent.parent


@dataclass(kw_only=True)
class Comparison:
    """All pairs of one run, on one stack."""

    service: Service
    """Its servers and its folder; each worker has topics and a database of its own."""
    plan: Plan
    pids: Mapping[str, int]
    console: Console
    baseline: Path
    pairs: list[Pair] = field(default_factory=list[Pair])
    figures: dict[str, Any] = field(default_factory=dict[str, Any])
    details: dict[str, Any] = field(default_factory=dict[str, Any])

    async def run(self) -> None:
        """Measure every pair."""
        started_s = time.perf_counter()
        plan = self.plan
        self.details |= {
            "machine": machine(),
            "plan": {
                "pairs": plan.pairs,
                "users": plan.pair_users,
                "warm_up": plan.warm_up,
                "commands": plan.pair_commands,
                "turns": plan.turns,
            },
            "checkouts": {"ours": await version(OURS), "baseline": await version(self.baseline)},
        }
        for number in range(plan.pairs):
            pair = await self._pair(number)
            self.pairs.append(pair)
            ours, theirs = pair.ours.cpu_us["worker"], pair.baseline.cpu_us["worker"]
            self.console.log(
                f"pair {number + 1} of {plan.pairs}: {ours:.1f} | {theirs:.1f} µs, "
                f"{pair.ratio('worker'):.3f}"
            )
        self.figures |= compared(self.pairs)
        self.details["passes"] = {BAR.label: BAR.passed(self.figures)}
        self.details["run_s"] = round(time.perf_counter() - started_s, 1)

    async def _pair(self, number: int) -> Pair:
        """Have two idle workers find one part of their backlogs after the other, by turns."""
        parts: dict[Side, list[Window]] = {"ours": [], "baseline": []}
        async with AsyncExitStack() as stack:
            running: dict[Side, tuple[Service, Child]] = {}
            for side in order(number):
                running[side] = await stack.enter_async_context(self._worker(number, side))
            for turn in range(self.plan.turns):
                for side in order(number + turn):
                    # Both get the same commands.
                    name = f"pair-{number + 1}-{turn + 1}"
                    parts[side].append(await self._part(*running[side], name))
        return Pair(ours=joined(parts["ours"]), baseline=joined(parts["baseline"]))

    @asynccontextmanager
    async def _worker(self, number: int, side: Side) -> AsyncGenerator[tuple[Service, Child]]:
        """Let one checkout's code do everything, from its topics to a worker that is warm."""
        name = f"pair-{number + 1}-{side}"
        checkout = OURS if side == "ours" else self.baseline
        service = replace(
            self.service,
            prefix=f"{name}.",
            database=f"{self.service.database}-{name}",
            folder=self.service.folder / name,
            checkout=checkout,
            settings=apart(name, self.service.redis, side),
        )
        await asyncio.to_thread(service.folder.mkdir)
        await service.require_code_of(checkout)
        key = await service.prepare()
        worker = await service.start_worker(ACCOUNTS_PASSWORD_BCRYPT_ROUNDS=SEED_ROUNDS)
        try:
            await open_through(worker, service, self.plan.pair_users, key, self.pids)
            count = self.plan.warm_up
            async with (
                ends(service.kafka, service.outputs) as counted,
                sender(service.kafka) as out,
            ):
                await out.send(self._backlog(service, count, "warm-up"))
                await watch(counted, worker, self.pids, over=after_commands(count))
            yield service, worker
        finally:
            await worker.stop()
        await _clear(service)

    async def _part(self, service: Service, worker: Child, name: str) -> Window:
        """Have an idle worker find a backlog; return what that took until it was idle again.

        A window that begins amid work has that CPU in it which was spent on commands of which
        nothing is out yet, a whole cycle more or less.
        """
        count = self.plan.pair_commands // self.plan.turns
        async with ends(service.kafka, service.outputs) as counted:
            async with withheld(service.kafka, service.prefix) as out:
                await out.send(self._backlog(service, count, name))
                before_s = cpu_of({**self.pids, "worker": worker.pid})
                started_s = time.perf_counter()
            [*_, last] = await watch(counted, worker, self.pids, over=after_commands(count))
        took_s = last.at_s - started_s
        cpu_us = cpu_per_command(before_s, last.cpu_s, count)
        return Window(commands=count, seconds=took_s, wall_s=took_s, cpu_us=cpu_us)

    def _backlog(self, service: Service, count: int, name: str) -> Iterator[Record]:
        return backlog(service.prefix, "uniform", self.plan.pair_users, count, name)


def apart(name: str, redis: str, side: Side) -> Mapping[str, str]:
    """Return the settings that keep the two workers of a pair out of each other's way."""
    groups = {f"ACCOUNTS_{group.upper()}_GROUP": f"{name}-{group}" for group in GROUPS}
    return {**groups, "ACCOUNTS_REDIS_URL": f"{redis.removesuffix('/0')}/{1 + SIDES.index(side)}"}


async def _clear(service: Service) -> None:
    """Remove what a window left: the next must not be slower for it."""
    await delete_topics(service.kafka, service.prefix)
    client = MongoClient(MongoOptions(uri=service.mongodb, database=service.database))
    try:
        await client.run({"dropDatabase": 1})
    finally:
        await client.close()


def require_checkout(path: Path) -> Path:
    """Return *path* in full.

    Raises:
        BenchError: There is no worker in it.
    """
    if not (path / "workers" / "__main__.py").is_file():
        raise BenchError(f"{path} is not a checkout of this project: it has no workers/__main__.py")
    return path.resolve()


async def version(checkout: Path) -> str:
    """Return what git calls *checkout*, with `-dirty` where it was changed since; for the record."""
    try:
        git = await asyncio.create_subprocess_exec(
            "git",
            f"--git-dir={checkout / '.git'}",
            f"--work-tree={checkout}",
            "describe",
            "--always",
            "--dirty",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except FileNotFoundError:
        return "unknown"
    output, _ = await git.communicate()
    return output.decode().strip() or "unknown"

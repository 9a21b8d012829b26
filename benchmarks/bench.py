"""One run: seed, the throughput windows in turns, memory, latency, and the books at the end."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console

from benchmarks.baseline import OURS, version
from benchmarks.curve import measure, ratios
from benchmarks.figures import Window, median, rss_at
from benchmarks.latency import Latency
from benchmarks.plan import Plan
from benchmarks.processes import BenchError
from benchmarks.report import FIGURES, machine, passes
from benchmarks.seeding import open_accounts
from benchmarks.subject import VERIFY_S, Service
from benchmarks.throughput import Throughput
from benchmarks.traffic import Shape
from workers.config.ledger import LedgerOptions

IN_TURNS: tuple[str, ...] = ("ordinary", "ours", "ceiling", "hot", "zipf")
SHAPES: dict[str, Shape] = {"ours": "uniform", "hot": "hot", "zipf": "zipf"}
WITHOUT_US = frozenset({"ordinary", "ceiling"})
LATENCIES = frozenset({"idle", "paced_500", "paced_2000", "flood", "dead_reply", "curve"})


@dataclass(kw_only=True)
class Bench:
    """Everything of one run, on one stack."""

    service: Service
    plan: Plan
    pids: Mapping[str, int]
    console: Console
    key: Mapping[str, Any] = field(default_factory=dict[str, Any])
    figures: dict[str, Any] = field(default_factory=lambda: dict.fromkeys(FIGURES))
    details: dict[str, Any] = field(default_factory=dict[str, Any])

    async def run(self) -> None:
        """Measure all that was asked for."""
        started_s = time.perf_counter()
        self.details |= {
            "machine": machine(),
            "commit": await version(OURS),
            "plan": _readable(self.plan),
            "worker": asdict(LedgerOptions()),  # started without settings of its own: the defaults
        }
        through_us = bool(self.plan.scenarios - WITHOUT_US)
        if through_us:
            self.key = await self.service.prepare()
            self.console.log(f"opening {self.plan.users:,} accounts")
            await open_accounts(self.service, self.plan.users, self.key, self.pids)
        await self._throughput()
        if "memory" in self.plan.scenarios:
            await self._memory()
        if LATENCIES & self.plan.scenarios:
            await self._latency()
        if through_us:
            await self._verify()
        self.details["passes"] = passes(self.figures)
        self.details["run_s"] = round(time.perf_counter() - started_s, 1)

    async def _throughput(self) -> None:
        measuring = Throughput(service=self.service, plan=self.plan, pids=self.pids)
        wanted = [name for name in IN_TURNS if name in self.plan.scenarios]
        settings = await measuring.prepare_ordinary() if "ordinary" in wanted else None
        finalists: list[tuple[int, int]] = []
        if "ceiling" in wanted:
            self.console.log("looking for MongoDB's best batch size and number of writers")
            finalists = await measuring.try_ceilings()
        for round_ in range(self.plan.rounds):
            stored = await measuring.stored()  # ours begins with it, so the ceiling has to
            for name in wanted:
                if name == "ordinary" and settings is not None:
                    self._keep(measuring, name, await measuring.ordinary(settings))
                elif name == "ceiling":
                    await self._ceilings(measuring, finalists, stored)
                elif name in SHAPES:
                    count, label = self.plan.backlog, f"{name}-{round_}"
                    done, _ = await measuring.ours(SHAPES[name], count=count, name=label)
                    self._keep(measuring, name, done)
        for name in wanted:
            self.figures[f"{name}_per_s"] = measuring.per_s(name)
        self._describe(measuring)

    async def _ceilings(
        self, measuring: Throughput, finalists: list[tuple[int, int]], stored: int
    ) -> None:
        for batch, writers in finalists:
            done = await measuring.ceiling(
                batch, writers, stored=stored, commands=self.plan.backlog
            )
            measuring.ceilings.append(done)
            self.console.log(
                f"ceiling, {writers} writers of {batch}, on top of {stored:,}: {done.per_s:,.0f}/s"
            )

    def _keep(self, measuring: Throughput, name: str, done: Window) -> None:
        measuring.windows.setdefault(name, []).append(done)
        self.console.log(f"{name}: {done.per_s:,.0f}/s, {done.commands:,} commands")

    def _describe(self, measuring: Throughput) -> None:
        costs: dict[str, dict[str, float]] = self.details.setdefault("cpu_us_per_command", {})
        for name, windows in measuring.windows.items():
            self.details[name] = [asdict(done) | {"per_s": done.per_s} for done in windows]
            costs[name] = {
                process: median([done.cpu_us[process] for done in windows])
                for process in windows[0].cpu_us
            }
        if measuring.ceilings:
            self.details["ceiling"] = [done.model_dump() for done in measuring.ceilings]
            self.details["ceiling_trials"] = [done.model_dump() for done in measuring.trials]
            best = max(measuring.ceilings, key=lambda done: done.per_s)
            costs["ceiling"] = best.cpu_us

    async def _memory(self) -> None:
        count = self.plan.memory
        self.console.log(f"memory: {count:,} commands through one worker")
        measuring = Throughput(service=self.service, plan=self.plan, pids=self.pids)
        done, samples = await measuring.ours("uniform", count=count, name="memory")
        fifths = [round(rss_at(samples, count * part // 5), 1) for part in range(1, 6)]
        self.figures["worker_rss_mb"] = fifths[-1]
        self.figures["worker_rss_growth"] = round(fifths[-1] / fifths[0], 3)
        self.details["memory"] = {
            "rss_mb_by_fifths": fifths,
            "rss_mb_max": round(max(sample.rss_mb for sample in samples), 1),
            "per_s": round(done.per_s, 1),
        }
        self.details.setdefault("cpu_us_per_command", {})["memory"] = done.cpu_us

    async def _latency(self) -> None:
        worker = await self.service.start_worker()
        try:
            latency = Latency(
                service=self.service,
                plan=self.plan,
                worker=worker,
                pids=self.pids,
                key=self.key,
            )
            await latency.settle()
            wanted = self.plan.scenarios
            if "idle" in wanted:
                self.figures["idle_ms"] = await latency.idle()
            if "paced_500" in wanted:
                self.figures["paced_500_ms"] = await latency.paced(500)
            if "paced_2000" in wanted:
                self.figures["paced_2000_ms"] = await latency.paced(2000)
            if "flood" in wanted:
                self.figures["flood_ratio"] = await latency.flood_ratio()
            if "dead_reply" in wanted:
                self.figures["dead_reply_ratio"] = await latency.dead_reply_ratio()
            if "curve" in wanted:
                await self._curve(latency)
        finally:
            await worker.stop()
        self.details["latency"] = latency.details
        costs = self.details.setdefault("cpu_us_per_command", {})
        costs |= {
            name: kept["cpu_us"] for name, kept in latency.details.items() if "cpu_us" in kept
        }

    async def _curve(self, latency: Latency) -> None:
        per_s: float = self.figures["ours_per_s"]
        self.console.log(f"steady rates, in shares of {per_s:,.0f}/s")
        points = await measure(latency, per_s)
        self.details["curve"] = [asdict(point) for point in points]
        self.figures |= ratios(
            points,
            idle_p50_ms=self.figures["idle_ms"]["p50"],
            backlog_worker_us=self.details["cpu_us_per_command"]["ours"]["worker"],
        )

    async def _verify(self) -> None:
        self.console.log("recomputing every balance")
        status, lines = await self.service.run("verify", timeout_s=VERIFY_S)
        if status not in (0, 1):
            raise BenchError(f"`accounts verify` ended with status {status}:\n{lines}")
        self.figures["verified"] = status == 0
        self.details["verify"] = lines


def _readable(plan: Plan) -> dict[str, Any]:
    return asdict(plan) | {"scenarios": sorted(plan.scenarios)}

"""`python -m benchmarks.identity`: signing in and reading, measured against their bars.

Known and unknown users, sign-ins limited by hashing alone, money beside them, and reads. A run of
its own: it hashes for minutes.
"""

import argparse
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.figures import median, window
from benchmarks.latency import Latency
from benchmarks.plan import FULL, QUICK, Plan
from benchmarks.processes import BenchError, Child
from benchmarks.reads import measure_reads
from benchmarks.records import ends, sender
from benchmarks.report import Bar, at
from benchmarks.seeding import open_accounts
from benchmarks.stack import running
from benchmarks.subject import Service
from benchmarks.watching import after_commands, watch
from client.accounts import AccountsClient
from contracts import topics
from contracts.replies import Reply
from devstack.errors import DevStackError
from workers.config.settings import Settings
from workers.credentials.hashing import HashingPolicy, LowPriorityPool, PasswordHasher

WRONG = "not the password of anybody 8"

IDS = ("request_id", "username", "answered_at")
"""What may differ between the answers about a known and an unknown user."""

QUEUED = 100
"""Sign-ins that wait while money is measured."""

POOL: int = Settings.model_fields["password_hash_threads"].default
"""Threads that hash: the worker is started without settings of its own."""

BARS = (
    Bar("known over unknown user, medians apart", at("timing_apart"), 0.05),
    Bar("answers about them, different kinds", at("timing_answers"), 1),
    Bar("money beside queued sign-ins, p99", at("sign_ins_ratio"), 2, "x"),
    Bar("sign-ins, of what hashing allows", at("sign_ins_share"), 0.8, at_least=True),
    Bar("get-balance, requests/s", at("reads_per_s"), 3000, at_least=True),
    Bar("get-balance at 500/s, p99", at("reads_500_ms", "p99"), 50, " ms"),
    Bar("page 1,000 over page 1 of a history", at("pages_ratio"), 2, "x"),
)


@dataclass(kw_only=True)
class SigningIn:
    """The sign-in scenarios against one running worker with the default hash cost."""

    service: Service
    plan: Plan
    worker: Child
    pids: Mapping[str, int]
    key: Mapping[str, Any]
    users: int
    figures: dict[str, Any] = field(default_factory=dict[str, Any])
    details: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def names(self) -> Sequence[str]:
        """The users that there are."""
        return [f"known-{number:04d}" for number in range(self.users)]

    async def run(self, console: Console) -> None:
        """Measure everything, one after the other."""
        latency = Latency(
            service=self.service,
            plan=self.plan,
            worker=self.worker,
            pids=self.pids,
            key=self.key,
        )
        await latency.settle()
        console.log(f"registering {self.users} users at the real cost")
        await self.register()
        console.log("known and unknown users")
        await self.timing()
        console.log("sign-ins")
        await self.rate()
        console.log("money beside sign-ins")
        await self.beside_money(latency)

    async def register(self) -> None:
        """Register everybody at the real cost: an older, cheaper hash would tell who is known."""
        now = datetime.now(tz=UTC)
        results = [self.service.topic(topics.RESULTS)]
        async with ends(self.service.kafka, results) as counted, sender(self.service.kafka) as out:
            await out.send(self.service.registrations(self.key, list(self.names), issued_at=now))
            over = after_commands(self.users)
            await watch(counted, self.worker, self.pids, over=over)

    async def timing(self) -> None:
        """Sign in with a wrong password, by turns as a known and an unknown user, each once."""
        took_ms: dict[str, list[float]] = {"known": [], "unknown": []}
        said: set[bytes] = set()
        pairs = [(name, name.replace("known", "nobody")) for name in self.names]
        async with AccountsClient(self.service.kafka) as accounts:
            for number, pair in enumerate(pairs):
                # Who goes first changes, so that neither profits from what the other warmed up.
                for name in pair if number % 2 else reversed(pair):
                    took, reply = await self._fail(accounts, name)
                    took_ms["known" if name in pair[:1] else "unknown"].append(took)
                    said.add(reply.model_dump_json(exclude=set(IDS)).encode())
        medians = {name: median(values) for name, values in took_ms.items()}
        self.figures["timing_apart"] = round(abs(medians["known"] / medians["unknown"] - 1), 4)
        self.figures["timing_answers"] = len(said)
        self.details["timing_median_ms"] = medians

    async def _fail(self, accounts: AccountsClient, name: str) -> tuple[float, Reply]:
        now = datetime.now(tz=UTC)
        [login] = self.service.sign_ins(
            self.key, [name], run="timing", issued_at=now, password=WRONG
        )
        started_s = time.perf_counter()
        reply = await accounts.request(login)
        return (time.perf_counter() - started_s) * 1000, reply

    async def rate(self) -> None:
        """Let a backlog of right passwords wait, and see how fast it shrinks."""
        pool = LowPriorityPool("measured", 1, niceness=0)
        cost_s = await PasswordHasher(HashingPolicy(), pool).measure_cost_s()
        pool.close()
        topic, now = self.service.topic(topics.LOGIN), datetime.now(tz=UTC)
        logins = self.service.sign_ins(self.key, self.names, run="rate", issued_at=now)
        records = [(topic, each.username, each.model_dump_json().encode()) for each in logins]
        results = [self.service.topic(topics.RESULTS)]
        async with ends(self.service.kafka, results) as counted, sender(self.service.kafka) as out:
            started_s = time.perf_counter()
            await out.send(records)
            samples = await watch(
                counted, self.worker, self.pids, over=after_commands(len(records))
            )
        per_s = window(samples, started_s=started_s).per_s
        self.figures["sign_ins_share"] = round(per_s * cost_s / POOL, 3)
        self.details["sign_ins"] = {"per_s": round(per_s, 2), "hash_s": round(cost_s, 4)}

    async def beside_money(self, latency: Latency) -> None:
        """Measure money with and without sign-ins in the queue."""
        names = self.names[:QUEUED]
        self.figures["sign_ins_ratio"] = await latency.sign_ins_ratio(names)
        self.details["beside"] = latency.details


async def measure(plan: Plan, users: int, console: Console) -> tuple[dict[str, Any], Any]:
    """Run everything on a dev stack of its own; return figures and details."""
    async with running(console) as (service, pids):
        key = await service.prepare()
        console.log("opening accounts")
        await open_accounts(service, plan.users, key, pids)
        worker = await service.start_worker()
        try:
            signing = SigningIn(
                service=service, plan=plan, worker=worker, pids=pids, key=key, users=users
            )
            await signing.run(console)
            console.log("reads")
            figures, details = await measure_reads(service, plan, pids)
        finally:
            await worker.stop()
    return signing.figures | figures, signing.details | details


def main() -> int:
    """Return 0 when every bar is cleared, 1 when one is not, 2 when it broke."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.identity", description=__doc__)
    parser.add_argument("--out", type=Path, help="also write the figures to this file, as JSON")
    parser.add_argument("--quick", action="store_true", help="small and short: a smoke run")
    given = parser.parse_args()
    console = Console(log_path=False)
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    plan = QUICK if given.quick else FULL
    try:
        work = measure(plan, 40 if given.quick else 500, console)
        figures, details = uvloop.run(work)
    except (BenchError, DevStackError) as error:
        console.print(f"benchmarks: {error}", style="red", markup=False)
        return 2
    if given.out is not None:
        text = orjson.dumps(
            {**figures, "details": details}, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS
        )
        given.out.write_bytes(text)
    table = Table("What", "Measured", "Bar", "")
    for bar in BARS:
        sign = "≥" if bar.at_least else "≤"
        verdict = {True: "pass", False: "FAIL", None: "not measured"}[bar.passed(figures)]
        table.add_row(bar.label, f"{bar.value(figures)}{bar.unit}", f"{sign} {bar.limit}", verdict)
    console.print(table)
    console.print(details)
    return 0 if all(bar.passed(figures) for bar in BARS) else 1


if __name__ == "__main__":
    sys.exit(main())

"""How fast questions are answered: a backlog, a steady rate, and deep in a long history."""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks import books
from benchmarks.figures import Sample, median, p50_p99, window
from benchmarks.latency import SETTLE_S, WARMUP_S
from benchmarks.paced import PAUSE_MAX_S, Answer, Job
from benchmarks.plan import Plan
from benchmarks.processes import BenchError, Dialogue, cpu_of
from benchmarks.records import Ends, ends, sender
from benchmarks.subject import Service
from benchmarks.traffic import questions, username
from benchmarks.watching import POLL_S
from client.accounts import AccountsClient
from contracts import topics
from contracts.queries import ListTransactions
from handlers.history.pages import cursor_of
from storage.mongo.client import MongoClient, MongoOptions
from workers.keys.pairs import KeyKind
from workers.keys.ring import KeyRing

ACCOUNTS_FACTOR = 10
"""Accounts that are read, over accounts that are moved: the bar says 100,000 of them."""

RATE = 500.0
"""Questions a second of the steady window, as the bar says."""

BACKLOG_S = 120.0
"""Longest that a backlog may take: at the bar, 100,000 questions take a third of it."""

DEEP_USER = "deep-history"
DEEP_ENTRIES = 100_000
PAGE_LIMIT = 100
"""Transactions on a page: the long history has 1,000 pages."""

PAGES = (1, DEEP_ENTRIES // PAGE_LIMIT)
"""The pages that are compared: the first and the last."""

PAGE_SAMPLES = 100
"""How often each page is asked for, one after the other; the medians count."""


async def measure_reads(
    service: Service, plan: Plan, pids: Mapping[str, int]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return figures and details of reading from the worker that runs.

    The accounts beyond `plan.users` and the long history are put straight into MongoDB.
    """
    reads = Reads(service=service, users=plan.users * ACCOUNTS_FACTOR, pids=pids)
    await reads.prepare(opened=plan.users)
    figures = {
        "reads_per_s": await reads.backlog(plan.backlog),
        "reads_500_ms": await reads.paced(plan.paced_s),
        "pages_ratio": await reads.pages_ratio(),
    }
    return figures, reads.details


@dataclass(kw_only=True)
class Reads:
    """The reading scenarios against a running worker."""

    service: Service
    users: int
    pids: Mapping[str, int]
    details: dict[str, Any] = field(default_factory=dict[str, Any])

    async def prepare(self, *, opened: int) -> None:
        """Store the accounts from number *opened* on, and the long history."""
        uri, database = self.service.mongodb, self.service.database
        keys = KeyRing(self.service.folder / "keys", needs=[KeyKind.MAC])
        client = MongoClient(MongoOptions(uri=uri, database=database, account_keys=keys))
        try:
            await books.write(client, [username(user) for user in range(opened, self.users)])
            await books.write(client, [DEEP_USER], entries=DEEP_ENTRIES)
        finally:
            await client.close()

    async def backlog(self, count: int) -> float:
        """Return how many balances are told in a second while questions wait."""
        await asyncio.sleep(SETTLE_S)
        topic, name = self.service.topic(topics.GET_BALANCE), f"reads-{time.monotonic_ns()}"
        records = [
            (topic, username(each.user), each.value)
            for each in questions(users=self.users, count=count, name=name)
        ]
        started_s = time.perf_counter()
        results = [self.service.topic(topics.RESULTS)]
        async with ends(self.service.kafka, results) as counted, sender(self.service.kafka) as out:
            sending = asyncio.create_task(out.send(records))
            samples = await self._until(counted, count)
            await sending
        measured = window(samples, started_s=started_s)
        self.details["reads"] = {"count": count, "cpu_us": measured.cpu_us}
        return round(measured.per_s, 1)

    async def _until(self, counted: Ends, count: int) -> list[Sample]:
        samples: list[Sample] = []
        try:
            async with asyncio.timeout(BACKLOG_S):
                while not samples or samples[-1].done < count:
                    done, now_s = await counted.done(), time.perf_counter()
                    samples.append(Sample(at_s=now_s, done=done, cpu_s=cpu_of(self.pids)))
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            done = samples[-1].done if samples else 0
            raise BenchError(f"{done} of {count} questions were answered: see the worker") from None
        return samples

    async def paced(self, seconds: float) -> dict[str, float]:
        """Return how long a balance takes to be told at a steady rate."""
        warmup = int(RATE * WARMUP_S)
        job = Job(
            kafka=self.service.kafka,
            prefix=self.service.prefix,
            users=self.users,
            name=f"paced-reads-{time.monotonic_ns()}",
            count=warmup + int(RATE * seconds),
            warmup=warmup,
            rate=RATE,
            reads=True,
        )
        dialogue = await Dialogue.open("benchmarks.paced", job.model_dump_json())
        await asyncio.sleep(SETTLE_S)
        answer = Answer.model_validate_json(await dialogue.answer())
        if answer.unanswered or answer.rejected:
            raise BenchError(
                f"{answer.unanswered} questions without an answer and {answer.rejected} refused, "
                f"of {job.count}; the figures would mean nothing"
            )
        return p50_p99(answer.latencies_ms)

    async def pages_ratio(self) -> float:
        """Return what the last page of a long history takes, over what the first one does."""
        took_ms: dict[int, list[float]] = {number: [] for number in PAGES}
        rng = random.Random(DEEP_USER)
        async with AccountsClient(self.service.kafka, topic_prefix=self.service.prefix) as client:
            for sample in range(PAGE_SAMPLES + 1):
                for number in PAGES:
                    await asyncio.sleep(rng.random() * PAUSE_MAX_S)
                    took = await _ask(client, number)
                    if sample:  # the first ones connect, and fill caches
                        took_ms[number].append(took)
        self.details["pages_ms"] = {number: p50_p99(took_ms[number]) for number in PAGES}
        first, last = (median(took_ms[number]) for number in PAGES)
        return round(last / first, 2)


def page_query(number: int) -> ListTransactions:
    """Return the question for a page of the long history, newest first."""
    query = ListTransactions(
        request_id=f"page-{number}-{time.monotonic_ns()}", username=DEEP_USER, limit=PAGE_LIMIT
    )
    if number == 1:
        return query
    past = DEEP_ENTRIES - (number - 1) * PAGE_LIMIT + 1
    return query.model_copy(update={"cursor": cursor_of(query, past)})


async def _ask(client: AccountsClient, number: int) -> float:
    query = page_query(number)
    started_s = time.perf_counter()
    reply = await client.request(query)
    took_ms = (time.perf_counter() - started_s) * 1000
    if reply.page is None or len(reply.page.transactions) != PAGE_LIMIT:
        raise BenchError(f"page {number} of {DEEP_USER} does not have {PAGE_LIMIT} transactions")
    return round(took_ms, 3)

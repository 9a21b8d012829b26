"""`python -m benchmarks.callers`: what the Python client costs those who call with it.

Its import; one call at a time beside a bare producer and consumer; 2,000 calls at once; and how
many commands `publish_many` hands to Kafka in a second, while no worker runs.
"""

import argparse
import asyncio
import logging
import os
import statistics
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from rich.console import Console
from rich.table import Table

from benchmarks.processes import BenchError
from benchmarks.report import Bar, at
from benchmarks.stack import running
from benchmarks.subject import Service
from client.accounts import AccountsClient
from client.clock import fresh_command_id
from contracts import topics
from contracts.ledger import Deposit
from devstack.errors import DevStackError

FOUR = """
import aiokafka, joserfc.jwe, orjson, pydantic
class AnyModel(pydantic.BaseModel): pass
"""
"""What the client is built on. The first model has pydantic load itself, as ours does."""

OURS = "import client"

ALL_OF_IT = "from client import AccountsClient"

IMPORTS = 15

CALLS = 400
"""One at a time, each way by turns."""

AT_ONCE = 2_000

PUBLISHED = 200_000

USERS = 10_000

BARS = (
    Bar("CPU of importing the package, over the four that it needs", at("import_ratio"), 1.2, "x"),
    Bar("the same with `AccountsClient` loaded", at("loaded_ratio"), 1.2, "x"),
    Bar("a call at idle beyond a bare producer and consumer, p50", at("overhead_ms"), 3, " ms"),
    Bar(f"{AT_ONCE} calls at once, failed", at("failed_at_once"), 0),
    Bar("publish_many", at("published_per_s"), 30_000, "/s", at_least=True),
)


def import_cpu_s(code: str) -> float:
    """Return the median CPU of a fresh interpreter that runs *code*."""
    took: list[float] = []
    for _ in range(IMPORTS):
        pid = os.posix_spawn(sys.executable, [sys.executable, "-c", code], os.environ)
        _, status, used = os.wait4(pid, 0)
        if status:
            raise BenchError(f"an import failed: {code}")
        took.append(used.ru_utime + used.ru_stime)
    return statistics.median(took)


class Bare:
    """A producer and a consumer, as one would write them by hand."""

    def __init__(self, producer: Any, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self._waiting: dict[str, asyncio.Future[None]] = {}

    async def read(self, consumer: Any) -> None:
        """Tell who waits, for ever."""
        async for record in consumer:
            identifier = orjson.loads(record.value or b"{}").get("command_id", "")
            if (waiting := self._waiting.pop(identifier, None)) is not None:
                waiting.set_result(None)

    async def deposit(self, username: str) -> None:
        """Send one deposit and wait for its result."""
        identifier = fresh_command_id()
        body = {
            "command_id": identifier,
            "username": username,
            "amount": "1.00",
            "currency": "USD",
        }
        answered = self._waiting[identifier] = asyncio.get_running_loop().create_future()
        await self._producer.send_and_wait(self._topic, orjson.dumps(body), key=username.encode())
        await answered


@asynccontextmanager
async def bare(service: Service) -> AsyncGenerator[Bare]:
    """Open the two."""
    producer: Any = AIOKafkaProducer(bootstrap_servers=service.kafka, enable_idempotence=True)
    consumer: Any = AIOKafkaConsumer(bootstrap_servers=service.kafka)
    await producer.start()
    await consumer.start()
    try:
        results = service.topic(topics.RESULTS)
        numbers = await producer.partitions_for(results)
        consumer.assign([TopicPartition(results, number) for number in numbers])
        await consumer.seek_to_end()
        one = Bare(producer, service.topic(topics.DEPOSIT))
        reading = asyncio.create_task(one.read(consumer))
        try:
            yield one
        finally:
            reading.cancel()
    finally:
        await consumer.stop()
        await producer.stop()


async def idle_ms(service: Service, accounts: AccountsClient, username: str) -> dict[str, float]:
    """Return the medians of one call at a time, by hand and by the client, by turns."""
    took: dict[str, list[float]] = {"bare": [], "client": []}
    async with bare(service) as by_hand:
        for number in range(CALLS):
            started_s = time.perf_counter()
            await by_hand.deposit(username)
            between_s = time.perf_counter()
            await accounts.deposit(username, "1.00", "USD")
            if number >= CALLS // 10:
                took["bare"].append((between_s - started_s) * 1000)
                took["client"].append((time.perf_counter() - between_s) * 1000)
    return {name: statistics.median(each) for name, each in took.items()}


async def at_once(accounts: AccountsClient, username: str) -> tuple[int, float]:
    """Return how many of many calls at once failed, and how long all took."""
    started_s = time.perf_counter()
    calls = (accounts.deposit(username, "1.00", "USD") for _ in range(AT_ONCE))
    done = await asyncio.gather(*calls, return_exceptions=True)
    return sum(isinstance(each, BaseException) for each in done), time.perf_counter() - started_s


async def published_per_s(accounts: AccountsClient) -> float:
    """Return how many deposits a second `publish_many` has acknowledged."""
    deposits = [
        Deposit(
            command_id=fresh_command_id(),
            username=f"user-{number % USERS}",
            amount="1.00",
            currency="USD",
        )
        for number in range(PUBLISHED)
    ]
    await accounts.publish_many(deposits[:1000])  # connects
    started_s = time.perf_counter()
    unpublished = await accounts.publish_many(deposits)
    took_s = time.perf_counter() - started_s
    if unpublished:
        raise BenchError(f"{len(unpublished)} were not published: {unpublished[0].error}")
    return PUBLISHED / took_s


async def measure(console: Console) -> dict[str, Any]:
    """Run everything on a dev stack of its own."""
    four_s = import_cpu_s(FOUR)
    async with running(console) as (service, _):
        await service.prepare()
        async with AccountsClient(service.kafka, topic_prefix=service.prefix) as accounts:
            worker = await service.start_worker()
            try:
                username = (await accounts.open("caller", timeout_s=60)).username
                medians = await idle_ms(service, accounts, username)
                failed, took_s = await at_once(accounts, username)
            finally:
                await worker.stop()
            rate = await published_per_s(accounts)
    return {
        "import_ratio": round(import_cpu_s(OURS) / four_s, 2),
        "loaded_ratio": round(import_cpu_s(ALL_OF_IT) / four_s, 2),
        "overhead_ms": round(medians["client"] - medians["bare"], 2),
        "failed_at_once": failed,
        "published_per_s": round(rate),
        "details": {
            "idle_p50_ms": {name: round(each, 2) for name, each in medians.items()},
            "at_once_s": round(took_s, 2),
            "import_four_ms": round(four_s * 1000),
        },
    }


def main() -> int:
    """Return 0 when every bar is cleared, 1 when one is not, 2 when it broke."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.callers", description=__doc__)
    parser.add_argument("--out", type=Path, help="also write the figures to this file, as JSON")
    given = parser.parse_args()
    console = Console(log_path=False)
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    try:
        figures = asyncio.run(measure(console))
    except (BenchError, DevStackError) as error:
        console.print(f"benchmarks: {error}", style="red", markup=False)
        return 2
    if given.out is not None:
        given.out.write_bytes(orjson.dumps(figures))
    table = Table("What", "Measured", "Bar", "")
    for bar in BARS:
        verdict = {True: "pass", False: "FAIL", None: "not measured"}[bar.passed(figures)]
        limit = f"{'≥' if bar.at_least else '≤'} {bar.limit}"
        table.add_row(bar.label, f"{bar.value(figures)}{bar.unit}", limit, verdict)
    console.print(table)
    console.print(figures["details"])
    return 0 if all(bar.passed(figures) for bar in BARS) else 1


if __name__ == "__main__":
    sys.exit(main())

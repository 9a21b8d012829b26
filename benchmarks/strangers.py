"""`python -m benchmarks.strangers`: what those who pay notice of strangers at the HTTP servers.

Money and a sign-in every two seconds through the example gateway, with and without: 2,000 idle
connections to sidecar and gateway, 1,000 half-sent bodies, 1,000 registrations from one address.
"""

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx2
import orjson
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.crowd import Crowd
from benchmarks.figures import median, p50_p99, percentile
from benchmarks.processes import BenchError, Child
from benchmarks.report import Bar, at
from benchmarks.stack import running
from benchmarks.subject import PASSWORD, Service
from devstack.errors import DevStackError

MEASURED_S = 12.0
"""Of each part: 600 deposits, six sign-ins."""

DEPOSITS_PER_S = 50

SIGN_IN_EVERY_S = 2.0

IDLE = 2000

HALF_SENT = 1000

REGISTRATIONS = 1000

START_MAX_S = 60.0

REPOSITORY = Path(__file__).parent.parent

HALF = "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"

SETTLED_S = 2.0
"""For a crowd to come: what it costs to take so many at once is not what it costs to have them."""

BARS = (
    Bar("money beside idle connections, p99", at("idle_ratio"), 1.5, "x"),
    Bar("money beside half-sent bodies, p99", at("half_sent_ratio"), 1.5, "x"),
    Bar("sign-ins beside registrations, slowest over median without", at("sign_in_ratio"), 3, "x"),
    Bar("health of sidecar and gateway meanwhile, refused", at("health_refused"), 0),
    Bar("money and sign-ins not answered as usual", at("failed"), 0),
)


@dataclass(kw_only=True)
class Seen:
    """What those who pay saw in one part."""

    deposits_ms: list[float] = field(default_factory=list[float])
    sign_ins_ms: list[float] = field(default_factory=list[float])
    failed: int = 0
    health_refused: int = 0


@dataclass(kw_only=True)
class Payer:
    """One user of the gateway, who pays in and signs in, and those who look after it."""

    client: httpx2.AsyncClient
    sidecar: str
    token: str = ""

    async def open(self) -> None:
        """Open the account and sign in."""
        who = {"username": "payer", "password": PASSWORD}
        names = {"email": "payer@example.com", "first_name": "Pay", "last_name": "Er"}
        opened = await self.client.post("/auth/register", json={**who, **names})
        if opened.status_code != HTTPStatus.CREATED:
            raise BenchError(f"no account: {opened.text}")
        if not await self.sign_in():
            raise BenchError("no session")

    async def sign_in(self) -> bool:
        """Sign in; return whether that worked."""
        body = {"username": "payer", "password": PASSWORD}
        signed_in = await self.client.post("/auth/login", json=body)
        if signed_in.status_code == HTTPStatus.OK:
            self.token = signed_in.json()["access_token"]
        return signed_in.status_code == HTTPStatus.OK

    async def deposit(self) -> bool:
        """Pay in; return whether that worked."""
        headers = {"Authorization": f"Bearer {self.token}"}
        body = {"amount": "1.00", "currency": "USD"}
        answer = await self.client.post("/balance/deposit", json=body, headers=headers)
        return answer.status_code == HTTPStatus.OK

    async def look(self) -> bool:
        """Ask sidecar and gateway for their health, on fresh connections."""
        async with httpx2.AsyncClient(timeout=10) as fresh:
            answers = [
                await fresh.get(f"{self.sidecar}/health/live"),
                await fresh.get(f"{self.client.base_url}/health"),
            ]
        return all(answer.status_code == HTTPStatus.OK for answer in answers)

    async def measure(self) -> Seen:
        """Go on for a while; each is due at its time, whatever became of the one before."""
        seen, tasks = Seen(), list[asyncio.Task[None]]()
        started_s = time.perf_counter()
        for number in range(int(MEASURED_S * DEPOSITS_PER_S)):
            due_s = started_s + number / DEPOSITS_PER_S
            await asyncio.sleep(max(due_s - time.perf_counter(), 0))
            tasks.append(asyncio.create_task(_timed(self.deposit, due_s, seen.deposits_ms, seen)))
            if number % int(DEPOSITS_PER_S * SIGN_IN_EVERY_S) == 0:
                tasks.append(
                    asyncio.create_task(_timed(self.sign_in, due_s, seen.sign_ins_ms, seen))
                )
                tasks.append(asyncio.create_task(self._looked(seen)))
        await asyncio.gather(*tasks)
        return seen

    async def _looked(self, seen: Seen) -> None:
        try:
            seen.health_refused += not await self.look()
        except httpx2.HTTPError:
            seen.health_refused += 1


async def _timed(
    work: Callable[[], Awaitable[bool]], due_s: float, took_ms: list[float], seen: Seen
) -> None:
    try:
        seen.failed += not await work()
    except httpx2.HTTPError:
        seen.failed += 1
    took_ms.append((time.perf_counter() - due_s) * 1000)


async def start_gateway(service: Service, sidecar: str) -> tuple[Child, str]:
    """Start the gateway as configured by default; return it and where it listens."""
    log = service.folder / "gateway.log"
    env = {
        "PYTHONPATH": str(REPOSITORY),
        "GATEWAY_KAFKA_BOOTSTRAP": service.kafka,
        "GATEWAY_JWKS_URL": f"{sidecar}/.well-known/jwks.json",
        "GATEWAY_PORT": "0",
        "GATEWAY_OPERATIONS_HOST": "127.0.0.3",
        "GATEWAY_OPERATIONS_PORT": "0",
    }
    child = await Child.start("the gateway", ("-m", "examples.gateway"), env=env, log=log)
    return child, await said_by(child, r"running on (http://127\.0\.0\.1:\d+)")


async def said_by(child: Child, pattern: str) -> str:
    """Return what *child* writes at its start, as *pattern* groups it."""
    deadline_s = time.monotonic() + START_MAX_S
    while time.monotonic() < deadline_s:
        if found := child.said(pattern):
            return found
        child.require_running()
        await asyncio.sleep(0.1)
    raise BenchError(f"{child.name} did not start:\n{child.tail()}")


async def measure(console: Console) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run everything on a dev stack of its own; return figures and details."""
    async with running(console) as (service, _):
        await service.prepare()
        worker = await service.start_worker()
        try:
            sidecar = await said_by(worker, r"sidecar at (http://[^\s,]+)")
            gateway, url = await start_gateway(service, sidecar)
            try:
                return await _measure(console, service.folder, sidecar, url)
            finally:
                await gateway.stop()
        finally:
            await worker.stop()


async def _measure(
    console: Console, folder: Path, sidecar: str, url: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    ports = [int(address.rpartition(":")[2]) for address in (sidecar, url)]
    async with httpx2.AsyncClient(base_url=url, timeout=60) as client:
        payer = Payer(client=client, sidecar=sidecar)
        await until_well(payer)
        await payer.open()
        await payer.measure()  # warms up
        console.log("without strangers")
        parts = {"without": await payer.measure()}
        console.log("idle connections")
        async with coming(folder, Crowd(ports=ports, count=IDLE)):
            parts["idle"] = await payer.measure()
        console.log("half-sent bodies")
        async with coming(folder, Crowd(ports=ports[1:], count=HALF_SENT, said=HALF)):
            parts["half_sent"] = await payer.measure()
        parts["without again"] = await payer.measure()
        console.log("registrations")
        crowd = Crowd(ports=ports[1:], count=REGISTRATIONS, registers=True)
        async with coming(folder, crowd) as strangers:
            parts["registering"] = await payer.measure()
            told = strangers.tail()
    return figures_of(parts), details_of(parts) | {"registrations": told}


@asynccontextmanager
async def coming(folder: Path, crowd: Crowd) -> AsyncGenerator[Child]:
    """Have strangers come, and stay away again."""
    child = await Child.start(
        "the strangers",
        ("-m", "benchmarks.crowd", crowd.model_dump_json()),
        env={"PYTHONPATH": str(REPOSITORY)},
        log=folder / f"strangers-{time.monotonic_ns()}.log",
    )
    if not crowd.registers:
        await asyncio.sleep(SETTLED_S)
    try:
        yield child
    finally:
        await child.stop()


def figures_of(parts: Mapping[str, Seen]) -> dict[str, Any]:
    """Return what the bars are about."""
    quiet = [parts["without"], parts["without again"]]
    p99_ms = percentile([each for part in quiet for each in part.deposits_ms], 0.99)
    sign_in_ms = median([each for part in quiet for each in part.sign_ins_ms])
    return {
        "idle_ratio": round(percentile(parts["idle"].deposits_ms, 0.99) / p99_ms, 2),
        "half_sent_ratio": round(percentile(parts["half_sent"].deposits_ms, 0.99) / p99_ms, 2),
        "sign_in_ratio": round(max(parts["registering"].sign_ins_ms) / sign_in_ms, 2),
        "health_refused": sum(part.health_refused for part in parts.values()),
        "failed": sum(part.failed for part in parts.values()),
    }


def details_of(parts: Mapping[str, Seen]) -> dict[str, Any]:
    """Return what else is worth to know."""
    return {
        name: {
            "deposits_p50_p99_ms": p50_p99(part.deposits_ms),
            "sign_ins_ms": [round(each) for each in part.sign_ins_ms],
            "failed": part.failed,
        }
        for name, part in parts.items()
    }


async def until_well(payer: Payer) -> None:
    """Wait until the gateway knows the keys and the sessions that ended."""
    deadline_s = time.monotonic() + START_MAX_S
    while time.monotonic() < deadline_s:
        if await payer.look():
            return
        await asyncio.sleep(0.1)
    raise BenchError("the gateway does not get well")


def main() -> int:
    """Return 0 when every bar is cleared, 1 when one is not, 2 when it broke."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.strangers", description=__doc__)
    parser.add_argument("--out", type=Path, help="also write the figures to this file, as JSON")
    given = parser.parse_args()
    console = Console(log_path=False)
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    try:
        figures, details = uvloop.run(measure(console))
    except (BenchError, DevStackError) as error:
        console.print(f"benchmarks: {error}", style="red", markup=False)
        return 2
    if given.out is not None:
        given.out.write_bytes(orjson.dumps({**figures, "details": details}))
    table = Table("What", "Measured", "Bar", "")
    for bar in BARS:
        verdict = {True: "pass", False: "FAIL", None: "not measured"}[bar.passed(figures)]
        table.add_row(bar.label, f"{bar.value(figures)}{bar.unit}", f"≤ {bar.limit}", verdict)
    console.print(table)
    console.print(details)
    return 0 if all(bar.passed(figures) for bar in BARS) else 1


if __name__ == "__main__":
    sys.exit(main())

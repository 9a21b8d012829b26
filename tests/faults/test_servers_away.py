"""P4, P8: MongoDB, Kafka and Valkey die under load and come back; the workers go on by themselves."""

import asyncio
import socket
from collections import Counter
from http.client import HTTPException

import pytest

from devstack.server import Server
from devstack.stack import Stack
from tests.e2e.running import RunningService, Worker
from tests.faults.promises import eventually
from tests.faults.running_traffic import RunningTraffic, running_traffic, started

SEED = 8
RECOVERED_MAX_S = 60.0
"""What is promised after a server is back."""

NOTICED_MAX_S = 30.0
"""Probes run every two seconds."""


TOLD_MAX = 10
"""Lines that begin alike: what one cause is told with in a minute, and others that resemble it.
Without a bound there are hundreds of them in a second."""


def complaints(worker: Worker) -> Counter[str]:
    """Return how many warnings and errors there are in the log, by logger and first words."""
    lines = (line.split() for line in worker.log_path.read_text().splitlines())
    found = (words[2:6] for words in lines if words[1:2] in (["WARNING"], ["ERROR"]))
    return Counter(" ".join(words) for words in found)


def is_live(worker: Worker) -> bool:
    try:
        status, _ = worker.get("/health/live")
    except (OSError, HTTPException):
        return False
    return status == 200


async def away_and_back(run: RunningTraffic, worker: Worker, server: Server, *, kill: bool) -> None:
    """Take *server* away under load, see the worker notice, bring it back, see it recover."""
    await run.send(users=20, movements=300)
    load = asyncio.create_task(keep_sending(run))
    await run.a_moment(0.3, 1.0)
    await asyncio.to_thread(server.kill if kill else server.stop)
    await eventually(lambda: not worker.is_ready(), "readiness turns red", NOTICED_MAX_S)
    assert is_live(worker), worker.log_end()

    await asyncio.to_thread(server.restart)

    await load
    await eventually(worker.is_ready, "readiness turns green", RECOVERED_MAX_S)
    before = len(run.traffic.sent)
    await run.send(users=1, movements=50)
    newest = {command.command_id for command in run.traffic.sent[before:]}
    answered = run.caller.inbox.answered
    await eventually(
        lambda: all(answered[name] for name in newest), "answers go on", RECOVERED_MAX_S
    )


async def keep_sending(run: RunningTraffic) -> None:
    """Send some rounds, acknowledged or not yet, for as long as a server is away at least."""
    for _ in range(10):
        await run.send(users=5, movements=150)
        await asyncio.sleep(0.2)


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "stopped"])
async def test_workers_go_on_by_themselves_after_kafka_was_away(
    by_default: RunningService, breakable: Stack, *, kill: bool
) -> None:
    """P4: nothing is lost; readiness is red and liveness green meanwhile."""
    async with running_traffic(by_default, SEED) as run:
        [worker] = await started(by_default, 1)

        await away_and_back(run, worker, breakable.kafka, kill=kill)

        await run.books().check()
    assert max(complaints(worker).values()) <= TOLD_MAX, complaints(worker).most_common(5)


async def test_workers_go_on_by_themselves_after_mongodb_was_killed(
    by_default: RunningService, breakable: Stack
) -> None:
    """P4: nothing is lost; readiness is red and liveness green meanwhile."""
    async with running_traffic(by_default, SEED) as run:
        [worker] = await started(by_default, 1)

        await away_and_back(run, worker, breakable.mongodb, kill=True)

        await run.books().check()


async def test_nothing_changes_while_valkey_is_killed_and_flushed(
    by_default: RunningService, breakable: Stack
) -> None:
    """P8: it costs nothing but a line in the health report."""
    async with running_traffic(by_default, SEED) as run:
        [worker] = await started(by_default, 1)
        await run.send(users=20, movements=0)
        load = asyncio.create_task(keep_sending(run))
        await asyncio.to_thread(flush, breakable)
        await asyncio.to_thread(breakable.redis.kill)
        began = len(run.caller.inbox.answered)
        await eventually(
            lambda: worker.health()["components"]["redis"]["status"] == "down",
            "health shows that it is away",
            NOTICED_MAX_S,
        )
        assert worker.health()["status"] == "degraded"
        assert worker.is_ready()
        assert is_live(worker)
        await run.send(users=5, movements=100)
        await eventually(
            lambda: len(run.caller.inbox.answered) >= began + 100, "answers go on", NOTICED_MAX_S
        )
        await asyncio.to_thread(breakable.redis.restart)
        await asyncio.to_thread(flush, breakable)
        await load
        await eventually(
            lambda: worker.health()["status"] == "ok", "health recovers", RECOVERED_MAX_S
        )
        await run.books().check()


def flush(stack: Stack) -> None:
    """Remove everything from Valkey."""
    with socket.create_connection(("127.0.0.1", stack.redis.port), 5) as connection:
        connection.sendall(b"FLUSHALL\r\n")
        assert connection.recv(64).startswith(b"+OK")

"""P2 to P5: commits are answered with every kind of error, made or not, while commands come in."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient

from tests.e2e.running import RunningService
from tests.faults.running_traffic import RunningTraffic, running_traffic, started
from tests.ports.fail_points import DONE, NOT_DONE, failing

SEED = 20_260_105
USERS = 40
MOVEMENTS = 400
"""Enough for some lanes, whose commits fail side by side."""

SETTINGS = {
    "worker_retry_backoff_ms": "10",
    "worker_retry_backoff_max_ms": "200",
    "mongodb_timeout_ms": "1000",
}

HEARTBEAT_MS = 500
"""How often the driver looks for a primary after an error that says there is another: the least."""

SPREAD = 14
"""Commits that fail while many are made: most are asked for once more, and then known."""

IN_A_ROW = 6
"""Commits that fail while one command is decided: it stays unknown whether it was, however often
the driver and we ask."""

LIFETIME_S = 1
"""What is never committed, because the commit was answered instead, keeps its accounts so long."""


@contextmanager
def short_transactions(uri: str) -> Generator[None]:
    """Have the server end what nobody commits sooner."""
    name = "transactionLifetimeLimitSeconds"
    with MongoClient[dict[str, Any]](uri) as client:
        was = client.admin.command({"setParameter": 1, name: LIFETIME_S})["was"]
        try:
            yield
        finally:
            client.admin.command({"setParameter": 1, name: was})


async def struck(
    run: RunningTraffic, answer: Mapping[str, Any], *, movements: int, times: int
) -> int:
    """Send some movements whose commits are answered so; return how many really were."""
    inbox, uri = run.caller.inbox, run.service.addresses.mongodb
    with failing(uri, "commitTransaction", answer, times=times) as done:
        sent = {command.command_id for command in await run.send(users=0, movements=movements)}
        wanted = run.traffic.records
        await inbox.until(
            lambda: all(inbox.answered[each] >= wanted[each] for each in sent),
            f"the answers to {movements} movements while commits are answered with {answer}",
        )
    return done.count


async def test_whatever_a_commit_is_answered_with_nothing_is_lost_or_done_twice(
    service: RunningService,
) -> None:
    """P2, P3, P4, P5: no event is missing, every command has one answer and one effect."""
    uri = service.addresses.mongodb
    hurried = service.but(**SETTINGS, mongodb_uri=f"{uri}&heartbeatFrequencyMS={HEARTBEAT_MS}")
    async with running_traffic(service, SEED) as run:
        await started(hurried, 1)
        await run.send(users=USERS)
        await run.books().settle()

        with short_transactions(uri):
            for answer in (*DONE.values(), *NOT_DONE.values()):
                spread = await struck(run, answer, movements=MOVEMENTS, times=SPREAD)
                in_a_row = await struck(run, answer, movements=1, times=IN_A_ROW)
                # Two at the same moment may both be the last.
                assert (spread >= SPREAD, in_a_row) == (True, IN_A_ROW), (answer, spread)

        await run.books().check()
        assert "the ledger decides again" in service.logs()

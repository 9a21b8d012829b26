"""This release and a next one beside each other under load, and the step from one to the other."""

import asyncio
import json
import re
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from client import AccountsClient, RefusedError
from contracts.commands import AnyCommand
from contracts.ledger import Deposit, Withdraw
from contracts.queries import GetOutcome
from contracts.registration import Open
from handlers.model.schema import NEWEST
from tests.e2e.caller import a_movement, an_id
from tests.e2e.cli_process import Program
from tests.e2e.inbox import Inbox, open_inbox
from tests.e2e.next_release import (
    BONUS,
    CODE,
    FIELD,
    KIND,
    NEXT,
    PAUSED,
    RELEASE,
    make_next_release,
)
from tests.e2e.running import END_MAX_S, RunningService, Worker

USERS = 12
AHEAD_MAX = 2 * USERS
"""Commands sent and not answered yet: always some under way, and cores left for those who come and go."""

ROLES = ("ledger", "query")


def as_next(service: RunningService, folder: Path) -> RunningService:
    """Return the same installation, for workers and commands of the release in *folder*."""
    environ = {**service.environ, "PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}
    return replace(service, environ=environ)


@dataclass
class Load:
    """Commands of some users, one after the other, until it is told to end."""

    accounts: AccountsClient
    inbox: Inbox
    sent: list[AnyCommand] = field(default_factory=list[AnyCommand])
    enough: bool = False

    async def opened(self) -> None:
        users = [f"load-{number}" for number in range(USERS)]
        await self._send([Open(command_id=an_id(), username=name) for name in users])

    async def run(self) -> None:
        """Send deposits and withdrawals; now and then one that must be refused."""
        number = 0
        while not self.enough:
            await self._send([self._command(number + each) for each in range(USERS)])
            number += USERS
            await self.inbox.until(
                lambda: len(self.sent) - self.inbox.answered.total() < AHEAD_MAX,
                "the load to be answered",
            )

    async def _send(self, commands: list[AnyCommand]) -> None:
        assert await self.accounts.publish_many(commands) == []
        self.sent += commands

    def _command(self, number: int) -> AnyCommand:
        name, reason = f"load-{number % USERS}", (None, BONUS, PAUSED)[number % 3]
        if number // USERS % 3 == 2:
            return Withdraw(**a_movement(name, "1.00", reason=reason))
        if number % 50 == 49:
            return Withdraw(**a_movement(name, "1000000.00"))
        return Deposit(**a_movement(name, "2.00", reason=reason))


@asynccontextmanager
async def loaded(service: RunningService) -> AsyncGenerator[Load]:
    """Send without a pause while the block runs, and wait for all answers at its end."""
    accounts = AccountsClient(service.addresses.kafka, topic_prefix=service.prefix)
    async with open_inbox(service) as inbox, accounts:
        load = Load(accounts, inbox)
        await load.opened()
        async with asyncio.TaskGroup() as group:
            group.create_task(load.run())
            yield load
            load.enough = True
        await inbox.until(
            lambda: all(inbox.answered[one.command_id] for one in load.sent),
            "everything to be answered",
        )


async def answered_more(load: Load) -> None:
    """Wait until a good deal more is answered."""
    wanted = load.inbox.answered.total() + 10 * USERS
    await load.inbox.until(lambda: load.inbox.answered.total() >= wanted, "more answers")


async def run(service: RunningService, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Program(service.folder, service.environ)
    return await asyncio.to_thread(program.run, "--output", "json", *arguments)


async def told_to_wait(its: RunningService, old: Worker) -> None:
    """Check that nobody is upgraded past a worker that could not read on, and that it is named."""
    refused = await run(its, "schema", "upgrade", "--yes")

    assert refused.returncode == 1, refused.stderr
    assert f"process {old.pid} (ledger, query) reads no schema above {NEWEST}" in refused.stderr
    assert "nothing was changed" in refused.stderr


async def upgraded(its: RunningService, new: Worker) -> None:
    """Upgrade, and check that the worker that runs follows by itself."""
    done = await run(its, "schema", "upgrade", "--yes", "--actor", "the test")

    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["was"], said["schema"]) == (NEWEST, NEXT)
    assert [(one["pid"], one["writes"]) for one in said["processes"]] == [(new.pid, NEXT)]
    assert [(one["after"], one["actor"]) for one in said["upgrades"]] == [(NEXT, "the test")]
    assert new.metric("accounts_schema_number", which="data") == NEXT
    assert new.health()["components"]["schema"]["data"] == NEXT


async def reads_all_of_it(load: Load, username: str) -> None:
    """Have this release's client do and read what only the next release knows."""
    accounts = load.accounts
    await accounts.open(username)
    given = await accounts.deposit(username, "5.00", "USD", reason=BONUS)
    with pytest.raises(RefusedError) as paused:
        await accounts.withdraw(username, "1.00", "USD", reason=PAUSED)
    tried = await accounts.try_withdraw(username, "1.00", "USD", reason=PAUSED)
    taken = await accounts.withdraw(username, "2.00", "USD")
    held = await accounts.balance(username, "USD")
    history = [one async for one in accounts.transactions(username, order="oldest")]
    asked = GetOutcome(request_id=an_id(), username=username, command_id=given.command_id)
    outcome = (await accounts.request(asked)).outcome

    assert given.entry is not None
    assert given.entry.kind == KIND
    assert paused.value.error.code == CODE
    assert tried.error is not None
    assert (tried.error.code, tried.error.retryable) == (CODE, False)
    assert held.available == "3.00"
    assert history == [given.entry, taken.entry]
    assert outcome is not None
    assert outcome.result.entry == given.entry
    async for event in accounts.follow_balance_events("beginning"):
        if event.message == taken.entry:
            break


def nothing_is_lost(load: Load) -> None:
    """Check that each command has one decision, and each that was accepted one event.

    It may be said twice where partitions move: then it is the same.
    """
    inbox = load.inbox
    said = {one.command_id: inbox.answers(one.command_id) for one in load.sent}
    decisions = {
        (name, str({**one.body, RELEASE: None}))
        for name, answers in said.items()
        for one in answers
    }
    assert len(decisions) == len(said) == len(load.sent)
    assert inbox.dead_letters() == []
    results = [answers[0] for answers in said.values()]
    assert {one.code for one in results} == {None, "insufficient_funds", CODE}
    moved = {one.body["command_id"] for one in results if "entry" in one.body}
    events = [one.body for one in inbox.balance_events() if one.body["command_id"] in said]
    assert {one["command_id"] for one in events} == moved
    assert len({one["event_id"] for one in events}) == len(moved)
    assert {one["kind"] for one in events} == {"deposited", "withdrawn", KIND}
    assert {one.get(FIELD) for one in events} == {None, "new"}
    assert {RELEASE in one.body for one in results} == {True, False}, "both have decided"


def schemas_stored(service: RunningService) -> set[int]:
    with service.mongodb() as database:
        return {*database.outcomes.distinct("schema")}


async def adds_up(this: RunningService, its: RunningService) -> None:
    """Check that the next release finds nothing wrong, and that this one does not look."""
    verified, balanced, old = await asyncio.gather(
        run(its, "verify", "--topic"), run(its, "trial-balance"), run(this, "trial-balance")
    )

    assert (verified.returncode, verified.stderr) == (0, "")
    assert (balanced.returncode, balanced.stderr) == (0, "")
    assert old.returncode == 2
    assert "start that one" in old.stderr


async def test_a_rolling_upgrade_under_load(installed: RunningService, tmp_path: Path) -> None:
    this, its = installed, as_next(installed, make_next_release(tmp_path / "next"))

    old = await asyncio.to_thread(this.start_worker, *ROLES)
    async with loaded(this) as load:
        new = await asyncio.to_thread(its.start_worker, *ROLES)
        await answered_more(load)
        await told_to_wait(its, old)
        assert schemas_stored(this) == {NEWEST}

        await asyncio.to_thread(old.stop)
        await answered_more(load)
        await upgraded(its, new)
        refused = this.new_worker(*ROLES)
        await answered_more(load)
        await reads_all_of_it(load, f"late-{an_id()}")

    assert refused.processes.wait(refused.name, END_MAX_S) == 2, refused.log_end()
    assert "start that one" in refused.log_end()
    nothing_is_lost(load)
    assert schemas_stored(this) == {NEWEST, NEXT}
    for worker in (old, new):
        assert not re.search(r"ERROR\s+(workers|storage)\.", worker.log_path.read_text())
    await adds_up(this, its)

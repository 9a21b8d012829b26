"""`accounts watch` shows what is published, line by line."""

import json

import pytest

from contracts.topics import DEPOSIT
from tests.e2e.caller import Caller
from tests.e2e.cli_process import Program, read_until
from tests.e2e.entries import posted
from tests.e2e.running import RunningService

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def accounts(service: RunningService) -> Program:
    return Program(service.folder, service.environ)


class TestWatch:
    async def test_shows_results_and_events_from_the_beginning(
        self, accounts: Program, caller: Caller
    ) -> None:
        alice = await caller.a_user("10.00")

        with accounts.running("watch", "--from-beginning", "--user", alice) as watch:
            shown = read_until(watch, "deposited")

        line = next(line for line in shown.splitlines() if "deposited" in line)
        assert " ".join(line.split()[1:]) == f"balance {alice} deposited 0.00 → 10.00 USD #1"

    async def test_shows_only_the_user_asked_for(self, accounts: Program, caller: Caller) -> None:
        other, alice = await caller.a_user("1.00"), await caller.a_user("2.00")

        arguments = "--from-beginning", "--topic", "balance", "--user", alice
        with accounts.running("watch", *arguments) as watch:
            shown = read_until(watch, "2.00 USD")

        assert other not in shown

    async def test_gives_programs_one_object_per_line(
        self, accounts: Program, caller: Caller, service: RunningService
    ) -> None:
        alice = await caller.a_user("3.00")

        arguments = "--from-beginning", "--topic", "balance", "--user", alice, "--output", "json"
        with accounts.running("watch", *arguments) as watch:
            record = json.loads(read_until(watch, alice))

        assert record["topic"] == f"{service.prefix}events.balance"
        assert record["headers"]["ce_type"] == "accounts.balance-changed.v2"
        assert posted(record["value"]) == "3.00"

    async def test_shows_dead_letters_with_their_reason(
        self, accounts: Program, caller: Caller
    ) -> None:
        await caller.send(DEPOSIT, b"\xff{", key=b"bad-key")

        arguments = "--from-beginning", "--topic", "dead-letters"
        with accounts.running("watch", *arguments) as watch:
            shown = read_until(watch, "bad-key")

        assert "invalid_command" in shown

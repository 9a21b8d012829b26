"""`accounts trial-balance`: zero after any traffic, and a difference is named (P13)."""

import asyncio
import json
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest
from bson.decimal128 import Decimal128

from contracts.topics import WITHDRAW
from devstack.patience import Patience
from tests.e2e.caller import Caller, a_movement
from tests.e2e.command_line import CommandLine
from tests.e2e.running import RunningService

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = {"assets": '{"BTC": 8}'}
DIFFERS = 1


async def run(service: RunningService, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = CommandLine(service.folder, service.environ)
    return await asyncio.to_thread(line.run, "trial-balance", *arguments)


async def balance(service: RunningService) -> Mapping[str, Any]:
    return json.loads((await run(service, "--output", "json")).stdout)


def shown(found: Mapping[str, Any]) -> Mapping[str, tuple[str, Mapping[str, str], str]]:
    return {
        one["currency"]: (one["users"], one["houses"], one["difference"])
        for one in found["currencies"]
    }


async def an_account_of_before(
    service: RunningService, caller: Caller, amount: str, currency: str
) -> str:
    """As the release before left it: no mark, and no house has the other side."""
    username = await caller.a_user()
    await caller.deposit(username, amount, currency)
    with service.mongodb() as database:
        database.schema.delete_one({"_id": "macs"})
        of_before = {"$unset": {"books": "", "mac": ""}}
        database.accounts.update_one({"_id": username}, of_before)
        database.houses.delete_many({"currency": currency})
    patience = Patience(lambda: service.workers[0].pid, service.workers[0].log_path)
    line = CommandLine(service.folder, service.environ)
    while (await asyncio.to_thread(line.run, "balance", username)).returncode:
        assert patience.lasts(), service.workers[0].log_end()
    return username


async def test_the_houses_owe_what_users_hold(service: RunningService, caller: Caller) -> None:
    username = await caller.a_user()
    await caller.deposit(username, "10.50")
    await caller.deposit(username, "0.00000001", "BTC")
    await caller.accepted(WITHDRAW, a_movement(username, "0.25"))
    await caller.refused(WITHDRAW, a_movement(username, "99.00"))

    found = await balance(service)

    assert shown(found) == {
        "BTC": ("0.00000001", {"external": "-0.00000001"}, "0.00000000"),
        "USD": ("10.25", {"external": "-10.25"}, "0.00"),
    }
    assert (found["measured"], found["balanced"], found["not_booked"]) == (True, True, 0)


async def test_an_account_of_before_is_taken_in_by_its_next_command(
    service: RunningService, caller: Caller
) -> None:
    username = await an_account_of_before(service, caller, "5.00", "KWD")
    before = await balance(service)
    await caller.accepted(WITHDRAW, a_movement(username, "1.00", "KWD"))

    after = await balance(service)

    assert (before["balanced"], before["not_booked"]) == (True, 1)
    assert "KWD" not in shown(before)
    assert (after["balanced"], after["not_booked"]) == (True, 0)
    assert shown(after)["KWD"] == ("4.000", {"external": "1.000", "opening": "-5.000"}, "0.000")


async def test_an_account_of_before_is_taken_in_by_the_housekeeper(
    service: RunningService, caller: Caller
) -> None:
    await an_account_of_before(service, caller, "3.00", "CHF")
    before = await balance(service)

    # One that has no commands to decide; it makes a trial balance as soon as it keeps house.
    service.workers[0].kill()
    keeper = await asyncio.to_thread(service.start_worker, "housekeeper")
    patience = Patience(lambda: keeper.pid, keeper.log_path)
    while (found := await balance(service))["not_booked"]:
        assert found["balanced"]
        assert patience.lasts(), keeper.log_end()
    keeper.stop()

    assert (before["balanced"], before["not_booked"]) == (True, 1)
    assert shown(found)["CHF"] == ("3.00", {"opening": "-3.00"}, "0.00")
    await asyncio.to_thread(service.start_worker)


async def test_a_doctored_balance_is_named_with_its_difference(
    service: RunningService, caller: Caller
) -> None:
    username = await caller.a_user()
    await caller.deposit(username, "7", "JPY")
    with service.mongodb() as database:
        one, raised = {"_id": username}, {"balances.0.posted_minor": 3}
        database.accounts.update_one(one, {"$inc": raised})
        ended = await run(service)
        database.accounts.update_one(one, {"$inc": {"balances.0.posted_minor": -3}})

    assert ended.returncode == DIFFERS
    assert "JPY: 3 more than there should be" in ended.stdout
    assert (await run(service)).returncode == 0


async def test_a_doctored_row_is_named_with_its_difference(
    service: RunningService, caller: Caller
) -> None:
    username = await caller.a_user()
    await caller.deposit(username, "2.00", "EUR")
    with service.mongodb() as database:
        which = {"currency": "EUR"}
        database.houses.update_one(which, {"$inc": {"sum": Decimal128("-1")}})
        ended = await run(service, "--output", "json")
        database.houses.update_one(which, {"$inc": {"sum": Decimal128("1")}})

    assert ended.returncode == DIFFERS
    found = json.loads(ended.stdout)
    assert shown(found)["EUR"] == ("2.00", {"external": "-2.01"}, "-0.01")
    assert found["problems"] == ["EUR: 0.01 less than there should be"]

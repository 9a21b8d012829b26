"""Who edits an account in MongoDB has no key: it is readable to nobody, until it is built anew (P18)."""

from typing import Any

import pytest

from contracts.topics import DEPOSIT, WITHDRAW
from tests.e2e.caller import Caller, a_movement
from tests.e2e.cli_process import Program
from tests.e2e.entries import posted
from tests.e2e.running import RunningService
from tests.e2e.test_cli_mending import ran

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def program(service: RunningService) -> Program:
    return Program(service.folder, service.environ)


async def test_money_that_was_edited_in_can_not_be_withdrawn(
    service: RunningService, caller: Caller, program: Program
) -> None:
    """P10: nobody else notices. A repair goes by the entries."""
    victim, other = await caller.a_user("5.00"), await caller.a_user("5.00")
    with service.mongodb() as database:
        edited = {"$set": {"balances.0.posted_minor": 1_000_000}}
        database.accounts.update_one({"_id": victim}, edited)

    code = await caller.refused(WITHDRAW, a_movement(victim, "10.00"))
    await caller.accepted(WITHDRAW, a_movement(other, "1.00"))
    found = await ran(program, "verify", "--user", victim, code=1)
    repaired = await ran(program, "repair", victim, "--yes")
    answer = await caller.deposit(victim, "1.00")

    assert code == "account_unreadable"
    assert [one["detail"] for one in found["findings"]] == [
        f"accounts {victim}: mac is missing or wrong"
    ]
    assert repaired["findings"][0] == "balances.USD: 10000.00 → 5.00"
    assert posted(answer.body["entry"]) == "6.00"


async def test_an_older_document_that_is_put_back_decides_nothing(
    service: RunningService, caller: Caller, program: Program
) -> None:
    """Its MAC is right; but the place of its next entry is taken."""
    username = await caller.a_user("5.00")
    with service.mongodb() as database:
        old = database.accounts.find_one({"_id": username})
        await caller.accepted(WITHDRAW, a_movement(username, "5.00"))
        database.accounts.replace_one({"_id": username}, old)

    code = await caller.refused(WITHDRAW, a_movement(username, "5.00"))
    found = await ran(program, "verify", "--user", username, code=1)
    await ran(program, "repair", username, "--yes")

    assert code == "account_unreadable"
    assert {one["violation"] for one in found["findings"]} == {"entries_ahead"}
    assert await caller.refused(WITHDRAW, a_movement(username, "5.00")) == "insufficient_funds"


async def test_every_account_that_cannot_be_read_is_built_anew(
    service: RunningService, caller: Caller, program: Program
) -> None:
    users = [await caller.a_user("5.00") for _ in range(3)]
    edited: dict[str, Any] = {"$set": {"sequence": 7}}
    with service.mongodb() as database:
        database.accounts.update_many({"_id": {"$in": users}}, edited)

    dry = await ran(program, "repair-all", "--dry-run")
    done = await ran(program, "repair-all", "--yes", "--actor", "an operator")
    again = await ran(program, "repair-all", "--yes")

    assert dry == {"unreadable": 3, "repaired": 0, "failed": []}
    assert done == {"unreadable": 3, "repaired": 3, "failed": []}
    assert again == {"unreadable": 0, "repaired": 0, "failed": []}
    for username in users:
        answer = await caller.ask(DEPOSIT, a_movement(username, "1.00"))
        assert posted(answer.body["entry"]) == "6.00"

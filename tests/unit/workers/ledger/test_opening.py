"""Accounts are opened without a sign-in, and none is registered that looks like another."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest

from contracts.codes import Code
from contracts.commands import AnyCommand
from handlers.model.changes import NameClaim
from handlers.model.corrupt import CorruptDocument
from handlers.model.input_records import CommandRecord
from storage.memory.ledger import MemoryCredentials, MemoryLedger
from tests.builders import NOON
from tests.ports.written import write
from tests.received import a_deposit, a_registration, an_opening, an_update, received
from tests.unit.workers.ledger.ledger_lanes import SimpleLaneDependencies
from workers.ledger.lane import Applied, Lane


async def decided(ledger: MemoryLedger, *commands: AnyCommand) -> Applied:
    """Decide *commands* in a lane of their own, as another worker would."""
    users: dict[str, list[CommandRecord]] = {}
    for command in commands:
        users.setdefault(command.username, []).append(received(command))
    lane = Lane(SimpleLaneDependencies(ledger).surroundings(), users=users)
    await lane.run()
    [applied] = lane.applied
    return applied


def codes(applied: Applied) -> list[Code | None]:
    """Return why each command was refused; None where it was accepted."""
    told = applied.decision.answers
    return [
        each.refused.code if each.refused else each.outcome and each.outcome.code for each in told
    ]


async def owners_of(ledger: MemoryLedger, *emails: str) -> Mapping[str, object]:
    async with ledger.transaction() as transaction:
        return await transaction.email_owners(emails)


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


class TestNames:
    @pytest.mark.parametrize("first", ["Alice", "ALICE", "alice"])
    async def test_that_are_there_in_any_case_are_not_given_to_who_registers(
        self, ledger: MemoryLedger, first: str
    ) -> None:
        await decided(ledger, an_opening(first))

        assert codes(await decided(ledger, a_registration())) == [Code.USERNAME_TAKEN]
        assert await ledger.count_accounts() == 1

    async def test_are_told_apart_by_case_where_nobody_signs_in(self, ledger: MemoryLedger) -> None:
        for command in (a_registration(), an_opening("Alice"), an_opening("ALICE")):
            assert codes(await decided(ledger, command)) == [None]

        assert await ledger.count_accounts() == 3

    async def test_are_looked_for_within_a_lane_too(self, ledger: MemoryLedger) -> None:
        applied = await decided(ledger, an_opening("Alice"), a_registration())

        assert codes(applied) == [None, Code.USERNAME_TAKEN]

    async def test_taken_by_another_worker_meanwhile_are_found_by_who_loses_the_race(
        self, ledger: MemoryLedger
    ) -> None:
        opened, registered = await asyncio.gather(
            decided(ledger, an_opening("Alice")), decided(ledger, a_registration())
        )

        async with ledger.transaction() as transaction:
            owners = await transaction.name_owners(["alice"])
        first = owners["alice"] == "Alice"
        assert codes(opened) == [None]
        assert codes(registered) == [Code.USERNAME_TAKEN if first else None]

    async def test_like_no_sign_in_name_are_not_claimed(self, ledger: MemoryLedger) -> None:
        applied = await decided(ledger, an_opening("auth0|5F7C"))

        assert list(applied.decision.changes.names) == []

    async def test_whose_claim_cannot_be_read_are_given_to_nobody(
        self, ledger: MemoryLedger
    ) -> None:
        await write(ledger, names=[NameClaim(name="alice", username="Alice")])
        ledger.corrupt["names", "alice"] = CorruptDocument(
            collection="names", id="alice", username="", field="username"
        )

        assert codes(await decided(ledger, a_registration())) == [Code.ACCOUNT_UNREADABLE]


class TestOpening:
    async def test_waits_for_no_credential(self, ledger: MemoryLedger) -> None:
        opening = an_opening("auth0|5f7c", email="bob@example.com")

        applied = await decided(ledger, opening, a_deposit(username="auth0|5f7c"))

        assert codes(applied) == [None, None]
        assert not any(
            each.announced.awaits_credential for each in applied.decision.answers if each.announced
        )
        account = await ledger.account("auth0|5f7c")
        assert account is not None
        assert (account.signs_in, account.sequence) == (False, 1)
        waiting = MemoryCredentials(ledger).count_pending(
            opened_before=NOON + timedelta(days=10**5)
        )
        assert await waiting == 0
        assert await owners_of(ledger, "bob@example.com") == {"bob@example.com": "auth0|5f7c"}

    async def test_of_many_needs_no_address(self, ledger: MemoryLedger) -> None:
        applied = await decided(ledger, an_opening("one"), an_opening("two"))

        assert codes(applied) == [None, None]

    async def test_leaves_room_for_an_address_later(self, ledger: MemoryLedger) -> None:
        await decided(ledger, an_opening())
        await decided(ledger, an_update(email="a@example.com"))
        await decided(ledger, an_update(command_id="u-2", email="b@example.com"))

        found = await owners_of(ledger, "a@example.com", "b@example.com")
        assert found == {"b@example.com": "alice"}

    async def test_sent_again_is_answered_as_recorded(self, ledger: MemoryLedger) -> None:
        [first] = (await decided(ledger, an_opening())).decision.answers
        [again] = (await decided(ledger, an_opening())).decision.answers

        assert first.outcome == again.outcome
        assert again.outcome is not None
        assert (again.outcome.code, again.new) == (None, False)

"""How transactions of every ledger see and hinder each other."""

import pytest

from handlers.model.changes import NameClaim
from storage.ports.errors import LostRaceError
from storage.ports.ledger import Ledger
from tests.builders import a_claim, an_account, an_outcome, some_changes
from tests.ports.written import write

EVERYTHING = some_changes(
    accounts=[an_account()],
    outcomes=[an_outcome(sequence=1)],
    claimed=[a_claim()],
    names=[NameClaim(name="alice", username="alice")],
    registered=[an_account()],
)


async def is_empty(ledger: Ledger) -> bool:
    async with ledger.transaction() as transaction:
        found = [
            await transaction.accounts(["alice"]),
            await transaction.outcomes(["alice:command-1"]),
            await transaction.email_owners(["alice@example.com"]),
            await transaction.name_owners(["alice"]),
        ]
    return not any(found)


async def test_leaving_without_commit_undoes_everything(ledger: Ledger) -> None:
    async with ledger.transaction() as transaction:
        await transaction.apply(EVERYTHING)

    assert await is_empty(ledger)


async def test_an_error_undoes_everything(ledger: Ledger) -> None:
    async def fail() -> None:
        async with ledger.transaction() as transaction:
            await transaction.apply(EVERYTHING)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert await is_empty(ledger)


async def test_what_was_undone_hinders_nobody(ledger: Ledger) -> None:
    async with ledger.transaction() as transaction:
        await transaction.apply(EVERYTHING)

    async with ledger.transaction() as transaction:
        await transaction.apply(EVERYTHING)
        await transaction.commit()

    assert await ledger.account("alice") == an_account()


async def test_nobody_sees_what_is_not_committed(ledger: Ledger) -> None:
    async with ledger.transaction() as transaction:
        await transaction.apply(EVERYTHING)

        assert await is_empty(ledger)
        assert await ledger.account("alice") is None


async def test_a_snapshot_does_not_see_later_commits(ledger: Ledger) -> None:
    await write(ledger, accounts=[an_account("bob")])

    async with ledger.transaction() as transaction:
        await transaction.accounts(["bob"])
        await write(ledger, accounts=[an_account("bob", version=2)], outcomes=[an_outcome()])

        assert await transaction.accounts(["bob"]) == {"bob": an_account("bob")}
        assert await transaction.outcomes([an_outcome().id]) == {}


async def test_the_second_writer_of_an_account_loses(ledger: Ledger) -> None:
    await write(ledger, accounts=[an_account()])

    async with ledger.transaction() as first, ledger.transaction() as second:
        await first.accounts(["alice"])
        await second.accounts(["alice"])
        await first.apply(some_changes(accounts=[an_account(version=2, writer="first")]))
        with pytest.raises(LostRaceError):
            await second.apply(some_changes(accounts=[an_account(version=2, writer="second")]))
        await first.commit()

    stored = await ledger.account("alice")
    assert stored is not None
    assert stored.writer == "first"


async def test_a_writer_with_an_old_snapshot_loses(ledger: Ledger) -> None:
    await write(ledger, accounts=[an_account()])

    async with ledger.transaction() as transaction:
        await transaction.accounts(["alice"])
        await write(ledger, accounts=[an_account(version=2)])
        with pytest.raises(LostRaceError):
            await transaction.apply(some_changes(accounts=[an_account(version=2)]))


@pytest.mark.parametrize("version", [1, 3, 4])
async def test_what_was_read_is_replaced_by_its_next_version_only(
    ledger: Ledger, version: int
) -> None:
    await write(ledger, accounts=[an_account()])

    async with ledger.transaction() as transaction:
        await transaction.accounts(["alice"])
        with pytest.raises(LostRaceError):
            await transaction.apply(some_changes(accounts=[an_account(version=version)]))

    assert await ledger.account("alice") == an_account()


async def test_what_was_read_is_replaced_once(ledger: Ledger) -> None:
    await write(ledger, accounts=[an_account()])

    async with ledger.transaction() as transaction:
        await transaction.accounts(["alice"])
        await transaction.apply(some_changes(accounts=[an_account(version=2)]))
        with pytest.raises(LostRaceError):
            await transaction.apply(some_changes(accounts=[an_account(version=2)]))


async def test_the_second_decision_on_a_command_loses(ledger: Ledger) -> None:
    """P2: the loser of the race finds the outcome when it gathers again."""
    async with ledger.transaction() as first, ledger.transaction() as second:
        await first.outcomes(["alice:one"])
        await second.outcomes(["alice:one"])
        await first.apply(some_changes(outcomes=[an_outcome(command_id="one")]))
        with pytest.raises(LostRaceError):
            await second.apply(some_changes(outcomes=[an_outcome(command_id="one")]))
        await first.commit()

    assert await ledger.count_outcomes() == 1


async def test_writers_of_different_accounts_do_not_meet(ledger: Ledger) -> None:
    async with ledger.transaction() as first, ledger.transaction() as second:
        await first.apply(some_changes(accounts=[an_account("alice")]))
        await second.apply(some_changes(accounts=[an_account("bob")]))
        await first.commit()
        await second.commit()

    assert await ledger.count_accounts() == 2


async def test_a_lost_race_cannot_be_committed(ledger: Ledger) -> None:
    await write(ledger, accounts=[an_account()])

    async with ledger.transaction() as transaction:
        changes = some_changes(
            accounts=[an_account("bob"), an_account(version=3)], outcomes=[an_outcome()]
        )
        with pytest.raises(LostRaceError):
            await transaction.apply(changes)
        with pytest.raises(LostRaceError):
            await transaction.commit()

    assert await ledger.account("bob") is None


async def test_reading_alone_can_be_committed(ledger: Ledger) -> None:
    await write(ledger, accounts=[an_account()])

    async with ledger.transaction() as transaction:
        found = await transaction.accounts(["alice"])
        await transaction.commit()

    assert found == {"alice": an_account()}


async def test_a_transaction_without_a_call_can_be_committed(ledger: Ledger) -> None:
    async with ledger.transaction() as transaction:
        await transaction.commit()


async def test_a_transaction_sees_its_own_writes(ledger: Ledger) -> None:
    async with ledger.transaction() as transaction:
        await transaction.apply(EVERYTHING)

        assert await transaction.accounts(["alice"]) == {"alice": an_account()}

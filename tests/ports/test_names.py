"""Sign-in names are claimed without case, once, and the store decides who was first."""

import pytest

from handlers.model.changes import NameClaim
from storage.ports.errors import LostRaceError
from storage.ports.ledger import Ledger
from tests.builders import an_account, some_changes
from tests.ports.written import write

ALICE, UPPER = (NameClaim(name="alice", username=name) for name in ("alice", "Alice"))


async def test_a_claim_names_who_was_first(ledger: Ledger) -> None:
    await write(ledger, names=[UPPER, NameClaim(name="bob", username="bob")])

    async with ledger.transaction() as transaction:
        owners = await transaction.name_owners(["alice", "bob", "carol"])

    assert owners == {"alice": "Alice", "bob": "bob"}
    async with ledger.transaction() as transaction:
        assert await transaction.name_owners([]) == {}


async def test_a_name_is_claimed_once(ledger: Ledger) -> None:
    await write(ledger, accounts=[an_account("Alice")], names=[UPPER])

    with pytest.raises(LostRaceError):
        await write(ledger, accounts=[an_account()], names=[ALICE])

    assert await ledger.account("alice") is None


@pytest.mark.parametrize("names", [(UPPER, ALICE), (ALICE, UPPER)])
async def test_of_two_at_once_that_found_it_free_one_has_to_look_again(
    ledger: Ledger, names: tuple[NameClaim, NameClaim]
) -> None:
    """Their accounts have other ids, and are decided by workers that know nothing of each other."""
    async with ledger.transaction() as first, ledger.transaction() as second:
        for transaction in (first, second):
            assert await transaction.name_owners(["alice"]) == {}
        await first.apply(some_changes(accounts=[an_account(names[0].username)], names=[names[0]]))
        with pytest.raises(LostRaceError):
            await second.apply(
                some_changes(accounts=[an_account(names[1].username)], names=[names[1]])
            )
        await first.commit()

    async with ledger.transaction() as transaction:
        assert await transaction.name_owners(["alice"]) == {"alice": names[0].username}
    assert await ledger.account(names[1].username) is None

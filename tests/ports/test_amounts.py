"""P6: every amount there can be comes back exactly, in every adapter and by every way to read it."""

import pytest

from contracts.money import AMOUNT_MINOR_MAX
from handlers.history.pages import EntryQuery
from handlers.model.account import Balance
from handlers.model.unpublished import EntryRange
from storage.memory.inspection import MemoryInspection
from storage.memory.ledger import MemoryLedger
from storage.memory.reads import MemoryReads
from storage.memory.repairs import MemoryRepairs
from storage.mongo.inspection import MongoInspection
from storage.mongo.reads import MongoReads
from storage.mongo.repairs import MongoRepairs
from tests.builders import an_entry
from tests.ports.amounts import LARGE, holding, moves
from tests.ports.conftest import Store
from tests.ports.written import write

SIZES = (1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64, AMOUNT_MINOR_MAX - 1, AMOUNT_MINOR_MAX)
Readers = tuple[
    MemoryReads | MongoReads, MemoryInspection | MongoInspection, MemoryRepairs | MongoRepairs
]


@pytest.fixture
def readers(store: Store) -> Readers:
    """Return all that reads money beside the ledger."""
    if isinstance(store.ledger, MemoryLedger):
        memory = store.ledger
        return MemoryReads(memory), MemoryInspection(memory), MemoryRepairs(memory)
    assert store.client is not None
    return MongoReads(store.client), MongoInspection(store.client), MongoRepairs(store.client)


@pytest.mark.parametrize("minor", SIZES)
async def test_an_account_comes_back(store: Store, readers: Readers, minor: int) -> None:
    reads, inspection, repairs = readers
    account = holding(minor, held_minor=minor - 1)

    await write(store.ledger, accounts=[account])

    async with store.ledger.transaction() as transaction:
        assert await transaction.accounts(["alice"]) == {"alice": account}
    assert await store.ledger.account("alice") == account
    assert await store.ledger.page(after="", limit=5) == [account]
    assert await reads.accounts(["alice"]) == {"alice": account}
    assert await inspection.accounts(["alice"]) == {"alice": account}
    remains = (await repairs.find("alice")).remains
    assert (remains.balances, remains.damaged) == (account.balances, frozenset())


@pytest.mark.parametrize("minor", SIZES)
async def test_an_entry_comes_back(store: Store, readers: Readers, minor: int) -> None:
    reads, inspection, _ = readers
    outcomes = moves(minor)
    stretch = EntryQuery(username="alice", order="oldest", past=None, limit=5)

    await write(store.ledger, outcomes=outcomes)

    by_id = {each.id: each for each in outcomes}
    async with store.ledger.transaction() as transaction:
        assert await transaction.outcomes(by_id) == by_id
        owed = [EntryRange(username="alice", after=0, up_to=2)]
        assert await transaction.entries(owed) == outcomes
    assert [each async for each in store.ledger.history()] == outcomes
    assert [each async for each in inspection.entries("alice")] == outcomes
    assert await reads.outcomes(by_id) == by_id
    assert await reads.entries(stretch) == outcomes


async def test_a_balance_may_grow_beyond_an_integer_and_back(store: Store) -> None:
    for version, minor in enumerate((LARGE - 1, LARGE, AMOUNT_MINOR_MAX, LARGE - 1), start=1):
        account = holding(minor, version=version)

        await write(store.ledger, accounts=[account])

        assert await store.ledger.account("alice") == account


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount_minor": AMOUNT_MINOR_MAX + 1, "after_minor": AMOUNT_MINOR_MAX + 1},
        {"before_minor": AMOUNT_MINOR_MAX + 1, "after_minor": AMOUNT_MINOR_MAX, "amount_minor": 1},
        {"before_minor": -1, "after_minor": 0, "amount_minor": 1},
        {"held_minor": 1001},
        {"held_minor": -1},
    ],
)
def test_what_could_not_be_read_again_cannot_be_said(wrong: dict[str, int]) -> None:
    """The bounds are the values' own, so that every adapter has the same."""
    with pytest.raises(AssertionError):
        an_entry(**wrong)


@pytest.mark.parametrize(
    "balance", [(AMOUNT_MINOR_MAX + 1, 0, 2), (1, 0, 19), (LARGE, LARGE + 1, 2), (-1, 0, 2)]
)
def test_nor_can_a_balance(balance: tuple[int, int, int]) -> None:
    posted_minor, held_minor, scale = balance
    with pytest.raises(AssertionError):
        Balance(posted_minor=posted_minor, held_minor=held_minor, scale=scale)

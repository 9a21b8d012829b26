"""A damaged account is read field by field, and replaced only as it was read, in every adapter."""

from typing import Any

import pytest
from msgspec.structs import replace

from contracts.codes import Code
from handlers.history.rebuilding import Remains
from handlers.history.repair import Repair
from handlers.model.account import Account
from handlers.model.changes import NameClaim
from handlers.model.corrupt import CorruptDocument
from handlers.model.unpublished import EntryRange
from storage.memory.identities import MemoryIdentities
from storage.memory.inspection import MemoryInspection
from storage.memory.ledger import MemoryCredentials, MemoryLedger
from storage.memory.repairs import MemoryRepairs
from storage.mongo.client import DURABLE
from storage.mongo.inspection import MongoInspection
from storage.mongo.repairs import MongoRepairs
from storage.ports.errors import LostRaceError
from storage.ports.repairs import Mending, Repairs
from tests.builders import NOON, a_claim, an_account, an_outcome
from tests.identity_builders import a_credential
from tests.ports.conftest import Store
from tests.ports.written import write

ALICE = an_account(posted_minor=1000, sequence=1, version=1)
REPAIR = Repair(
    id="repair-1",
    username="alice",
    at=NOON,
    detail="what was done",
    published=EntryRange(username="alice", after=1, up_to=3),
)


@pytest.fixture
def repairs(store: Store) -> Repairs:
    if isinstance(store.ledger, MemoryLedger):
        assert isinstance(store.credentials, MemoryCredentials)
        assert isinstance(store.identities, MemoryIdentities)
        return MemoryRepairs(store.ledger, store.credentials, store.identities)
    assert store.client is not None
    return MongoRepairs(store.client)


def a_mending(seen: object, account: Account | None = None, **changed: Any) -> Mending:
    return replace(Mending(repair=REPAIR, seen=seen, account=account), **changed)


async def spoil(store: Store, field: str) -> None:
    if isinstance(store.ledger, MemoryLedger):
        store.ledger.corrupt["accounts", "alice"] = CorruptDocument(
            collection="accounts", id="alice", username="alice", field=field
        )
        return
    assert store.client is not None
    update = {"q": {"_id": "alice"}, "u": {"$set": {field: [-1]}}}
    await store.client.run({"update": "accounts", "updates": [update], "writeConcern": DURABLE})


async def test_every_field_of_a_sound_account_can_be_read(store: Store, repairs: Repairs) -> None:
    await write(store.ledger, accounts=[ALICE])

    found = await repairs.find("alice")

    assert found.remains == Remains(
        is_there=True,
        account_id=ALICE.account_id,
        sequence=1,
        version=1,
        published_sequence=0,
        opened_at=NOON,
        changed_at=NOON,
        balances=ALICE.balances,
        books=ALICE.books,
        profile={
            "email": "alice@example.com",
            "first_name": "Given",
            "last_name": "Family",
            "marketing_consent": False,
        },
        signs_in=True,
    )
    assert (await repairs.find("nobody")).remains == Remains(is_there=False)


@pytest.mark.parametrize(
    ("field", "damaged"),
    [
        ("sequence", "sequence"),
        ("version", "version"),
        ("changed_at", "changed_at"),
        ("balances", "balances"),
        ("profile.first_name", "profile.first_name"),
    ],
)
async def test_a_field_that_cannot_be_read_hides_no_other(
    store: Store, repairs: Repairs, field: str, damaged: str
) -> None:
    await write(store.ledger, accounts=[ALICE])
    whole = (await repairs.find("alice")).remains
    await spoil(store, field)

    remains = (await repairs.find("alice")).remains

    assert remains.damaged == {damaged}
    if field.startswith("profile."):
        assert remains.profile.keys() == whole.profile.keys() - {"first_name"}
    else:
        assert remains == replace(whole, damaged=remains.damaged, **{field: None})


async def test_what_it_can_be_taken_over_with_is_read(store: Store, repairs: Repairs) -> None:
    claimed = replace(ALICE, signs_in=False, claim_digest=bytes(range(32)))
    await write(store.ledger, accounts=[claimed])
    whole = (await repairs.find("alice")).remains
    await spoil(store, "claim_digest")

    damaged = (await repairs.find("alice")).remains

    assert (whole.claim_digest, whole.damaged) == (claimed.claim_digest, frozenset())
    assert damaged == replace(whole, claim_digest=None, damaged=frozenset({"claim_digest"}))


async def test_an_account_is_replaced_as_it_was_found_whatever_its_version(
    store: Store, repairs: Repairs
) -> None:
    await write(store.ledger, accounts=[ALICE])
    await spoil(store, "version")
    found = await repairs.find("alice")
    mended = replace(ALICE, version=2, writer="repair-1")

    await repairs.apply(a_mending(found.seen, mended))

    assert await store.ledger.account("alice") == mended
    assert await repairs.repair("repair-1") == REPAIR


async def test_a_repair_loses_to_a_worker_that_wrote_since(store: Store, repairs: Repairs) -> None:
    await write(store.ledger, accounts=[ALICE])
    found = await repairs.find("alice")
    moved = replace(ALICE, version=2)
    await write(store.ledger, accounts=[moved])

    with pytest.raises(LostRaceError):
        await repairs.apply(a_mending(found.seen, replace(ALICE, version=2, writer="repair-1")))
    with pytest.raises(LostRaceError):
        await repairs.apply(a_mending(found.seen))

    assert await store.ledger.account("alice") == moved
    assert await repairs.repair("repair-1") is None


async def test_an_account_that_was_missing_is_inserted_once(store: Store, repairs: Repairs) -> None:
    found = await repairs.find("alice")
    await repairs.apply(a_mending(found.seen, ALICE))

    with pytest.raises(LostRaceError):
        await repairs.apply(a_mending(found.seen, ALICE))

    assert await store.ledger.account("alice") == ALICE


async def test_claims_move_with_the_account_or_not_at_all(store: Store, repairs: Repairs) -> None:
    own, old, stolen = a_claim(), a_claim("old@example.com"), a_claim(username="bob")
    await write(store.ledger, accounts=[ALICE], claimed=[old, stolen])
    found = await repairs.find("alice")
    mended = replace(ALICE, version=2)

    with pytest.raises(LostRaceError):
        await repairs.apply(a_mending(found.seen, mended, released=[old], claimed=[own]))
    with pytest.raises(LostRaceError):
        await repairs.apply(a_mending(found.seen, mended, released=[a_claim("none@example.com")]))
    await repairs.apply(a_mending(found.seen, mended, released=[old, stolen], claimed=[own]))

    async with store.ledger.transaction() as snapshot:
        owners = await snapshot.email_owners([own.email, old.email])
    assert owners == {own.email: "alice"}


async def test_what_names_no_account_is_deleted(store: Store, repairs: Repairs) -> None:
    nobody = an_account("alice")
    await write(
        store.ledger,
        claimed=[a_claim(), a_claim("b@example.com", "bob")],
        names=[NameClaim(name=name, username=name) for name in ("alice", "bob")],
        registered=[nobody],
    )
    await store.credentials.insert([a_credential("bob")])

    await repairs.apply(a_mending(None, discarded=True))

    async with store.ledger.transaction() as snapshot:
        owners = await snapshot.email_owners(["alice@example.com", "b@example.com"])
        names = await snapshot.name_owners(["alice", "bob"])
    assert owners == {"b@example.com": "bob"}
    assert names == {"bob": "bob"}
    assert set(await store.credentials.existing(["alice", "bob"])) == {"bob"}


async def test_decisions_are_those_accepted_without_an_entry(
    store: Store, repairs: Repairs
) -> None:
    registered = an_outcome("alice", "registration")
    changed = an_outcome("alice", "profile", type="update-profile")
    refused = an_outcome("alice", "refused", code=Code.USERNAME_TAKEN, detail="taken")
    others = [an_outcome("alice", sequence=1), an_outcome("alice.b", "c"), an_outcome("al", "c")]
    await write(store.ledger, outcomes=[registered, changed, refused, *others])

    found = [one async for one in repairs.decisions("alice")]

    assert sorted(one.id for one in found) == ["alice:profile", "alice:registration"]


async def test_what_was_published_again_is_remembered(store: Store, repairs: Repairs) -> None:
    await repairs.apply(a_mending(None))
    if isinstance(repairs, MemoryRepairs):
        assert isinstance(store.ledger, MemoryLedger)
        inspection = MemoryInspection(store.ledger, repairs=repairs)
    else:
        assert store.client is not None
        inspection = MongoInspection(store.client)

    assert await inspection.repaired() == {"alice": [REPAIR.published]}

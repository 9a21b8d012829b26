"""Names that mean something to MongoDB, to a pattern or to a range are names like any others."""

import pytest

from handlers.history.pages import EntryQuery
from handlers.history.reference import Referring
from handlers.identity.subjects import of_device, of_user, of_user_from
from handlers.identity.throttling import ThrottleRule
from handlers.model.account import Account
from handlers.model.changes import NameClaim
from storage.memory.identities import MemoryIdentities
from storage.memory.inspection import MemoryInspection
from storage.memory.ledger import MemoryCredentials, MemoryLedger
from storage.memory.reads import MemoryReads
from storage.memory.repairs import MemoryRepairs
from storage.mongo.inspection import MongoInspection
from storage.mongo.reads import MongoReads
from storage.mongo.repairs import MongoRepairs
from storage.ports.identity import IdentityChanges
from storage.ports.inspection import Inspection
from storage.ports.reads import Reads
from storage.ports.repairs import Repairs
from tests.builders import NOON, a_claim, an_account, an_outcome, readable
from tests.identity_builders import a_credential, a_session, an_answered
from tests.ports.conftest import Store
from tests.ports.written import write
from tests.usernames import ODD_NAMES

RULE = ThrottleRule(free=1)


@pytest.fixture
async def filled(store: Store) -> Store:
    """Return a store in which everybody has one of each."""
    for number, name in enumerate(ODD_NAMES):
        account = an_account(name, posted_minor=1000, sequence=1)
        await write(
            store.ledger,
            accounts=[account],
            outcomes=[an_outcome(name, "$joins"), an_outcome(name, sequence=1)],
            claimed=[a_claim(f"{number}@example.com", name)],
            names=[NameClaim(name="alice", username=name)] if name == "Alice" else [],
            registered=[account],
        )
        answered, session = an_answered(username=name), a_session(f"s{number}", username=name)
        await store.identities.apply(IdentityChanges(answered=answered, opened=[session]))
    await store.credentials.insert([a_credential(name) for name in ODD_NAMES])
    return store


@pytest.fixture
def others(filled: Store) -> tuple[Inspection, Reads, Repairs]:
    """Return who else looks at the same data."""
    if isinstance(filled.ledger, MemoryLedger):
        assert isinstance(filled.credentials, MemoryCredentials)
        assert isinstance(filled.identities, MemoryIdentities)
        parts = (filled.ledger, filled.credentials, filled.identities)
        return MemoryInspection(*parts), MemoryReads(filled.ledger), MemoryRepairs(*parts)
    client = filled.client
    assert client is not None
    return MongoInspection(client), MongoReads(client), MongoRepairs(client)


async def test_each_has_its_own_account_in_the_order_of_ascii(filled: Store) -> None:
    page = readable(await filled.ledger.page(after="", limit=100))

    assert [account.username for account in page] == sorted(ODD_NAMES)
    for name in ODD_NAMES:
        found = await filled.ledger.account(name)
        assert isinstance(found, Account)
        assert found.account_id == f"id-of-{name}"


async def test_each_has_its_own_decisions(
    filled: Store, others: tuple[Inspection, Reads, Repairs]
) -> None:
    _, reads, repairs = others
    for name in ODD_NAMES:
        query = EntryQuery(username=name, order="newest", past=None, limit=100)
        assert [each.username for each in await reads.entries(query)] == [name]
        assert list(await reads.outcomes([f"{name}:$joins"])) == [f"{name}:$joins"]
        decisions = [each async for each in repairs.decisions(name)]
        assert [each.username for each in decisions] == [name]
    history = [each.username async for each in filled.ledger.history()]
    assert history == sorted(ODD_NAMES)


async def test_what_names_one_names_no_other(
    filled: Store, others: tuple[Inspection, Reads, Repairs]
) -> None:
    inspection = others[0]
    assert {*await filled.credentials.existing(ODD_NAMES)} == {*ODD_NAMES}
    for number, name in enumerate(ODD_NAMES):
        found = await inspection.references_of(name)

        assert {one.username for one in found} == {name}
        assert {one.collection: one.id for one in found} == {
            Referring.EMAILS: f"{number}@example.com",
            Referring.CREDENTIALS: name,
            Referring.SESSIONS: f"s{number}",
            Referring.OUTCOMES: f"{name}:$joins",
            **({Referring.NAMES: "alice"} if name == "Alice" else {}),
        }


async def test_unlocking_one_unlocks_no_other(store: Store) -> None:
    throttles = store.throttles
    for name in ODD_NAMES:
        for subject in (of_user(name), of_user_from(name, "a*"), of_device(name, "d")):
            await throttles.count(subject, rule=RULE, now=NOON)

    for name in ODD_NAMES:
        assert await throttles.unlock(name) == 3
    assert [await throttles.unlock(name) for name in ODD_NAMES] == [0] * len(ODD_NAMES)

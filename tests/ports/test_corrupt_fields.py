"""Whatever stands in one field of one document in MongoDB, it costs its own user only."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, cast

import pytest
from bson import Decimal128, Int64, Regex
from bson.datetime_ms import DatetimeMS

from devstack.choose import Chosen
from handlers.history.pages import EntryQuery
from handlers.identity.throttling import ThrottleRule
from handlers.model.corrupt import CorruptDocument
from handlers.model.unpublished import EntryRange
from storage.mongo.client import DURABLE, MongoClient, MongoOptions
from storage.mongo.documents.accounts import Document
from storage.mongo.reads import MongoReads
from storage.ports.errors import CorruptDocumentError
from storage.ports.identity import IdentityChanges
from tests.builders import NOON, a_claim, an_account, an_outcome
from tests.identity_builders import a_credential, a_session, an_answered
from tests.macs import KEYS
from tests.ports.conftest import Store
from tests.ports.written import write

pytestmark = pytest.mark.mongo

WRONG: Mapping[str, object] = {
    "a text": "many",
    "a number": Int64(7),
    "the largest number": Int64(2**63 - 1),
    "a negative number": -1,
    "a fraction": 1.5,
    "not a number": float("nan"),
    "a decimal": Decimal128("1.5"),
    "null": None,
    "a flag": True,
    "bytes": b"\xff",
    "a list": [0, 1],
    "a document": {"not": "this"},
    "a pattern": Regex("x"),
    "microseconds for milliseconds": DatetimeMS(1_900_000_000_000_000),
}

RULES = (
    ThrottleRule(free=0),
    ThrottleRule(free=5, failures_max=5, one_back_every=timedelta(hours=1)),
    ThrottleRule(free=5, one_back_every=timedelta(hours=1)),
)
LATER = NOON + timedelta(days=1)


@pytest.fixture(params=["pymongo", "motor"])
def options(request: pytest.FixtureRequest, stack: Chosen, database: str) -> MongoOptions:
    """Return where MongoDB is."""
    return MongoOptions(
        account_keys=KEYS,
        uri=stack.addresses.mongodb,
        database=f"{database}-{request.param}",
        driver=request.param,
    )


def places(value: object, path: str = "") -> Iterator[str]:
    """Yield the path of every field of a stored value."""
    match value:
        case dict():
            inner = list(cast("Document", value).items())
        case list():
            inner = [(str(index), each) for index, each in enumerate(cast("list[object]", value))]
        case _:
            inner = []
    for name, each in inner:
        yield f"{path}{name}"
        yield from places(each, f"{path}{name}.")


async def each_spoilt(
    client: MongoClient, collection: str, identifier: str, ask: Callable[[], Awaitable[None]]
) -> set[str]:
    """Ask with each wrong value in each field of a document; return the fields named as corrupt."""
    [whole] = await client.page(collection, {"_id": identifier}, {"_id": 1}, 1)
    named: set[str] = set()
    for place in places(whole):
        if place == "_id":
            continue
        changes = [{"$unset": {place: ""}}, *({"$set": {place: each}} for each in WRONG.values())]
        for change in changes:
            for update in (whole, change):
                stored: Document = {"q": {"_id": identifier}, "u": update}
                await client.run(
                    {"update": collection, "updates": [stored], "writeConcern": DURABLE}
                )
            found = await corrupt(ask, f"with {change}")
            if found is not None:
                assert found.collection == collection, change
                named.add(found.field)
    return named


async def corrupt(ask: Callable[[], Awaitable[None]], case: str) -> CorruptDocument | None:
    """Return the document that cannot be understood, if that is why it cannot be answered."""
    try:
        await ask()
    except CorruptDocumentError as error:
        return error.document
    except Exception as error:
        raise AssertionError(f"{case}: {error!r}") from error
    return None


def checked(found: object) -> None:
    """Raise what stands for a document that cannot be understood."""
    if isinstance(found, CorruptDocument):
        raise CorruptDocumentError(found)


@pytest.mark.parametrize("rule", RULES, ids=["waits", "budget", "forgets"])
async def test_a_counter(store: Store, client: MongoClient, rule: ThrottleRule) -> None:
    for _ in range(2):
        await store.throttles.count("user:alice", rule=rule, now=NOON, record="one")

    async def count() -> None:
        await store.throttles.count("user:alice", rule=rule, now=LATER, record="two")

    assert await each_spoilt(client, "throttles", "user:alice", count) >= {"failures", "last_at"}
    assert (await store.throttles.count("user:bob", rule=rule, now=NOON)).allowed


async def test_a_counter_to_forgive(store: Store, client: MongoClient) -> None:
    await store.throttles.count("user:alice", rule=RULES[0], now=NOON, record="one")

    async def forgive() -> None:
        await store.throttles.forgive("user:alice", all_of_them=False)

    named = await each_spoilt(client, "throttles", "user:alice", forgive)
    assert named == {"failures", "blocked_until", "last_at", "counted_for"}


async def test_a_fencing_token(store: Store, client: MongoClient) -> None:
    await store.ledger.next_fencing_token("a lease")

    async def take() -> None:
        await store.ledger.next_fencing_token("a lease")

    assert await each_spoilt(client, "leases", "a lease", take) == {"fencing_token"}
    assert await store.ledger.next_fencing_token("another") == 1


async def test_a_credential(store: Store, client: MongoClient) -> None:
    await store.credentials.insert([a_credential(), a_credential("bob")])
    requests = 0

    async def rely() -> None:
        nonlocal requests
        requests += 1
        read = await store.identities.credential("alice")
        answered = an_answered(f"r{requests}")
        await store.identities.apply(IdentityChanges(answered=answered, relied_on=read))

    await rely()  # so that it has been relied on
    named = await each_spoilt(client, "credentials", "alice", rely)

    assert named == {"command_id", "hash", "created_at", "epoch", "version", "relied_on"}


async def test_a_session_and_an_answer(store: Store, client: MongoClient) -> None:
    session, answered = a_session(), an_answered()
    await store.identities.apply(IdentityChanges(answered=answered, opened=[session]))

    async def read() -> None:
        await store.identities.live_sessions("alice", now=NOON)
        await store.identities.session(session.session_id)

    async def again() -> None:
        await store.identities.answered(answered.id)

    assert await each_spoilt(client, "sessions", session.session_id, read) >= {"epoch", "version"}
    assert await each_spoilt(client, "requests", answered.id, again) >= {"body", "answered_at"}


@pytest.fixture
async def accounts(store: Store) -> None:
    """Store an account with an entry for alice, and for bob."""
    for name in ("alice", "bob"):
        await write(
            store.ledger,
            accounts=[an_account(name, posted_minor=1000, sequence=1)],
            outcomes=[an_outcome(name, sequence=1)],
            claimed=[a_claim(f"{name}@example.com", name)],
        )


@pytest.mark.usefixtures("accounts")
class TestAmongOthers:
    async def test_an_account(self, store: Store, client: MongoClient) -> None:
        async def read() -> None:
            async with store.ledger.transaction() as transaction:
                found = await transaction.accounts(["alice", "bob"])
                owed = await transaction.entries([EntryRange(username="bob", after=0, up_to=1)])
            page = await store.ledger.page(after="", limit=10)
            assert [found["bob"], len(page), len(owed)] == [page[1], 2, 1]
            checked(found["bob"])
            checked(found["alice"])

        named = await each_spoilt(client, "accounts", "alice", read)
        assert named >= {"balances.0.posted_minor", "profile.email", "sequence", "version"}

    async def test_an_account_that_can_be_taken_over(
        self, store: Store, client: MongoClient
    ) -> None:
        claimed = an_account("carol", signs_in=False, claim_digest=bytes(32))
        await write(store.ledger, accounts=[claimed])

        async def read() -> None:
            async with store.ledger.transaction() as transaction:
                found = await transaction.accounts(["carol", "bob"])
            checked(found["bob"])
            checked(found["carol"])

        named = await each_spoilt(client, "accounts", "carol", read)
        assert named >= {"claim_digest", "signs_in"}

    async def test_an_entry(self, store: Store, client: MongoClient) -> None:
        identifier = an_outcome("alice", sequence=1).id
        await write(store.ledger, outcomes=[an_outcome("alice", command_id="next", sequence=2)])
        both = [EntryRange(username=name, after=0, up_to=2) for name in ("alice", "bob")]
        stretch = EntryQuery(username="alice", order="newest", past=None, limit=5)

        async def read() -> None:
            async with store.ledger.transaction() as transaction:
                found: Mapping[str, Any] = await transaction.outcomes([identifier])
                entries = await transaction.entries(both)
            history = [each async for each in store.ledger.history()]
            bobs = an_outcome("bob", sequence=1)
            assert bobs in entries
            assert bobs in history
            await MongoReads(client).entries(stretch)
            checked(found[identifier])

        named = await each_spoilt(client, "outcomes", identifier, read)
        assert named >= {"sequence", "entry.after_minor", "decided_at", "source.offset"}

    async def test_a_claim(self, store: Store, client: MongoClient) -> None:
        claims = ["alice@example.com", "bob@example.com"]

        async def read() -> None:
            async with store.ledger.transaction() as transaction:
                owners = await transaction.email_owners(claims)
            assert owners["bob@example.com"] == "bob"
            checked(owners["alice@example.com"])

        assert await each_spoilt(client, "emails", "alice@example.com", read) == {"username"}

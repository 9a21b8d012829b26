"""What the start-up checks find in MongoDB, and what they say to do."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from storage.mongo.checks import check
from storage.mongo.client import MongoClient, MongoOptions
from storage.mongo.errors import NotAllowedError
from storage.mongo.ledger import MongoLedger
from storage.mongo.schema import prepare
from storage.ports.errors import StoreCheckError
from tests.builders import an_account
from tests.macs import KEYS, FixedKeys
from tests.ports.simulated import connected, options_of
from tests.ports.written import write

LIFETIME = "transactionLifetimeLimitSeconds"


@pytest.fixture(params=["simulated", pytest.param("pymongo", marks=pytest.mark.mongo)])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[MongoClient]:
    """Yield a connection to a database without collections."""
    client = connected(options_of(request))
    await client.run({"dropDatabase": 1})
    yield client
    await client.close()


class Answers:
    """A server that says what the test is about, and otherwise what the real one says."""

    def __init__(
        self, client: MongoClient, answers: Mapping[str, dict[str, Any] | Exception]
    ) -> None:
        self._client = client
        self._answers = answers
        self.begin, self.page = client.begin, client.page
        self.options, self.macs = client.options, client.macs

    async def run(self, command: dict[str, Any], **options: Any) -> dict[str, Any]:
        match self._answers.get(next(iter(command))):
            case None:
                return await self._client.run(command, **options)
            case Exception() as error:
                raise error
            case answer:
                return answer


def answering(client: MongoClient, **answers: dict[str, Any] | Exception) -> MongoClient:
    return cast("MongoClient", Answers(client, answers))


async def with_accounts(client: MongoClient, *names: str) -> None:
    """Write accounts, all of them with the keys of *client*."""
    await prepare(client)
    await write(MongoLedger(client), accounts=[an_account(name) for name in names])


def with_key(client: MongoClient, *names: str) -> MongoClient:
    """Return a connection to the same data with keys of these names."""
    return connected(replace(client.options, account_keys=FixedKeys(*names)))


class TestCheck:
    async def test_refuses_keys_that_made_the_mac_of_no_account(self, client: MongoClient) -> None:
        await with_accounts(client, "alice", "bobby")
        stranger = with_key(client, "another")

        with pytest.raises(StoreCheckError, match="take the folder that the other workers have"):
            await check(stranger)

        await stranger.close()

    async def test_takes_keys_that_made_some(self, client: MongoClient) -> None:
        await with_accounts(client, "alice", "bobby")
        await client.run(
            {
                "update": "accounts",
                "updates": [{"q": {"_id": "alice"}, "u": {"$set": {"mac": b"edited by hand"}}}],
            }
        )
        rotated = with_key(client, "newer", "test")

        assert await check(rotated) == []

        await rotated.close()

    async def test_creates_what_is_missing(self, client: MongoClient) -> None:
        warnings = await check(client)
        again = await check(client)

        assert warnings == again == []

    async def test_finds_an_index_that_is_another(self, client: MongoClient) -> None:
        index = {"name": "entries", "key": {"username": 1}}
        await client.run({"createIndexes": "outcomes", "indexes": [index]})

        with pytest.raises(StoreCheckError, match=r"lacks the unique index 'entries'.*createIndex"):
            await check(client)

    @pytest.mark.parametrize("collection", ["sessions", "requests", "throttles"])
    async def test_finds_an_expiry_that_is_another(
        self, client: MongoClient, collection: str
    ) -> None:
        index = {"name": "expiry", "key": {"expires_at": 1}, "expireAfterSeconds": 1}
        await client.run({"createIndexes": collection, "indexes": [index]})

        with pytest.raises(StoreCheckError, match=rf"lacks the index 'expiry' of {collection}"):
            await check(client)

    async def test_finds_an_index_that_may_not_be_created(self, client: MongoClient) -> None:
        await client.run({"create": "outcomes"})
        limited = answering(client, createIndexes=NotAllowedError("not allowed"))

        with pytest.raises(StoreCheckError, match=r"\(not allowed\).*grant readWrite"):
            await check(limited)

    async def test_of_a_reader_writes_and_makes_nothing(self, client: MongoClient) -> None:
        await check(client)
        refused = NotAllowedError("not allowed")
        reader = answering(
            client, create=refused, createIndexes=refused, update=refused, listCollections=refused
        )

        assert await check(reader, writes=False) == []

        await client.run({"dropIndexes": "outcomes", "index": "entries"})
        with pytest.raises(StoreCheckError, match=r"'entries' of outcomes.*start a ledger worker"):
            await check(reader, writes=False)

    async def test_of_a_writer_makes_nothing_that_is_there(self, client: MongoClient) -> None:
        await check(client)
        refused = NotAllowedError("not allowed")

        assert await check(answering(client, create=refused, createIndexes=refused)) == []

    async def test_warns_of_transactions_that_block_for_long(self, client: MongoClient) -> None:
        await client.run({"setParameter": 1, LIFETIME: 60}, database="admin")
        try:
            warnings = await check(client)
        finally:
            await client.run({"setParameter": 1, LIFETIME: 10}, database="admin")

        assert len(warnings) == 1
        assert "60 s: run db.adminCommand({setParameter: 1" in warnings[0]

    async def test_refuses_a_single_server(self, client: MongoClient) -> None:
        alone = answering(client, hello={"ok": 1})

        with pytest.raises(StoreCheckError, match=r"not a replica set.*--replSet"):
            await check(alone)

    async def test_refuses_a_majority_without_journal(self, client: MongoClient) -> None:
        config = {"config": {"writeConcernMajorityJournalDefault": False}}
        careless = answering(client, replSetGetConfig=config)

        with pytest.raises(StoreCheckError, match=r"writeConcernMajorityJournalDefault"):
            await check(careless)

    async def test_warns_where_the_configuration_may_not_be_read(self, client: MongoClient) -> None:
        limited = answering(
            client, replSetGetConfig=NotAllowedError(""), getParameter=NotAllowedError("")
        )

        warnings = await check(limited)

        assert len(warnings) == 1
        assert "clusterMonitor" in warnings[0]


async def test_an_address_where_nobody_is_says_what_to_check() -> None:
    options = MongoOptions(
        account_keys=KEYS,
        uri="mongodb://127.0.0.1:1/?directConnection=true",
        database="x",
        timeout_ms=200,
    )
    client = MongoClient(options)

    with pytest.raises(StoreCheckError, match=r"MongoDB does not answer.*check that"):
        await check(client)
    await client.close()

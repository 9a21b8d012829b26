"""The data's schema number in MongoDB, and the processes that run on it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from handlers.model.schema import FIRST, NEWEST
from storage.mongo.checks import check
from storage.mongo.client import DURABLE, MongoClient
from storage.mongo.data_schema import MongoDataSchema
from storage.mongo.documents.accounts import Document
from storage.mongo.ledger import MongoLedger
from storage.mongo.repairs import MongoRepairs
from storage.ports.data_schema import (
    GONE_AFTER,
    ProcessesBehindError,
    RunningProcess,
    SchemaUpgrade,
)
from storage.ports.errors import (
    CorruptDocumentError,
    LostRaceError,
    NewerDataError,
    StoreCheckError,
)
from tests.builders import NOON, an_account
from tests.ports.simulated import ON_MONGODB, connected, options_of
from tests.ports.test_repairs import a_mending
from tests.ports.written import write

NEXT = NEWEST + 1
ROUNDS = 20
UPGRADE = SchemaUpgrade(before=NEWEST, after=NEXT, at=NOON, release="9.9", actor="$operator")


def a_process(name: str = "one", *, newest: int = NEWEST) -> RunningProcess:
    return RunningProcess(
        id=name,
        release="1.2.3",
        host="$host",
        pid=7,
        roles=("identity", "ledger"),
        started_at=NOON,
        newest=newest,
    )


@pytest.fixture(params=ON_MONGODB)
async def client(request: pytest.FixtureRequest) -> AsyncIterator[MongoClient]:
    """Yield a connection to a database as a first worker leaves it."""
    client = connected(options_of(request))
    await MongoLedger(client).prepare()
    for name in ("accounts", "processes", "schema"):
        await client.run({"delete": name, "deletes": [{"q": {}, "limit": 0}]})
    yield client
    await client.close()


@pytest.fixture
async def schema(client: MongoClient) -> MongoDataSchema:
    """Return the schema of data that the first release with a number has begun."""
    schema = MongoDataSchema(client)
    await schema.begin()
    return schema


async def numbered(client: MongoClient, number: object) -> None:
    changed: Document = {"q": {"_id": "data"}, "u": {"$set": {"number": number}}, "upsert": True}
    await client.run({"update": "schema", "updates": [changed], "writeConcern": DURABLE})


async def aged(client: MongoClient, process: RunningProcess, by: timedelta) -> None:
    """Have *process* not been heard of for longer by *by*."""
    ms = by // timedelta(milliseconds=1)
    older: Document = {"$set": {"seen_at": {"$subtract": ["$seen_at", ms]}}}
    update: Document = {"q": {"_id": process.id}, "u": [older]}
    await client.run({"update": "processes", "updates": [update], "writeConcern": DURABLE})


class TestTheNumber:
    async def test_of_a_new_database_is_the_newest(self, schema: MongoDataSchema) -> None:
        assert await schema.number() == NEWEST

    async def test_of_data_without_one_is_the_first(self, client: MongoClient) -> None:
        await write(MongoLedger(client), accounts=[an_account()])
        schema = MongoDataSchema(client)
        assert await schema.number() == FIRST

        await schema.begin()

        assert await schema.number() == FIRST

    async def test_that_is_there_is_left(
        self, client: MongoClient, schema: MongoDataSchema
    ) -> None:
        await numbered(client, NEXT)

        await schema.begin()

        assert await schema.number() == NEXT

    async def test_is_what_the_connection_writes(
        self, client: MongoClient, schema: MongoDataSchema
    ) -> None:
        client.writes_schema = 0

        assert await schema.check() == NEWEST
        assert client.writes_schema == NEWEST

    @pytest.mark.parametrize(
        ("number", "said"), [(NEXT, "start that one"), (FIRST - 1, "the release before this one")]
    )
    async def test_of_another_release_keeps_this_one_out(
        self, client: MongoClient, schema: MongoDataSchema, number: int, said: str
    ) -> None:
        await numbered(client, number)

        with pytest.raises(NewerDataError, match=said):
            await schema.check()
        with pytest.raises(StoreCheckError, match=said):
            await check(client)
        with pytest.raises(StoreCheckError, match=said):
            await check(client, writes=False)

    @pytest.mark.parametrize("number", ["2", None, 0, 2.5, -1])
    async def test_that_is_none_is_damage(
        self, client: MongoClient, schema: MongoDataSchema, number: object
    ) -> None:
        await numbered(client, number)

        with pytest.raises(CorruptDocumentError, match="schema data: number"):
            await schema.number()
        with pytest.raises(StoreCheckError, match="schema data: number"):
            await check(client)

    async def test_ahead_of_a_repair_keeps_it_from_writing(
        self, client: MongoClient, schema: MongoDataSchema
    ) -> None:
        assert await schema.number() == NEWEST
        found = await MongoRepairs(client).find("alice")
        await numbered(client, NEXT)

        with pytest.raises(NewerDataError):
            await MongoRepairs(client).apply(a_mending(found.seen))


class TestProcesses:
    async def test_are_seen_as_they_describe_themselves(self, schema: MongoDataSchema) -> None:
        one, two = a_process(), a_process("two", newest=NEXT)

        assert [await schema.announce(each) for each in (one, two)] == [NEWEST, NEWEST]

        state = await schema.state()
        assert [replace(each, silent_s=0) for each in state.processes] == [one, two]
        assert max(each.silent_s for each in state.processes) < GONE_AFTER.total_seconds()

    async def test_say_what_they_write_by_now(self, schema: MongoDataSchema) -> None:
        await schema.announce(a_process())

        assert await schema.beat(replace(a_process(), writes=NEXT))

        assert [each.writes for each in (await schema.state()).processes] == [NEXT]

    async def test_that_end_are_forgotten(self, schema: MongoDataSchema) -> None:
        await schema.announce(a_process())

        await schema.leave(a_process())

        assert not (await schema.state()).processes
        assert not await schema.beat(a_process())

    async def test_not_heard_of_count_as_gone(
        self, client: MongoClient, schema: MongoDataSchema
    ) -> None:
        await schema.announce(a_process())
        await aged(client, a_process(), GONE_AFTER)

        assert not (await schema.state()).processes
        assert not await schema.beat(a_process()), "it has to announce itself"
        await schema.announce(a_process())
        assert await schema.beat(a_process())


class TestUpgrade:
    async def test_changes_the_number_and_is_kept(self, schema: MongoDataSchema) -> None:
        await schema.announce(a_process(newest=NEXT))

        await schema.upgrade(UPGRADE)

        state = await schema.state()
        assert (state.number, state.upgrades) == (NEXT, [UPGRADE])

    async def test_is_refused_where_somebody_could_not_read_it(
        self, schema: MongoDataSchema
    ) -> None:
        old = a_process()
        await schema.announce(a_process("new", newest=NEXT))
        await schema.announce(old)

        with pytest.raises(ProcessesBehindError) as refused:
            await schema.upgrade(UPGRADE)

        assert [each.id for each in refused.value.processes] == [old.id]
        assert await schema.number() == NEWEST

    async def test_does_not_wait_for_who_was_killed(
        self, client: MongoClient, schema: MongoDataSchema
    ) -> None:
        await schema.announce(a_process())
        await aged(client, a_process(), GONE_AFTER)

        await schema.upgrade(UPGRADE)

        assert await schema.number() == NEXT

    async def test_happens_once(self, schema: MongoDataSchema) -> None:
        await schema.upgrade(UPGRADE)

        with pytest.raises(LostRaceError):
            await schema.upgrade(UPGRADE)

        assert (await schema.state()).upgrades == [UPGRADE]

    async def test_never_passes_over_who_starts_at_the_same_moment(
        self, client: MongoClient, schema: MongoDataSchema
    ) -> None:
        async def start() -> int | None:
            try:
                return await schema.announce(a_process())
            except LostRaceError:
                return None  # it tries again, and sees the upgrade

        async def upgrade() -> bool:
            try:
                await schema.upgrade(UPGRADE)
            except (LostRaceError, ProcessesBehindError):
                return False
            return True

        for _ in range(ROUNDS):
            seen, upgraded = await asyncio.gather(start(), upgrade())

            assert not (upgraded and seen == NEWEST), "it reads on, and cannot read what comes"
            await schema.leave(a_process())
            await numbered(client, NEWEST)

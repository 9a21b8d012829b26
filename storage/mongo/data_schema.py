"""The data's schema number and the running processes in MongoDB."""

from collections.abc import Sequence

from handlers.model.schema import FIRST, NEWEST
from storage.mongo.client import DURABLE, MongoClient
from storage.mongo.documents.accounts import Document
from storage.mongo.documents.processes import (
    ALL_HAVE_MACS,
    HEARD_OF,
    SILENT_MS,
    THE_DATA,
    StoredSchema,
    from_upgrade,
    seen,
    to_process,
    to_schema,
)
from storage.mongo.errors import DUPLICATE_KEY
from storage.mongo.work import MongoWork
from storage.ports.data_schema import (
    DataState,
    ProcessesBehindError,
    RunningProcess,
    SchemaUpgrade,
)
from storage.ports.errors import LostRaceError, NewerDataError

TURNSTILE = "(who comes and who upgrades)"
"""A document of `processes` that both write, so that of two at the same moment one loses the race:
in two snapshots each would miss what the other one writes."""

NEW_DATABASE = ("accounts", "outcomes")
"""Collections with nothing in them where no release has ever stored anything."""


class MongoDataSchema:
    """Implements `storage.ports.data_schema.DataSchema`."""

    def __init__(self, client: MongoClient) -> None:
        self._client = client

    async def begin(self) -> None:
        """Note the number of data that has none: the newest where there is no data yet.

        What release 0.1 stored is of the first: this release takes it over as it is written again.
        """
        if await self._stored() is not None:
            return
        is_new = await self._is_empty()
        number = NEWEST if is_new else FIRST
        document: Document = {"_id": THE_DATA, "number": number, "upgrades": []}
        await self._client.run(
            {"insert": "schema", "documents": [document], "writeConcern": DURABLE},
            ignored=DUPLICATE_KEY,  # another process that starts
        )
        if is_new:
            await note_macs(self._client)

    async def number(self) -> int:
        """Return the data's number; `FIRST` where nobody noted one."""
        stored = await self._stored()
        return FIRST if stored is None else stored.number

    async def check(self) -> int:
        """Return the data's number, and have the connection's adapters write it.

        Raises:
            NewerDataError: This release cannot read it.
        """
        number = readable(await self.number())
        self._client.writes_schema = number
        return number

    async def announce(self, process: RunningProcess) -> int:
        """Write that *process* runs, in a transaction that conflicts with an upgrade."""
        async with _SchemaWork(self._client) as work:
            stored = await work.schema()
            await work.announce(process)
            await work.commit()
        return stored.number

    async def beat(self, process: RunningProcess) -> bool:
        """Write that *process* runs, if it does not count as gone."""
        query: Document = {"_id": process.id, "$expr": HEARD_OF}
        update: Document = {"q": query, "u": seen(process)}
        command: Document = {"update": "processes", "updates": [update], "writeConcern": DURABLE}
        return (await self._client.run(command))["n"] == 1

    async def leave(self, process: RunningProcess) -> None:
        """Delete what *process* said."""
        delete: Document = {"q": {"_id": process.id}, "limit": 1}
        await self._client.run({"delete": "processes", "deletes": [delete]})

    async def state(self) -> DataState:
        """Read everything in one snapshot."""
        async with _SchemaWork(self._client) as work:
            state = await work.state()
            await work.commit()
        return state

    async def upgrade(self, upgrade: SchemaUpgrade) -> None:
        """Write the number where every process that runs can read it."""
        async with _SchemaWork(self._client) as work:
            state = await work.state()
            if state.number != upgrade.before:
                raise LostRaceError(f"the data has schema {state.number} by now")
            if behind := state.behind(upgrade.after):
                raise ProcessesBehindError(behind)
            await work.upgrade(upgrade)
            await work.commit()

    async def _stored(self) -> StoredSchema | None:
        found = await self._client.page("schema", {}, {"_id": 1}, len((THE_DATA, ALL_HAVE_MACS)))
        by_id = {document["_id"]: document for document in found}
        self._client.macs_may_lack = ALL_HAVE_MACS not in by_id
        return to_schema(by_id[THE_DATA]) if THE_DATA in by_id else None

    async def _is_empty(self) -> bool:
        for name in NEW_DATABASE:
            if await self._client.page(name, {}, {"_id": 1}, 1):
                return False
        return True


class _SchemaWork(MongoWork):
    async def schema(self) -> StoredSchema:
        found = await self._find("schema", {"_id": THE_DATA}, 1)
        return to_schema(found[0]) if found else StoredSchema(FIRST)

    async def state(self) -> DataState:
        stored = await self.schema()
        return DataState(
            number=stored.number, upgrades=stored.history(), processes=await self._processes()
        )

    async def announce(self, process: RunningProcess) -> None:
        await self._update(
            "processes",
            [self._pass(), {"q": {"_id": process.id}, "u": seen(process), "upsert": True}],
        )

    async def upgrade(self, upgrade: SchemaUpgrade) -> None:
        await self._update("processes", [self._pass()])
        changed: Document = {
            "$set": {"number": upgrade.after},
            "$push": {"upgrades": from_upgrade(upgrade)},
        }
        await self._update("schema", [{"q": {"_id": THE_DATA}, "u": changed, "upsert": True}])

    def _pass(self) -> Document:
        return {"q": {"_id": TURNSTILE}, "u": {"$inc": {"passed": 1}}, "upsert": True}

    async def _processes(self) -> Sequence[RunningProcess]:
        """Return who was heard of lately: a few dozen at most."""
        running: list[Document] = [
            {"$match": {"_id": {"$ne": TURNSTILE}, "$expr": HEARD_OF}},
            {"$set": {"silent_ms": SILENT_MS}},
            {"$sort": {"host": 1, "started_at": 1}},
        ]
        command: Document = {"aggregate": "processes", "pipeline": running, "cursor": {}}
        found = await self._client.find(command, session=self._session_in_use())
        return [to_process(each) for each in found]


async def note_macs(client: MongoClient) -> None:
    """Note that every account has a MAC: from now on one without is unreadable."""
    if client.macs_may_lack:
        noted: Document = {"_id": ALL_HAVE_MACS}
        await client.run(
            {"insert": "schema", "documents": [noted], "writeConcern": DURABLE},
            ignored=DUPLICATE_KEY,
        )
        client.macs_may_lack = False


def readable(number: int) -> int:
    """Return *number*, where this release reads and writes data of it.

    Raises:
        NewerDataError: It does not.
    """
    if number > NEWEST:
        raise NewerDataError(
            f"the data has schema {number}, and this release reads none above {NEWEST}: it was "
            "upgraded for a later release; start that one (there is no way back but a backup of before)"
        )
    if number < FIRST:
        raise NewerDataError(
            f"the data has schema {number}, and this release writes none below {FIRST}: start the "
            "release before this one and run `accounts schema upgrade` there"
        )
    return number

"""The store, for commands that read or write it themselves: never data that this release does not know."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from storage.mongo.client import MongoClient
from storage.mongo.data_schema import MongoDataSchema
from workers.bootstrap.stores import mongo_options
from workers.config.settings import Settings
from workers.keys.pairs import KeyKind
from workers.keys.ring import KeyRing


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncGenerator[MongoClient]:
    """Yield a connection whose adapters write what the workers write.

    Raises:
        NewerDataError: The data is for a later release.
        KeysError: There is no key to authenticate accounts with.
    """
    ring = KeyRing(settings.keys_dir, needs=[KeyKind.MAC])
    client = MongoClient(mongo_options(settings, ring))
    try:
        await MongoDataSchema(client).check()
        yield client
    finally:
        await client.close()

"""The store, for commands that read or write it themselves: never data that this release does not know."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from storage.mongo.client import MongoClient, MongoOptions
from storage.mongo.data_schema import MongoDataSchema
from workers.bootstrap.stores import mongo_options
from workers.config.settings import Settings
from workers.keys.pairs import KeyKind
from workers.keys.ring import KeyRing


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncGenerator[MongoClient]:
    """Yield a connection whose adapters read and write what the workers do.

    Raises:
        NewerDataError: The data is for a later release.
        KeysError: There is no key to authenticate accounts with.
    """
    ring = KeyRing(settings.keys_dir, needs=[KeyKind.MAC])
    async with _opened(mongo_options(settings, ring)) as client:
        yield client


@asynccontextmanager
async def open_store_without_accounts(settings: Settings) -> AsyncGenerator[MongoClient]:
    """Yield a connection for what is no account, and needs no key.

    Raises:
        NewerDataError: The data is for a later release.
    """
    async with _opened(mongo_options(settings)) as client:
        yield client


@asynccontextmanager
async def _opened(options: MongoOptions) -> AsyncGenerator[MongoClient]:
    client = MongoClient(options)
    try:
        await MongoDataSchema(client).check()
        yield client
    finally:
        await client.close()

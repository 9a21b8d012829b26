"""Whoever moves out gets everybody, and what passwords are checked against only if they ask."""

import pytest

from storage.memory.exporting import MemoryExport
from storage.memory.ledger import MemoryCredentials, MemoryLedger
from storage.mongo import exporting
from storage.mongo.exporting import MongoExport
from storage.ports.export import Export, StoredUser
from tests.builders import an_account
from tests.identity_builders import a_credential
from tests.ports.conftest import Store
from tests.ports.written import write


@pytest.fixture
def export(store: Store) -> Export:
    if isinstance(store.ledger, MemoryLedger):
        assert isinstance(store.credentials, MemoryCredentials)
        return MemoryExport(store.ledger, store.credentials)
    assert store.client is not None
    return MongoExport(store.client)


async def users(export: Export, *, with_credentials: bool = False) -> list[StoredUser]:
    return [each async for each in export.users(with_credentials=with_credentials)]


async def test_yields_everybody_by_username(
    store: Store, export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PAGE_USERS", 2)
    accounts = [an_account(name, posted_minor=100, sequence=0) for name in ("a", "b", "c", "d")]
    await write(store.ledger, accounts=list(reversed(accounts)))

    found = await users(export)

    assert [each.account for each in found] == accounts


async def test_yields_credentials_to_who_asks(store: Store, export: Export) -> None:
    await write(store.ledger, accounts=[an_account("alice"), an_account("bob")])
    credential = a_credential("bob", imported=True)
    await store.credentials.insert([credential])

    asked = await users(export, with_credentials=True)

    assert [each.credential for each in asked] == [None, credential]
    assert [each.credential for each in await users(export)] == [None, None]

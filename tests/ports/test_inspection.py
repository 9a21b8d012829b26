"""Whoever looks at stored data sees all of it, damaged or not, in every adapter."""

from datetime import timedelta
from typing import Any

import pytest

import storage.mongo.inspection
from handlers.history.reference import Reference, Referring
from handlers.model.changes import NameClaim
from handlers.model.corrupt import CorruptDocument
from storage.memory.identities import MemoryIdentities
from storage.memory.inspection import MemoryInspection
from storage.memory.ledger import MemoryCredentials, MemoryLedger
from storage.mongo.client import DURABLE
from storage.mongo.inspection import MongoInspection
from storage.ports.identity import IdentityChanges
from storage.ports.inspection import Inspection
from tests.builders import NOON, a_claim, an_account, an_outcome
from tests.identity_builders import a_credential, a_session, an_answered
from tests.ports.conftest import Store
from tests.ports.written import write


@pytest.fixture
def inspection(store: Store) -> Inspection:
    if isinstance(store.ledger, MemoryLedger):
        assert isinstance(store.credentials, MemoryCredentials)
        assert isinstance(store.identities, MemoryIdentities)
        return MemoryInspection(store.ledger, store.credentials, store.identities)
    assert store.client is not None
    return MongoInspection(store.client)


@pytest.fixture
async def filled(store: Store) -> Store:
    """Return a store in which alice and bob have one document of each kind, and alice a refusal."""
    for name in ("alice", "bob"):
        account = an_account(name, posted_minor=1000, sequence=1)
        registered, entry = an_outcome(name, "registration"), an_outcome(name, sequence=1)
        claim = a_claim(f"{name}@example.com", name)
        await write(
            store.ledger,
            accounts=[account],
            outcomes=[registered, entry],
            claimed=[claim],
            names=[NameClaim(name=name, username=name)],
            registered=[account],
        )
        session = a_session(f"session-of-{name}", username=name)
        answered = an_answered(username=name)
        await store.identities.apply(IdentityChanges(answered=answered, opened=[session]))
    await store.credentials.insert([a_credential("bob")])
    await write(store.ledger, outcomes=[an_outcome("carol", "refused", account_id=None)])
    return store


OF_ALICE = {
    Referring.EMAILS: "alice@example.com",
    Referring.NAMES: "alice",
    Referring.REGISTRATIONS: "alice",
    Referring.SESSIONS: "session-of-alice",
    Referring.OUTCOMES: "alice:registration",
}


async def test_all_that_names_a_user_is_found(filled: Store, inspection: Inspection) -> None:
    del filled
    found = await inspection.references_of("alice")

    assert {one.collection: one.id for one in found} == OF_ALICE
    assert [one.username for one in found] == ["alice"] * 5


@pytest.mark.parametrize("limit", [1, 2, 100])
@pytest.mark.parametrize("collection", Referring)
async def test_all_that_names_anybody_is_found_page_by_page(
    filled: Store, inspection: Inspection, collection: Referring, limit: int
) -> None:
    del filled
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        page = await inspection.references(collection, after=after, limit=limit)
        found += [one.username for one in page.found]
        after = page.last

    expected = {Referring.REGISTRATIONS: ["alice"], Referring.CREDENTIALS: ["bob"]}
    assert found == expected.get(collection, ["alice", "bob"])


async def test_an_ended_session_still_names_its_user(store: Store, inspection: Inspection) -> None:
    opened = a_session("s", username="alice")
    ended = a_session("s", username="alice", ended_at=NOON, ended_reason="logout", version=2)
    await store.identities.apply(IdentityChanges(answered=an_answered("r1"), opened=[opened]))
    await store.identities.apply(IdentityChanges(answered=an_answered("r2"), changed=[ended]))

    found = await inspection.references_of("alice")

    assert found == [Reference(collection=Referring.SESSIONS, id="s", username="alice")]


async def test_who_can_sign_in_has_a_credential_or_waits_for_it(
    filled: Store, inspection: Inspection
) -> None:
    del filled
    assert await inspection.able_to_sign_in(["alice", "bob", "carol"]) == {"alice", "bob"}


async def test_accounts_are_found_by_when_they_were_changed(
    store: Store, inspection: Inspection
) -> None:
    for number in range(5):
        at = NOON + timedelta(seconds=number)
        await write(store.ledger, accounts=[an_account(f"user-{number}", changed_at=at)])
    since = NOON + timedelta(seconds=2)

    first = await inspection.changed(since=since, after="", limit=3)
    second = await inspection.changed(since=since, after=first.last or "", limit=3)

    assert (first.usernames, first.looked_at, first.last) == (["user-2"], 3, "user-2")
    assert (second.usernames, second.looked_at, second.last) == (["user-3", "user-4"], 2, None)


@pytest.mark.parametrize("page_outcomes", [1, 2, 3, 100])
async def test_entries_of_one_user_come_in_order(
    store: Store, inspection: Inspection, page_outcomes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.mongo.inspection, "PAGE_MAX", page_outcomes)
    outcomes = [an_outcome("alice", sequence=each) for each in (3, 1, 2)]
    await write(store.ledger, outcomes=[*outcomes, an_outcome("alicf", sequence=1)])

    found = [one async for one in inspection.entries("alice")]
    rest = [one async for one in inspection.entries("alice", after=2)]

    assert found == [outcomes[1], outcomes[2], outcomes[0]]
    assert rest == [outcomes[0]]


class TestDamaged:
    """Of documents in MongoDB; memory cannot hold such."""

    @pytest.fixture
    def client(self, filled: Store) -> Any:
        if filled.client is None:
            pytest.skip("only MongoDB keeps what a person writes into it")
        return filled.client

    @pytest.mark.parametrize(
        ("collection", "name", "field", "username"),
        [
            (Referring.EMAILS, "alice@example.com", "username", ""),
            (Referring.REGISTRATIONS, "alice", "opened_at", "alice"),
            (Referring.CREDENTIALS, "bob", "hash", "bob"),
            (Referring.SESSIONS, "session-of-alice", "expires_at", "alice"),
            (Referring.SESSIONS, "session-of-alice", "username", ""),
            (Referring.OUTCOMES, "alice:registration", "decided_at", "alice"),
            (Referring.OUTCOMES, "alice:command-1", "sequence", "alice"),
        ],
    )
    async def test_a_document_is_named_with_its_field_and_never_an_address(
        self,
        client: Any,
        inspection: Inspection,
        collection: Referring,
        name: str,
        field: str,
        username: str,
    ) -> None:
        update = {"q": {"_id": name}, "u": {"$set": {field: [1]}}}
        await client.run({"update": collection, "updates": [update], "writeConcern": DURABLE})

        page = await inspection.references(collection, after="", limit=10)

        [damaged] = [one for one in page.found if isinstance(one, CorruptDocument)]
        assert (damaged.field, damaged.username) == (field, username)
        assert damaged.id == ("(an e-mail address)" if "@" in name else name)

    async def test_an_account_without_a_time_counts_as_changed(
        self, client: Any, inspection: Inspection
    ) -> None:
        update = {"q": {"_id": "alice"}, "u": {"$unset": {"changed_at": ""}}}
        await client.run({"update": "accounts", "updates": [update], "writeConcern": DURABLE})

        page = await inspection.changed(since=NOON + timedelta(days=1), after="", limit=10)

        assert page.usernames == ["alice"]

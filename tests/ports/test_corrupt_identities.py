"""A credential, session, answer or counter that cannot be understood is an error that names it."""

from collections.abc import Awaitable, Callable

import pytest

from handlers.identity.throttling import ThrottleRule
from handlers.model.corrupt import CorruptDocument
from storage.memory.identities import MemoryIdentities
from storage.mongo.client import DURABLE
from storage.ports.credentials import Credential
from storage.ports.errors import CorruptDocumentError
from storage.ports.identity import IdentityChanges
from tests.builders import NOON
from tests.identity_builders import a_session, an_answered
from tests.ports.conftest import Store

Spoil = Callable[[str, str, str], Awaitable[None]]

SESSION = a_session()
ANSWER = an_answered()


@pytest.fixture
async def spoil(store: Store) -> Spoil:
    """Return what damages a field of a stored document; one of each kind is stored."""
    credential = Credential(username="alice", command_id="c-1", hash="hash", created_at=NOON)
    await store.credentials.insert([credential])
    await store.identities.apply(IdentityChanges(answered=ANSWER, opened=[SESSION]))

    async def damage(collection: str, identifier: str, field: str) -> None:
        if isinstance(store.identities, MemoryIdentities):
            store.identities.corrupt[collection, identifier] = CorruptDocument(
                collection=collection, id=identifier, username="alice", field=field
            )
            return
        assert store.client is not None
        update = {"q": {"_id": identifier}, "u": {"$set": {field: {"not": "this"}}}}
        await store.client.run({"update": collection, "updates": [update], "writeConcern": DURABLE})

    return damage


@pytest.mark.parametrize("field", ["hash", "created_at", "epoch", "version", "relied_on"])
async def test_a_credential(store: Store, spoil: Spoil, field: str) -> None:
    await spoil("credentials", "alice", field)

    with pytest.raises(CorruptDocumentError) as raised:
        await store.identities.credential("alice")

    assert raised.value.document == CorruptDocument(
        collection="credentials", id="alice", username="alice", field=field
    )


@pytest.mark.parametrize("field", ["epoch", "refresh_hash", "opened_at", "version", "ended_reason"])
async def test_a_session(store: Store, spoil: Spoil, field: str) -> None:
    await spoil("sessions", SESSION.session_id, field)

    with pytest.raises(CorruptDocumentError) as alone:
        await store.identities.session(SESSION.session_id)
    with pytest.raises(CorruptDocumentError) as among_others:
        await store.identities.live_sessions(SESSION.username, now=SESSION.opened_at)

    assert alone.value.document == among_others.value.document
    assert (alone.value.document.id, alone.value.document.field) == (SESSION.session_id, field)


@pytest.mark.parametrize("field", ["body", "expires_at", "answered_at", "fingerprint"])
async def test_an_answered(store: Store, spoil: Spoil, field: str) -> None:
    await spoil("requests", ANSWER.id, field)

    with pytest.raises(CorruptDocumentError) as raised:
        await store.identities.answered(ANSWER.id)

    assert raised.value.document.field == field


async def test_a_counter_does_not_hold_up_others(store: Store) -> None:
    """Counted by the server itself, which refuses to count on with what is no number."""
    if store.client is None:
        pytest.skip("in memory nothing else can be stored")
    rule = ThrottleRule(free=0)
    await store.throttles.count("user:alice", rule=rule, now=NOON)
    update = {"q": {"_id": "user:alice"}, "u": {"$set": {"failures": "many"}}}
    await store.client.run({"update": "throttles", "updates": [update], "writeConcern": DURABLE})

    with pytest.raises(CorruptDocumentError) as raised:
        await store.throttles.count("user:alice", rule=rule, now=NOON)

    assert raised.value.document.collection == "throttles"
    assert (await store.throttles.count("user:bob", rule=rule, now=NOON)).allowed

"""What every store of credentials keeps."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from storage.ports.credentials import Credential, Credentials
from storage.ports.identity import IdentityChanges
from tests.builders import NOON, an_account
from tests.identity_builders import an_answered
from tests.ports.conftest import Store
from tests.ports.written import write
from tests.unit.sealed import PASSWORD, a_blob
from tests.unit.workers.credentials.in_memory import HashingInMemory
from tests.unit.workers.credentials.test_hashing import verifies
from workers.credentials.hashing import LowPriorityPool

LATER = NOON + timedelta(seconds=1)


def a_credential(username: str = "alice", *, command_id: str = "one") -> Credential:
    return Credential(username=username, command_id=command_id, hash="$x$hash", created_at=NOON)


async def test_a_credential_exists_once_inserted(credentials: Credentials) -> None:
    await credentials.insert([a_credential("alice"), a_credential("bob")])

    existing = await credentials.existing(["alice", "bob", "carol"])
    assert existing == {"alice": "one", "bob": "one"}


async def test_nothing_asked_is_nothing_found(credentials: Credentials) -> None:
    await credentials.insert([])
    await credentials.settle([])

    assert not await credentials.existing([])


async def test_one_that_is_there_does_not_keep_others_out(credentials: Credentials) -> None:
    await credentials.insert([a_credential("alice")])

    await credentials.insert(
        [a_credential("alice", command_id="two"), a_credential("bob"), a_credential("bob")]
    )

    assert set(await credentials.existing(["alice", "bob"])) == {"alice", "bob"}


async def test_a_credential_is_never_overwritten_by_a_registration(store: Store) -> None:
    first = a_credential("alice")
    await store.credentials.insert([first])

    again = replace(first, command_id="two", hash="$x$another", created_at=LATER)
    await store.credentials.insert([again, a_credential("bob")])
    await store.credentials.insert([again])

    assert await store.identities.credential("alice") == first
    assert await store.identities.credential("bob") == a_credential("bob")


async def test_the_first_of_two_in_one_batch_stays(store: Store) -> None:
    first = a_credential("alice")

    await store.credentials.insert([first, replace(first, command_id="two", hash="$x$another")])

    assert await store.identities.credential("alice") == first


async def test_a_password_changed_since_is_not_set_back_by_a_repeat(store: Store) -> None:
    first = a_credential("alice")
    changed = replace(first, hash="$x$changed", created_at=LATER, epoch=1, version=2)
    await store.credentials.insert([first])
    await store.identities.apply(IdentityChanges(answered=an_answered(), credential=changed))

    await store.credentials.insert([first])

    assert await store.identities.credential("alice") == changed


class LookingTogether:
    """The credentials as two workers see them that both look before either has inserted."""

    def __init__(self, credentials: Credentials) -> None:
        self.inserted: list[Credential] = []
        """In the order in which the store had them, one at a time."""
        self._credentials = credentials
        self._both, self._turn = asyncio.Barrier(2), asyncio.Lock()

    async def existing(self, usernames: Collection[str]) -> Mapping[str, str]:
        found = await self._credentials.existing(usernames)
        await self._both.wait()
        return found

    async def insert(self, credentials: Sequence[Credential]) -> None:
        async with self._turn:
            await self._credentials.insert(credentials)
            self.inserted += credentials

    async def settle(self, usernames: Collection[str]) -> None:
        await self._credentials.settle(usernames)

    async def count_pending(self, *, opened_before: datetime) -> int:
        return await self._credentials.count_pending(opened_before=opened_before)


async def test_of_two_workers_that_hash_one_registration_the_first_sets_the_password(
    store: Store, tmp_path: Path
) -> None:
    """P7: one was taken for dead. Its caller sent the command again, with another password."""
    pool = LowPriorityPool("hashing", 1)
    in_memory = HashingInMemory(tmp_path / "keys", pool)
    other = in_memory.waiting(1, sealed_password=a_blob(in_memory.ring, "another password"))
    seen = LookingTogether(store.credentials)
    one, two = in_memory.another_worker(seen), in_memory.another_worker(seen)

    await asyncio.gather(one.process([in_memory.waiting(0)]), two.process([other]))
    pool.close()

    first, second = seen.inserted
    assert verifies(PASSWORD, first.hash) != verifies(PASSWORD, second.hash)
    assert await store.identities.credential("alice") == first
    assert len(in_memory.answers.sent) == 2


async def test_an_account_waits_until_its_credential_is_there(store: Store) -> None:
    names = ("alice", "bob", "carol")
    accounts = [an_account(name) for name in names]
    await write(store.ledger, accounts=accounts, registered=accounts)

    before = await store.credentials.count_pending(opened_before=LATER)
    await store.credentials.insert([a_credential("alice")])
    after_one = await store.credentials.count_pending(opened_before=LATER)
    await store.credentials.settle(["bob", "nobody"])
    after_two = await store.credentials.count_pending(opened_before=LATER)

    assert (before, after_one, after_two) == (3, 2, 1)


async def test_only_accounts_registered_before_count_as_pending(store: Store) -> None:
    later = an_account("bob", changed_at=LATER)
    await write(store.ledger, registered=[an_account("alice"), later])

    assert await store.credentials.count_pending(opened_before=NOON) == 0
    assert await store.credentials.count_pending(opened_before=LATER) == 1


async def test_an_account_that_was_not_committed_does_not_wait(store: Store) -> None:
    async with store.ledger.transaction() as transaction:
        assert not await transaction.accounts(["alice"])

    assert await store.credentials.count_pending(opened_before=LATER) == 0

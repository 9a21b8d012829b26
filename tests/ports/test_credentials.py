"""What every store of credentials keeps."""

from datetime import timedelta

from storage.ports import Credential, Credentials
from tests.builders import NOON, an_account
from tests.ports.conftest import Store
from tests.ports.written import write

LATER = NOON + timedelta(seconds=1)


def a_credential(username: str = "alice", *, command_id: str = "one") -> Credential:
    return Credential(username=username, command_id=command_id, hash="$x$hash", created_at=NOON)


async def test_a_credential_exists_once_inserted(credentials: Credentials) -> None:
    await credentials.insert([a_credential("alice"), a_credential("bob")])

    assert set(await credentials.existing(["alice", "bob", "carol"])) == {"alice", "bob"}


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


async def test_an_account_waits_until_its_credential_is_there(store: Store) -> None:
    names = ("alice", "bob", "carol")
    accounts = [an_account(name) for name in names]
    await write(store.ledger, accounts=accounts, opened=accounts)

    before = await store.credentials.count_pending(opened_before=LATER)
    await store.credentials.insert([a_credential("alice")])
    after_one = await store.credentials.count_pending(opened_before=LATER)
    await store.credentials.settle(["bob", "nobody"])
    after_two = await store.credentials.count_pending(opened_before=LATER)

    assert (before, after_one, after_two) == (3, 2, 1)


async def test_only_accounts_opened_before_count_as_pending(store: Store) -> None:
    await write(store.ledger, opened=[an_account("alice"), an_account("bob", opened_at=LATER)])

    assert await store.credentials.count_pending(opened_before=NOON) == 0
    assert await store.credentials.count_pending(opened_before=LATER) == 1


async def test_an_account_that_was_not_committed_does_not_wait(store: Store) -> None:
    async with store.ledger.transaction() as transaction:
        assert not await transaction.accounts(["alice"])

    assert await store.credentials.count_pending(opened_before=LATER) == 0

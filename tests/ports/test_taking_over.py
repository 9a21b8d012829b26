"""An opened account is taken over once, in one transaction, in every adapter."""

import asyncio
from datetime import UTC, datetime, timedelta

from contracts.codes import Code
from handlers.model.account import Profile
from handlers.model.changes import NameClaim
from handlers.model.input_records import CommandRecord, Judged
from storage.ports.ledger import Ledger
from tests.builders import NOON, a_claim, an_account
from tests.ports.conftest import Store
from tests.ports.written import write
from tests.received import a_registration, received
from tests.unit.workers.ledger.ledger_lanes import SimpleLaneDependencies
from tests.unit.workers.ledger.test_opening import codes
from workers.ledger.lane import Applied, Lane

DIGEST = bytes(range(32))
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
OPENED = an_account(
    posted_minor=1000,
    sequence=3,
    published_sequence=3,
    profile=Profile(email="old@example.com"),
    signs_in=False,
    claim_digest=DIGEST,
    opened_at=LONG_AGO,
    changed_at=LONG_AGO,
)


async def opened(ledger: Ledger) -> None:
    name = NameClaim(name="alice", username="alice")
    await write(ledger, accounts=[OPENED], claimed=[a_claim("old@example.com")], names=[name])


def a_takeover(command_id: str) -> CommandRecord:
    command = a_registration(command_id=command_id, email="new@example.com")
    return received(command, judged=Judged(claim_digest=DIGEST))


async def decided(ledger: Ledger, command: CommandRecord) -> Applied:
    lane = Lane(SimpleLaneDependencies(ledger).surroundings(), users={"alice": [command]})
    await lane.run()
    [applied] = lane.applied
    return applied


async def test_of_two_workers_at_once_one_takes_it_over(store: Store) -> None:
    await opened(store.ledger)

    applied = await asyncio.gather(
        *(decided(store.ledger, a_takeover(each)) for each in ("one", "two"))
    )

    assert {tuple(codes(each)) for each in applied} == {(None,), (Code.USERNAME_TAKEN,)}
    account = await store.ledger.account("alice")
    assert account is not None
    assert (account.signs_in, account.claim_digest, account.version) == (True, None, 2)
    assert (account.account_id, account.sequence) == (OPENED.account_id, 3)
    assert account.balances == OPENED.balances


async def test_the_address_before_is_given_up_with_it(store: Store) -> None:
    await opened(store.ledger)

    await decided(store.ledger, a_takeover("one"))

    async with store.ledger.transaction() as transaction:
        owners = await transaction.email_owners(["old@example.com", "new@example.com"])
    assert owners == {"new@example.com": "alice"}


async def test_its_password_is_waited_for_from_then_on(store: Store) -> None:
    """Not since the account was opened, which may be years ago."""
    await opened(store.ledger)

    await decided(store.ledger, a_takeover("one"))

    pending = store.credentials.count_pending
    assert await pending(opened_before=LONG_AGO + timedelta(days=1)) == 0
    assert await pending(opened_before=NOON + timedelta(days=10**5)) == 1

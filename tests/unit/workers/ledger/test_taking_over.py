"""Taking over an opened account, in lanes of workers: once, in order, and in one transaction."""

import pytest

from contracts.codes import Code
from contracts.commands import AnyCommand
from handlers.model.account import Account
from handlers.model.input_records import CommandRecord, Judged
from storage.memory.ledger import MemoryLedger
from tests.received import (
    a_deposit,
    a_registration,
    a_withdrawal,
    an_opening,
    an_update,
    nothing_read,
    received,
)
from tests.unit.workers.ledger.ledger_lanes import SimpleLaneDependencies
from tests.unit.workers.ledger.test_opening import codes, decided
from workers.ledger.lane import Applied, Lane

DIGEST, OTHER = bytes(32), bytes(31) + b"\x01"


def with_claim(command: AnyCommand, digest: bytes = DIGEST) -> CommandRecord:
    return received(command, judged=Judged(claim_digest=digest))


async def settled(ledger: MemoryLedger, *commands: CommandRecord) -> Applied:
    """As `decided`, of one user's commands whose sealed fields were judged."""
    users = {commands[0].command.username: [*commands]}
    lane = Lane(SimpleLaneDependencies(ledger).surroundings(), users=users)
    await lane.run()
    [applied] = lane.applied
    return applied


async def stored(ledger: MemoryLedger) -> Account:
    account = await ledger.account("alice")
    assert account is not None
    return account


@pytest.fixture
async def ledger() -> MemoryLedger:
    """Return one with an account of 10.00 USD that was opened with a claim."""
    ledger = MemoryLedger()
    await settled(ledger, with_claim(an_opening()), received(a_deposit("10.00")))
    return ledger


async def test_money_and_history_stay_with_the_account(ledger: MemoryLedger) -> None:
    before = await stored(ledger)

    applied = await settled(ledger, with_claim(a_registration()), received(a_withdrawal("4.00")))

    assert codes(applied) == [None, None]
    assert [each.announced.awaits_credential for each in applied.decision.answers if each.announced]
    after = await stored(ledger)
    assert (after.account_id, after.opened_at) == (before.account_id, before.opened_at)
    assert (after.sequence, after.balances["USD"].posted_minor) == (2, 600)
    assert (after.signs_in, after.claim_digest) == (True, None)


async def test_all_may_come_at_once(ledger: MemoryLedger) -> None:
    del ledger
    fresh = MemoryLedger()

    applied = await settled(
        fresh, with_claim(a_registration()), with_claim(an_opening()), received(a_deposit())
    )

    assert codes(applied) == [None, None, None]
    assert (await stored(fresh)).signs_in


@pytest.mark.parametrize("digest", [OTHER, None])
async def test_without_the_claim_nothing_changes(
    ledger: MemoryLedger, digest: bytes | None
) -> None:
    before = await stored(ledger)
    guess = received(a_registration(), judged=Judged(claim_digest=digest))

    assert codes(await settled(ledger, guess)) == [Code.USERNAME_TAKEN]
    assert await stored(ledger) == before
    # Whoever has it still can.
    mine = with_claim(a_registration(command_id="r-2"))
    assert codes(await settled(ledger, mine)) == [None]


async def test_a_claim_is_good_once(ledger: MemoryLedger) -> None:
    first, second = (with_claim(a_registration(command_id=each)) for each in ("r-1", "r-2"))

    assert codes(await settled(ledger, first)) == [None]
    assert codes(await settled(ledger, second)) == [Code.USERNAME_TAKEN]


async def test_sent_again_it_is_answered_as_recorded(ledger: MemoryLedger) -> None:
    """P2, P3: also where its claim cannot be opened any more."""
    [first] = (await settled(ledger, with_claim(a_registration()))).decision.answers
    gone = received(a_registration(), judged=Judged(problem=Code.SEAL_INVALID))

    for repeat in (with_claim(a_registration()), gone):
        [again] = (await settled(ledger, repeat)).decision.answers
        assert (again.outcome, again.new) == (first.outcome, False)


async def test_opening_again_changes_no_claim(ledger: MemoryLedger) -> None:
    """Under its id it is answered as recorded, under another the name is taken."""
    assert codes(await settled(ledger, with_claim(an_opening(), OTHER))) == [None]
    other = with_claim(an_opening(command_id="o-2"), OTHER)
    assert codes(await settled(ledger, other)) == [Code.USERNAME_TAKEN]

    assert (await stored(ledger)).claim_digest == DIGEST


async def test_a_change_of_profile_keeps_the_claim(ledger: MemoryLedger) -> None:
    await decided(ledger, an_update(first_name="Bob"))

    assert (await stored(ledger)).claim_digest == DIGEST


async def test_a_claim_waits_for_its_account_to_be_read() -> None:
    """P1: the account was opened before, and its opening is not read yet."""
    unread = SimpleLaneDependencies(MemoryLedger(), reading=nothing_read)
    lane = Lane(unread.surroundings(), users={"alice": [with_claim(a_registration())]})

    await lane.run()

    assert [each.command.command_id for each in lane.parked] == ["r-1"]
    assert list(lane.early.values()) == [Code.UNKNOWN_ACCOUNT]

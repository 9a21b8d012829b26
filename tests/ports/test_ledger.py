"""What every ledger keeps, and what it refuses."""

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from contracts.codes import Code
from contracts.money import AMOUNT_MINOR_MAX
from handlers.model.account import Account, Balance, Profile
from handlers.model.outcome import Outcome, Trace
from storage.ports.credentials import Credentials
from storage.ports.errors import LostRaceError
from storage.ports.ledger import Ledger
from tests.builders import NOON, a_claim, an_account, an_entry, an_outcome, readable, some_changes
from tests.ports.written import write

BARE = an_account()
OPENED = an_account("auth0|5f7c8ec7c33c6c004bbafe82", profile=Profile(), signs_in=False)
CLAIMED = replace(OPENED, username="claimed", claim_digest=bytes(range(32)))
FULL = Account(
    username="bob.the-2nd_",
    account_id="0b7b1e1e-3f5e-5b1f-9a51-0f6e1c5a7d11",
    profile=Profile(
        email="Bjørn+x@example.com",
        first_name="Zoë $set",
        last_name="O'Neill \u0000 \U0001f600",
        phone="+14155550123",
        date_of_birth=date(1900, 1, 2),
        marketing_consent=True,
    ),
    balances={
        "USD": Balance(posted_minor=AMOUNT_MINOR_MAX, scale=2, held_minor=1),
        "BTC": Balance(posted_minor=2**31, scale=8),
        "JPY": Balance(posted_minor=0, scale=0),
    },
    sequence=2**40,
    version=1,
    writer="w",
    published_sequence=7,
    opened_at=BARE.opened_at,
    changed_at=BARE.changed_at.replace(microsecond=999_000),
)
REFUSED = an_outcome(code=Code.INSUFFICIENT_FUNDS, detail="available 3.00 USD", account_id=None)
ODD = an_outcome(
    "bob.the-2nd_",
    "a:b $where.\"c\" {'d': 1}",
    sequence=1,
    trace=Trace(correlation_id="", traceparent="00-ab-cd-01", tracestate="k=v"),
    entry=an_entry(1, amount_minor=AMOUNT_MINOR_MAX, after_minor=AMOUNT_MINOR_MAX, held_minor=5),
    actor="$ne",
    reason="",
    related_id="\u0000",
    metadata=(("$set", "{$gt: 0}"), ("a.b", ""), ("", "x"), ("_id", "y")),
)


@pytest.mark.parametrize(
    "account", [BARE, FULL, OPENED, CLAIMED], ids=["bare", "full", "opened", "claimed"]
)
async def test_an_account_comes_back_as_it_was(ledger: Ledger, account: Account) -> None:
    await write(ledger, accounts=[account])

    async with ledger.transaction() as transaction:
        assert await transaction.accounts([account.username]) == {account.username: account}
    assert await ledger.account(account.username) == account


@pytest.mark.parametrize(
    "outcome",
    [an_outcome(), an_outcome(sequence=1), an_outcome(sequence=1, metadata=()), REFUSED, ODD],
    ids=["without entry", "deposit", "empty metadata", "refused", "odd"],
)
async def test_an_outcome_comes_back_as_it_was(ledger: Ledger, outcome: Outcome) -> None:
    await write(ledger, outcomes=[outcome])

    async with ledger.transaction() as transaction:
        assert await transaction.outcomes([outcome.id, "nobody:x"]) == {outcome.id: outcome}


async def test_the_order_of_balances_is_kept(ledger: Ledger) -> None:
    await write(ledger, accounts=[FULL])

    stored = await ledger.account(FULL.username)

    assert stored is not None
    assert list(stored.balances) == ["USD", "BTC", "JPY"]


async def test_what_is_missing_is_absent(ledger: Ledger) -> None:
    async with ledger.transaction() as transaction:
        assert await transaction.accounts(["nobody"]) == {}
        assert await transaction.outcomes(["nobody:x"]) == {}
        assert await transaction.email_owners(["nobody@example.com"]) == {}
        assert list(await transaction.entries([])) == []
    assert await ledger.account("nobody") is None


async def test_a_claim_names_its_owner(ledger: Ledger) -> None:
    await write(ledger, claimed=[a_claim("a@example.com", "alice"), a_claim("b@x.org", "bob")])

    async with ledger.transaction() as transaction:
        owners = await transaction.email_owners(["a@example.com", "b@x.org", "c@x.org"])

    assert owners == {"a@example.com": "alice", "b@x.org": "bob"}


async def test_a_registration_that_is_left_of_an_account_keeps_nobody_from_opening_it(
    ledger: Ledger, credentials: Credentials
) -> None:
    """Somebody removed the account by hand: to insert would be a race that is lost for ever."""
    await write(ledger, registered=[an_account()])

    await write(ledger, accounts=[an_account()], registered=[an_account()])

    assert await ledger.account("alice") == an_account()
    assert await credentials.count_pending(opened_before=NOON + timedelta(hours=1)) == 1


async def test_an_account_is_replaced_by_its_next_version(ledger: Ledger) -> None:
    await write(ledger, accounts=[an_account(posted_minor=1)])
    next_one = an_account(posted_minor=2, version=2)

    await write(ledger, accounts=[next_one])

    assert await ledger.account("alice") == next_one


@pytest.mark.parametrize("version", [1, 2, 4, 5])
async def test_any_other_version_is_a_lost_race(ledger: Ledger, version: int) -> None:
    await write(ledger, accounts=[an_account()])
    await write(ledger, accounts=[an_account(version=2)])

    with pytest.raises(LostRaceError):
        await write(ledger, accounts=[an_account(version=version)])

    assert await ledger.account("alice") == an_account(version=2)


async def test_an_account_that_is_gone_is_a_lost_race(ledger: Ledger) -> None:
    with pytest.raises(LostRaceError):
        await write(ledger, accounts=[an_account("bob"), an_account(version=2)])

    assert await ledger.account("bob") is None


async def test_a_command_is_decided_once(ledger: Ledger) -> None:
    """P2."""
    await write(ledger, outcomes=[an_outcome(command_id="one", sequence=1)])

    with pytest.raises(LostRaceError):
        await write(
            ledger, accounts=[an_account()], outcomes=[an_outcome(command_id="one", sequence=2)]
        )

    assert await ledger.account("alice") is None


async def test_a_sequence_is_given_once(ledger: Ledger) -> None:
    """P5."""
    await write(ledger, outcomes=[an_outcome(command_id="one", sequence=1)])

    with pytest.raises(LostRaceError):
        await write(ledger, outcomes=[an_outcome(command_id="two", sequence=1)])


async def test_others_may_have_the_same_command_id_and_sequence(ledger: Ledger) -> None:
    outcomes = [
        an_outcome("alice", "one", sequence=1),
        an_outcome("bob", "one", sequence=1),
        an_outcome("alice", "two"),
        an_outcome("alice", "three"),
    ]

    await write(ledger, outcomes=outcomes)

    assert await ledger.count_outcomes() == 4


async def test_an_address_is_claimed_once(ledger: Ledger) -> None:
    await write(ledger, claimed=[a_claim(username="alice")])

    with pytest.raises(LostRaceError):
        await write(ledger, claimed=[a_claim(username="bob")])


async def test_an_address_given_up_can_be_taken_in_the_same_write(ledger: Ledger) -> None:
    await write(ledger, claimed=[a_claim(username="alice")])

    await write(ledger, released=[a_claim(username="alice")], claimed=[a_claim(username="bob")])

    async with ledger.transaction() as transaction:
        assert await transaction.email_owners(["alice@example.com"]) == {"alice@example.com": "bob"}


async def test_only_its_owner_gives_an_address_up(ledger: Ledger) -> None:
    await write(ledger, claimed=[a_claim(username="alice")])

    await write(ledger, released=[a_claim(username="mallory")])

    async with ledger.transaction() as transaction:
        owners = await transaction.email_owners(["alice@example.com"])
    assert owners == {"alice@example.com": "alice"}


async def test_more_than_one_reply_holds_is_returned_whole(ledger: Ledger) -> None:
    usernames = [f"user-{number:04}" for number in range(300)]
    await write(ledger, accounts=[an_account(username) for username in usernames])

    async with ledger.transaction() as transaction:
        found = await transaction.accounts(usernames)

    assert sorted(found) == usernames
    assert await ledger.count_accounts() == 300


async def test_an_account_can_be_written_again_and_again(ledger: Ledger) -> None:
    account = an_account(posted_minor=0)
    await write(ledger, accounts=[account])

    for version in range(2, 6):
        async with ledger.transaction() as transaction:
            [gathered] = readable((await transaction.accounts(["alice"])).values())
            changed = replace(gathered, version=version)
            await transaction.apply(some_changes(accounts=[changed]))
            await transaction.commit()

    assert await ledger.account("alice") == replace(account, version=5)


async def test_a_writer_that_signed_off_is_known_to_have(ledger: Ledger) -> None:
    await ledger.sign_off("first", at=BARE.opened_at)
    await ledger.sign_off("first", at=BARE.opened_at)  # by a commit that was asked for twice

    assert set(await ledger.signed_off(["first", "second"])) == {"first"}
    assert set(await ledger.signed_off(["second"])) == set()

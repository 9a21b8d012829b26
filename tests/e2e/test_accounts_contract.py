"""What callers rely on, of the service and of `FakeAccounts` alike: money, refusals, repeats, pages."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from client import (
    AccountsClient,
    InsufficientFundsError,
    RefusedError,
    UnknownAccountError,
    UsernameTakenError,
    fresh_command_id,
)
from contracts.ledger import Deposit, Withdraw
from contracts.profile import UpdateProfile
from contracts.queries import GetOutcome, GetProfile
from contracts.registration import Open
from tests.e2e.accounts_either import AN_ASSET, SETTINGS, accounts, either, running
from tests.e2e.caller import a_name

__all__ = ["SETTINGS", "accounts", "either", "running"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

FOLLOWED_WITHIN_S = 30.0


async def a_user(accounts: AccountsClient, amount: str | None = None) -> str:
    username = a_name()
    await accounts.open(username)
    if amount is not None:
        await accounts.deposit(username, amount, "USD")
    return username


async def refused(accounts: AccountsClient, command: Deposit | Withdraw) -> str:
    result = await accounts.ask(command)
    assert result.status == "rejected"
    assert result.error is not None
    return result.error.code


class TestMoney:
    async def test_comes_and_goes(self, accounts: AccountsClient) -> None:
        username = f"shop|{a_name()}"
        opened = await accounts.open(username, first_name="Alice")

        paid_in = await accounts.deposit(username, Decimal("10.50"), "USD", reason="a gift")
        paid_out = await accounts.withdraw(username, "4.25", "USD")
        held = await accounts.balances(username)

        assert opened.account_id == held.account_id
        assert (paid_in.type, paid_out.type) == ("deposit", "withdraw")
        assert held.sequence == 2
        assert (held.balances["USD"].posted, held.balances["USD"].available) == ("6.25", "6.25")
        assert (await accounts.balance(username, "EUR")).available == "0"

    async def test_has_as_many_decimals_as_the_asset(self, accounts: AccountsClient) -> None:
        username = await a_user(accounts)

        await accounts.deposit(username, "0.000000000000000001", AN_ASSET)

        assert (await accounts.balance(username, AN_ASSET)).available == "0.000000000000000001"

    async def test_of_one_moment_is_all_counted(self, accounts: AccountsClient) -> None:
        username = await a_user(accounts)

        await asyncio.gather(*(accounts.deposit(username, "1.00", "USD") for _ in range(50)))

        assert (await accounts.balance(username, "USD")).available == "50.00"


class TestRefusals:
    async def test_have_types(self, accounts: AccountsClient) -> None:
        username = await a_user(accounts, "5.00")

        with pytest.raises(UsernameTakenError):
            await accounts.open(username)
        with pytest.raises(InsufficientFundsError, match="available"):
            await accounts.withdraw(username, "5.01", "USD")
        with pytest.raises(UnknownAccountError):
            await accounts.deposit(a_name(), "1.00", "USD")
        with pytest.raises(UnknownAccountError):
            await accounts.balance(a_name(), "USD")
        with pytest.raises(UnknownAccountError):
            await anext(accounts.transactions(a_name()))

        assert (await accounts.balances(username)).sequence == 1

    @pytest.mark.parametrize(
        ("amount", "currency", "code"),
        [
            ("0.00", "USD", "amount_too_small"),
            ("0.001", "USD", "amount_too_precise"),
            ("1.00", "XYZ", "currency_unsupported"),
        ],
    )
    async def test_say_which_rule(
        self, accounts: AccountsClient, amount: str, currency: str, code: str
    ) -> None:
        username = await a_user(accounts)

        result = await accounts.try_deposit(username, amount, currency)

        assert result.error is not None
        assert result.error.code == code

    async def test_of_what_expired_say_so(self, accounts: AccountsClient) -> None:
        username = await a_user(accounts)
        long_ago = datetime.now(tz=UTC) - timedelta(days=1)

        with pytest.raises(RefusedError, match="expired"):
            await accounts.deposit(username, "1.00", "USD", expires_at=long_ago)


class TestRepeats:
    async def test_are_answered_as_recorded(self, accounts: AccountsClient) -> None:
        username = await a_user(accounts)

        first = await accounts.deposit(username, "1.00", "USD", command_id="invoice-7")
        again = await accounts.deposit(username, "1.0", "USD", command_id="invoice-7")

        assert (first.duplicate, again.duplicate) == (False, True)
        assert again.entry == first.entry
        assert again.decided_at == first.decided_at
        assert (await accounts.balance(username, "USD")).available == "1.00"

    async def test_of_a_refusal_are_refused_though_there_is_money_now(
        self, accounts: AccountsClient
    ) -> None:
        username = await a_user(accounts)
        withdrawal = Withdraw(
            command_id=fresh_command_id(), username=username, amount="1.00", currency="USD"
        )

        early = await refused(accounts, withdrawal)
        await accounts.deposit(username, "1.00", "USD")

        assert (early, await refused(accounts, withdrawal)) == ("insufficient_funds",) * 2

    async def test_with_another_content_are_a_conflict(self, accounts: AccountsClient) -> None:
        username = await a_user(accounts, "5.00")
        await accounts.deposit(username, "1.00", "USD", command_id="one")

        with pytest.raises(RefusedError, match="command_id_conflict"):
            await accounts.deposit(username, "2.00", "USD", command_id="one")
        with pytest.raises(RefusedError, match="command_id_conflict"):
            await accounts.withdraw(username, "1.00", "USD", command_id="one")

        assert (await accounts.balance(username, "USD")).available == "6.00"


class TestHistory:
    async def test_comes_page_by_page_in_either_order(self, accounts: AccountsClient) -> None:
        username = await a_user(accounts)
        deposits = [
            Deposit(
                command_id=f"d-{number}",
                username=username,
                amount="1.00",
                currency="USD",
                reason=f"r-{number}",
            )
            for number in range(120)
        ]
        assert await accounts.publish_many(deposits) == []
        await accounts.withdraw(username, "20.00", "USD")

        newest = [one async for one in accounts.transactions(username)]
        oldest = [one async for one in accounts.transactions(username, order="oldest")]
        taken = [one async for one in accounts.transactions(username, kind="withdrawn")]

        assert [one.sequence for one in newest] == [*range(121, 0, -1)]
        assert oldest == newest[::-1]
        assert [one.reason for one in oldest[:3]] == ["r-0", "r-1", "r-2"]
        assert [one.sequence for one in taken] == [121]

    async def test_tells_what_became_of_a_command(self, accounts: AccountsClient) -> None:
        username = await a_user(accounts)
        result = await accounts.deposit(username, "1.00", "USD", command_id="one")

        def question(command_id: str) -> GetOutcome:
            return GetOutcome(
                request_id=fresh_command_id(), username=username, command_id=command_id
            )

        known = await accounts.request(question("one"))
        unknown = await accounts.request(question("two"))

        assert known.outcome is not None
        assert known.outcome.result.entry == result.entry
        assert unknown.error is not None
        assert unknown.error.code == "unknown_command"

    async def test_knows_who_a_user_is(self, accounts: AccountsClient) -> None:
        username = await a_user(accounts)
        update = UpdateProfile(
            command_id=fresh_command_id(), username=username, first_name="Alicia"
        )

        assert (await accounts.ask(update)).status == "accepted"
        reply = await accounts.request(GetProfile(request_id=fresh_command_id(), username=username))

        assert reply.profile is not None
        assert (reply.profile.first_name, reply.profile.status) == ("Alicia", "active")


class TestManyAtOnce:
    async def test_keep_each_users_order_over_all_topics(self, accounts: AccountsClient) -> None:
        names = [a_name() for _ in range(5)]
        commands: list[Open | Deposit | Withdraw] = []
        for name in names:
            paid: dict[str, Any] = {"username": name, "currency": "USD"}
            commands.append(Open(command_id="o", username=name))
            for number in range(4):
                commands.append(Deposit(command_id=f"d-{number}", amount="1.00", **paid))
                commands.append(Withdraw(command_id=f"w-{number}", amount="1.00", **paid))

        assert await accounts.publish_many(commands) == []
        assert await accounts.publish_many(commands) == [], "a repeat is harmless"

        for name in names:
            await accounts.deposit(name, "7.00", "USD")
            assert (await accounts.balance(name, "USD")).available == "7.00"
            assert (await accounts.balances(name)).sequence == 9


class TestEvents:
    async def test_follow_a_snapshot_without_gap(self, accounts: AccountsClient) -> None:
        username = await a_user(accounts, "1.00")
        snapshot = await accounts.snapshot()
        await accounts.deposit(username, "2.00", "USD")
        await accounts.withdraw(username, "0.50", "USD")

        seen: list[int] = []
        async with asyncio.timeout(FOLLOWED_WITHIN_S):
            async for event in accounts.follow_balance_events(snapshot):
                if event.message.username == username:
                    seen.append(event.message.sequence)
                if len(seen) == 2:
                    break

        assert snapshot.balances[username].sequence == 1
        assert seen == [2, 3]

    async def test_results_are_followed(self, accounts: AccountsClient) -> None:
        username = await a_user(accounts)
        await accounts.publish_many(
            [Deposit(command_id="x", username=username, amount="1.00", currency="USD")]
        )

        async with asyncio.timeout(FOLLOWED_WITHIN_S):
            async for received in accounts.follow_results("beginning"):
                if received.message.username == username and received.message.command_id == "x":
                    assert received.message.status == "accepted"
                    assert received.headers["correlation_id"] == "x"
                    break

"""What the fake has beside the service's contract: a clock, failures to order, and no event loop."""

from datetime import UTC, datetime, timedelta

import pytest

from client import (
    NotSentError,
    OutcomeUnknownError,
    RefusedError,
    UnreachableError,
    fresh_command_id,
    verify_access_token,
)
from client.testing import FakeAccounts, SyncFakeAccounts
from contracts.ledger import Deposit
from contracts.topics import BALANCES, DEAD_LETTERS, TOPICS
from tests.unit.sealed import NOON, PASSWORD


class Clock:
    """Says what a test wants."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def accounts(clock: Clock) -> FakeAccounts:
    fake = FakeAccounts(clock=clock)
    await fake.open("alice")
    return fake


class TestClock:
    async def test_decides_what_has_expired(self, accounts: FakeAccounts, clock: Clock) -> None:
        until = NOON + timedelta(minutes=1)
        decided = await accounts.deposit("alice", "1.00", "USD", expires_at=until)
        clock.now = until + timedelta(seconds=1)

        assert decided.decided_at == NOON
        with pytest.raises(RefusedError, match="expired"):
            await accounts.deposit("alice", "1.00", "USD", expires_at=until)

    async def test_ends_tokens_and_sessions(self, accounts: FakeAccounts, clock: Clock) -> None:
        await accounts.register(
            "carol", PASSWORD, email="c@example.com", first_name="C", last_name="D"
        )
        opened = await accounts.login("carol", PASSWORD)
        clock.now += timedelta(days=31)

        claims = verify_access_token(
            opened.tokens.access_token,
            accounts.jwks,
            issuer="accounts",
            audience="accounts",
            now=NOON,
        )
        assert claims.issued_at == NOON
        with pytest.raises(RefusedError, match="session_ended"):
            await accounts.refresh("carol", opened.tokens.refresh_token)


class TestFailures:
    async def test_of_one_answer_are_got_over_by_the_call(self, accounts: FakeAccounts) -> None:
        accounts.lose_answers()

        result = await accounts.deposit("alice", "1.00", "USD")

        assert result.duplicate
        assert (await accounts.balance("alice", "USD")).available == "1.00"

    async def test_of_both_leave_the_outcome_unknown(self, accounts: FakeAccounts) -> None:
        accounts.lose_answers(2)

        with pytest.raises(OutcomeUnknownError) as unknown:
            await accounts.deposit("alice", "1.00", "USD", command_id="one")

        assert isinstance(unknown.value.asked, Deposit)
        again = await accounts.deposit("alice", "1.00", "USD", command_id="one")
        assert (again.duplicate, (await accounts.balances("alice")).sequence) == (True, 1)

    async def test_to_reach_it_have_no_effect(self, accounts: FakeAccounts) -> None:
        command = Deposit(command_id="d", username="alice", amount="1.00", currency="USD")
        accounts.unreachable = True

        with pytest.raises(UnreachableError):
            await accounts.deposit("alice", "1.00", "USD")
        [first, second] = await accounts.publish_many([command, command])
        assert isinstance(first.error, UnreachableError)
        assert isinstance(second.error, UnreachableError | NotSentError)

        accounts.unreachable = False
        assert (await accounts.balances("alice")).sequence == 0


class TestTopics:
    async def test_hold_what_the_service_publishes(self, accounts: FakeAccounts) -> None:
        await accounts.deposit("alice", "1.00", "USD")

        async with accounts.reader(BALANCES, "beginning") as reader:
            assert [record.key for record in await reader.poll()] == [b"alice"] * 2

    async def test_that_nobody_wrote_to_are_empty(self, accounts: FakeAccounts) -> None:
        for topic in TOPICS:
            async with accounts.reader(topic, "end") as reader:
                assert await reader.poll(timeout_ms=0) == []
        async with accounts.reader(DEAD_LETTERS, "beginning") as reader:
            assert await reader.caught_up()


def test_each_fake_is_alone() -> None:
    with SyncFakeAccounts() as one, SyncFakeAccounts() as other:
        one.open("alice")

        assert other.open("alice").status == "accepted"


def test_without_an_event_loop() -> None:
    with SyncFakeAccounts(FakeAccounts(assets={"BTC": 8}, clock=lambda: NOON)) as accounts:
        accounts.open("alice")
        accounts.fake.lose_answers()
        accounts.deposit("alice", "0.00000001", "BTC")
        result = accounts.ask(
            Deposit(command_id=fresh_command_id(), username="alice", amount="1.00", currency="USD")
        )

        assert result.decided_at == datetime(2030, 1, 1, 12, tzinfo=UTC)
        assert [one.sequence for one in accounts.transactions("alice")] == [2, 1]
        assert accounts.balance("alice", "BTC").available == "0.00000001"

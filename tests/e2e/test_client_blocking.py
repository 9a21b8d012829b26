"""The client without an event loop, against the service, from several threads."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import pytest_asyncio

from client import InsufficientFundsError, SyncAccountsClient, fresh_command_id
from contracts.ledger import Deposit
from contracts.queries import GetProfile
from tests.e2e.caller import a_name
from tests.e2e.running import RunningService

THREADS = 8
EACH = 10


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(service: RunningService) -> tuple[str, str]:
    return service.addresses.kafka, service.prefix


@pytest.fixture
def accounts(address: tuple[str, str]) -> Iterator[SyncAccountsClient]:
    bootstrap, prefix = address
    with SyncAccountsClient(bootstrap, topic_prefix=prefix) as accounts:
        yield accounts


def test_from_opening_to_the_history(accounts: SyncAccountsClient) -> None:
    username = a_name()

    assert accounts.open(username).account_id is not None
    assert accounts.try_open(username).error is not None
    accounts.deposit(username, "10.50", "USD")
    assert accounts.try_deposit(username, "0.25", "USD").error is None
    accounts.withdraw(username, "4.25", "USD")
    assert accounts.try_withdraw(username, "50.00", "USD").error is not None
    with pytest.raises(InsufficientFundsError):
        accounts.withdraw(username, "50.00", "USD")

    assert accounts.balance(username, "USD").available == "6.50"
    assert accounts.balances(username).sequence == 3
    assert [one.sequence for one in accounts.transactions(username)] == [3, 2, 1]
    assert next(accounts.transactions(username)).sequence == 3
    command = Deposit(
        command_id=fresh_command_id(), username=username, amount="1.00", currency="USD"
    )
    assert accounts.ask(command).error is None
    asked = GetProfile(request_id=fresh_command_id(), username=username)
    assert accounts.request(asked).profile is not None


def test_threads_share_one(accounts: SyncAccountsClient) -> None:
    username = a_name()
    accounts.open(username)

    def deposit(_: int) -> None:
        for _ in range(EACH):
            accounts.deposit(username, "1.00", "USD")

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(deposit, range(THREADS)))

    assert accounts.balance(username, "USD").available == f"{THREADS * EACH}.00"


@pytest.mark.asyncio(loop_scope="module")
async def test_beside_a_running_event_loop(address: tuple[str, str]) -> None:
    bootstrap, prefix = address

    def call() -> str:
        with SyncAccountsClient(bootstrap, topic_prefix=prefix) as accounts:
            return accounts.open(a_name()).status

    assert await asyncio.to_thread(call) == "accepted"


def test_once_closed_says_so(address: tuple[str, str]) -> None:
    client = SyncAccountsClient(address[0], topic_prefix=address[1])
    with pytest.raises(RuntimeError, match="was not entered"):
        client.balances("alice")
    with client:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        client.balances("alice")

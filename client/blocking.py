"""The client for programs without an event loop: each call waits for its answer."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from threading import Thread
from typing import Any, Self, TypeVar, Unpack

from client.accounts import AccountsClient
from client.asking import SentWith
from client.calls import CallOptions, MovementOptions, OpenOptions, TransactionOptions
from client.kafka import Security
from client.many import Unpublished
from client.sign_in_calls import RegisterOptions
from client.signed_in import Options, SignedIn
from client.timeouts import ANSWER_TIMEOUT_S
from contracts.commands import AnyCommand
from contracts.entries import Entry
from contracts.events import Balances, BalanceState
from contracts.replies import Reply
from contracts.requests import AnyRequest
from contracts.results import Result

T = TypeVar("T")


class SyncAccountsClient:
    """`AccountsClient`, in a thread of its own; may be shared between threads.

    Its methods are called, and raise, as those of `AccountsClient` are and do.

    Example:
        with SyncAccountsClient("localhost:9092") as accounts:
            result = accounts.deposit("alice", "10.50", "USD")
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        topic_prefix: str = "accounts.",
        security: Security | None = None,
        reply_topic: str | None = None,
        sealing_keys: str | Mapping[str, Any] | None = None,
    ) -> None:
        self._over(
            AccountsClient(
                bootstrap,
                topic_prefix=topic_prefix,
                security=security,
                reply_topic=reply_topic,
                sealing_keys=sealing_keys,
            )
        )

    def _over(self, accounts: AccountsClient) -> None:
        self._accounts = accounts
        self._running: _LoopThread | None = None

    def __enter__(self) -> Self:
        """Start the thread; the client connects when it is first used."""
        assert self._running is None, "entered twice"
        self._running = _LoopThread()
        self._run(self._accounts.__aenter__())
        return self

    def __exit__(self, *raised: object) -> None:
        """Disconnect. Calls that wait in other threads end with CancelledError."""
        running = self._running
        assert running is not None
        try:
            self._run(self._accounts.__aexit__())
        finally:
            self._running = None
            running.close()

    def open(self, username: str, **options: Unpack[OpenOptions]) -> Result:
        """Open an account for a user who signs in elsewhere, or nowhere."""
        return self._run(self._accounts.open(username, **options))

    def try_open(self, username: str, **options: Unpack[OpenOptions]) -> Result:
        """As `open`, and return a refusal too: see `Result.error`."""
        return self._run(self._accounts.try_open(username, **options))

    def deposit(
        self,
        username: str,
        amount: Decimal | str,
        currency: str,
        **options: Unpack[MovementOptions],
    ) -> Result:
        """Add settled money."""
        return self._run(self._accounts.deposit(username, amount, currency, **options))

    def try_deposit(
        self,
        username: str,
        amount: Decimal | str,
        currency: str,
        **options: Unpack[MovementOptions],
    ) -> Result:
        """As `deposit`, and return a refusal too: see `Result.error`."""
        return self._run(self._accounts.try_deposit(username, amount, currency, **options))

    def withdraw(
        self,
        username: str,
        amount: Decimal | str,
        currency: str,
        **options: Unpack[MovementOptions],
    ) -> Result:
        """Take available money."""
        return self._run(self._accounts.withdraw(username, amount, currency, **options))

    def try_withdraw(
        self,
        username: str,
        amount: Decimal | str,
        currency: str,
        **options: Unpack[MovementOptions],
    ) -> Result:
        """As `withdraw`, and return a refusal too: see `Result.error`."""
        return self._run(self._accounts.try_withdraw(username, amount, currency, **options))

    def balance(self, username: str, currency: str, **options: Unpack[CallOptions]) -> BalanceState:
        """Return what an account holds in *currency*; `0` in one that it never held."""
        return self._run(self._accounts.balance(username, currency, **options))

    def balances(self, username: str, **options: Unpack[CallOptions]) -> Balances:
        """Return what an account holds in all currencies."""
        return self._run(self._accounts.balances(username, **options))

    def transactions(self, username: str, **options: Unpack[TransactionOptions]) -> Iterator[Entry]:
        """Yield an account's history, asking for page after page as they are needed."""
        found = self._accounts.transactions(username, **options)
        try:
            while (transaction := self._run(_next(found))) is not None:
                yield transaction
        finally:
            self._run(found.aclose())

    def register(
        self,
        username: str,
        password: str,
        *,
        email: str,
        first_name: str,
        last_name: str,
        **options: Unpack[RegisterOptions],
    ) -> Result:
        """Open an account that its user can sign in to from then on."""
        given = {"email": email, "first_name": first_name, "last_name": last_name}
        return self._run(self._accounts.register(username, password, **given, **options))

    def try_register(
        self,
        username: str,
        password: str,
        *,
        email: str,
        first_name: str,
        last_name: str,
        **options: Unpack[RegisterOptions],
    ) -> Result:
        """As `register`, and return a refusal too: see `Result.error`."""
        given = {"email": email, "first_name": first_name, "last_name": last_name}
        return self._run(self._accounts.try_register(username, password, **given, **options))

    def login(
        self,
        username: str,
        password: str,
        *,
        device_token: str | None = None,
        **options: Unpack[Options],
    ) -> SignedIn:
        """Open a session; its tokens are in `tokens`."""
        call = self._accounts.login(username, password, device_token=device_token, **options)
        return self._run(call)

    def refresh(self, username: str, refresh_token: str, **options: Unpack[Options]) -> SignedIn:
        """Exchange *refresh_token* for new tokens; it is spent afterwards."""
        return self._run(self._accounts.refresh(username, refresh_token, **options))

    def logout(
        self,
        username: str,
        access_token: str,
        *,
        everywhere: bool = False,
        **options: Unpack[Options],
    ) -> int:
        """End the session of *access_token*, or all of the user's; return how many were ended."""
        call = self._accounts.logout(username, access_token, everywhere=everywhere, **options)
        return self._run(call)

    def change_password(
        self,
        username: str,
        access_token: str,
        password: str,
        new_password: str,
        **options: Unpack[Options],
    ) -> int:
        """Set a new password; return how many other sessions were ended by it."""
        call = self._accounts.change_password(
            username, access_token, password, new_password, **options
        )
        return self._run(call)

    def publish_many(
        self,
        commands: Iterable[AnyCommand],
        *,
        reply_to: str | None = None,
        **added: Unpack[SentWith],
    ) -> Sequence[Unpublished]:
        """Publish *commands*; return those that Kafka may not have, each with the reason."""
        return self._run(self._accounts.publish_many(commands, reply_to=reply_to, **added))

    def ask(
        self,
        command: AnyCommand,
        timeout_s: float = ANSWER_TIMEOUT_S,
        **added: Unpack[SentWith],
    ) -> Result:
        """Send *command* and return the answer, accepted or rejected."""
        return self._run(self._accounts.ask(command, timeout_s, **added))

    def request(
        self,
        request: AnyRequest,
        timeout_s: float = ANSWER_TIMEOUT_S,
        **added: Unpack[SentWith],
    ) -> Reply:
        """Send *request* and return the reply, accepted or rejected."""
        return self._run(self._accounts.request(request, timeout_s, **added))

    def _run(self, call: Coroutine[Any, Any, T]) -> T:
        if self._running is None:
            call.close()
            raise RuntimeError("the client is closed, or was not entered")
        return self._running.run(call)


class _LoopThread:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # A daemon: a program that forgets to close the client ends all the same.
        self._thread = Thread(target=self._loop.run_forever, name="accounts-client", daemon=True)
        self._thread.start()

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Run *call* there and return what it returns; an interrupt here cancels it."""
        running = asyncio.run_coroutine_threadsafe(call, self._loop)
        try:
            return running.result()
        finally:
            running.cancel()

    def close(self) -> None:
        """Cancel what is left, and end the thread."""
        asyncio.run_coroutine_threadsafe(_cancel_all(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


async def _next(found: AsyncIterator[Entry]) -> Entry | None:
    return await anext(found, None)

"""What callers do with accounts, in plain arguments: asked until it is answered, a refusal raised."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, Unpack, cast

from client.asking import SentWith
from client.clock import fresh_command_id
from client.errors import UnreadableReplyError
from client.repeating import accepted, ask_again
from client.timeouts import ANSWER_TIMEOUT_S
from contracts.commands import AnyCommand
from contracts.entries import Entry
from contracts.events import Balances, BalanceState
from contracts.ledger import Deposit, Withdraw
from contracts.queries import GetBalance, ListTransactions
from contracts.replies import Reply
from contracts.requests import AnyRequest
from contracts.results import Result

NOTHING = BalanceState(posted="0", held="0", available="0")
"""In a currency that an account never held."""


class CallOptions(SentWith, total=False):
    """What every call may be given besides."""

    timeout_s: float
    """How long to wait in all; by default as for every other answer."""


class CommandOptions(CallOptions, total=False):
    """What every command may be given besides."""

    command_id: str
    """Yours, where a program that was started anew is to ask the same again; else a fresh one."""


class MovementOptions(CommandOptions, total=False):
    """What a deposit or a withdrawal may be given besides: stored with its entry, and echoed."""

    reason: str
    related_id: str
    metadata: dict[str, str]
    expires_at: datetime
    """Where it is decided after that, it is refused with `expired`."""
    house: str
    """The house account on the other side; `external` by default."""


class OpenOptions(CommandOptions, total=False):
    """What may be said of who an account is opened for."""

    email: str
    first_name: str
    last_name: str
    phone: str
    date_of_birth: date
    marketing_consent: bool
    claim: str
    """A secret that lets its user register this account, and nobody else: 43 to 128 characters of
    base64url, such as `secrets.token_urlsafe(32)`. It is sealed on its way. Keep it with the
    `command_id` until this is answered, and hand it to the user."""


class TransactionOptions(CallOptions, total=False):
    """Which transactions, and in which order."""

    currency: str
    kind: Literal["deposited", "withdrawn"]
    since: datetime
    """Not earlier."""
    until: datetime
    """Earlier than."""
    order: Literal["newest", "oldest"]
    """By default the newest first."""


class AccountCalls(ABC):
    """Each call asks again under the same id where no answer comes, within one time limit.

    What else each raises:
        RefusedError: The service says no; `InsufficientFundsError` and others tell the codes apart
            that callers act upon.
        OutcomeUnknownError: No answer in time. Repeat a command under its `command_id`
            (`error.asked.command_id`): it has its effect once.
        UnreachableError, TopicMissingError, NotSentError: Nothing was sent.
        ValueError: An argument cannot be one, such as a username with a space.
    """

    @abstractmethod
    async def ask(
        self, command: AnyCommand, timeout_s: float = ..., **added: Unpack[SentWith]
    ) -> Result:
        """Send *command* and return the answer, accepted or rejected."""

    @abstractmethod
    async def request(
        self, request: AnyRequest, timeout_s: float = ..., **added: Unpack[SentWith]
    ) -> Reply:
        """Send *request* and return the reply, accepted or rejected."""

    async def deposit(
        self,
        username: str,
        amount: Decimal | str,
        currency: str,
        **options: Unpack[MovementOptions],
    ) -> Result:
        """Add settled money; `result.entry` has the balances after it.

        Raises:
            UnknownAccountError: There is no account of this name.
        """
        return accepted(await self.try_deposit(username, amount, currency, **options))

    async def try_deposit(
        self,
        username: str,
        amount: Decimal | str,
        currency: str,
        **options: Unpack[MovementOptions],
    ) -> Result:
        """As `deposit`, and return a refusal too: see `Result.error`."""
        given = {"username": username, "amount": _amount(amount), "currency": currency}
        return await self._decided(Deposit, given, options)

    async def withdraw(
        self,
        username: str,
        amount: Decimal | str,
        currency: str,
        **options: Unpack[MovementOptions],
    ) -> Result:
        """Take available money; `result.entry` has the balances after it.

        Raises:
            InsufficientFundsError: Less is available.
            UnknownAccountError: There is no account of this name.
        """
        return accepted(await self.try_withdraw(username, amount, currency, **options))

    async def try_withdraw(
        self,
        username: str,
        amount: Decimal | str,
        currency: str,
        **options: Unpack[MovementOptions],
    ) -> Result:
        """As `withdraw`, and return a refusal too: see `Result.error`."""
        given = {"username": username, "amount": _amount(amount), "currency": currency}
        return await self._decided(Withdraw, given, options)

    async def balance(
        self, username: str, currency: str, **options: Unpack[CallOptions]
    ) -> BalanceState:
        """Return what an account holds in *currency*; `0` in one that it never held.

        Raises:
            UnknownAccountError: There is no account of this name.
        """
        question = GetBalance(request_id=fresh_command_id(), username=username, currency=currency)
        return (await self._balances(question, options)).balances.get(currency, NOTHING)

    async def balances(self, username: str, **options: Unpack[CallOptions]) -> Balances:
        """Return what an account holds in all currencies.

        Raises:
            UnknownAccountError: There is no account of this name.
        """
        question = GetBalance(request_id=fresh_command_id(), username=username)
        return await self._balances(question, options)

    async def transactions(
        self, username: str, **options: Unpack[TransactionOptions]
    ) -> AsyncGenerator[Entry]:
        """Yield an account's history, asking for page after page as they are needed.

        Raises:
            UnknownAccountError: There is no account of this name.
        """
        fields, timeout_s, added = _split(options)
        for name, field in (("since", "from"), ("until", "to")):
            if name in fields:
                fields[field] = fields.pop(name)
        cursor: dict[str, Any] = {}
        while True:
            query = {"request_id": fresh_command_id(), "username": username, **fields, **cursor}
            reply = await self._answered(ListTransactions.model_validate(query), timeout_s, added)
            if reply.page is None:
                raise UnreadableReplyError(reply, "has no page")
            for transaction in reply.page.transactions:
                yield transaction
            if reply.page.next_cursor is None:
                return
            cursor = {"cursor": reply.page.next_cursor}

    async def _balances(self, question: GetBalance, options: CallOptions) -> Balances:
        _, timeout_s, added = _split(options)
        reply = await self._answered(question, timeout_s, added)
        if reply.balances is None:
            raise UnreadableReplyError(reply, "has no balances")
        return reply.balances

    async def _decided(
        self,
        kind: Callable[..., AnyCommand],
        given: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> Result:
        """Return the answer to a command of this *kind* with *given* fields, and those of *options*."""
        fields, timeout_s, added = _split(options)
        command = kind(**{"command_id": fresh_command_id(), **fields, **given})
        last = await ask_again(
            command, lambda each_s: self.ask(command, each_s, **added), timeout_s
        )
        return last.answer

    async def _answered(self, request: AnyRequest, timeout_s: float, added: SentWith) -> Reply:
        last = await ask_again(
            request, lambda each_s: self.request(request, each_s, **added), timeout_s
        )
        return accepted(last.answer)


def _split(options: Mapping[str, Any]) -> tuple[dict[str, Any], float, SentWith]:
    """Return the fields among *options*, how long to wait, and what is sent along."""
    fields = {**options}
    timeout_s: float = fields.pop("timeout_s", ANSWER_TIMEOUT_S)
    added = {name: fields.pop(name) for name in SentWith.__annotations__ if name in fields}
    return fields, timeout_s, cast("SentWith", added)


def _amount(amount: Decimal | str) -> str:
    """Return *amount* as it is sent: a decimal string without an exponent."""
    return format(amount, "f") if isinstance(amount, Decimal) else amount

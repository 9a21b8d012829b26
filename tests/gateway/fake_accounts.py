"""A small service in memory: what `client.AccountsClient` asks, answered by simpler rules."""

from typing import Any, TypeVar, Unpack, assert_never

from client.asking import SentWith
from client.errors import NoAnswerError
from contracts.codes import Code
from contracts.commands import AnyCommand
from contracts.entries import BalanceState, Entry
from contracts.events import Balances
from contracts.ledger import Deposit, Withdraw
from contracts.profile import UpdateProfile
from contracts.queries import (
    GetBalance,
    GetOutcome,
    GetProfile,
    ListTransactions,
    OutcomeAnswer,
    Page,
    ProfileAnswer,
)
from contracts.registration import Open, Register
from contracts.replies import Reply
from contracts.requests import AnyRequest
from contracts.results import ERROR_TYPE, Error, Result
from tests.gateway.fake_identity import Account, FakeIdentity, RefusalError
from tests.published import NOON, an_entry

A = TypeVar("A", Result, Reply)


class FakeAccounts(FakeIdentity):
    """Answers as the service would; can be told to refuse, to be silent, or to fail."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes: dict[tuple[str, str], tuple[AnyCommand, Result]] = {}
        self.asked: list[AnyCommand | AnyRequest] = []
        self.added: list[SentWith] = []
        self.refuses: Code | None = None
        self.silent = 0
        """So many answers get lost, though what was asked is done."""
        self.later_status: str | None = None
        """What a later release may call what became of it, in the place of `accepted`."""
        self.fails: Exception | None = None

    async def ask(
        self, command: AnyCommand, timeout_s: float = 0, **added: Unpack[SentWith]
    ) -> Result:
        self._note(command, added)
        result = self._decided(command)
        self._lose(command, timeout_s)
        return result if self.later_status is None else _with_status(result, self.later_status)

    async def request(
        self, request: AnyRequest, timeout_s: float = 0, **added: Unpack[SentWith]
    ) -> Reply:
        self._note(request, added)
        said: dict[str, Any] = {
            "request_id": request.request_id,
            "username": request.username,
            "type": type(request).__name__,
            "answered_at": NOON,
        }
        try:
            self._refuse_as_told()
            reply = Reply(**said, status="accepted", **self._answer(request))
        except RefusalError as refused:
            error = _error(refused.args[0])
            retry = 7 if error.code == Code.TOO_MANY_ATTEMPTS else None
            reply = Reply(**said, status="rejected", error=error, retry_after_s=retry)
        self._lose(request, timeout_s)
        return reply if self.later_status is None else _with_status(reply, self.later_status)

    def _note(self, asked: AnyCommand | AnyRequest, added: SentWith) -> None:
        self.asked.append(asked)
        self.added.append(added)
        if self.fails is not None:
            raise self.fails

    def _lose(self, asked: AnyCommand | AnyRequest, timeout_s: float) -> None:
        if self.silent:
            self.silent -= 1
            raise NoAnswerError(asked, f"no answer within {timeout_s} s")

    def _refuse_as_told(self) -> None:
        if self.refuses is not None:
            raise RefusalError(self.refuses)

    def _decided(self, command: AnyCommand) -> Result:
        key = (command.username, command.command_id)
        if key in self.outcomes:
            known, result = self.outcomes[key]
            if _payload(known) == _payload(command):
                return result.model_copy(update={"duplicate": True})
            return self._result(command, error=_error(Code.COMMAND_ID_CONFLICT))
        try:
            self._refuse_as_told()
            result = self._result(command, **self._apply(command))
        except RefusalError as refused:
            result = self._result(command, error=_error(refused.args[0]))
        self.outcomes[key] = (command, result)
        return result

    def _result(self, command: AnyCommand, **fields: Any) -> Result:
        return Result(
            command_id=command.command_id,
            username=command.username,
            type=type(command).__name__,
            status="rejected" if "error" in fields else "accepted",
            duplicate=False,
            decided_at=NOON,
            **fields,
        )

    def _apply(self, command: AnyCommand) -> dict[str, Any]:
        match command:
            case Open():
                return self.open(command)
            case Register():
                return self.register(command)
            case UpdateProfile():
                self.account(command.username).profile |= command.changes()
                return {}
            case Deposit() | Withdraw():
                return {"entry": self._move(command)}
            case _:
                assert_never(command)

    def _move(self, command: Deposit | Withdraw) -> Entry:
        account, currency = self.account(command.username), command.currency
        whole, _, fraction = command.amount.partition(".")
        if len(fraction) > 2:
            raise RefusalError(Code.AMOUNT_TOO_PRECISE)
        if not command.amount.strip("0."):
            raise RefusalError(Code.AMOUNT_TOO_SMALL)
        cents, before = int(whole + fraction.ljust(2, "0")), account.cents.get(currency, 0)
        after = before + (cents if isinstance(command, Deposit) else -cents)
        if after < 0:
            raise RefusalError(Code.INSUFFICIENT_FUNDS)
        account.cents[currency] = after
        gives = isinstance(command, Deposit)
        entry = an_entry(
            len(account.transactions) + 1,
            _text(after),
            command.username,
            currency,
            amount=_text(cents) if gives else f"-{_text(cents)}",
            kind="deposited" if gives else "withdrawn",
            command_id=command.command_id,
        )
        account.transactions.append(entry)
        return entry

    def _answer(self, request: AnyRequest) -> dict[str, Any]:
        match request:
            case GetProfile():
                profile = self.account(request.username).profile
                status: dict[str, Any] = {"account_id": "1", "status": "active", "opened_at": NOON}
                return {"profile": ProfileAnswer(**status, **profile)}
            case GetBalance():
                return {"balances": _balances(self.account(request.username), request)}
            case GetOutcome():
                if (request.username, request.command_id) not in self.outcomes:
                    raise RefusalError(Code.UNKNOWN_COMMAND)
                _, result = self.outcomes[request.username, request.command_id]
                return {"outcome": OutcomeAnswer(state="decided", result=result)}
            case ListTransactions():
                return {"page": _page(self.account(request.username), request)}
            case _:
                return self.answer(request)


def _balances(account: Account, request: GetBalance) -> Balances:
    return Balances(
        username=request.username,
        account_id="1",
        sequence=len(account.transactions),
        changed_at=NOON,
        balances={
            currency: BalanceState(posted=_text(cents), held="0.00", available=_text(cents))
            for currency, cents in account.cents.items()
            if request.currency in {None, currency}
        },
    )


def _page(account: Account, request: ListTransactions) -> Page:
    first = int(request.cursor) if request.cursor and request.cursor.isdecimal() else 0
    found = [
        transaction
        for transaction in account.transactions
        if not request.currency or request.currency in transaction.balances
    ]
    if request.order == "newest":
        found.reverse()
    last = first + request.limit
    return Page(
        username=request.username,
        transactions=tuple(found[first:last]),
        next_cursor=str(last) if last < len(found) else None,
    )


def _payload(command: AnyCommand) -> dict[str, Any]:
    # As the service compares: sealing twice gives other bytes.
    return command.model_dump(exclude={"sealed_password"})


def _text(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _with_status(answer: A, status: str) -> A:
    return answer.model_copy(update={"status": status})


def _error(code: Code) -> Error:
    return Error(
        code=code,
        title=code.info.title,
        detail=f"because of {code}",
        retryable=code.info.retryable,
        type=ERROR_TYPE + code,
    )

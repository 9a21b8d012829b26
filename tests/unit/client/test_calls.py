"""Calls with plain arguments: what they ask, when they ask again, and what they raise."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Unpack

import pytest

from client.asking import SentWith
from client.errors import (
    InsufficientFundsError,
    NoAnswerError,
    OutcomeUnknownError,
    RefusedError,
    UnknownAccountError,
    UnreachableError,
    UsernameTakenError,
)
from client.key_set import SealingKeys
from client.questions import Asked, name_of
from client.sign_in_calls import SignInCalls
from contracts.commands import AnyCommand
from contracts.ledger import Deposit, Withdraw
from contracts.queries import GetBalance, ListTransactions
from contracts.registration import Open
from contracts.replies import Reply
from contracts.requests import AnyRequest
from contracts.results import Result
from tests.published import an_entry

AT = "2030-01-01T12:00:00.000Z"

Answer = Callable[[Asked], dict[str, Any]]


class Service(SignInCalls):
    """Answers in turn."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = [*answers]
        self.asked: list[Asked] = []
        self.timeouts: list[float] = []
        self.added: list[SentWith] = []

    @property
    def sealing_keys(self) -> SealingKeys:
        return SealingKeys(None)  # for what is not asked here

    async def ask(
        self, command: AnyCommand, timeout_s: float = 9.0, **added: Unpack[SentWith]
    ) -> Result:
        said = self._said(command, timeout_s, added)
        return Result.model_validate(
            {"command_id": command.command_id, "duplicate": False, "decided_at": AT, **said},
            strict=False,
        )

    async def request(
        self, request: AnyRequest, timeout_s: float = 9.0, **added: Unpack[SentWith]
    ) -> Reply:
        said = self._said(request, timeout_s, added)
        return Reply.model_validate(
            {"request_id": request.request_id, "answered_at": AT, **said}, strict=False
        )

    def _said(self, asked: Asked, timeout_s: float, added: SentWith) -> dict[str, Any]:
        self.asked.append(asked)
        self.timeouts.append(timeout_s)
        self.added.append(added)
        said = self.answers.pop(0)(asked)
        return {"username": asked.username, "type": name_of(asked), "status": "accepted", **said}


def saying(**fields: Any) -> Answer:
    return lambda _: fields


def refusing(code: str) -> Answer:
    error = {"code": code, "title": "T", "detail": "D", "retryable": False, "type": "/t"}
    return saying(status="rejected", error=error)


def lost(asked: Asked) -> dict[str, Any]:
    raise NoAnswerError(asked, "no answer")


def unreachable(_: Asked) -> dict[str, Any]:
    raise UnreachableError("away")


def a_page(*sequences: int, next_cursor: str | None = None) -> Answer:
    transactions = [
        an_entry(sequence, "1.00").model_dump(mode="json", exclude_none=True)
        for sequence in sequences
    ]
    page = {"username": "alice", "transactions": transactions, "next_cursor": next_cursor}
    return saying(page=page)


def balances(**held: str) -> Answer:
    states = {
        currency: {"posted": amount, "held": "0.00", "available": amount}
        for currency, amount in held.items()
    }
    return saying(
        balances={
            "username": "alice",
            "account_id": "a",
            "sequence": 1,
            "balances": states,
            "changed_at": AT,
        }
    )


class TestCommands:
    @pytest.mark.parametrize(
        ("amount", "sent"),
        [
            ("10.50", "10.50"),
            (Decimal("10.50"), "10.50"),
            (Decimal("1E+3"), "1000"),
            (Decimal("1E-18"), "0.000000000000000001"),
        ],
    )
    async def test_say_an_amount_without_an_exponent(
        self, amount: Decimal | str, sent: str
    ) -> None:
        service = Service(saying())

        await service.deposit("alice", amount, "USD")

        [asked] = service.asked
        assert isinstance(asked, Deposit)
        assert (asked.username, asked.amount, asked.currency) == ("alice", sent, "USD")

    @pytest.mark.parametrize("amount", [Decimal("NaN"), Decimal(-1), "1e3", "", 10.5])
    async def test_take_nothing_else_for_one(self, amount: Any) -> None:
        service = Service()

        with pytest.raises(ValueError, match="amount"):
            await service.withdraw("alice", amount, "USD")

        assert service.asked == []

    async def test_carry_what_is_given_besides(self) -> None:
        service = Service(saying())
        expires_at = datetime(2030, 1, 2, tzinfo=UTC)

        await service.withdraw(
            "alice",
            "1.00",
            "USD",
            command_id="c-1",
            related_id="order-1",
            metadata={"shop": "7"},
            expires_at=expires_at,
            actor="till",
            timeout_s=4.0,
        )

        [asked] = service.asked
        assert isinstance(asked, Withdraw)
        assert (asked.command_id, asked.related_id, asked.metadata, asked.expires_at) == (
            *("c-1", "order-1", {"shop": "7"}, expires_at),
        )
        assert asked.model_fields_set == {
            *("command_id", "username", "amount", "currency"),
            *("related_id", "metadata", "expires_at"),
        }
        assert (service.timeouts, service.added) == ([2.0], [{"actor": "till"}])

    async def test_open_an_account_with_what_is_known(self) -> None:
        service = Service(saying(account_id="id-1"))

        result = await service.open("auth0|5f7c8ec7c33c6c004bbafe82", first_name="Alice")

        [asked] = service.asked
        assert isinstance(asked, Open)
        assert asked.model_fields_set == {"command_id", "username", "first_name"}
        assert result.account_id == "id-1"

    async def test_are_asked_once_more_under_the_same_id(self) -> None:
        service = Service(lost, saying(duplicate=True))

        result = await service.deposit("alice", "1.00", "USD", timeout_s=10.0)

        first, second = service.asked
        assert first == second
        assert service.timeouts == [5.0, 5.0]
        assert result.duplicate

    @pytest.mark.parametrize("second", [lost, unreachable, saying(status="later")])
    async def test_of_unknown_outcome_name_the_id_to_ask_again_with(self, second: Answer) -> None:
        service = Service(lost, second)

        with pytest.raises(OutcomeUnknownError) as unknown:
            await service.deposit("alice", "1.00", "USD", command_id="c-1")

        assert unknown.value.asked == service.asked[0]

    async def test_that_were_certainly_not_sent_say_so_at_once(self) -> None:
        service = Service(unreachable)

        with pytest.raises(UnreachableError):
            await service.deposit("alice", "1.00", "USD")

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("insufficient_funds", InsufficientFundsError),
            ("unknown_account", UnknownAccountError),
            ("username_taken", UsernameTakenError),
            ("of_a_later_release", RefusedError),
        ],
    )
    async def test_raise_what_is_refused(self, code: str, kind: type[RefusedError]) -> None:
        service = Service(refusing(code))

        with pytest.raises(RefusedError, match=f"withdraw of alice: {code}: D") as refusal:
            await service.withdraw("alice", "1.00", "USD")

        assert type(refusal.value) is kind
        assert refusal.value.error.code == code
        assert refusal.value.retry_after_s is None

    async def test_or_return_it_where_they_try(self) -> None:
        service = Service(*[refusing("unknown_account")] * 3)

        results = [
            await service.try_open("alice"),
            await service.try_deposit("alice", "1.00", "USD"),
            await service.try_withdraw("alice", "1.00", "USD"),
        ]

        assert [one.error and one.error.code for one in results] == ["unknown_account"] * 3


class TestQuestions:
    async def test_of_one_balance(self) -> None:
        service = Service(balances(USD="7.50"), balances())

        dollars = await service.balance("alice", "USD")
        yen = await service.balance("alice", "JPY")

        first, second = service.asked
        assert isinstance(first, GetBalance)
        assert isinstance(second, GetBalance)
        assert (first.currency, second.currency) == ("USD", "JPY")
        assert dollars.available == "7.50"
        assert Decimal(yen.available) == 0

    async def test_of_all_balances(self) -> None:
        service = Service(balances(USD="7.50", EUR="1.00"))

        found = await service.balances("alice")

        [asked] = service.asked
        assert "currency" not in asked.model_fields_set
        assert found.balances.keys() == {"USD", "EUR"}

    async def test_refused_are_raised(self) -> None:
        with pytest.raises(UnknownAccountError):
            await Service(refusing("unknown_account")).balance("alice", "USD")

    async def test_of_a_history_ask_for_page_after_page(self) -> None:
        """A page may be empty, and still have a next one."""
        service = Service(a_page(3, 2, next_cursor="a"), a_page(next_cursor="b"), lost, a_page(1))
        since = datetime(2030, 1, 1, tzinfo=UTC)

        found = [
            one.sequence async for one in service.transactions("alice", currency="USD", since=since)
        ]

        assert found == [3, 2, 1]
        asked = [one for one in service.asked if isinstance(one, ListTransactions)]
        assert [one.cursor for one in asked] == [None, "a", "b", "b"]
        assert {(one.currency, one.from_, one.to) for one in asked} == {("USD", since, None)}

    async def test_of_a_history_ask_for_no_page_that_is_not_needed(self) -> None:
        service = Service(a_page(3, 2, next_cursor="a"))

        async for one in service.transactions("alice"):
            assert one.sequence == 3
            break

        assert len(service.asked) == 1

"""What the examples make of a later release of the service: of what they do not know, the safe thing."""

from dataclasses import replace
from pathlib import Path
from typing import Unpack

import orjson
import pytest

from client import OutcomeUnknownError
from client.asking import SentWith
from contracts.commands import AnyCommand
from contracts.results import Error, Result
from examples.gateway.problems import refused
from examples.order_service import Order, State, place
from tests.gateway.fake_accounts import FakeAccounts
from tests.gateway.fake_events import EVENTS, Service, balances_of
from tests.gateway.gateway_in_memory import DEPOSIT, GatewayInMemory, problem
from tests.gateway.test_order_service import ORDER, PAYING, a_service, kept_nowhere
from tests.gateway.test_portfolio import stored_after
from tests.unit.records import a_refusal_body


class Refusing(FakeAccounts):
    """Refuses all commands with one code, which need not be one of today's."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code

    async def ask(
        self, command: AnyCommand, timeout_s: float = 0, **added: Unpack[SentWith]
    ) -> Result:
        del timeout_s, added
        body = {**a_refusal_body(self.code), "command_id": command.command_id}
        return Result.model_validate_json(orjson.dumps(body))


@pytest.mark.parametrize("order", [ORDER, PAYING])
async def test_an_order_stays_open_under_a_status_of_a_later_release(order: Order) -> None:
    fake, stored = await a_service(), list[Order]()
    fake.later_status = "scheduled"

    async def store(order: Order) -> None:
        stored.append(order)

    with pytest.raises(OutcomeUnknownError, match="scheduled"):
        await place(fake, order, store)

    assert stored == []


async def test_an_order_is_refused_under_a_code_of_a_later_release() -> None:
    fake = Refusing("frozen")

    placed = await place(fake, PAYING, kept_nowhere)

    assert placed == replace(PAYING, state=State.REFUSED, why="D")


async def test_a_kind_of_a_later_release_changes_the_balances_too(tmp_path: Path) -> None:
    events = [event.model_copy(update={"kind": "reversed"}) for event in EVENTS]

    assert await stored_after(Service(events), tmp_path / "portfolio.json") == balances_of(EVENTS)


class TestTheGateway:
    def test_refuses_with_the_general_status_under_a_new_code(self) -> None:
        body = {"code": "frozen", "title": "T", "detail": "D", "retryable": False, "type": "/t"}

        told = refused(Error.model_validate(body))

        assert (told.status, told.code, told.title) == (400, "frozen", "T")
        assert orjson.loads(told.response().body)["type"] == "/accounts/errors#frozen"

    def test_leaves_a_command_undecided_under_a_new_status(
        self, in_memory: GatewayInMemory
    ) -> None:
        in_memory.sign_in()
        in_memory.fake.later_status = "scheduled"

        response = in_memory.post("/balance/deposit", DEPOSIT)

        assert response.status_code == 202
        assert response.headers["Location"].startswith("/outcomes/")

    def test_answers_no_question_under_a_new_status(self, in_memory: GatewayInMemory) -> None:
        in_memory.sign_in()
        in_memory.fake.later_status = "scheduled"

        assert problem(in_memory.get("/balance")) == (502, "unreadable_answer")

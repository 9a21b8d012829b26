"""The user's money: what there is, putting in, taking out, and what happened."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from client import fresh_command_id
from contracts.events import Balances
from contracts.ledger import Deposit, Withdraw
from contracts.queries import GetBalance, ListTransactions, Page
from contracts.results import Result
from examples.gateway.answers import answer
from examples.gateway.asking import IdempotencyKey, command_id, decided, replied, told
from examples.gateway.bearer import User
from examples.gateway.bodies import Filters, MovementBody, OneCurrency, body, described
from examples.gateway.documented import COMMAND, QUERY, SIGNED_IN
from examples.gateway.gateway import TheGateway

router = APIRouter(prefix="/balance", tags=["balance"], responses=SIGNED_IN)


@router.get("", response_model=Balances, responses=QUERY)
async def get_balance(
    gateway: TheGateway, user: User, wanted: Annotated[OneCurrency, Query()]
) -> Response:
    """Return what the account holds, in one currency or in all."""
    request = GetBalance(
        request_id=fresh_command_id(), username=user.username, currency=wanted.currency
    )
    reply = await replied(gateway.accounts, request, gateway.answer_timeout_s, actor=user.username)
    return answer(told(reply.balances))


@router.post(
    "/deposit", response_model=Result, responses=COMMAND, openapi_extra=described(MovementBody)
)
async def deposit(
    gateway: TheGateway,
    user: User,
    wanted: Annotated[MovementBody, body(MovementBody)],
    key: IdempotencyKey = None,
) -> Response:
    """Put money in."""
    command = Deposit(
        command_id=command_id(key),
        username=user.username,
        **wanted.model_dump(exclude_unset=True),
    )
    return await decided(gateway.accounts, command, gateway.answer_timeout_s)


@router.post(
    "/withdraw", response_model=Result, responses=COMMAND, openapi_extra=described(MovementBody)
)
async def withdraw(
    gateway: TheGateway,
    user: User,
    wanted: Annotated[MovementBody, body(MovementBody)],
    key: IdempotencyKey = None,
) -> Response:
    """Take money out."""
    command = Withdraw(
        command_id=command_id(key),
        username=user.username,
        **wanted.model_dump(exclude_unset=True),
    )
    return await decided(gateway.accounts, command, gateway.answer_timeout_s)


@router.get("/transactions", response_model=Page, responses=QUERY)
async def list_transactions(
    gateway: TheGateway, user: User, filters: Annotated[Filters, Query()]
) -> Response:
    """Return a page of what happened; ask for the next one with its cursor and the same filters."""
    request = ListTransactions(
        request_id=fresh_command_id(),
        username=user.username,
        **filters.model_dump(by_alias=True, exclude_unset=True),
    )
    reply = await replied(gateway.accounts, request, gateway.answer_timeout_s, actor=user.username)
    return answer(told(reply.page))

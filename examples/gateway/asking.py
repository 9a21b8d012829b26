"""Asks the service, and turns what it answers, or does not, into HTTP."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated, Protocol, TypeVar, Unpack
from urllib.parse import quote

from fastapi import Header, Response
from pydantic import AfterValidator, BaseModel, Field

from client import (
    AccountsClientError,
    NotSentError,
    OutcomeUnknownError,
    TopicMissingError,
    UnreachableError,
    fresh_command_id,
)
from client.asking import SentWith
from client.errors import RefusedError
from contracts.commands import AnyCommand
from contracts.message import CommandId
from contracts.registration import Register
from contracts.replies import Reply
from contracts.requests import AnyRequest
from contracts.results import Result
from examples.gateway.answers import answer
from examples.gateway.problems import GatewayCode, ProblemError, refused, unavailable

A = TypeVar("A")

KEY_HEADER = "Idempotency-Key"

_KEY = "[A-Za-z0-9][A-Za-z0-9._~:-]{0,99}"
"""Needs no escaping in a path, so that the link to an outcome is plain; leaves room for a prefix."""

KEY_PATTERN = f'^({_KEY}|"{_KEY}")$'
"""In quotation marks as draft-ietf-httpapi-idempotency-key-header §2.1 writes it, or without: the same."""

ID_PREFIX = "gateway:"
"""Begins the id of every command of a user's. All who send for one user share one space of ids: a
caller who could choose any would pass a payout off as what another service does under that id."""

REGISTER_PREFIX = "gateway-register:"
"""Begins the id of every registration. Anybody may send one for any username, without a token, and
a refusal uses up its id: none of a signed-in user's may be among them."""

OPEN_ID = "gateway-open"
"""The id of the command that opens a user's account: one for each user, since ids are per user. However
often it is sent, the account is opened once."""

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias=KEY_HEADER,
        pattern=KEY_PATTERN,
        description="Names the command, whose id is the key behind a prefix of the gateway's: the "
        "same request under the same key has its effect once, and gets the same answer. Without "
        "it, the answer names a fresh one.",
        examples=["8e03978e-40d5-43e8-bc93-6894a57f9324"],
    ),
    AfterValidator(lambda key: key and key.strip('"')),
]


class Asks(Protocol):
    """The part of `client.AccountsClient` that asks."""

    async def ask(
        self, command: AnyCommand, timeout_s: float = ..., **added: Unpack[SentWith]
    ) -> Result:
        """Send a command and return its result."""
        ...

    async def request(
        self, request: AnyRequest, timeout_s: float = ..., **added: Unpack[SentWith]
    ) -> Reply:
        """Send a request and return its reply."""
        ...


class Undecided(BaseModel):
    """The command was sent, and its outcome is not known yet. It takes effect once, or never."""

    command_id: CommandId
    outcome: str | None = Field(
        default=None,
        description="Where to ask what became of it; not there for a registration, because that "
        "needs a token.",
    )
    detail: str


def command_id(key: str | None, prefix: str = ID_PREFIX) -> str:
    """Return the id of the command that *key* always stands for; the service keeps ids per user."""
    return prefix + (key or fresh_command_id())


def headers_of(asked_id: str) -> dict[str, str]:
    """Return the header that names the command, so that it can be sent again."""
    return {KEY_HEADER: asked_id.partition(":")[2]}


async def decided(
    accounts: Asks, command: AnyCommand, timeout_s: float, *, accepted: HTTPStatus = HTTPStatus.OK
) -> Response:
    """Send *command* and answer with its result, or with 202 while nobody knows it.

    Raises:
        ProblemError: The service refused it, or is not there.
    """
    headers = headers_of(command.command_id)
    try:
        async with reached():
            result = await accounts.ask(command, timeout_s, actor=command.username)
    except OutcomeUnknownError:
        return _undecided(command)
    except ProblemError as problem:
        problem.headers |= headers
        raise
    if result.error is not None:
        problem = refused(result.error, command_id=command.command_id)
        problem.headers |= headers
        raise problem
    if result.is_undecided:
        return _undecided(command)
    return answer(result, accepted, headers)


async def replied(
    accounts: Asks, request: AnyRequest, timeout_s: float, *, actor: str | None = None
) -> Reply:
    """Send *request* and return its reply.

    Raises:
        ProblemError: The service refused it, is not there, or did not answer in time.
    """
    try:
        async with reached():
            reply = await accounts.request(request, timeout_s, actor=actor)
    except OutcomeUnknownError:
        raise no_answer() from None
    if reply.error is not None:
        raise refused(reply.error, retry_after_s=reply.retry_after_s)
    if reply.is_undecided:
        raise unreadable()
    return reply


def no_answer() -> ProblemError:
    """Return that the service did not answer in time."""
    return ProblemError(
        HTTPStatus.GATEWAY_TIMEOUT,
        GatewayCode.NO_ANSWER,
        "the service did not answer in time; try again",
        retryable=True,
    )


def told(answer: A | None) -> A:
    """Return the part of a reply that was asked for.

    Raises:
        ProblemError: It is not there.
    """
    if answer is None:
        raise unreadable()
    return answer


@asynccontextmanager
async def reached() -> AsyncGenerator[None]:
    """Turn it into a problem where the service cannot be asked, or its answer not be read."""
    try:
        yield
    except (OutcomeUnknownError, RefusedError):
        raise
    except (UnreachableError, TopicMissingError, NotSentError) as error:
        raise unavailable("the service cannot be reached; nothing was done") from error
    except AccountsClientError as error:
        raise unreadable() from error


def unreadable() -> ProblemError:
    """Return that there was an answer of no use."""
    return ProblemError(
        HTTPStatus.BAD_GATEWAY,
        GatewayCode.UNREADABLE_ANSWER,
        "the service answered what the gateway cannot read",
    )


def _undecided(command: AnyCommand) -> Response:
    asked_id = command.command_id
    headers = {**headers_of(asked_id), "Retry-After": "1"}
    if isinstance(command, Register):
        # Who registers has no token yet, without which no outcome is told.
        detail = f"No answer in time. Send the same again with the same {KEY_HEADER}."
        return answer(Undecided(command_id=asked_id, detail=detail), HTTPStatus.ACCEPTED, headers)
    outcome = f"/outcomes/{quote(asked_id, safe=':')}"
    detail = (
        "No answer in time. Ask for the outcome, or send the same again with the same "
        f"{KEY_HEADER}."
    )
    undecided = Undecided(command_id=asked_id, outcome=outcome, detail=detail)
    return answer(undecided, HTTPStatus.ACCEPTED, {**headers, "Location": outcome})

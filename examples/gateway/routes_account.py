"""The account of a user who signs in elsewhere: opened at the first call that asks for it."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Response

from client import OutcomeUnknownError, fresh_command_id
from contracts.codes import Code
from contracts.queries import GetProfile, ProfileAnswer
from contracts.registration import Open
from examples.gateway.answers import answer
from examples.gateway.asking import OPEN_ID, no_answer, reached, replied, told, unreadable
from examples.gateway.bearer import User
from examples.gateway.bodies import OpenBody, body, described
from examples.gateway.documented import OPENING, SIGNED_IN
from examples.gateway.gateway import Gateway, TheGateway
from examples.gateway.problems import ProblemError, refused

router = APIRouter(tags=["account"], responses=SIGNED_IN)


@router.put(
    "/account",
    response_model=ProfileAnswer,
    responses={
        **OPENING,
        HTTPStatus.OK: {"description": "There was one already."},
        HTTPStatus.CREATED: {"model": ProfileAnswer, "description": "It was opened."},
    },
    openapi_extra=described(OpenBody, optional=True),
)
async def open_account(
    gateway: TheGateway, user: User, _: Annotated[OpenBody, body(OpenBody, optional=True)]
) -> Response:
    """Open the account of the token's user, unless there is one. Does no harm when repeated."""
    found = await _profile(gateway, user.username)
    if found is not None:
        return answer(found)
    is_new = await _opened(gateway, user.username)
    found = await _profile(gateway, user.username)
    if found is None:
        raise unreadable()
    return answer(found, HTTPStatus.CREATED if is_new else HTTPStatus.OK)


async def _profile(gateway: Gateway, username: str) -> ProfileAnswer | None:
    request = GetProfile(request_id=fresh_command_id(), username=username)
    try:
        reply = await replied(gateway.accounts, request, gateway.answer_timeout_s, actor=username)
    except ProblemError as problem:
        if problem.code == Code.UNKNOWN_ACCOUNT:
            return None
        raise
    return told(reply.profile)


async def _opened(gateway: Gateway, username: str) -> bool:
    """Open the account; return whether that was not done before, by whomever.

    Raises:
        ProblemError: The service refused it, is not there, or did not answer in time.
    """
    command = Open(command_id=OPEN_ID, username=username)
    try:
        async with reached():
            result = await gateway.accounts.ask(command, gateway.answer_timeout_s, actor=username)
    except OutcomeUnknownError:
        raise no_answer() from None
    if result.error is not None:
        if result.error.code == Code.USERNAME_TAKEN:
            return False
        raise refused(result.error, command_id=OPEN_ID)
    if result.is_undecided:
        raise unreadable()
    return not result.duplicate

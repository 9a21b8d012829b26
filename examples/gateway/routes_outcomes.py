"""What became of a command: the answer to a time-out."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from client import fresh_command_id
from contracts.message import CommandId
from contracts.queries import GetOutcome, OutcomeAnswer
from examples.gateway.answers import answer
from examples.gateway.asking import replied, told
from examples.gateway.bearer import User
from examples.gateway.documented import QUERY, SIGNED_IN
from examples.gateway.gateway import TheGateway

router = APIRouter(tags=["outcomes"], responses=SIGNED_IN)


# `:path`, because a command id of another sender may have slashes.
@router.get("/outcomes/{command_id:path}", response_model=OutcomeAnswer, responses=QUERY)
async def get_outcome(
    gateway: TheGateway, user: User, command_id: Annotated[CommandId, Path()]
) -> Response:
    """Return what became of one of the user's commands."""
    request = GetOutcome(
        request_id=fresh_command_id(), username=user.username, command_id=command_id
    )
    reply = await replied(gateway.accounts, request, gateway.answer_timeout_s, actor=user.username)
    return answer(told(reply.outcome))

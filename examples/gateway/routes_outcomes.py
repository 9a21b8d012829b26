"""What became of a command: the answer to a time-out."""

from typing import Annotated

from fastapi import APIRouter, Path

from client import fresh_command_id
from contracts.message import CommandId
from contracts.queries import GetOutcome, OutcomeAnswer
from examples.gateway.asking import replied, told
from examples.gateway.bearer import User
from examples.gateway.documented import QUERY, SIGNED_IN
from examples.gateway.gateway import TheGateway

router = APIRouter(tags=["outcomes"], responses=SIGNED_IN)


# `:path`, because a command id of another sender may have slashes.
@router.get("/outcomes/{command_id:path}", responses=QUERY, response_model_exclude_none=True)
async def get_outcome(
    gateway: TheGateway, user: User, command_id: Annotated[CommandId, Path()]
) -> OutcomeAnswer:
    """Return what became of one of the user's commands."""
    request = GetOutcome(
        request_id=fresh_command_id(), username=user.username, command_id=command_id
    )
    reply = await replied(gateway.accounts, request, gateway.answer_timeout_s, actor=user.username)
    return told(reply.outcome)

"""Who the user is."""

from typing import Annotated, Any

from fastapi import APIRouter, Response

from client import fresh_command_id
from contracts.profile import UpdateProfile
from contracts.queries import GetProfile, ProfileAnswer
from contracts.results import Result
from examples.gateway.answers import answer
from examples.gateway.asking import IdempotencyKey, command_id, decided, replied, told
from examples.gateway.bearer import SignedIn, User
from examples.gateway.bodies import ProfileChanges, WholeProfile, body, described
from examples.gateway.documented import COMMAND, QUERY, SIGNED_IN
from examples.gateway.gateway import Gateway, TheGateway

router = APIRouter(prefix="/auth/profile", tags=["profile"], responses=SIGNED_IN)


@router.get("", response_model=ProfileAnswer, responses=QUERY)
async def get_profile(gateway: TheGateway, user: User) -> Response:
    """Return the signed-in user's profile."""
    request = GetProfile(request_id=fresh_command_id(), username=user.username)
    reply = await replied(gateway.accounts, request, gateway.answer_timeout_s, actor=user.username)
    return answer(told(reply.profile))


@router.patch("", response_model=Result, responses=COMMAND, openapi_extra=described(ProfileChanges))
async def change_profile(
    gateway: TheGateway,
    user: User,
    wanted: Annotated[ProfileChanges, body(ProfileChanges)],
    key: IdempotencyKey = None,
) -> Response:
    """Change the fields that are named; null clears an optional one."""
    return await _updated(gateway, user, wanted.model_dump(exclude_unset=True), key)


@router.put("", response_model=Result, responses=COMMAND, openapi_extra=described(WholeProfile))
async def replace_profile(
    gateway: TheGateway,
    user: User,
    wanted: Annotated[WholeProfile, body(WholeProfile)],
    key: IdempotencyKey = None,
) -> Response:
    """Set the whole profile; an optional field that is not named is cleared."""
    return await _updated(gateway, user, wanted.model_dump(), key)


async def _updated(
    gateway: Gateway, user: SignedIn, fields: dict[str, Any], key: str | None
) -> Response:
    command = UpdateProfile(command_id=command_id(key), username=user.username, **fields)
    return await decided(gateway.accounts, command, gateway.answer_timeout_s)

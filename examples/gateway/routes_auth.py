"""Opening an account, signing in and out."""

from http import HTTPStatus
from math import ceil
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from client import sessions
from contracts.codes import Code
from contracts.registration import Register
from contracts.results import Result
from contracts.sessions import BearerTokens
from examples.gateway.asking import KEY_HEADER, REGISTER_PREFIX, IdempotencyKey, command_id, decided
from examples.gateway.bearer import User
from examples.gateway.bodies import (
    LoginBody,
    LogoutBody,
    PasswordBody,
    RefreshBody,
    RegisterBody,
    body,
    described,
)
from examples.gateway.devices import DeviceToken, remember
from examples.gateway.documented import LOGOUT, REGISTER, SIGN_IN, SIGNED_IN
from examples.gateway.gateway import Gateway, TheGateway
from examples.gateway.problems import ProblemError, too_many
from examples.gateway.signing_in import answered, options, sealed_password, sealing_keys
from examples.gateway.sources import source_of

router = APIRouter(prefix="/auth", tags=["auth"])


class SessionsEnded(BaseModel):
    """What a logout or a change of password ended."""

    sessions_ended: int = Field(ge=0)


@router.post(
    "/register",
    status_code=HTTPStatus.CREATED,
    response_model=Result,
    responses=REGISTER,
    openapi_extra=described(RegisterBody),
)
async def register(
    gateway: TheGateway,
    request: Request,
    wanted: Annotated[RegisterBody, body(RegisterBody)],
    key: IdempotencyKey = None,
) -> Response:
    """Open an account. Once this is accepted, its user can sign in."""
    source = source_of(request.scope)
    if wait_s := gateway.new_accounts.wait_s(source):
        raise too_many("too many new accounts of yours; nothing was done", ceil(wait_s))
    with gateway.registrations.place(source):
        try:
            return await _registered(gateway, wanted, command_id(key, REGISTER_PREFIX))
        except ProblemError as problem:
            if problem.code != Code.SEAL_INVALID or key is not None:
                raise
        # Sealed to a key that is gone. That used up an id which nobody chose; another does as well.
        await gateway.seal_anew()
        return await _registered(gateway, wanted, command_id(None, REGISTER_PREFIX))


@router.post("/login", responses=SIGN_IN, openapi_extra=described(LoginBody))
async def login(
    gateway: TheGateway,
    request: Request,
    response: Response,
    wanted: Annotated[LoginBody, body(LoginBody)],
    device_token: DeviceToken = None,
) -> BearerTokens:
    """Open a session. A cookie tells the browser from strangers' when it signs in again."""
    to_seal_to = await sealing_keys(gateway)
    with gateway.sign_ins.place(source_of(request.scope)):
        async with answered():
            signed_in = await sessions.sign_in(
                gateway.accounts,
                to_seal_to,
                wanted.username,
                wanted.password.get_secret_value(),
                now=gateway.now(),
                device_token=device_token,
                **options(gateway, wanted.username, request),
            )
    return remember(response, signed_in.tokens)


@router.post("/refresh", responses=SIGN_IN, openapi_extra=described(RefreshBody))
async def refresh(
    gateway: TheGateway,
    request: Request,
    response: Response,
    wanted: Annotated[RefreshBody, body(RefreshBody)],
) -> BearerTokens:
    """Exchange a refresh token for new tokens. It is spent: used again, it ends the session."""
    to_seal_to = await sealing_keys(gateway)
    async with answered():
        signed_in = await sessions.refresh(
            gateway.accounts,
            to_seal_to,
            wanted.username,
            wanted.refresh_token.get_secret_value(),
            now=gateway.now(),
            **options(gateway, wanted.username, request),
        )
    return remember(response, signed_in.tokens)


@router.post(
    "/logout",
    responses={**LOGOUT, **SIGNED_IN},
    openapi_extra=described(LogoutBody, optional=True),
)
async def logout(
    gateway: TheGateway,
    user: User,
    request: Request,
    wanted: Annotated[LogoutBody, body(LogoutBody, optional=True)],
) -> SessionsEnded:
    """End this session, or all of the user's."""
    to_seal_to = await sealing_keys(gateway)
    async with answered():
        ended = await sessions.sign_out(
            gateway.accounts,
            to_seal_to,
            user.username,
            user.token,
            everywhere=wanted.everywhere,
            now=gateway.now(),
            **options(gateway, user.username, request),
        )
    return SessionsEnded(sessions_ended=ended)


@router.put("/password", responses=SIGN_IN, openapi_extra=described(PasswordBody))
async def change_password(
    gateway: TheGateway,
    user: User,
    request: Request,
    wanted: Annotated[PasswordBody, body(PasswordBody)],
) -> SessionsEnded:
    """Set a new password. Every other session ends; this one's access token must be refreshed."""
    to_seal_to = await sealing_keys(gateway)
    with gateway.sign_ins.place(source_of(request.scope)):
        async with answered():
            ended = await sessions.change_password(
                gateway.accounts,
                to_seal_to,
                user.username,
                user.token,
                wanted.password.get_secret_value(),
                wanted.new_password.get_secret_value(),
                now=gateway.now(),
                **options(gateway, user.username, request),
            )
    return SessionsEnded(sessions_ended=ended)


async def _registered(gateway: Gateway, wanted: RegisterBody, asked_id: str) -> Response:
    sealed = await sealed_password(
        gateway,
        wanted.password.get_secret_value(),
        command_id=asked_id,
        username=wanted.username,
    )
    command = Register(
        command_id=asked_id,
        sealed_password=sealed,
        **wanted.model_dump(exclude={"password"}, exclude_unset=True),
    )
    try:
        return await decided(
            gateway.accounts, command, gateway.answer_timeout_s, accepted=HTTPStatus.CREATED
        )
    except ProblemError as problem:
        if problem.code == Code.SEAL_INVALID:
            # Of a command that is an outcome: the same key would get it for ever, so no 503.
            problem.status = HTTPStatus.CONFLICT
            problem.detail = (
                f"{problem.detail}; no account was opened, and this {KEY_HEADER} is used up: send "
                "it again with a new one"
            )
        raise

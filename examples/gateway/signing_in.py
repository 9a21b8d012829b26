"""What it takes to sign in and out through the client: keys to seal to, and refusals as problems."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus

from fastapi import Request

from client import OutcomeUnknownError, seal, sealing_key
from client.errors import RefusedError
from client.questions import Asked
from client.signed_in import Options
from contracts.passwords import ChangePassword
from contracts.sealing import Purpose
from contracts.sessions import Refresh
from examples.gateway.asking import no_answer, reached
from examples.gateway.gateway import Gateway
from examples.gateway.key_set import Jwks, KeysMissingError
from examples.gateway.problems import GatewayCode, ProblemError, refused, unavailable
from examples.gateway.sources import address_of


async def sealing_keys(gateway: Gateway) -> Jwks:
    """Return the set with the service's key to seal to.

    Raises:
        ProblemError: They are not known.
    """
    assert gateway.sealing_keys is not None, "where users sign in elsewhere, no route signs in"
    try:
        found = await gateway.sealing_keys.current()
        sealing_key(found)
    except (KeysMissingError, ValueError):
        raise unavailable("the service's sealing key is not known yet; try again") from None
    return found


async def sealed_password(
    gateway: Gateway, password: str, *, command_id: str, username: str
) -> str:
    """Return the password of a new account, sealed for its registration.

    Raises:
        ProblemError: The key to seal to is not known.
    """
    return seal(
        password,
        key=sealing_key(await sealing_keys(gateway)),
        purpose=Purpose.REGISTER_PASSWORD,
        command_id=command_id,
        username=username,
        issued_at=gateway.now(),
    )


def options(gateway: Gateway, username: str, request: Request) -> Options:
    """Return what is said beside a sign-in: who asks and where from, and how long we wait."""
    return Options(
        actor=username,
        # Failed sign-ins are counted by it too.
        source=address_of(request.scope),
        timeout_s=gateway.answer_timeout_s,
    )


@asynccontextmanager
async def answered() -> AsyncGenerator[None]:
    """Turn a refusal, or no answer, into a problem."""
    try:
        async with reached():
            yield
    except RefusedError as error:
        raise refused(error.error, retry_after_s=error.retry_after_s) from None
    except OutcomeUnknownError as error:
        raise _no_answer_to(error.asked) from None


def _no_answer_to(asked: Asked) -> ProblemError:
    """Return that there was no answer in time, and whether trying again does any harm."""
    if not isinstance(asked, Refresh | ChangePassword):
        return no_answer()
    return ProblemError(
        HTTPStatus.GATEWAY_TIMEOUT,
        GatewayCode.NO_ANSWER,
        # A spent token, used again, ends its session; the old password may hold no more.
        "the service did not answer in time, and it may have been done: do not send it again, "
        "sign in",
        title="Outcome unknown",
    )

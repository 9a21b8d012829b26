"""Who is signed in: the user of the access token that comes with a request."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from examples.gateway.gateway import TheGateway
from examples.gateway.problems import GatewayCode, ProblemError
from examples.gateway.taking_tokens import NotTakenError

_BEARER = HTTPBearer(
    auto_error=False, bearerFormat="JWT", description="The access token of a sign-in."
)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user whose token is good."""

    username: str
    token: str = field(repr=False)
    """As it came; the service wants it with a logout and a change of password."""


async def _signed_in(gateway: TheGateway, credentials: Credentials) -> SignedIn:
    if credentials is None or credentials.scheme.lower() != "bearer":
        raise ProblemError(
            HTTPStatus.UNAUTHORIZED,
            GatewayCode.TOKEN_MISSING,
            "send the access token of a sign-in as `Authorization: Bearer …`",
        )
    token = credentials.credentials
    try:
        username = await gateway.tokens.username_of(token, gateway.now())
    except NotTakenError as error:
        gateway.metrics.tokens_refused.labels(error.reason).inc()
        raise error.problem from None
    return SignedIn(username, token)


User = Annotated[SignedIn, Depends(_signed_in)]

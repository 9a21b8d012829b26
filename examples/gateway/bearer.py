"""Who is signed in: access tokens, verified here by the service's keys and the sessions that ended."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from client.tokens import Claims, TokenError, TokenProblem, verify_access_token
from contracts.codes import Code
from examples.gateway.gateway import Gateway, TheGateway
from examples.gateway.key_set import Jwks, KeysMissingError
from examples.gateway.problems import GatewayCode, ProblemError, refusal, unavailable

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
        claims = await _verified(gateway, token)
    except KeysMissingError:
        raise unavailable("the service's keys are not known yet; try again") from None
    except TokenError as error:
        gateway.metrics.tokens_refused.labels(error.reason.value).inc()
        raise refusal(Code.TOKEN_INVALID, Code.TOKEN_INVALID.info.meaning) from None
    if not gateway.ended.is_current:
        raise unavailable("which sessions have ended is not known yet; try again")
    if gateway.ended.is_revoked(claims.session_id):
        gateway.metrics.tokens_refused.labels("session_ended").inc()
        raise refusal(Code.SESSION_ENDED, Code.SESSION_ENDED.info.meaning)
    return SignedIn(claims.username, token)


User = Annotated[SignedIn, Depends(_signed_in)]


async def _verified(gateway: Gateway, token: str) -> Claims:
    """Verify *token*; where its key is unknown, look once whether there are new keys.

    Raises:
        TokenError: It is not good.
        KeysMissingError: There are no keys to tell.
    """
    jwks = await gateway.keys.current()
    try:
        return _claims(gateway, token, jwks)
    except TokenError as error:
        if error.reason != TokenProblem.UNKNOWN_KEY:
            raise
    await gateway.keys.refresh()
    return _claims(gateway, token, await gateway.keys.current())


def _claims(gateway: Gateway, token: str, jwks: Jwks) -> Claims:
    return verify_access_token(
        token,
        jwks,
        issuer=gateway.token_issuer,
        audience=gateway.token_audience,
        now=gateway.now(),
    )

"""The cookie by which a browser is known again on which somebody has signed in."""

from datetime import timedelta
from typing import Annotated

from fastapi import Cookie, Response
from pydantic import AfterValidator

from client.tokens import TOKEN_LENGTH_MAX
from contracts.sessions import BearerTokens, Tokens

COOKIE = "__Secure-accounts-device"
"""One for each browser: it is known for whoever signed in there last."""

PATH = "/auth"
"""Nothing else has a use for it."""

KEPT = timedelta(days=90)
"""As long as the service knows the device; each sign-in and refresh brings a new token."""

DeviceToken = Annotated[
    str | None,
    Cookie(alias=COOKIE, include_in_schema=False),
    # Whatever is wrong with it, the browser is one that nobody knows; no reason to refuse.
    AfterValidator(
        lambda token: (
            token if token and token.isascii() and len(token) <= TOKEN_LENGTH_MAX else None
        )
    ),
]


def remember(response: Response, tokens: Tokens) -> BearerTokens:
    """Have the browser keep the device token, out of reach of its pages; return all others."""
    if tokens.device_token is not None:
        response.set_cookie(
            COOKIE,
            tokens.device_token,
            max_age=int(KEPT.total_seconds()),
            path=PATH,
            secure=True,
            httponly=True,
            samesite="strict",
        )
    return BearerTokens(**tokens.model_dump(exclude={"device_token"}))

"""The gateway as an ASGI application."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from examples.gateway import (
    routes_account,
    routes_auth,
    routes_balance,
    routes_operations,
    routes_outcomes,
    routes_profile,
)
from examples.gateway.arriving import Arrived
from examples.gateway.asking import KEY_HEADER, OPEN_ID, REGISTER_PREFIX
from examples.gateway.bounded import REQUESTS_MAX, Bounded
from examples.gateway.gateway import Gateway
from examples.gateway.guarded import Guarded
from examples.gateway.issuer import Issuer
from examples.gateway.metrics import Measured
from examples.gateway.problems import (
    ProblemDetails,
    ProblemError,
    on_failure,
    on_http_error,
    on_invalid,
    on_problem,
)
from examples.gateway.tracing import HEADER as TRACE_HEADER

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH")

SENT_HEADERS = ("Authorization", "Content-Type", KEY_HEADER, TRACE_HEADER)
"""What pages of other origins may send, beside the cookie that tells browsers apart (`devices`): whoever
calls is known by a token alone, and sends it."""

READ_HEADERS = (KEY_HEADER, "Location", "Retry-After", "WWW-Authenticate")
"""What they may read of an answer."""

DESCRIPTION = (
    "A REST API over the accounts service: its commands and requests, one to one. Send an "
    "`Idempotency-Key` with whatever moves money, and repeat it after a time-out. The command's id "
    "is `gateway:<key>`, {other}: what callers choose never is the id of another service's command. "
    "Every error is a problem (RFC 9457); only what is no HTTP is answered in plain text."
)

OF_AN_ACCOUNT = {
    True: f"of a registration `{REGISTER_PREFIX}<key>`",
    False: f"of an account's opening `{OPEN_ID}`",
}
"""What else has an id, where users sign in here, and where they do not."""

ROUTES = (routes_profile, routes_balance, routes_outcomes, routes_operations)
"""Those of all gateways."""


def create_app(
    opened: Callable[[], AbstractAsyncContextManager[Gateway]],
    *,
    issuer: Issuer | None = None,
    requests_max: int = REQUESTS_MAX,
    cors_origins: Sequence[str] = (),
) -> FastAPI:
    """Return the application; it has what *opened* gives for as long as it runs.

    Users sign in with *issuer*, or where there is none, here. Pages of *cors_origins* may call it
    from browsers.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with opened() as gateway:
            app.state.gateway = gateway
            yield

    app = _Gateway(
        title="accounts: example gateway",
        version="0.1.0",
        description=DESCRIPTION.format(other=OF_AN_ACCOUNT[issuer is None]),
        lifespan=lifespan,
        # The document is not for the public (`operations`), and its pages load scripts from elsewhere.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        # Its target would be on the host that the caller names.
        redirect_slashes=False,
    )
    app.issuer = issuer
    for routes in (routes_auth if issuer is None else routes_account, *ROUTES):
        app.include_router(routes.router)
    _add_middleware(app, requests_max, cors_origins)
    app.add_exception_handler(ProblemError, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(Exception, on_failure)
    return app


def _add_middleware(app: FastAPI, requests_max: int, cors_origins: Sequence[str]) -> None:
    """Add what each request passes, from the inside to the outside."""
    app.add_middleware(Bounded, requests_max)
    app.add_middleware(Arrived)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=cors_origins,
        allow_credentials=True,
        allow_methods=METHODS,
        allow_headers=SENT_HEADERS,
        expose_headers=READ_HEADERS,
    )
    app.add_middleware(Measured)  # it counts what is refused, too


class _Gateway(FastAPI):
    """Its answers are guarded, and its document also says what problems and tokens look like."""

    issuer: Issuer | None = None

    def build_middleware_stack(self) -> ASGIApp:
        """Return all that a request passes; around what answers to bugs of ours, too."""
        return Guarded(super().build_middleware_stack())

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            document = super().openapi()
            schema = ProblemDetails.model_json_schema(
                ref_template="#/components/schemas/{model}", mode="serialization"
            )
            defined: dict[str, Any] = schema.pop("$defs")
            components = document["components"]
            components["schemas"] |= {**defined, "ProblemDetails": schema}
            if self.issuer is not None:
                said = f"An access token of {self.issuer.url} for `{self.issuer.audience}`."
                components["securitySchemes"]["HTTPBearer"]["description"] = said
        assert self.openapi_schema is not None
        return self.openapi_schema

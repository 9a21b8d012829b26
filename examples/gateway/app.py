"""The gateway as an ASGI application."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from examples.gateway import (
    routes_auth,
    routes_balance,
    routes_operations,
    routes_outcomes,
    routes_profile,
)
from examples.gateway.bounded import REQUESTS_MAX, Bounded
from examples.gateway.gateway import Gateway
from examples.gateway.metrics import Measured
from examples.gateway.problems import (
    ProblemDetails,
    ProblemError,
    on_failure,
    on_http_error,
    on_invalid,
    on_problem,
)

DESCRIPTION = (
    "A REST API over the accounts service: its commands and requests, one to one. Send an "
    "`Idempotency-Key` with whatever moves money, and repeat it after a time-out. The command's id "
    "is `gateway:<key>`, of a registration `gateway-register:<key>`: what callers choose never is "
    "the id of another service's command. Every error is a problem (RFC 9457); only where there is "
    "no room for another connection is a 503 plain text."
)


def create_app(
    opened: Callable[[], AbstractAsyncContextManager[Gateway]], requests_max: int = REQUESTS_MAX
) -> FastAPI:
    """Return the application; it has what *opened* gives for as long as it runs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with opened() as gateway:
            app.state.gateway = gateway
            yield

    app = _Documented(
        title="accounts: example gateway",
        version="0.1.0",
        description=DESCRIPTION,
        lifespan=lifespan,
        # Their pages load scripts from elsewhere; the document itself is enough.
        docs_url=None,
        redoc_url=None,
    )
    for routes in (
        routes_auth,
        routes_profile,
        routes_balance,
        routes_outcomes,
        routes_operations,
    ):
        app.include_router(routes.router)
    app.add_middleware(Bounded, requests_max)
    app.add_middleware(Measured)  # Added last, so it counts what is refused, too.
    app.add_exception_handler(ProblemError, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(Exception, on_failure)
    return app


class _Documented(FastAPI):
    """Its document also has what the problems look like."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            document = super().openapi()
            schema = ProblemDetails.model_json_schema(
                ref_template="#/components/schemas/{model}", mode="serialization"
            )
            defined: dict[str, Any] = schema.pop("$defs")
            document["components"]["schemas"] |= {**defined, "ProblemDetails": schema}
        assert self.openapi_schema is not None
        return self.openapi_schema

"""What the gateway counts. Never a username, path or address as a label."""

import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

UNMATCHED = "unmatched"
"""The route of a path that is none of ours: paths are made up without bound."""

NO_ANSWER = "none"
"""The status of a request that was not wholly sent: nobody was there to be answered."""

METHODS = {"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"}


class Metrics:
    """Counters of one gateway, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "gateway_requests", "Requests", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "gateway_request_seconds", "Duration of requests", ["route"], registry=self.registry
        )
        self.tokens_refused = Counter(
            "gateway_tokens_refused", "Access tokens refused", ["reason"], registry=self.registry
        )


class Measured:
    """Middleware that counts and times each request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s, status = time.monotonic(), NO_ANSWER

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception:
            status = "500"
            raise
        finally:
            metrics: Metrics = scope["app"].state.gateway.metrics
            route = _route(scope.get("route"))
            method = scope["method"] if scope["method"] in METHODS else "other"
            metrics.requests.labels(method, route, status).inc()
            metrics.seconds.labels(route).observe(time.monotonic() - began_s)


def _route(route: BaseRoute | None) -> str:
    path: Any = getattr(route, "path_format", None)
    return str(path) if path else UNMATCHED

"""What this process shows over HTTP: health, metrics, the contract, the sealing keys. Read only."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import orjson
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from workers.asyncapi.document import to_yaml
from workers.asyncapi.page import POLICY, render
from workers.health import Health

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

NEVER_CACHE = {"cache-control": "no-store"}
"""Of what changes from one second to the next."""

KEYS_CACHE = {"cache-control": "public, max-age=60"}
"""A new sealing key is found within a minute; old ones go on being accepted far longer."""

CONTRACT_CACHE = {"cache-control": "public, max-age=300"}
"""The contract changes with a deployment."""

SAFE = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
"""On every answer: it is what it says, and tells nobody where the reader came from."""


def sidecar_routes(
    health: Health,
    metrics_registry: CollectorRegistry,
    jwks: Callable[[], Mapping[str, Any]],
    document: Mapping[str, Any],
) -> list[tuple[str, ASGIApp]]:
    """Return (path, application) for `AsgiFastStream(asgi_routes=...)`.

    Each answers GET and HEAD only. Nothing here asks a dependency or changes anything.
    """
    page = render(dict(document)).encode()
    text = to_yaml(document).encode()

    async def live(_: Request) -> Response:
        alive = health.report().live
        return _json({"live": alive}, ok=alive)

    async def ready(_: Request) -> Response:
        is_ready = health.report().ready
        return _json({"ready": is_ready}, ok=is_ready)

    async def overall(_: Request) -> Response:
        report = health.report()
        return _json(report.body(), ok=report.live and report.ready)

    async def metrics(_: Request) -> Response:
        return _answer(generate_latest(metrics_registry), CONTENT_TYPE_PLAIN_0_0_4, NEVER_CACHE)

    async def contract_page(_: Request) -> Response:
        policy = {"content-security-policy": POLICY, "x-frame-options": "DENY"}
        return _answer(page, "text/html; charset=utf-8", CONTRACT_CACHE | policy)

    async def contract(_: Request) -> Response:
        return _answer(text, "application/yaml; charset=utf-8", CONTRACT_CACHE)

    async def keys(_: Request) -> Response:
        return _answer(orjson.dumps(jwks()), "application/jwk-set+json", KEYS_CACHE)

    endpoints: dict[str, Endpoint] = {
        "/health/live": live,
        "/health/ready": ready,
        "/health": overall,
        "/metrics": metrics,
        "/asyncapi": contract_page,
        "/asyncapi.yaml": contract,
        "/.well-known/jwks.json": keys,
    }
    routes = [Route(path, endpoint, methods=["GET"]) for path, endpoint in endpoints.items()]
    router = Router(routes, redirect_slashes=False)
    return [(path, router) for path in endpoints]


def _json(body: Mapping[str, Any], *, ok: bool) -> Response:
    status = 200 if ok else 503
    return _answer(orjson.dumps(body), "application/json", NEVER_CACHE, status)


def _answer(body: bytes, kind: str, headers: Mapping[str, str], status: int = 200) -> Response:
    return Response(body, status, SAFE | {"content-type": kind} | dict(headers))

"""What this process shows over HTTP: health, metrics, the contract, the public keys. Read only."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any, TypeAlias

import orjson
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from contract_docs.document import to_yaml
from workers.monitoring.health import Health

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

NEVER_CACHE = {"cache-control": "no-store"}
"""Of what changes from one second to the next."""

KEYS_CACHE = {"cache-control": "public, max-age=30"}
"""A signing key is published a minute before it signs: whoever keeps the set for half of that, and
gets it from a worker that has yet to see the key, knows it in time."""

CONTRACT_CACHE = {"cache-control": "public, max-age=300"}
"""The contract changes with a deployment."""

SHOWN = {
    "/health": "health of each component",
    "/health/live": "whether this process should go on",
    "/health/ready": "whether it can answer",
    "/metrics": "metrics, for Prometheus",
    "/asyncapi": "the contract, to read",
    "/asyncapi.yaml": "the contract, for programs",
    "/.well-known/jwks.json": "public keys to verify tokens by",
    "/.well-known/sealing-keys.json": "the public key to seal to",
}
"""What there is, as the page at `/` lists it."""

INDEX = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>accounts</title><h1>accounts</h1><ul>'
    + "".join(f'<li><a href="{path}">{path}</a>: {what}</li>' for path, what in SHOWN.items())
    + "</ul></html>"
).encode()

INDEX_POLICY = {"content-security-policy": "default-src 'none'", "x-frame-options": "DENY"}
"""A page of links needs nothing."""

SAFE = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
"""On every answer: it is what it says, and tells nobody where the reader came from."""


class _Endpoints:
    """The endpoints; the contract is rendered when somebody asks for it, and once."""

    def __init__(
        self,
        health: Health,
        registry: CollectorRegistry,
        jwks: Callable[[], Mapping[str, Any]],
        sealing_jwks: Callable[[], Mapping[str, Any]],
        document: Callable[[], Mapping[str, Any]],
    ) -> None:
        self._health = health
        self._registry = registry
        self._jwks = jwks
        self._sealing_jwks = sealing_jwks
        self._page = cache(lambda: _page(document()))
        self._yaml = cache(lambda: to_yaml(document()).encode())

    def endpoints(self) -> dict[str, Endpoint]:
        return {
            "/": self._index,
            "/health/live": self._live,
            "/health/ready": self._ready,
            "/health": self._overall,
            "/metrics": self._metrics,
            "/asyncapi": self._contract_page,
            "/asyncapi.yaml": self._contract,
            "/.well-known/jwks.json": self._signing_keys,
            "/.well-known/sealing-keys.json": self._sealing_keys,
        }

    async def _index(self, _: Request) -> Response:
        return _answer(INDEX, "text/html; charset=utf-8", CONTRACT_CACHE | INDEX_POLICY)

    async def _live(self, _: Request) -> Response:
        alive = self._health.report().live
        return _json({"live": alive}, ok=alive)

    async def _ready(self, _: Request) -> Response:
        ready = self._health.report().ready
        return _json({"ready": ready}, ok=ready)

    async def _overall(self, _: Request) -> Response:
        report = self._health.report()
        return _json(report.body(), ok=report.live and report.ready)

    async def _metrics(self, _: Request) -> Response:
        exported = generate_latest(self._registry)
        return _answer(exported, CONTENT_TYPE_PLAIN_0_0_4, NEVER_CACHE)

    async def _contract_page(self, _: Request) -> Response:
        page, allowed = await asyncio.to_thread(self._page)
        policy = {"content-security-policy": allowed, "x-frame-options": "DENY"}
        return _answer(page, "text/html; charset=utf-8", CONTRACT_CACHE | policy)

    async def _contract(self, _: Request) -> Response:
        written = await asyncio.to_thread(self._yaml)  # a tenth of a second the first time
        return _answer(written, "application/yaml; charset=utf-8", CONTRACT_CACHE)

    async def _signing_keys(self, _: Request) -> Response:
        return _key_set(self._jwks())

    async def _sealing_keys(self, _: Request) -> Response:
        return _key_set(self._sealing_jwks())


def sidecar_routes(
    health: Health,
    metrics_registry: CollectorRegistry,
    jwks: Callable[[], Mapping[str, Any]],
    sealing_jwks: Callable[[], Mapping[str, Any]],
    document: Callable[[], Mapping[str, Any]],
) -> list[tuple[str, ASGIApp]]:
    """Return (path, application) for `AsgiFastStream(asgi_routes=...)`.

    Each answers GET and HEAD only. Nothing here asks a dependency or changes anything.
    """
    endpoints = _Endpoints(health, metrics_registry, jwks, sealing_jwks, document).endpoints()
    routes = [Route(path, endpoint, methods=["GET"]) for path, endpoint in endpoints.items()]
    router = Router(routes, redirect_slashes=False)
    return [(path, router) for path in endpoints]


def _page(document: Mapping[str, Any]) -> tuple[bytes, str]:
    """Return the page of the contract, and its Content-Security-Policy."""
    from contract_docs.page.rendering import POLICY, render  # noqa: PLC0415 - 0.1 s, and few ask for it

    return render(dict(document)).encode(), POLICY


def _json(body: Mapping[str, Any], *, ok: bool) -> Response:
    status = 200 if ok else 503
    return _answer(orjson.dumps(body), "application/json", NEVER_CACHE, status)


def _key_set(keys: Mapping[str, Any]) -> Response:
    return _answer(orjson.dumps(keys), "application/jwk-set+json", KEYS_CACHE)


def _answer(body: bytes, kind: str, headers: Mapping[str, str], status: int = 200) -> Response:
    return Response(body, status, SAFE | {"content-type": kind} | dict(headers))

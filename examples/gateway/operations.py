"""What operators ask: what has it done, and what can it do. On a port of its own."""

from http import HTTPStatus

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route


def create_operations(public: FastAPI) -> Starlette:
    """Return the application beside *public*."""

    async def metrics(_request: Request) -> Response:
        gateway = getattr(public.state, "gateway", None)
        if gateway is None:
            return PlainTextResponse("not started yet\n", HTTPStatus.SERVICE_UNAVAILABLE)
        written = generate_latest(gateway.metrics.registry)
        return Response(written, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def document(_request: Request) -> Response:
        return JSONResponse(public.openapi())

    return Starlette(routes=[Route("/metrics", metrics), Route("/openapi.json", document)])

"""Waits until a request has wholly come, within bounds, before anything else is done for it."""

import asyncio
import logging
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from examples.gateway.problems import GatewayCode, ProblemError, twice
from examples.gateway.sources import address_of

LOG = logging.getLogger(__name__)

BODY_BYTES_MAX = 16 * 1024
"""Bytes of a body: the largest that is valid has less than half of it."""

BODY_MAX_S = 10.0
"""For a whole body, once the head is here: less than two kilobytes a second is no network."""

ONCE = (b"authorization", b"content-type", b"idempotency-key")
"""Header fields that say who, how and which: two of one could be read as one or the other."""

CLOSE = {"Connection": "close"}
"""What comes after a body that was not awaited is no request."""


class HungUpError(Exception):
    """The caller went away before its request had come."""


class Arrived:
    """Middleware that passes on whole requests only.

    A half-sent one takes nobody's place (`bounded.Bounded`), and its end is one line in the log.
    """

    def __init__(self, app: ASGIApp, body_max_s: float = BODY_MAX_S) -> None:
        self._app = app
        self._body_max_s = body_max_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on one request, once it is here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            _check_once(scope)
            body = await self._whole(receive)
        except ProblemError as problem:
            await problem.response()(scope, receive, send)
            return
        except HungUpError:
            LOG.warning("%s went away before its request had come", address_of(scope))
            return
        await self._app(scope, _replayed(body, receive), send)

    async def _whole(self, receive: Receive) -> bytes:
        try:
            async with asyncio.timeout(self._body_max_s):
                return await _body(receive)
        except TimeoutError:
            raise ProblemError(
                HTTPStatus.REQUEST_TIMEOUT,
                GatewayCode.BODY_TOO_SLOW,
                f"a body has to come within {self._body_max_s:g} s; nothing was done",
                retryable=True,
                headers=dict(CLOSE),
            ) from None


def _check_once(scope: Scope) -> None:
    names = [name for name, _ in scope["headers"]]
    for name in ONCE:
        if names.count(name) > 1:
            raise twice(name.decode().title())


async def _body(receive: Receive) -> bytes:
    content = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HungUpError
        content += message.get("body", b"")
        more = message.get("more_body", False)
        if len(content) > BODY_BYTES_MAX:
            raise ProblemError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                GatewayCode.BODY_TOO_LARGE,
                f"a body has at most {BODY_BYTES_MAX} bytes",
                headers=dict(CLOSE),
            )
    return bytes(content)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return what hands out the body, and then what else is to be received."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message

"""Refuses what is too much at once, in the way in which everything else is refused."""

from starlette.types import ASGIApp, Receive, Scope, Send

from examples.gateway.problems import unavailable

REQUESTS_MAX = 1_000
"""Requests in hand at once: each waits for Kafka and costs some kilobytes; more get 503 at once."""


class Bounded:
    """Middleware that lets through so many requests at once, and answers the others itself."""

    def __init__(self, app: ASGIApp, requests_max: int) -> None:
        self._app = app
        self._requests_max = requests_max
        self._in_hand = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._in_hand >= self._requests_max:
            problem = unavailable("too many requests at once; nothing was done, try again")
            await problem.response()(scope, receive, send)
            return
        self._in_hand += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._in_hand -= 1

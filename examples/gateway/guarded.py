"""What every answer says to the browser that shows it, and to those on the way; and answers to HEAD."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

YEAR_S = 365 * 24 * 3600

HSTS = f"max-age={YEAR_S}"
"""RFC 6797: from now on by TLS only. Not for subdomains: they are others'."""


class Guarded:
    """Middleware around all else: no answer is stored, or taken for what it is not.

    RFC 9110 §9.3.2: HEAD is GET without the content.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                _guard(MutableHeaders(scope=message), scope["scheme"])
            elif is_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        # A copy, because the server has to know that it was HEAD.
        inner = {**scope, "method": "GET"} if is_head else scope
        await self._app(inner, receive, guarded)


def _guard(headers: MutableHeaders, scheme: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    # All of it is somebody's money, profile or tokens, or as good as old: RFC 9111 §5.2.2.5.
    headers["Cache-Control"] = "no-store"
    if scheme == "https":  # RFC 6797 §7.2: not in the clear
        headers["Strict-Transport-Security"] = HSTS

"""Refuses what is too much at once, of one source or of all, in the way in which everything else is."""

from collections import Counter
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

from starlette.types import ASGIApp, Receive, Scope, Send

from examples.gateway.problems import ProblemError, too_many, unavailable
from examples.gateway.sources import source_of

REQUESTS_MAX = 1_000
"""Requests in hand at once: each waits for Kafka and costs some kilobytes; more get 503 at once."""

SOURCE_REQUESTS_MAX = 100
"""Of one source: a tenth of all, so that nobody alone takes the gateway from the others."""

HASHES_MAX = 64
"""Sign-ins that wait at once, and as many registrations: what one thread hashes in fifteen seconds, half
of the longest wait for an answer."""

SOURCE_HASHES_MAX = 8
"""Of one source: two seconds of hashing."""

HASHES_RETRY_S = 5
"""By then a third of those that wait are done."""


HASHES = (HASHES_MAX, SOURCE_HASHES_MAX, HASHES_RETRY_S)


class Places:
    """So many at once, and so many of one source."""

    def __init__(self, most: int, source_most: int, retry_s: int = 1) -> None:
        self._most = most
        self._source_most = source_most
        self._retry_s = retry_s
        self._taken: Counter[str] = Counter()

    @contextmanager
    def place(self, source: str) -> Generator[None]:
        """Take a place, and give it back.

        Raises:
            ProblemError: There is none.
        """
        if self._taken[source] >= self._source_most:
            raise too_many("too many requests of yours at once; nothing was done", self._retry_s)
        if self._taken.total() >= self._most:
            raise unavailable("too many requests at once; nothing was done", self._retry_s)
        self._taken[source] += 1
        try:
            yield
        finally:
            self._taken[source] -= 1
            if not self._taken[source]:
                del self._taken[source]


class Bounded:
    """Middleware that lets through so many requests at once, and answers the others itself."""

    def __init__(
        self, app: ASGIApp, requests_max: int, source_requests_max: int = SOURCE_REQUESTS_MAX
    ) -> None:
        self._app = app
        self._places = Places(requests_max, source_requests_max)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with ExitStack() as taken:
            try:
                taken.enter_context(self._places.place(source_of(scope)))
            except ProblemError as problem:
                await problem.response()(scope, receive, send)
                return
            await self._app(scope, receive, send)

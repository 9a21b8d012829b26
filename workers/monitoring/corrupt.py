"""Reports stored documents that cannot be understood: counted each time, named now and then."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence

from handlers.model.corrupt import CorruptDocument
from workers.clock import monotonic_s
from workers.monitoring.metrics import Metrics

logger = logging.getLogger(__name__)

NAMED_EVERY_S = 60.0
"""Between two lines about the same document: whoever reads the log finds it, and the rest too."""

NAMED_MAX = 1000
"""Documents remembered as named; beyond it some are named more often."""


class CorruptDocuments:
    """Tells operators which documents of one process's stores cannot be understood."""

    def __init__(
        self, metrics: Metrics, check_schema: Callable[[], Awaitable[object]] | None = None
    ) -> None:
        """Take what raises `NewerDataError` where all data is ahead of this release."""
        self._metrics = metrics
        self._check_schema = check_schema
        self._named_at_s: dict[tuple[str, str], float] = {}

    async def take(self, documents: Sequence[CorruptDocument]) -> None:
        """Report *documents*, of which somebody's commands or requests are about to be refused.

        Raises:
            NewerDataError: They are none: the data was upgraded while this process was stopped, or
                away from the store, and counted as gone. Nothing may be said of them here.
        """
        if self._check_schema is not None and any(each.is_newer for each in documents):
            await self._check_schema()
        self.report(documents)

    def report(self, documents: Iterable[CorruptDocument]) -> None:
        """Count *documents*, and name each in the log unless that was done a moment ago."""
        for document in documents:
            self._metrics.corrupt_documents_total.labels(document.collection).inc()
            name = document.collection, document.id
            now_s = monotonic_s()
            if now_s - self._named_at_s.get(name, -NAMED_EVERY_S) < NAMED_EVERY_S:
                continue
            if len(self._named_at_s) >= NAMED_MAX:
                self._named_at_s.clear()
            self._named_at_s[name] = now_s
            logger.error("corrupt document of user %s: %s", document.username, document)

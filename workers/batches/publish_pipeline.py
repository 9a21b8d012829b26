"""Publishes one batch while the next is worked on, then commits its offsets."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from workers.batches.backoff import backoff_s
from workers.batches.commit import Commit
from workers.batches.membership import Membership
from workers.batches.outgoing_batch import OutgoingBatch
from workers.batches.writer_generation import AbandonedError, WriterGeneration
from workers.clock import monotonic_s
from workers.consuming.unforeseen import end_for
from workers.kafka.publishing import Publisher, PublishError
from workers.kafka.replies import Replies

logger = logging.getLogger(__name__)

P = TypeVar("P", bound=OutgoingBatch)

KEEP_MEMBERSHIP_S = 60.0
"""How often a worker that waits for Kafka to take a batch says that it is still there: well within
`max_poll_interval_ms`, 300 s, after which it would leave its group."""


@dataclass(slots=True, kw_only=True)
class PublishPipeline(Generic[P]):
    """At most one batch on its way. It is published whole, however often that takes."""

    membership: Membership[Any]
    generation: WriterGeneration
    publisher: Publisher
    replies: Replies
    on_repeat: Callable[[P], None] = lambda _: None
    """Called with one whose publication is repeated: a late write may follow it."""
    on_acknowledged: Callable[[P], None] = lambda _: None
    """Called with one all of which is acknowledged."""
    on_committed: Callable[[float], None] = lambda _: None
    """Called with the seconds that one took."""
    unacknowledged: P | None = field(default=None, init=False)
    """The batch on its way, until all of it is acknowledged."""
    uncommitted: P | None = field(default=None, init=False)
    """The batch on its way, until it is committed."""
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Publish nothing more once the process ends."""
        self.membership.progress.halt.listen(self.abandon)

    @property
    def busy(self) -> bool:
        """Whether a batch is on its way."""
        return self._task is not None and not self._task.done()

    def start(self, batch: P, commit: Commit) -> None:
        """Publish and commit beside the caller's next steps; the one before must be done."""
        assert not self.busy
        self.unacknowledged = self.uncommitted = batch
        self._task = asyncio.create_task(self._run(batch, commit, self.generation.number))
        self._task.add_done_callback(self._ended)

    async def wait(self, timeout_s: float | None) -> bool:
        """Say whether nothing is on its way any more, waiting up to *timeout_s* for it.

        Raises:
            AbandonedError: What was on its way has been given up.
        """
        task = self._task
        if task is None:
            return True
        done, _ = await asyncio.wait([task], timeout=timeout_s)
        if not done:
            return False
        if self._task is task:
            self._task = None  # told once: the batches after it are not given up with it
        if not task.cancelled():
            task.result()
        return True

    async def free(self, keep_membership: Callable[[], Awaitable[None]]) -> None:
        """Return once nothing is on its way; *keep_membership* keeps the place in the group meanwhile.

        Raises:
            AbandonedError: What was on its way has been given up.
        """
        while not await self.wait(KEEP_MEMBERSHIP_S):
            await keep_membership()

    def abandon(self) -> None:
        """Give up what is in hand and stop publishing; nobody knows what of it has arrived."""
        self.generation.end()
        self.unacknowledged = None
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    async def _run(self, batch: P, commit: Commit, number: int) -> None:
        started_s = monotonic_s()
        tries = 0
        while True:
            try:
                await batch.send(self.publisher, self.replies)
                break
            except PublishError as error:
                tries += 1
                self.membership.progress.wait_for("kafka")
                logger.warning("publishing failed and is repeated: %s", error)
                self.on_repeat(batch)
                await asyncio.sleep(backoff_s(tries, self.membership.options))
                self.generation.check(number)
        self.unacknowledged = None
        self.on_acknowledged(batch)
        batch.count(self.membership.metrics)
        await commit.run(self.generation, number)
        self.uncommitted = None
        self.on_committed(monotonic_s() - started_s)
        self.membership.progress.advance()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """End the process where publishing failed in a way nobody foresaw."""
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, AbandonedError):
            end_for(error, what="publishing", progress=self.membership.progress)

"""Publishes one cycle while the next is applied, then commits its offsets."""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from workers.clock import monotonic_s, utc_now
from workers.consuming.consumer import CursorConsumer
from workers.ledger.backoff import backoff_s
from workers.ledger.options import LedgerOptions
from workers.ledger.publication import Publication
from workers.ledger.tenure import AbandonedError, Tenure
from workers.metrics import Metrics
from workers.progress import Progress
from workers.publishing import Publisher, PublishError
from workers.replies import Replies

logger = logging.getLogger(__name__)

COMMIT_TIMEOUT_S = 10.0
"""How long one commit may take before Kafka counts as away: the client itself waits for ever."""


class Outbox:
    """At most one cycle on its way. It is published whole, however often that takes."""

    def __init__(
        self,
        publisher: Publisher,
        replies: Replies,
        *,
        options: LedgerOptions,
        metrics: Metrics,
        progress: Progress,
    ) -> None:
        self._publisher = publisher
        self._replies = replies
        self._options = options
        self._metrics = metrics
        self._progress = progress
        self._task: asyncio.Task[None] | None = None
        self.unacknowledged: Mapping[str, int] = {}
        """Username → lowest sequence in the cycle that is not fully acknowledged yet."""
        self.usernames: Collection[str] = ()
        """Whose state is in the cycle that is not committed yet."""
        self.on_repeat: Callable[[Collection[str]], None] = lambda _: None
        """Called with them when their publication is repeated: a late write may follow it."""

    @property
    def busy(self) -> bool:
        """Whether a cycle is on its way."""
        return self._task is not None and not self._task.done()

    def start(
        self,
        publication: Publication,
        commit: "Commit",
        tenure: Tenure,
    ) -> None:
        """Publish and commit beside the caller's next steps; the one before must be done."""
        assert not self.busy
        self.unacknowledged = publication.lowest
        self.usernames = publication.usernames
        self._task = asyncio.create_task(self._run(publication, commit, tenure, tenure.number))
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
            self._task = None  # told once: the cycles after it are not given up with it
        if not task.cancelled():
            task.result()
        return True

    def abandon(self) -> None:
        """Stop publishing; what was not acknowledged is owed from now on."""
        self.unacknowledged = {}
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    async def _run(
        self, publication: Publication, commit: "Commit", tenure: Tenure, number: int
    ) -> None:
        started_s = monotonic_s()
        tries = 0
        while True:
            try:
                await self._send(publication)
                break
            except PublishError as error:
                tries += 1
                self._progress.wait_for("kafka")
                logger.warning("publishing failed and is repeated: %s", error)
                self.on_repeat(publication.usernames)
                await asyncio.sleep(backoff_s(tries, self._options))
                tenure.check(number)
        self.unacknowledged = {}
        self._count(publication)
        await commit.run(tenure, number)
        self.usernames = ()
        self._metrics.cycle_seconds.labels("publish").observe(monotonic_s() - started_s)
        self._progress.advance()

    async def _send(self, publication: Publication) -> None:
        """States first, acknowledged; then everything else."""
        await self._publisher.publish(publication.states)
        _, undelivered = await asyncio.gather(
            self._publisher.publish(publication.records),
            self._replies.deliver(publication.replies),
        )
        await self._publisher.publish(undelivered)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """End the process where publishing failed in a way nobody foresaw."""
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, AbandonedError):
            logger.error("publishing failed", exc_info=error)
            self._progress.fail(f"publishing failed: {type(error).__name__}")

    def _count(self, publication: Publication) -> None:
        metrics = self._metrics
        now_ms = utc_now().timestamp() * 1000
        took_s = monotonic_s() - publication.read_at_s
        for command, times_ms in publication.times_ms.items():
            ages_s = [(now_ms - time_ms) / 1000 for time_ms in times_ms]
            metrics.end_to_end_seconds.labels(command).observe_many(ages_s)
            durations_s = [took_s] * len(times_ms)
            metrics.command_duration_seconds.labels(command).observe_many(durations_s)
        for (command, outcome, code), count in publication.answered.items():
            metrics.commands_total.labels(command=command, outcome=outcome, code=code).inc(count)
        for (topic, code), count in publication.dead.items():
            metrics.dead_letters_total.labels(topic=topic, code=code).inc(count)


class Commit:
    """The offsets that one cycle answers up to."""

    def __init__(
        self,
        consumer: CursorConsumer,
        offsets: Mapping[TopicPartition, int],
        *,
        done: Callable[[Mapping[TopicPartition, int]], None],
        refused: Callable[[str], None],
        backoff: Callable[[int], float],
        progress: Progress,
    ) -> None:
        self._consumer = consumer
        self._offsets = offsets
        self._done = done
        self._refused = refused
        self._backoff = backoff
        self._progress = progress

    async def run(self, tenure: Tenure, number: int) -> None:
        """Commit what is still ours, again and again while Kafka does not answer.

        Raises:
            AbandonedError: The group has moved on.
        """
        tries = 0
        while True:
            assigned = self._consumer.assignment()
            ours = {tp: offset for tp, offset in self._offsets.items() if tp in assigned}
            try:
                if ours:
                    async with asyncio.timeout(COMMIT_TIMEOUT_S):
                        await self._consumer.commit(ours)
            except (CommitFailedError, IllegalStateError) as error:
                tenure.check(number)
                self._refused(f"the group has moved on: {error}")
                raise AbandonedError from error
            except (KafkaError, TimeoutError) as error:
                tries += 1
                self._progress.wait_for("kafka")
                logger.warning("committing offsets failed and is repeated: %r", error)
                await asyncio.sleep(self._backoff(tries))
                tenure.check(number)
            else:
                self._done(ours)
                return

"""Commits the offsets of what is answered, as long as the partitions are ours."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from workers.consuming.backoff import backoff_s
from workers.consuming.options import ReaderOptions
from workers.consuming.writer_generation import AbandonedError, WriterGeneration
from workers.progress import Progress

logger = logging.getLogger(__name__)

COMMIT_TIMEOUT_S = 10.0
"""How long one commit may take before Kafka counts as away: the client itself waits for ever."""


class Commits(Protocol):
    """What is needed of a consumer to commit."""

    def assignment(self) -> Collection[TopicPartition]:
        """Return the partitions that are ours."""
        ...

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit *offsets*."""
        ...


class Commit:
    """The offsets that one batch answers up to."""

    def __init__(
        self,
        consumer: Commits,
        offsets: Mapping[TopicPartition, int],
        *,
        done: Callable[[Mapping[TopicPartition, int]], None],
        refused: Callable[[str], None],
        options: ReaderOptions,
        progress: Progress,
    ) -> None:
        self._consumer = consumer
        self._offsets = offsets
        self._done = done
        self._refused = refused
        self._options = options
        self._progress = progress

    async def run(self, generation: WriterGeneration, number: int) -> None:
        """Commit what is still ours, again and again while Kafka does not answer.

        Raises:
            AbandonedError: The group has moved on.
        """
        tries = 0
        while True:
            generation.check(number)
            assigned = self._consumer.assignment()
            ours = {tp: offset for tp, offset in self._offsets.items() if tp in assigned}
            try:
                if ours:
                    async with asyncio.timeout(COMMIT_TIMEOUT_S):
                        await self._consumer.commit(ours)
            except (CommitFailedError, IllegalStateError) as error:
                generation.check(number)
                self._refused(f"the group has moved on: {error}")
                raise AbandonedError from error
            except (KafkaError, TimeoutError) as error:
                tries += 1
                self._progress.wait_for("kafka")
                logger.warning("committing offsets failed and is repeated: %r", error)
                await asyncio.sleep(backoff_s(tries, self._options))
                generation.check(number)
            else:
                self._done(ours)
                return

"""Commits the offsets of what is answered, as long as the partitions are ours."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Protocol

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from workers.batches.backoff import backoff_s
from workers.batches.writer_generation import AbandonedError, WriterGeneration
from workers.config.reader import ReaderOptions
from workers.monitoring.progress import Progress

logger = logging.getLogger(__name__)

MOVED_ON = (CommitFailedError, IllegalStateError)
"""What a commit raises once the group has given the partitions to others."""

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


async def commit_ours(
    consumer: Commits, offsets: Mapping[TopicPartition, int]
) -> Mapping[TopicPartition, int]:
    """Commit those of *offsets* whose partitions are still ours, and return them.

    Raises:
        CommitFailedError: As the other of `MOVED_ON`: no other try can succeed.
        KafkaError: Kafka did not commit them; nor in time, with `TimeoutError`.
    """
    assigned = consumer.assignment()
    ours = {tp: offset for tp, offset in offsets.items() if tp in assigned}
    if ours:
        async with asyncio.timeout(COMMIT_TIMEOUT_S):
            await consumer.commit(ours)
    return ours


@dataclass(frozen=True, slots=True)
class Commit:
    """The offsets that one batch answers up to."""

    consumer: Commits
    offsets: Mapping[TopicPartition, int]
    _: KW_ONLY
    done: Callable[[Mapping[TopicPartition, int]], None]
    refused: Callable[[str], None]
    options: ReaderOptions
    progress: Progress

    async def run(self, generation: WriterGeneration, number: int) -> None:
        """Commit what is still ours, again and again while Kafka does not answer.

        Raises:
            AbandonedError: The group has moved on.
        """
        tries = 0
        while True:
            generation.check(number)
            try:
                ours = await commit_ours(self.consumer, self.offsets)
            except MOVED_ON as error:
                generation.check(number)
                self.refused(f"the group has moved on: {error}")
                raise AbandonedError from error
            except (KafkaError, TimeoutError) as error:
                tries += 1
                self.progress.wait_for("kafka")
                logger.warning("committing offsets failed and is repeated: %r", error)
                await asyncio.sleep(backoff_s(tries, self.options))
                generation.check(number)
            else:
                self.done(ours)
                return

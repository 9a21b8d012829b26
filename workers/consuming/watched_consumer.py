"""A consumer that notices when something has died that aiokafka runs beside the polls."""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# pyright: reportPrivateUsage=false
# ruff: noqa: SLF001 - which has no way to be told or asked

import asyncio
import logging
from collections.abc import Collection
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError, KafkaTimeoutError

from workers.consuming.pace import Poll
from workers.consuming.topic_consumer import TopicConsumer

JOIN_MAX_S = 180.0
"""How long getting into a group may take, besides two rebalances: three brokers that do not answer are
given 40 s each by aiokafka. Longer is never: what it waits for has died."""

logger = logging.getLogger(__name__)


class DeadConsumerError(Exception):
    """A part of the consumer has died of something that aiokafka did not foresee; nothing would come for ever."""


class WatchedConsumer(TopicConsumer):
    """A consumer none of whose parts dies unnoticed.

    aiokafka fetches, coordinates, beats and asks in tasks of their own. Some of them end at an error
    that is not temporary, and aiokafka starts them again at the next rebalance, if ever. Of what it did
    not foresee any of them dies, and the consumer goes on as if nothing would come.
    """

    @property
    def join_max_s(self) -> float:
        """How long getting into the group may take: then it never ends."""
        return JOIN_MAX_S + 2 * self._rebalance_timeout_ms / 1000

    @property
    def joins(self) -> bool:
        """Whether it waits to be given partitions, or none."""
        return not self.hooks.assigned

    def unread(self) -> Collection[TopicPartition]:
        """Return the partitions of which something was fetched and not taken."""
        return self._unread()

    async def start(self) -> None:
        """Connect, and join the group.

        Raises:
            KafkaError: Nobody answers, or the group does not take us in.
        """
        try:
            async with asyncio.timeout(self.join_max_s):
                await super().start()
        except TimeoutError as error:
            raise KafkaTimeoutError(
                f"no place in group {self._group_id} within {self.join_max_s:.0f} s"
            ) from error

    async def checked_poll(self, *, timeout_ms: int, max_records: int | None = None) -> Poll:
        """Return what there is, or comes in time.

        Raises:
            KafkaError: Whatever aiokafka raises; what ended with it is started again.
            ConsumerStoppedError: It was stopped meanwhile.
            DeadConsumerError: Nothing will ever come any more.
            Exception: What a malformed record makes aiokafka stumble over.
        """
        try:
            records = await super().getmany(timeout_ms=timeout_ms, max_records=max_records)
        except ConsumerStoppedError:
            raise
        except Exception as error:
            self._check_parts(error)
            self._start_again()
            raise
        self._check_parts()
        return records

    def _check_parts(self, error: BaseException | None = None) -> None:
        """Raise if a part is dead; *error* is what the poll raised, which may be the same."""
        if self._closed:
            raise ConsumerStoppedError from error
        fetcher, coordinator, client = self._parts()
        if client._sync_task is None or client._sync_task.done():
            raise DeadConsumerError from error
        if fetcher._fetch_task.done():
            raise DeadConsumerError from error
        if self._group_id is None:
            return  # nobody coordinates
        if coordinator._coordination_task.done():
            raise DeadConsumerError from error
        for task in (coordinator._heartbeat_task, coordinator._commit_refresh_task):
            if (ended := _ended_by(task)) is not None and not isinstance(ended, KafkaError):
                raise DeadConsumerError from ended

    def _start_again(self) -> None:
        """Start again what has ended at an error of Kafka's."""
        _, coordinator, _ = self._parts()
        if self._group_id is None:
            return
        if _ended_by(coordinator._heartbeat_task) is not None:
            logger.warning("the heartbeat ended: the group is joined anew")
            coordinator.request_rejoin()
        assignment: Any = getattr(self._subscription.subscription, "assignment", None)
        ended = _ended_by(coordinator._commit_refresh_task) is not None
        if ended and assignment is not None and assignment.active:
            # What waits for its answer in aiokafka keeps a broker's partitions from being fetched.
            coordinator.start_commit_offsets_refresh_task(assignment)

    def _parts(self) -> tuple[Any, Any, Any]:
        """Return what aiokafka's consumer is made of, none of which can be asked how it is."""
        return self._fetcher, self._coordinator, self._client


def _ended_by(task: asyncio.Task[None] | None) -> BaseException | None:
    """Return what *task* ended by; None if it goes on, or has ended as it should."""
    if task is None or not task.done() or task.cancelled():
        return None
    return task.exception()

"""What a consumer tells the one that reads from it."""

from collections.abc import Awaitable, Callable, Iterable

from aiokafka import ConsumerRebalanceListener, TopicPartition

from workers.consuming.unforeseen import end_for
from workers.monitoring.progress import Progress


class Hooks(ConsumerRebalanceListener):
    """What the consumer tells its owner, and whether it must start over."""

    revoked: Callable[[], Awaitable[None]]
    idle: Callable[[], Awaitable[None]]
    """Called when a poll brought nothing: something that waits may be due."""

    def __init__(
        self,
        revoked: Callable[[], Awaitable[None]],
        idle: Callable[[], Awaitable[None]],
        progress: Progress,
    ) -> None:
        self.revoked = revoked
        self.idle = idle
        self._progress = progress
        self.reset_needed = True
        """The assignment changed or work was abandoned: read again from the committed offsets."""
        self.assigned = False

    async def on_partitions_revoked(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, revoked: Iterable[TopicPartition]
    ) -> None:
        """Let what is in hand finish, within a bound."""
        self.assigned = False
        self.reset_needed = True  # first: from here on nothing new is taken
        if not tuple(revoked):
            return
        try:
            await self.revoked()
        except Exception as error:  # noqa: BLE001 - what the consumer's library would swallow
            end_for(error, what="giving partitions back", progress=self._progress)

    async def on_partitions_assigned(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, assigned: Iterable[TopicPartition]
    ) -> None:
        """Start over at the committed offsets, at the next poll: an error here would be lost."""
        del assigned
        self.reset_needed = True
        self.assigned = True

"""Where a repair says what it did."""

from handlers.history.operating import audit_event
from handlers.history.repair import Repair
from workers.batches.answers import Republisher
from workers.kafka.publishing import Outgoing, Publisher
from workers.kafka.topic_names import TopicNames


class PublishedRepairs(Republisher):
    """States and events as the sweep says them, and who repaired what."""

    def __init__(self, publisher: Publisher, names: TopicNames) -> None:
        super().__init__(publisher, names)
        self._audit_events = names.audit_events

    async def publish_audit(self, repair: Repair) -> None:
        """Publish who repaired what; return once acknowledged.

        Raises:
            PublishError: It was not acknowledged.
        """
        event = Outgoing.of(self._audit_events, repair.username.encode(), audit_event(repair))
        await self._publisher.publish([event])

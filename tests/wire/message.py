"""One golden message, and what all of them share."""

from dataclasses import dataclass

from contracts.topics import TopicSpec
from handlers.model.outcome import Trace
from handlers.wire.rendering import Record

SEALED = "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTI1NkdDTSJ9..c2hvcnRlbmVk.c2hvcnRlbmVk.c2hvcnRlbmVk"
TRACE = Trace(
    correlation_id="order-77",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    tracestate="vendor=a1b2",
)


@dataclass(frozen=True)
class Example:
    """Its file's name, its topic, and what stands in it."""

    name: str
    topic: TopicSpec
    key: bytes | None
    record: Record

    @property
    def path(self) -> str:
        return f"{self.topic.name}/{self.name}.json"

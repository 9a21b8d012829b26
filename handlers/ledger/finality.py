"""How far each input has been read, and whether a refusal may be final (P1)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from handlers.model.input_records import CommandRecord
from handlers.model.outcome import Source

Place: TypeAlias = tuple[str, int]
"""A topic and a partition number."""

Ends: TypeAlias = Mapping[str, int]
"""Topic → end offset of the command's partition number, asked after the command was read."""


class PartitionPosition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How far one partition has been read into this cycle or an earlier one."""

    cursor: int
    """Offset of the next record to read."""
    last_timestamp_ms: int = -1
    """Broker time of the last record read; -1 where none was."""
    undecodable: bool = False
    """Paused for good, because a record in it cannot be decoded."""


class ReadPositions(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What has been read, of every ordered topic."""

    topics: Sequence[str]
    clock_skew_ms: int
    ours: Mapping[Place, PartitionPosition]
    """Partitions assigned to this worker."""
    committed: Mapping[Place, int] = msgspec.field(default_factory=dict[Place, int])
    """The group's committed offsets of partitions that are not ours, where they were asked for."""
    kept: Mapping[Source, Ends] = msgspec.field(default_factory=dict[Source, Ends])
    """Per command of an earlier cycle: the end offsets kept with it."""
    asked: Mapping[int, Ends] = msgspec.field(default_factory=dict[int, Ends])
    """Partition number → end offsets asked for in this cycle, after all its commands were read."""

    def is_final(self, received: CommandRecord) -> bool:
        """Say whether no unread command could still lift a refusal of *received*."""
        return next(self.unread_of(received), None) is None

    def unread_of(self, received: CommandRecord) -> Iterator[str]:
        """Yield the topics in which a command sent before *received* may not have been read yet."""
        ends = self.ends(received)
        for topic in self.topics:
            if topic != received.source.topic and self._could_hide(topic, received, ends):
                yield topic

    def lacks_ends(self, received: CommandRecord) -> bool:
        """Say whether asking for end offsets could settle what `is_final` leaves open."""
        return self.ends(received) is None

    def ends(self, received: CommandRecord) -> Ends | None:
        """Return the end offsets that *received* is measured by; None where none were asked for."""
        kept = self.kept.get(received.source)
        return self.asked.get(received.source.partition) if kept is None else kept

    def _could_hide(self, topic: str, received: CommandRecord, ends: Ends | None) -> bool:
        """Say whether *topic* may hold an unread command that was sent before *received*."""
        place = (topic, received.source.partition)
        reading = self.ours.get(place)
        if reading is not None:
            if reading.undecodable:
                return False
            if reading.last_timestamp_ms > received.timestamp_ms + self.clock_skew_ms:
                return False
            return ends is None or reading.cursor < ends[topic]
        return ends is None or self.committed.get(place, -1) < ends[topic]

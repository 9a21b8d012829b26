"""Commands that wait for their user's other topics, and what to stop reading meanwhile."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from handlers.input_records import CommandRecord
from handlers.outcome import Source
from handlers.reading import Ends, PartitionReading, Place, Reading
from workers.clock import monotonic_s


class ParkingLot:
    """Parked commands in the order they were read, and the end offsets kept with them."""

    def __init__(self) -> None:
        self._parked: list[CommandRecord] = []
        self.ends: dict[Source, Ends] = {}
        self._since_s: dict[Source, float] = {}
        """Since when each waits."""

    def __len__(self) -> int:
        """Return how many commands wait."""
        return len(self._parked)

    def take(self) -> Sequence[CommandRecord]:
        """Remove and return everything, oldest first; the end offsets stay."""
        parked, self._parked = self._parked, []
        return parked

    def park(self, commands: Iterable[CommandRecord], reading: Reading) -> None:
        """Keep *commands* for the next cycle, with the end offsets they are measured by."""
        self._parked = sorted(commands, key=lambda received: received.source.offset)
        self.ends = {
            received.source: ends
            for received in self._parked
            if (ends := reading.ends(received)) is not None
        }
        now_s = monotonic_s()
        known = self._since_s
        self._since_s = {one.source: known.get(one.source, now_s) for one in self._parked}

    def waited_s(self) -> float:
        """Return how long the one that waits longest has waited; 0 where none waits."""
        return monotonic_s() - min(self._since_s.values()) if self._since_s else 0.0

    def clear(self) -> None:
        """Forget everything: it will be read again."""
        self._parked = []
        self.ends = {}
        self._since_s = {}

    def first_offsets(self) -> Mapping[Place, int]:
        """Return per partition the lowest offset that waits: nothing from it on is committed."""
        lowest: dict[Place, int] = {}
        for received in self._parked:
            place = (received.source.topic, received.source.partition)
            lowest.setdefault(place, received.source.offset)
        return lowest

    def ahead(self, reading: Mapping[Place, PartitionReading], *, records_max: int) -> set[Place]:
        """Return the partitions to pause, so that what is waited for is read first.

        Where more than *records_max* wait in a partition number, all its topics but the one that
        is furthest behind among those still short of the end offsets asked for.
        """
        counts = Counter(received.source.partition for received in self._parked)
        pause: set[Place] = set()
        for number, count in counts.items():
            if count <= records_max:
                continue
            places = [place for place in reading if place[1] == number]
            # Nobody waits for what cannot be decoded, nor would reading on bring it any further.
            behind = [
                place
                for place in places
                if not reading[place].undecodable and reading[place].cursor < self._end(place)
            ]
            if behind:
                furthest = min(behind, key=lambda place: reading[place].last_timestamp_ms)
                pause.update(place for place in places if place != furthest)
        return pause

    def _end(self, place: Place) -> int:
        topic, number = place
        ends = (
            ends[topic]
            for source, ends in self.ends.items()
            if source.partition == number and topic in ends
        )
        return max(ends, default=0)

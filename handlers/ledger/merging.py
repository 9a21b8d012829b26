"""The order in which one user's commands from several topics are decided."""

from collections import deque
from collections.abc import Iterable, Sequence
from operator import attrgetter

from handlers.ledger.finality import Place
from handlers.model.input_records import CommandRecord


class Queues:
    """One user's commands, a queue for each partition they came through.

    Within a queue the order is the partition's; across queues it is broker time, and times
    closer than the brokers' clocks are apart are ties: register, credits, others, debits.
    """

    __slots__ = ("_clock_skew_ms", "_queues")

    def __init__(self, commands: Iterable[CommandRecord], *, clock_skew_ms: int) -> None:
        self._clock_skew_ms = clock_skew_ms
        self._queues: dict[Place, deque[CommandRecord]] = {}
        for received in commands:
            place = (received.source.topic, received.source.partition)
            self._queues.setdefault(place, deque()).append(received)

    def candidates(self) -> Sequence[CommandRecord]:
        """Return the queues' heads that may be next, best first; empty when all is done."""
        if len(self._queues) == 1:
            [queue] = self._queues.values()
            return (queue[0],)
        heads = [queue[0] for queue in self._queues.values()]
        if not heads:
            return ()
        latest_ms = min(head.timestamp_ms for head in heads) + self._clock_skew_ms
        tied = [head for head in heads if head.timestamp_ms <= latest_ms]
        tied.sort(key=lambda head: (head.rank, head.timestamp_ms, head.source.topic))
        return tied

    def take(self, received: CommandRecord) -> None:
        """Remove *received*, the head of its queue."""
        place = (received.source.topic, received.source.partition)
        queue = self._queues[place]
        taken = queue.popleft()
        assert taken is received
        if not queue:
            del self._queues[place]

    def rest(self) -> Sequence[CommandRecord]:
        """Return everything that was not taken, each queue in its order."""
        return [received for queue in self._queues.values() for received in queue]


def earliest(candidates: Sequence[CommandRecord]) -> CommandRecord:
    """Return the one to refuse first where all would be: by broker time."""
    return min(candidates, key=attrgetter("timestamp_ms"))

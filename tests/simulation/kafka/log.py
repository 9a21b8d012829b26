"""One partition of a topic: batches in their order, and how far they may be read."""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiokafka.errors import OffsetOutOfRangeError, OutOfOrderSequenceNumber

from client.record_format import Header, header_of
from tests.simulation.kafka.batches import TRANSACTIONAL, kept, marker

SEQUENCES_KEPT = 5
"""Batches of each producer whose repetition is recognised, as in Kafka: so many may be on their way."""


@dataclass(frozen=True, slots=True)
class KeptBatch:
    """A batch in the log."""

    base: int
    last: int
    """Offsets."""
    data: bytes
    number: int
    """Counts all that was appended to the whole cluster."""
    time_ms: int


@dataclass(frozen=True, slots=True)
class Aborted:
    """A transaction that was given up."""

    producer_id: int
    first: int
    last: int
    """Offset of its marker."""


@dataclass(frozen=True, slots=True)
class Readable:
    """What a fetch of one partition brings."""

    data: bytes
    end: int
    stable: int
    aborted: Sequence[tuple[int, int]]


@dataclass(slots=True, kw_only=True)
class PartitionLog:
    """What a broker knows of one partition."""

    leader: int
    append_time: bool
    """Whether records bear the broker's time."""
    start: int = 0
    end: int = 0
    batches: list[KeptBatch] = field(default_factory=list[KeptBatch])
    waiting: dict[asyncio.Future[None], None] = field(
        default_factory=dict[asyncio.Future[None], None]
    )
    """Fetches that are held until something happens here."""
    _lasts: list[int] = field(default_factory=list[int])
    _open: dict[int, int] = field(default_factory=dict[int, int])
    _aborted: list[Aborted] = field(default_factory=list[Aborted])
    _sequences: dict[int, list[tuple[Header, int]]] = field(
        default_factory=dict[int, list[tuple[Header, int]]]
    )

    @property
    def stable(self) -> int:
        """Offset of the first record whose transaction is open, or the end."""
        return min(self._open.values(), default=self.end)

    def append(self, batch: bytes, *, now_ms: int, number: int) -> int:
        """Keep *batch*; return its first offset.

        Raises:
            OutOfOrderSequenceNumber: The producer has sent something before it that never came.
        """
        header = header_of(batch)
        known = self._sequences.get(header.producer_id) if header.sequence >= 0 else None
        if known:
            for before, base in known:
                if (before.sequence, before.last_delta) == (header.sequence, header.last_delta):
                    return base
            if header.sequence != known[-1][0].sequence + known[-1][0].last_delta + 1:
                raise OutOfOrderSequenceNumber
        base = self.end
        if header.sequence >= 0:
            known = self._sequences.setdefault(header.producer_id, [])
            known.append((header, base))
            del known[:-SEQUENCES_KEPT]
        if header.attributes & TRANSACTIONAL:
            self._open.setdefault(header.producer_id, base)
        self._keep(batch, header.last_delta, now_ms, number)
        return base

    def end_transaction(
        self, producer_id: int, *, committed: bool, now_ms: int, number: int
    ) -> None:
        """Write the marker behind a transaction; its records may be read, or are left out, now."""
        first = self._open.pop(producer_id, None)
        if first is None:
            return  # the topic was made again meanwhile
        if not committed:
            self._aborted.append(Aborted(producer_id, first, self.end))
        self._keep(marker(producer_id, committed=committed, time_ms=now_ms), 0, now_ms, number)

    def _keep(self, batch: bytes, last_delta: int, now_ms: int, number: int) -> None:
        if self.batches:
            now_ms = max(now_ms, self.batches[-1].time_ms)
        base, last = self.end, self.end + last_delta
        data = kept(batch, base=base, append_ms=now_ms if self.append_time else None)
        self.batches.append(KeptBatch(base, last, data, number, now_ms))
        self._lasts.append(last)
        self.end = last + 1
        self.wake()

    def wake(self) -> None:
        """Have those look again who wait for something here."""
        waiting, self.waiting = self.waiting, {}
        for each in waiting:
            if not each.done():
                each.set_result(None)

    def readable_from(self, position: int, *, committed: bool) -> bool:
        """Return whether a fetch at *position* is answered at once, be it with an error."""
        end = self.stable if committed and self._open else self.end
        return position < end or not self.start <= position <= self.end

    def read(self, position: int, *, committed: bool, bytes_max: int) -> Readable:
        """Return batches from the one with *position* on, one of them even if it has too many bytes.

        Raises:
            OffsetOutOfRangeError: There is no such offset, nor is it the next one.
        """
        if not self.start <= position <= self.end:
            raise OffsetOutOfRangeError
        upper = self.stable if committed else self.end
        parts: list[bytes] = []
        size = 0
        for batch in self.batches[bisect_right(self._lasts, position - 1) :]:
            if batch.base >= upper or (parts and size + len(batch.data) > bytes_max):
                break
            parts.append(batch.data)
            size += len(batch.data)
        aborted = [
            (each.producer_id, each.first) for each in self._aborted if each.last >= position
        ]
        return Readable(b"".join(parts), self.end, upper, aborted if committed else ())

    def trim(self, start: int) -> None:
        """Let retention delete what is before *start*."""
        self.start = min(max(start, self.start), self.end)
        gone = bisect_right(self._lasts, self.start - 1)
        del self.batches[:gone]
        del self._lasts[:gone]
        self.wake()

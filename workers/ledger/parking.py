"""Commands that wait for their user's other topics, and what to stop reading meanwhile."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from contracts.codes import Code
from handlers.ledger.finality import Ends, PartitionPosition, Place, ReadPositions
from handlers.model.input_records import CommandRecord
from handlers.model.outcome import Source
from workers.clock import monotonic_s

logger = logging.getLogger(__name__)


class Parked(NamedTuple):
    """Since when a command waits, and whose it is."""

    since_s: float
    username: str


class ParkingLot:
    """Parked commands in the order they were read, and the end offsets kept with them."""

    def __init__(self) -> None:
        self._parked: list[CommandRecord] = []
        self.ends: dict[Source, Ends] = {}
        self._waiting: dict[Source, Parked] = {}
        self._told: dict[Source, str] = {}
        """What the log says each waits for."""

    def __len__(self) -> int:
        """Return how many commands wait."""
        return len(self._parked)

    def take(self) -> Sequence[CommandRecord]:
        """Remove and return everything, oldest first; the end offsets stay."""
        parked, self._parked = self._parked, []
        return parked

    def park(
        self,
        commands: Iterable[CommandRecord],
        reading: ReadPositions,
        early: Mapping[Source, Code],
    ) -> None:
        """Keep *commands* for the next cycle, with the end offsets they are measured by.

        What was kept and is none of them is decided. *early* has what some would be refused with.
        """
        self._parked = sorted(commands, key=lambda received: received.source.offset)
        self.ends = {
            received.source: ends
            for received in self._parked
            if (ends := reading.ends(received)) is not None
        }
        now_s = monotonic_s()
        known = self._waiting
        self._waiting = {
            one.source: known.get(one.source) or Parked(now_s, one.command.username)
            for one in self._parked
        }
        if logger.isEnabledFor(logging.DEBUG):
            self._log_decided(known, now_s)
            self._log_parked(reading, early)

    def waited_s(self) -> float:
        """Return how long the one that waits longest has waited; 0 where none waits."""
        return monotonic_s() - min(self._waiting.values()).since_s if self._waiting else 0.0

    def clear(self) -> None:
        """Forget everything: it will be read again."""
        if self._waiting:
            logger.debug("%d commands that waited will be read again", len(self._waiting))
        self._parked = []
        self.ends = {}
        self._waiting = {}
        self._told = {}

    def first_offsets(self) -> Mapping[Place, int]:
        """Return per partition the lowest offset that waits: nothing from it on is committed."""
        lowest: dict[Place, int] = {}
        for received in self._parked:
            place = (received.source.topic, received.source.partition)
            lowest.setdefault(place, received.source.offset)
        return lowest

    def ahead(self, reading: Mapping[Place, PartitionPosition], *, records_max: int) -> set[Place]:
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

    def _log_decided(self, known: Mapping[Source, Parked], now_s: float) -> None:
        for source, was in known.items():
            if source not in self._waiting:
                logger.debug(
                    "the command of %s at %s is decided, after %.3f s",
                    *(was.username, _named(source), now_s - was.since_s),
                )

    def _log_parked(self, reading: ReadPositions, early: Mapping[Source, Code]) -> None:
        """Say what each waits for where that is news: they are decided again many times a second."""
        told = self._told
        self._told = {one.source: _why(one, reading, early.get(one.source)) for one in self._parked}
        for source, why in self._told.items():
            if told.get(source) != why:
                username = self._waiting[source].username
                logger.debug("the command of %s at %s waits %s", username, _named(source), why)

    def _end(self, place: Place) -> int:
        topic, number = place
        ends = (
            ends[topic]
            for source, ends in self.ends.items()
            if source.partition == number and topic in ends
        )
        return max(ends, default=0)


def _named(source: Source) -> str:
    return f"{source.topic}-{source.partition}@{source.offset}"


def _why(received: CommandRecord, reading: ReadPositions, code: Code | None) -> str:
    """Return what *received* waits for, which would be refused with *code* now."""
    if code is None:
        return "behind another command of its user"
    number, ends = received.source.partition, reading.ends(received)
    unread = [
        f"{topic}-{number} is read " + ("to its end" if ends is None else f"to {ends[topic]}")
        for topic in reading.unread_of(received)
    ]
    return f"with {code.value} until {' and '.join(unread) or 'the next cycle'}"

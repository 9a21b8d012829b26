"""A consumer that unpacks within bounds, and tells what it cannot read from what it can."""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeAlias

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import CorruptRecordException

from client.batches import UNPACKED_BYTES_MAX, Fetched, Mark, Readable, is_packed, readable
from client.consumer import StoppableConsumer
from client.unpacking import Budget

Records: TypeAlias = list[ConsumerRecord[Any, Any]]

FETCH = 1
"""Kafka's number of the request."""

_UNPACKING = ThreadPoolExecutor(1, thread_name_prefix="unpacking")
"""Off the loop, and one fetch at a time in the whole process, so that memory is bounded for all of
its consumers together."""

_LOG = logging.getLogger(__name__)


class Screen:
    """Stands between the broker and aiokafka, which unpacks whole batches without a bound."""

    def __init__(
        self,
        ask: Callable[..., Awaitable[Any]],
        waiting: Callable[[], Collection[TopicPartition]],
        *,
        closely: bool,
    ) -> None:
        """Take responses from *ask*; *waiting* says of which partitions some was not read yet."""
        self._ask = ask
        self._waiting = waiting
        self._closely_until_s = math.inf if closely else 0.0
        self.marks: dict[TopicPartition, Mapping[int, Mark]] = {}
        """By offset: what must not be taken as it stands."""
        self._sizes: dict[TopicPartition, int] = {}
        """Bytes that were unpacked of the partitions read last."""
        self._taken = asyncio.Event()
        self.fetching = asyncio.Event()
        """Whether records may be asked for. Where they may not, a fetch waits until they may."""
        self.fetching.set()
        self.asked = 0
        """Fetches that brokers have not answered yet."""

    @property
    def closely(self) -> bool:
        """Whether every record is read once before aiokafka reads it."""
        return asyncio.get_running_loop().time() < self._closely_until_s

    def look_closely(self, for_s: float) -> None:
        """Find out for some time what aiokafka would fail on."""
        self._closely_until_s = asyncio.get_running_loop().time() + for_s

    async def send(self, node_id: Any, request: Any, **how: Any) -> Any:
        """Ask a broker; what it hands out is unpacked, and as much as there is room for."""
        if request.API_KEY != FETCH:
            return await self._ask(node_id, request, **how)
        await self.fetching.wait()
        self.asked += 1
        try:
            response = await self._ask(node_id, request, **how)
        finally:
            self.asked -= 1
        packed = any(is_packed(part[-1] or b"") for _, parts in response.topics for part in parts)
        if packed or self.closely or self.marks:
            await self._room()
            loop = asyncio.get_running_loop()
            positions = {
                TopicPartition(topic, number): position
                for topic, parts in request.topics
                for number, position, *_ in parts
            }
            work = partial(_all_readable, response, positions, closely=self.closely)
            found = await loop.run_in_executor(_UNPACKING, work)
            marks = {**self.marks, **{tp: each.marks for tp, each in found.items()}}
            self.marks = {tp: those for tp, those in marks.items() if those}
            self._sizes |= {tp: len(each.data) for tp, each in found.items()}
            response.topics = _with(response.topics, found)
        return response

    def taken(self) -> None:
        """Note that some of what was waiting has been read."""
        self._taken.set()

    async def _room(self) -> None:
        """Wait until less than one fetch's worth is waiting unpacked."""
        while sum(self._sizes.get(tp, 0) for tp in self._waiting()) >= UNPACKED_BYTES_MAX:
            self._taken.clear()
            await self._taken.wait()


def _all_readable(
    response: Any, positions: Mapping[TopicPartition, int], *, closely: bool
) -> dict[TopicPartition, Readable]:
    budget = Budget(UNPACKED_BYTES_MAX)
    found: dict[TopicPartition, Readable] = {}
    for topic, parts in response.topics:
        for number, _, end, *_, data in parts:
            if data:
                tp = TopicPartition(topic, number)
                fetched = Fetched(data=data, position=positions[tp], end=end)
                found[tp] = readable(fetched, budget, closely=closely)
    return found


def _with(topics: Any, found: Mapping[TopicPartition, Readable]) -> list[Any]:
    """Return the *topics* of a response with what was *found* in place of what was packed."""
    return [
        (topic, [_instead(part, found.get(TopicPartition(topic, part[0]))) for part in parts])
        for topic, parts in topics
    ]


def _instead(part: Sequence[Any], found: Readable | None) -> Sequence[Any]:
    return part if found is None else (*part[:-1], found.data)


class ScreenedConsumer(StoppableConsumer):
    """A consumer that is bounded in what it unpacks, and leaves out, loudly, what it cannot read.

    `getmany` alone may be used to read.
    """

    def __init__(self, *topics: str, closely: bool = True, **settings: Any) -> None:
        """Read every record twice if *closely*; if not, a poll may raise what aiokafka raises."""
        super().__init__(*topics, **settings)
        client: Any = self._client
        self.screen = Screen(client.send, self._unread, closely=closely)
        client.send = self.screen.send  # of this one client: aiokafka has no other place for it

    def _unread(self) -> Collection[TopicPartition]:
        fetcher: Any = self._fetcher
        return fetcher._records  # noqa: SLF001 - which has no way to be asked

    async def getmany(
        self,
        *partitions: TopicPartition,
        timeout_ms: int = 0,
        max_records: int | None = None,
    ) -> dict[TopicPartition, Records]:
        """Return the next records.

        Raises:
            CorruptRecordException: Of one partition nobody can tell where to read on.
            KafkaError: Whatever aiokafka raises.
        """
        found: dict[TopicPartition, Records] = await super().getmany(
            *partitions, timeout_ms=timeout_ms, max_records=max_records
        )
        self.screen.taken()
        if not self.screen.marks:
            return found
        lost: list[str] = []
        usable = {tp: self._usable(tp, records, lost) for tp, records in found.items()}
        usable = {tp: records for tp, records in usable.items() if records}
        if lost and not usable:
            raise CorruptRecordException("; ".join(lost))
        return usable

    def _usable(self, tp: TopicPartition, records: Records, lost: list[str]) -> Records:
        """Return *records* as they can be used, up to where reading cannot go on."""
        marks = self.screen.marks.get(tp, {})
        usable: Records = []
        for record in records:
            mark = marks.get(record.offset)
            if mark is None:
                usable.append(record)
            elif not self.goes_on(mark):
                self.seek(tp, mark.first)
                lost += self.stopped(tp, mark)
                break
            else:
                usable += self.instead(record, mark)
        return usable

    def goes_on(self, mark: Mark) -> bool:
        """Return whether to read on behind what *mark* says cannot be read."""
        return mark.ends

    def instead(
        self, record: ConsumerRecord[Any, Any], mark: Mark
    ) -> Sequence[ConsumerRecord[Any, Any]]:
        """Return what to use instead of *record*."""
        if not mark.whole:
            return [record]
        _LOG.error(
            "%s-%s cannot be decoded from offset %s to %s and is left out: %s",
            *(record.topic, record.partition, mark.first, mark.last, mark.reason),
        )
        return []

    def stopped(self, tp: TopicPartition, mark: Mark) -> Sequence[str]:
        """Stop to read *tp* at what cannot be read; return what is to be raised, if anything."""
        return [
            f"{tp.topic}-{tp.partition} cannot be read from offset {mark.first} on: {mark.reason}"
        ]

"""Dead letters, read back as the records they were."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import OffsetOutOfRangeError
from pydantic import ValidationError

from client.kafka import Record
from client.received import headers_of
from client.screening import ScreenedConsumer
from contracts.dead_letters import DlqHeader, WithheldValue
from contracts.topics import CREDENTIALS, INPUTS, TOPICS, TopicSpec
from workers.kafka.publishing import Connection, Outgoing

ADDED = {value for name, value in vars(DlqHeader).items() if name.isupper()}
"""Headers that make a record a dead letter."""

READ_MS = 10_000
"""How long a broker may take to hand out one record."""


class CannotReplayError(Exception):
    """This dead letter cannot be sent again. Says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One record of the topic of dead letters."""

    record: Record
    said: Mapping[str, str]
    """Its headers, as text."""

    @classmethod
    def of(cls, record: Record) -> "DeadLetter":
        """Return *record* as a dead letter."""
        return cls(record=record, said=headers_of(record))

    @property
    def place(self) -> str:
        """Where it stands, as operators name it."""
        return f"{self.record.partition}:{self.record.offset}"

    @property
    def username(self) -> str:
        """Whose it is, as its sender claimed; perhaps nobody's."""
        return (self.record.key or b"").decode(errors="replace")

    @property
    def code(self) -> str:
        """Why it is one."""
        return self.said.get(DlqHeader.CODE, "")

    @property
    def topic(self) -> str:
        """Where it came from."""
        return self.said.get(DlqHeader.TOPIC, "")

    @property
    def original(self) -> str:
        """Topic, partition and offset of the record that it was."""
        place = [self.said.get(name, "?") for name in (DlqHeader.PARTITION, DlqHeader.OFFSET)]
        return f"{self.topic}:{':'.join(place)}"


class Originals:
    """Reads the records that dead letters were, where the letter does not hold them."""

    def __init__(self, connection: Connection, *, prefix: str) -> None:
        self._connection = connection
        self._prefix = prefix

    async def restore(self, letter: DeadLetter) -> Outgoing:
        """Return the record as it was sent, addressed to where it was sent.

        Raises:
            CannotReplayError: It did not come from one of this service's topics, or is gone.
        """
        self._spec(letter.topic)
        if DlqHeader.FIRST_OFFSET in letter.said:
            raise CannotReplayError("it is a whole batch that nobody can decode; ask its sender")
        withheld = _withheld(letter)
        record = letter.record if withheld is None else await self._fetch(withheld)
        return Outgoing(
            topic=letter.topic,
            key=record.key,
            value=record.value or b"",
            # A sender may leave a header's value out, whatever the library's types say.
            headers=[(name, value) for name, value in record.headers if name not in ADDED],
        )

    def _spec(self, topic: str) -> TopicSpec:
        for spec in TOPICS:
            if topic == self._prefix + spec.name and (spec.kind in INPUTS or spec is CREDENTIALS):
                return spec
        raise CannotReplayError("it does not come from a topic that this service reads")

    async def _fetch(self, withheld: WithheldValue) -> Record:
        part = TopicPartition(withheld.topic, withheld.partition)
        consumer: Any = ScreenedConsumer(
            **self._connection, enable_auto_commit=False, auto_offset_reset="none"
        )
        await consumer.start()
        records: Sequence[Record] = ()
        try:
            consumer.assign([part])
            consumer.seek(part, withheld.offset)
            found = await consumer.getmany(part, timeout_ms=READ_MS, max_records=1)
            records = found.get(part, ())
        except OffsetOutOfRangeError:
            pass  # retention was faster
        finally:
            await consumer.stop()
        if not records or records[0].offset != withheld.offset:
            raise CannotReplayError("its value is withheld, and the original is not kept any more")
        if hashlib.sha256(records[0].value or b"").hexdigest() != withheld.sha256:
            raise CannotReplayError("its value is withheld, and another record stands in its place")
        return records[0]


def _withheld(letter: DeadLetter) -> WithheldValue | None:
    """Return what stands for the value; a sender cannot know where its own record will stand."""
    try:
        withheld = WithheldValue.model_validate_json(letter.record.value or b"")
    except ValidationError:
        return None
    stood = f"{withheld.topic}:{withheld.partition}:{withheld.offset}"
    return withheld if stood == letter.original else None

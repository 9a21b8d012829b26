"""A message as it was received: what it says, and where it stood."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from aiokafka import TopicPartition
from pydantic import ValidationError

from client.clock import NUMERIC_DATE_MAX
from client.errors import UnreadableRecordError
from client.kafka import Record
from contracts.entries import Entry
from contracts.events import BalanceChangedV1, Balances
from contracts.headers import CE_TYPE, CeType
from contracts.message import Published
from contracts.replies import Reply
from contracts.results import Result
from contracts.sessions import SessionRevoked

M = TypeVar("M", bound=Published)

_CE_TYPES: Mapping[type[Published], bytes] = {
    Result: CeType.RESULT.encode(),
    Reply: CeType.REPLY.encode(),
    Entry: CeType.BALANCE_CHANGED.encode(),
    Balances: CeType.BALANCES.encode(),
    SessionRevoked: CeType.SESSION_REVOKED.encode(),
}
"""What a record of each model says that it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received(Generic[M]):
    """One message, its headers, and the place to continue from."""

    message: M
    headers: Mapping[str, str]
    """Names as in `contracts.headers`: the correlation id, the CloudEvents attributes, the trace."""
    partition: TopicPartition
    offset: int
    appended_at: datetime

    @property
    def next_offset(self) -> int:
        """What to store, per partition, in order to continue after this message."""
        return self.offset + 1


def received(record: Record, model: type[M]) -> Received[M]:
    """Return *record* as a *model*.

    Raises:
        UnreadableRecordError: It is none.
    """
    try:
        message = model.model_validate_json(record.value or b"")
    except ValidationError as error:
        raise UnreadableRecordError(record.topic, record.partition, record.offset) from error
    return Received(
        message=message,
        headers=headers_of(record),
        partition=TopicPartition(record.topic, record.partition),
        offset=record.offset,
        appended_at=moment(record.timestamp),
    )


def is_another(record: Record, model: type[Published]) -> bool:
    """Return whether *record* is no *model* by what it says of itself.

    A tombstone says nothing, and a later release of the service may say more on a topic.
    """
    return record.value is None or _kind(record) not in (None, _CE_TYPES[model])


def entry_received(record: Record) -> Received[Entry] | None:
    """Return the entry that *record* tells of, also as release 0.1 told it; None where it tells of none.

    Raises:
        UnreadableRecordError: It says that it is one, and is not.
    """
    if record.value is not None and _kind(record) == CeType.BALANCE_CHANGED_V1.encode():
        told = received(record, BalanceChangedV1)
        return Received(
            message=told.message.entry(),
            headers=told.headers,
            partition=told.partition,
            offset=told.offset,
            appended_at=told.appended_at,
        )
    return None if is_another(record, Entry) else received(record, Entry)


def _kind(record: Record) -> bytes | None:
    """Return what *record* says that it is."""
    return next((value for name, value in record.headers if name == CE_TYPE), None)


def moment(timestamp_ms: int) -> datetime:
    """Return a record's time; the first or last that can be said where it is beyond that.

    Where a topic keeps its senders' times, any of them may write any number there.
    """
    within_ms = min(max(timestamp_ms, 0), NUMERIC_DATE_MAX * 1000)
    return datetime.fromtimestamp(within_ms / 1000, tz=UTC)


def headers_of(record: Record) -> dict[str, str]:
    """Return the headers as text; a name that stands twice keeps its last value."""
    # Any sender may leave a header null or binary, whatever the library's types say.
    return {name: bytes(value or b"").decode(errors="replace") for name, value in record.headers}

"""Records that must not be taken at their word become dead letters, on every kind of topic (P10)."""

from typing import cast

import pytest

from client.batches import Mark
from client.kafka import Record
from contracts import topics
from contracts.codes import Code
from contracts.dead_letters import DlqHeader
from tests.received import PREFIX
from tests.unit.raw import a_raw
from workers.batches.dead_letters import dead_letter
from workers.batches.parsing import CommandParser
from workers.batches.unreadable import Unreadable
from workers.consuming.records import Malformed, malformed
from workers.credentials.records import read_waiting
from workers.housekeeping.replaying import CannotReplayError, DeadLetter, Originals
from workers.kafka.publishing import Outgoing

BATCH = Mark(3, 7, "its records are malformed")
NAME = Mark(7, 7, "a header's name is not UTF-8", whole=False)


def letter(record: Malformed) -> Outgoing:
    return dead_letter(
        record, topics.DEPOSIT, Code.INVALID_COMMAND, record.fault, group="group", to="dlq"
    )


@pytest.mark.parametrize("mark", [BATCH, NAME], ids=["batch", "name"])
def test_nothing_of_it_is_decided(mark: Mark) -> None:
    record = malformed(a_raw(), mark)

    read = CommandParser(PREFIX).parse(record)

    assert isinstance(read, Unreadable)
    assert (read.code, read.reason) == (Code.INVALID_COMMAND, mark.reason)
    assert read_waiting(record) == mark.reason


def test_a_record_is_answered_where_it_says_whom() -> None:
    read = CommandParser(PREFIX).parse(malformed(a_raw(headers=[("reply_to", b"mine")]), NAME))

    assert isinstance(read, Unreadable)
    assert (read.id, read.username, read.reply_to) == ("c-1", "alice", "mine")


def test_a_record_under_another_key_is_answered_to_nobody() -> None:
    read = CommandParser(PREFIX).parse(malformed(a_raw(key=b"bobby"), NAME))

    assert isinstance(read, Unreadable)
    assert (read.id, read.username) == (None, None)


def test_a_record_is_kept_with_its_bytes() -> None:
    kept = letter(malformed(a_raw(), NAME))

    assert (kept.key, kept.value) == (a_raw().key, a_raw().value)
    assert DlqHeader.FIRST_OFFSET not in dict(kept.headers)


def test_a_batch_is_kept_as_its_coordinates() -> None:
    kept = letter(malformed(a_raw(value=None, key=None), BATCH))

    said = dict(kept.headers)
    assert kept.value == b""
    assert (said[DlqHeader.FIRST_OFFSET], said[DlqHeader.OFFSET]) == (b"3", b"7")


async def test_a_batch_is_never_sent_again() -> None:
    kept = letter(malformed(a_raw(value=None, key=None), BATCH))
    record = cast("Record", a_raw(value=kept.value, headers=list(kept.headers)))
    originals = Originals({}, prefix=PREFIX)

    with pytest.raises(CannotReplayError, match="whole batch"):
        await originals.restore(DeadLetter.of(record))

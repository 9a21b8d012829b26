"""What followers make of tombstones, of other kinds of records, and of records that are none."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import cast

import orjson
import pytest
from aiokafka import TopicPartition

from client.errors import UnreadableRecordError
from client.following import Following
from client.kafka import Record
from client.one_loop import OneLoop
from client.reader import OpenReader, Start
from contracts import topics
from contracts.headers import CE_TYPE, CeType
from contracts.message import rfc3339
from contracts.sessions import SessionRevoked
from tests.consumed import consumed
from tests.unit.records import a_result_body
from tests.unit.sealed import NOON

PREFIX = "accounts."


class Kept:
    """A topic whose records are all read, and then no more come."""

    def __init__(self, topic: str, records: Sequence[Record]) -> None:
        self.ends = {TopicPartition(topic, 0): 9}
        self._records = records
        self._read = False

    async def caught_up(self) -> bool:
        return self._read

    async def poll(self) -> Sequence[Record]:
        self._read = True
        return self._records

    async def records(self) -> AsyncIterator[Record]:
        for record in self._records:
            yield record

    async def close(self) -> None:
        pass


def following_of(*records: Record) -> Following:
    @asynccontextmanager
    async def open_reader(topics: Collection[str], _start: Start) -> AsyncGenerator[Kept]:
        [topic] = topics
        yield Kept(topic, [record for record in records if record.topic == topic])

    return Following(cast("OpenReader", open_reader), PREFIX, OneLoop("client"))


def a_message(
    topic: topics.TopicSpec, body: object, *, offset: int = 0, kind: str | None = None
) -> Record:
    headers = () if kind is None else ((CE_TYPE, kind.encode()),)
    value = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
    return consumed(PREFIX + topic.name, value, key=b"alice", headers=headers, offset=offset)


def a_state(
    username: str = "alice",
    sequence: int = 1,
    *,
    body: bytes | None = b"",
    key: bytes | None = None,
) -> Record:
    state: dict[str, object] = {
        "username": username,
        "account_id": "a-1",
        "sequence": sequence,
        "balances": {},
        "changed_at": rfc3339(NOON),
    }
    value = orjson.dumps(state) if body == b"" else body
    return consumed(PREFIX + topics.BALANCES.name, value, key=key or username.encode())


def a_tombstone(username: str = "alice") -> Record:
    return a_state(username, body=None)


class TestSnapshot:
    async def test_leaves_out_who_was_erased(self) -> None:
        states = [a_tombstone("nobody"), a_state("alice"), a_state("bobby"), a_tombstone("alice")]

        snapshot = await following_of(*states).snapshot()

        assert [*snapshot.balances] == ["bobby"]
        assert snapshot.unreadable == []

    async def test_has_who_is_said_again_behind_a_tombstone(self) -> None:
        states = [a_state(sequence=7), a_tombstone(), a_state(sequence=3)]

        snapshot = await following_of(*states).snapshot()

        assert snapshot.balances["alice"].sequence == 3

    async def test_keeps_the_latest_state_of_each(self) -> None:
        states = [a_state(sequence=2), a_state(sequence=3), a_state(sequence=1)]

        snapshot = await following_of(*states).snapshot()

        assert snapshot.balances["alice"].sequence == 3

    @pytest.mark.parametrize("key", [b"mallory", b"\xff"], ids=repr)
    async def test_names_what_is_no_state_and_has_all_others(self, key: bytes) -> None:
        states = [a_state(body=b"{}", key=key), a_state()]

        snapshot = await following_of(*states).snapshot()

        assert [*snapshot.balances] == ["alice"]
        [left_out] = snapshot.unreadable
        assert left_out.partition.topic == PREFIX + topics.BALANCES.name

    @pytest.mark.parametrize("later", [a_state(), a_tombstone()], ids=["state", "tombstone"])
    async def test_names_nothing_that_was_said_anew(self, later: Record) -> None:
        snapshot = await following_of(a_state(body=b"{"), later).snapshot()

        assert snapshot.unreadable == []


class TestMessages:
    async def test_pass_over_tombstones_and_over_what_says_that_it_is_something_else(self) -> None:
        body = {
            "session_id": "s-1",
            "username": "alice",
            "reason": "logout",
            "revoked_at": rfc3339(NOON),
            "expires_at": rfc3339(NOON),
        }
        records = [
            a_message(topics.REVOCATIONS, None),
            a_message(topics.REVOCATIONS, {"new": 1}, kind="accounts.session-renamed.v1"),
            a_message(topics.REVOCATIONS, body, kind=CeType.SESSION_REVOKED),
            a_message(topics.REVOCATIONS, body),
        ]

        follow = following_of(*records)
        messages = follow.messages(topics.REVOCATIONS, SessionRevoked, "beginning")

        assert [each.message.session_id async for each in messages] == ["s-1", "s-1"]

    async def test_say_where_to_go_on_behind_one_that_is_none(self) -> None:
        follow = following_of(a_message(topics.REVOCATIONS, {}, offset=6))

        with pytest.raises(UnreadableRecordError) as unreadable:
            await anext(follow.messages(topics.REVOCATIONS, SessionRevoked, "beginning"))

        assert unreadable.value.partition == TopicPartition("accounts.state.revocations", 3)
        assert unreadable.value.next_offset == 7


class TestResults:
    async def test_are_told_from_replies_tombstones_and_later_kinds(self) -> None:
        records = [
            a_message(topics.RESULTS, None),
            a_message(topics.RESULTS, {"request_id": "r", "username": "alice", "type": "t"}),
            a_message(topics.RESULTS, {"command_id": "c"}, kind="accounts.noted.v1"),
            a_message(topics.RESULTS, a_result_body(), kind=CeType.RESULT),
            a_message(topics.RESULTS, a_result_body()),
        ]

        results = following_of(*records).results("beginning")

        assert [each.message.command_id async for each in results] == ["c-1", "c-1"]

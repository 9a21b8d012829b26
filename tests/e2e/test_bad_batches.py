"""Batches that no client library would write cost their own records alone (P10)."""

import orjson
import pytest

from client.batches import UNPACKED_BYTES_MAX
from contracts.topics import DEPOSIT, UPDATE_PROFILE, WITHDRAW
from tests.batches import PLAIN, ZSTD, a_batch, a_bomb, a_record, packed
from tests.devstack.waiting import eventually
from tests.e2e.caller import Caller, a_movement, a_profile_change
from tests.e2e.inbox import Message
from tests.e2e.raw_batches import a_batch_nobody_can_decode, produce
from tests.e2e.running import PARTITIONS

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def letter_of(caller: Caller, place: str) -> Message:
    [letter] = await caller.inbox.until(
        lambda: caller.inbox.dead_letters(place), f"the dead letter of {place}"
    )
    return letter


@pytest.mark.parametrize("codec", [PLAIN, ZSTD], ids=["plain", "zstd"])
async def test_a_header_name_that_is_not_utf8_costs_its_own_record_only(
    caller: Caller, codec: int
) -> None:
    """It is answered, as its id and user can be read, and kept; its batch is decided."""
    username = await caller.a_user("5.00")
    good, bad, behind = (a_movement(username, "1.00") for _ in range(3))
    key = username.encode()
    records = (
        a_record(orjson.dumps(good), key=key)
        + a_record(orjson.dumps(bad), key=key, delta=1, headers=[(b"n\xff", b"\xfe")])
        + a_record(orjson.dumps(behind), key=key, delta=2)
    )
    held = packed("zstd", [records]) if codec else records

    offset = await produce(caller.service, DEPOSIT, 0, a_batch(held, codec=codec, count=3))

    assert (await caller.inbox.answer(good["command_id"])).body["status"] == "accepted"
    assert (await caller.inbox.answer(bad["command_id"])).code == "invalid_command"
    assert (await caller.inbox.answer(behind["command_id"])).body["status"] == "accepted"
    letter = await letter_of(caller, f"{caller.service.topic(DEPOSIT)}-0@{offset + 1}")
    assert (letter.body, letter.key) == (bad, key)
    assert ("n?", b"\xfe") in letter.header_list
    assert letter.dlq["dlq_reason"] == "a header's name is not UTF-8"


@pytest.mark.parametrize("codec", ["gzip", "snappy in blocks", "lz4", "zstd"])
async def test_a_batch_that_unpacks_to_too_much_is_skipped(caller: Caller, codec: str) -> None:
    bomb = a_bomb(UNPACKED_BYTES_MAX, codec=codec)

    offset = await produce(caller.service, DEPOSIT, 0, bomb)

    await caller.accepted(DEPOSIT, a_movement(await caller.a_user(), "1.00"), partition=0)
    letter = await letter_of(caller, f"{caller.service.topic(DEPOSIT)}-0@{offset}")
    assert letter.value == b""
    assert letter.dlq["dlq_first_offset"] == letter.dlq["dlq_offset"]
    assert str(UNPACKED_BYTES_MAX) in letter.dlq["dlq_reason"]


async def test_a_batch_that_cannot_be_decoded_is_skipped_and_said(caller: Caller) -> None:
    """What stands before and behind it is answered, the other partitions as well."""
    service, worker = caller.service, caller.service.workers[-1]
    username = await caller.a_user("5.00")
    worker.pause()  # so that what is good and what is not come with one fetch
    before = a_profile_change(username, first_name="Renamed")
    place = await caller.send(UPDATE_PROFILE, before, partition=0)
    await produce(service, UPDATE_PROFILE, 0, a_batch_nobody_can_decode(b"garbage"))
    behind = a_profile_change(username, first_name="Again")
    await caller.send(UPDATE_PROFILE, behind, partition=0)
    worker.resume()

    assert (await caller.inbox.answer(before["command_id"])).body["status"] == "accepted"
    assert (await caller.inbox.answer(behind["command_id"])).body["status"] == "accepted"
    for partition in range(PARTITIONS):
        await caller.accepted(DEPOSIT, a_movement(username, "1.00"), partition=partition)
        await caller.accepted(WITHDRAW, a_movement(username, "1.00"), partition=partition)
    refused = await caller.refused(WITHDRAW, a_movement(username, "9.00"), partition=0)
    assert refused == "insufficient_funds", "what cannot be decoded keeps no refusal waiting"
    offset = place.offset + 1
    letter = await letter_of(caller, f"{place.topic}-0@{offset}")
    assert letter.dlq["dlq_first_offset"] == str(offset)
    assert f"{place.topic}-0 cannot be decoded from offset {offset} to {offset}" in service.logs()
    await eventually(lambda: worker.metric("accounts_undecodable_batches_skipped_total") > 0)

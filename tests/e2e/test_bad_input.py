"""Bad input hurts only itself, and the next record goes on (P10)."""

import json
import time
from typing import Any

import orjson
import pytest
import pytest_asyncio

from contracts.topics import DEPOSIT, REGISTER, UPDATE_PROFILE, WITHDRAW, TopicSpec
from tests.e2e.caller import Caller, a_movement, a_name, an_id, open_producer
from tests.e2e.entries import posted
from tests.e2e.inbox import Message
from tests.speed import at_this_speed

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOON_S = 1.0
MEBIBYTE = 1024 * 1024
NO_JSON: dict[str, bytes | None] = {
    "nothing at all": None,
    "an empty value": b"",
    "no JSON": b"not json",
    "half an object": b'{"command_id": "1", "username": "al',
    "no UTF-8": b'{"command_id": "\xff\xfe"}',
    "zeros": bytes(64),
    "an array": b"[1, 2, 3]",
    "a string": b'"deposit"',
    "a number": b"1e999",
    "NaN": b'{"amount": NaN}',
    "infinity": b'{"amount": -Infinity}',
    "deep arrays": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "no object": b"null",
}
NOT_A_COMMAND: dict[str, dict[str, Any]] = {
    "a float as amount": {"amount": 10.5},
    "2^63 as amount": {"amount": 2**63},
    "10^30 as text": {"amount": str(10**30)},
    "nineteen decimals": {"amount": "0.0000000000000000001"},
    "a null amount": {"amount": None},
    "an object as amount": {"amount": {"$gt": ""}},
    "a $-key": {"$where": "1"},
    "a dotted key": {"balances.USD": "1.00"},
    "a $-key in metadata": {"metadata": {"$set": {"x": "y"}}},
    "metadata that is too large": {"metadata": {"note": "x" * 2049}},
    "too many pairs": {"metadata": {str(number): "" for number in range(17)}},
    "deep metadata": {"metadata": {"a": {"b": {}}}},
    "a currency that is a list": {"currency": ["USD"]},
    "a date without a zone": {"expires_at": "2030-01-01T00:00:00"},
    "a number as date": {"expires_at": 1e300},
    "arabic digits": {"amount": "\u0661\u0662"},
    "a trailing line end": {"amount": "1.00\n"},
    "an unknown field": {"balance": "1.00"},
}
HEADERS: dict[str, list[tuple[str, bytes | None]]] = {
    "binary": [("reply_to", b"\xff\xfe\x00"), ("correlation_id", bytes(range(256)))],
    "null": [("reply_to", None), ("correlation_id", None), ("traceparent", None)],
    "too long": [("correlation_id", b"x" * 129), ("reply_to", b"y" * 10_000)],
    "many": [(f"h{number}", b"x") for number in range(2_000)],
    "twice": [("reply_to", b"nowhere"), ("reply_to", b"")],
    "line ends": [("actor", b"a\r\nb"), ("correlation_id", b"a\nb")],
    "odd names": [("", b""), ("$where", b"1"), ("\u00e4", b"\xe4")],
}


@pytest_asyncio.fixture(loop_scope="module")
async def others_go_on(caller: Caller) -> Any:
    """Return a check: a good command of another user is answered within a second."""
    username = await caller.a_user("5.00")

    async def check(**how: Any) -> None:
        before = time.monotonic()
        await caller.deposit(username, "1.00", **how)
        assert time.monotonic() - before < at_this_speed(SOON_S)

    return check


async def letter_of(caller: Caller, placed: object) -> Message:
    [letter] = await caller.inbox.until(
        lambda: caller.inbox.dead_letters(str(placed)), f"the dead letter of {placed}"
    )
    return letter


@pytest.mark.parametrize("name", NO_JSON)
async def test_what_is_no_object_becomes_a_dead_letter(
    caller: Caller, others_go_on: Any, name: str
) -> None:
    value = NO_JSON[name]

    placed = await caller.send(DEPOSIT, value, key=b"someone", headers=[("mine", b"\xff")])
    await others_go_on(partition=placed.partition)

    letter = await letter_of(caller, placed)
    assert letter.value == (value or b"")
    assert letter.key == b"someone"
    assert ("mine", b"\xff") in letter.header_list
    assert letter.dlq["dlq_code"] == "invalid_command"
    assert letter.dlq["dlq_timestamp"] == str(placed.timestamp_ms)
    assert letter.dlq["dlq_group"] == caller.service.settings.ledger.group


@pytest.mark.parametrize("name", NOT_A_COMMAND)
async def test_a_wrong_field_is_answered_and_kept(
    caller: Caller, others_go_on: Any, name: str
) -> None:
    body = a_movement(await caller.a_user(), "1.00") | NOT_A_COMMAND[name]

    value = json.dumps(body).encode()  # orjson knows no 2^63

    placed = await caller.send(DEPOSIT, value, key=body["username"].encode())
    await others_go_on(partition=placed.partition)

    answer = await caller.inbox.answer(body["command_id"])
    assert answer.code == "invalid_command"
    assert (await letter_of(caller, placed)).value == value


@pytest.mark.parametrize("name", HEADERS)
async def test_headers_may_be_anything(caller: Caller, others_go_on: Any, name: str) -> None:
    """A command is decided whatever stands in its headers; none of it gets into ours unread."""
    body = a_movement(await caller.a_user(), "1.00")

    answer = await caller.ask(DEPOSIT, body, headers=HEADERS[name])
    await others_go_on()

    assert answer.body["status"] == "accepted"
    assert answer.headers["correlation_id"] == body["command_id"]


@pytest.mark.parametrize(
    "key",
    [b"somebody-else", b"\xff\xfe", b"", b"k" * 10_000],
    ids=["another", "binary", "empty", "long"],
)
async def test_a_key_that_is_not_the_username_is_a_dead_letter_only(
    caller: Caller, others_go_on: Any, key: bytes
) -> None:
    """An answer would go to a user who did not ask."""
    username = await caller.a_user("1.00")
    body = a_movement(username, "1.00")

    placed = await caller.send(DEPOSIT, body, key=key)
    await others_go_on(partition=placed.partition)

    letter = await letter_of(caller, placed)
    assert letter.key == key
    await caller.accepted(DEPOSIT, body)
    assert len(caller.inbox.answers(body["command_id"])) == 1


@pytest.mark.parametrize(
    "topic", [DEPOSIT, WITHDRAW, UPDATE_PROFILE, REGISTER], ids=lambda t: t.name
)
async def test_a_payload_as_large_as_kafka_takes(
    caller: Caller, others_go_on: Any, topic: TopicSpec
) -> None:
    """Its dead letter would not fit with its headers, so it says where the record is."""
    username = await caller.a_user()
    body = {"command_id": an_id(), "username": username, "note": ""}
    body["note"] = "x" * (MEBIBYTE - 90 - len(orjson.dumps(body)) - len(username))

    placed = await caller.send(topic, body)
    await others_go_on(partition=placed.partition)

    letter = await letter_of(caller, placed)
    assert letter.value == orjson.dumps(body) or letter.body["offset"] == placed.offset
    assert (await caller.inbox.answer(body["command_id"])).code == "invalid_command"


async def test_one_megabyte_of_headers(caller: Caller, others_go_on: Any) -> None:
    headers = [("much", b"x" * (MEBIBYTE - 1000))]

    placed = await caller.send(DEPOSIT, b"no json", key=b"someone", headers=headers)
    await others_go_on(partition=placed.partition)

    await letter_of(caller, placed)


async def test_usernames_that_mean_something_to_a_database(
    caller: Caller, others_go_on: Any
) -> None:
    for username in ("$where", "a:b", "../x", "a/b", "a b", "x" * 129, "a\u0000b", "", "alice\n"):
        body = a_movement(username, "1.00")
        placed = await caller.send(DEPOSIT, body, key=None)
        await letter_of(caller, placed)
    await others_go_on()


async def test_many_bad_records_at_once(caller: Caller, others_go_on: Any) -> None:
    before = len(caller.inbox.dead_letters())
    for _ in range(300):
        await caller.send(DEPOSIT, b"[" * 1000, key=b"someone")

    await others_go_on()

    await caller.inbox.until(
        lambda: len(caller.inbox.dead_letters()) >= before + 300, "every dead letter"
    )


async def test_an_aborted_transaction_never_happened(caller: Caller, others_go_on: Any) -> None:
    username = await caller.a_user()
    aborted, committed = a_movement(username, "5.00"), a_movement(username, "1.00")
    name, key = caller.service.topic(DEPOSIT), username.encode()
    async with open_producer(caller.service, transactional_id=a_name("both")) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(name, orjson.dumps(aborted), key=key)
        await producer.abort_transaction()
        await producer.begin_transaction()
        await producer.send_and_wait(name, orjson.dumps(committed), key=key)
        await producer.commit_transaction()

    answer = await caller.inbox.answer(committed["command_id"])
    await others_go_on()

    assert posted(answer.body["entry"]) == "1.00"
    assert caller.inbox.answers(aborted["command_id"]) == []


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_every_compression_is_understood(caller: Caller, codec: str) -> None:
    username = await caller.a_user()
    body = a_movement(username, "1.00")
    async with open_producer(caller.service, compression_type=codec) as producer:
        value = orjson.dumps(body | {"reason": "x" * 100})
        await producer.send_and_wait(caller.service.topic(DEPOSIT), value, key=username.encode())

    assert (await caller.inbox.answer(body["command_id"])).body["status"] == "accepted"

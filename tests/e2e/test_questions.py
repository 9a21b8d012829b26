"""Requests that are none hurt only themselves, and questions whose answer is not there yet (P10)."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import orjson
import pytest
import pytest_asyncio

from contracts.requests import QUERIES, REQUESTS
from contracts.topics import (
    DEPOSIT,
    GET_BALANCE,
    GET_OUTCOME,
    GET_PROFILE,
    LIST_TRANSACTIONS,
    LOGIN,
    LOGOUT,
    REGISTER,
    TopicSpec,
)
from tests.e2e.caller import Caller, a_movement, a_name, an_id
from tests.e2e.inbox import Message
from tests.e2e.running import RunningService, Worker
from tests.e2e.signing import Ask, Signing
from tests.e2e.test_bad_input import HEADERS, MEBIBYTE, NO_JSON, SOON_S
from tests.speed import at_this_speed

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPERATOR = {"$ne": None}
WRONG: dict[str, Any] = {
    "an operator": OPERATOR,
    "a list": ["a"],
    "2^63": 2**63,
    "a fraction": 1.5,
    "true": True,
}
STORED = ("sessions", "requests", "throttles", "accounts", "outcomes", "credentials")

Check = Callable[[], Awaitable[None]]


@pytest.fixture(scope="module")
def hashing(installed: RunningService) -> Worker:
    """Return the worker that hashes and signs in; the tests may hold it."""
    return installed.start_worker("identity")


@pytest.fixture(scope="module")
def service(installed: RunningService, hashing: Worker) -> Iterator[RunningService]:
    """Yield a service whose ledger and answers go on while nothing is hashed."""
    installed.start_worker("ledger", "query")
    yield installed
    hashing.resume()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def signing(caller: Caller) -> AsyncIterator[Signing]:
    yield Signing(caller)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def others_go_on(signing: Signing) -> Check:
    """Return a check: good requests of another user, to each group, are answered within a second."""
    signed = await signing.sign_in(await signing.caller.a_user("5.00"))
    username = signed.username

    async def check() -> None:
        asks = [
            Ask(GET_BALANCE, {"request_id": an_id(), "username": username}),
            signing.login(username),
            signing.logout(username, signed.access),
        ]
        began = time.monotonic()
        await asyncio.gather(*(signing.accepted(ask) for ask in asks))
        assert time.monotonic() - began < at_this_speed(SOON_S)

    return check


def a_question(topic: TopicSpec, username: str, **fields: Any) -> Ask:
    return Ask(topic, {"request_id": an_id(), "username": username} | fields)


def good(signing: Signing, topic: TopicSpec, username: str) -> Ask:
    """Return a request with every field that its topic knows, each of the right type."""
    token = "not.a.token"
    identity: dict[TopicSpec, Callable[[], Ask]] = {
        LOGIN: lambda: signing.login(username, source="here"),
        LOGOUT: lambda: signing.logout(username, token, source="here", everywhere=True),
    }
    asked = {
        GET_BALANCE: {"currency": "USD"},
        GET_OUTCOME: {"command_id": an_id()},
        LIST_TRANSACTIONS: {
            "currency": "USD",
            "kind": "deposited",
            "from": "2026-01-01T00:00:00Z",
            "to": "2036-01-01T00:00:00Z",
            "cursor": "abc",
            "order": "newest",
        },
    }
    if topic in identity:
        return identity[topic]()
    if topic in QUERIES:
        return a_question(topic, username, **asked.get(topic, {}))
    if topic.name.endswith("refresh"):
        return signing.refresh(username, token, source="here")
    return signing.change(username, token, "old", "new", source="here")


def fields_of(topic: TopicSpec) -> list[str]:
    return [field.alias or name for name, field in REQUESTS[topic].model_fields.items()]


def count_stored(service: RunningService) -> dict[str, int]:
    """Return how much is stored of users whom only bad requests name."""
    with service.mongodb() as database:
        return {
            name: database[name].count_documents({"_id": {"$regex": "bad-"}}) for name in STORED
        }


async def letters_of(caller: Caller, places: list[object]) -> list[Message]:
    wanted = {str(place) for place in places}

    def found() -> list[Message] | None:
        letters = [one for place in wanted for one in caller.inbox.dead_letters(place)]
        return letters if len(letters) >= len(wanted) else None

    return await caller.inbox.until(found, "a dead letter of each")


@pytest.mark.parametrize("name", NO_JSON)
async def test_what_is_no_object_becomes_a_dead_letter(
    caller: Caller, others_go_on: Check, name: str
) -> None:
    places: list[object] = [
        await caller.send(topic, NO_JSON[name], key=b"bad-key", headers=HEADERS["binary"])
        for topic in REQUESTS
    ]

    await others_go_on()

    letters = await letters_of(caller, places)
    assert {letter.dlq["dlq_code"] for letter in letters} == {"invalid_request"}
    assert not any(count_stored(caller.service).values())


@pytest.mark.parametrize("topic", REQUESTS, ids=lambda topic: topic.name)
async def test_no_field_takes_an_operator_or_another_type(
    signing: Signing, others_go_on: Check, topic: TopicSpec
) -> None:
    """Each field in turn: answered where it can be told to whom, and never asked of a store."""
    caller = signing.caller
    asks = [
        good(signing, topic, a_name("bad")).but(**{field: value})
        for field in [*fields_of(topic), "$where", "nothing.we.know"]
        for value in WRONG.values()
        if (field, value) != ("everywhere", True)
    ]

    places: list[object] = [
        await caller.send(ask.topic, json.dumps(ask.body).encode(), key=None) for ask in asks
    ]
    await others_go_on()

    letters = await letters_of(caller, places)
    assert {letter.dlq["dlq_code"] for letter in letters} == {"invalid_request"}
    for ask in asks:
        if isinstance(ask.body["username"], str) and isinstance(ask.body["request_id"], str):
            assert (await signing.reply(ask)).code == "invalid_request"
    assert not any(count_stored(caller.service).values())


@pytest.mark.parametrize("name", HEADERS)
async def test_headers_may_be_anything(signing: Signing, others_go_on: Check, name: str) -> None:
    username = await signing.caller.a_user()

    asks = [a_question(GET_PROFILE, username), signing.login(username)]
    said = [await signing.accepted(ask, headers=HEADERS[name]) for ask in asks]
    await others_go_on()

    told = [message.headers["correlation_id"] for message in said]
    assert told == [ask.request_id for ask in asks]


@pytest.mark.parametrize("topic", REQUESTS, ids=lambda topic: topic.name)
async def test_a_request_as_large_as_kafka_takes(
    signing: Signing, others_go_on: Check, topic: TopicSpec
) -> None:
    ask = good(signing, topic, a_name("bad"))
    room = MEBIBYTE - 90 - len(orjson.dumps(ask.body)) - len(ask.body["username"])
    ask = ask.but(note="x" * room)

    placed = await signing.caller.send(topic, ask.body)
    await others_go_on()

    assert (await signing.reply(ask)).code == "invalid_request"
    [letter] = await letters_of(signing.caller, [placed])
    assert b"xxx" not in letter.value or not topic.carries_secrets
    assert not any(count_stored(signing.caller.service).values())


@pytest.mark.parametrize("key", [b"somebody-else", b"\xff\xfe", b""], ids=repr)
async def test_a_key_that_is_not_the_username_is_a_dead_letter_only(
    signing: Signing, others_go_on: Check, key: bytes
) -> None:
    """An answer would go to a user who did not ask."""
    username = await signing.caller.a_user("1.00")
    asks = [a_question(GET_BALANCE, username), signing.login(username)]

    places: list[object] = [await signing.caller.send(ask.topic, ask.body, key=key) for ask in asks]
    await others_go_on()

    await letters_of(signing.caller, places)
    assert [signing.replies(ask.request_id) for ask in asks] == [[], []]
    assert signing.stored("sessions", username) == []


async def test_whoever_waits_for_a_hash_is_pending(signing: Signing, hashing: Worker) -> None:
    """Asked about meanwhile, and told that; a deposit behind it is decided."""
    caller, username = signing.caller, a_name()
    registration = caller.registration(username)
    about = {"command_id": registration["command_id"]}
    hashing.pause()
    try:
        await caller.send(REGISTER, registration)
        await caller.accepted(DEPOSIT, a_movement(username, "1.00"))
        early = [
            await signing.accepted(a_question(GET_PROFILE, username)),
            await signing.accepted(a_question(GET_OUTCOME, username, **about)),
        ]
        unanswered = caller.inbox.answers(registration["command_id"])
    finally:
        hashing.resume()
    answer = await caller.inbox.answer(registration["command_id"])
    late = [
        await signing.accepted(a_question(GET_PROFILE, username)),
        await signing.accepted(a_question(GET_OUTCOME, username, **about)),
    ]

    assert unanswered == []
    assert answer.body["status"] == "accepted"
    states = [
        (profile.body["profile"]["status"], outcome.body["outcome"]["state"])
        for profile, outcome in (early, late)
    ]
    assert states == [("pending", "pending"), ("active", "decided")]
    assert late[1].body["outcome"]["result"] == answer.body
    await signing.sign_in(username)


@pytest.mark.parametrize("order", ["newest", "oldest"])
async def test_a_walk_meets_every_entry_once_while_money_moves(
    signing: Signing, order: str
) -> None:
    caller, there = signing.caller, 30
    username = await caller.a_user()
    for _ in range(there):
        await caller.deposit(username, "1.00")

    async def move() -> None:
        for _ in range(there):
            await caller.deposit(username, "1.00")

    moving = asyncio.create_task(move())
    fields: dict[str, Any] = {"order": order, "limit": 4}
    seen: list[int] = []
    while True:
        ask = a_question(LIST_TRANSACTIONS, username, **fields)
        page = (await signing.accepted(ask)).body["page"]
        seen += [entry["sequence"] for entry in page["transactions"]]
        if (cursor := page.get("next_cursor")) is None:
            break
        fields["cursor"] = cursor
    await moving

    assert len(seen) >= there
    first, last = (1, len(seen)) if order == "oldest" else (seen[0], 1)
    step = 1 if order == "oldest" else -1
    assert seen == list(range(first, last + step, step)), "each once, none missing"

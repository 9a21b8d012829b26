"""Answers go where their sender wants them, or to the default topic with a mark that says why."""

import pytest

from contracts.topics import (
    DEPOSIT,
    GET_BALANCE,
    GET_PROFILE,
    REGISTER,
    RESULTS,
    WITHDRAW,
    TopicSpec,
)
from tests.e2e.caller import Body, Caller, a_movement, a_name, an_id
from tests.e2e.entries import posted
from tests.e2e.inbox import Message

pytestmark = pytest.mark.asyncio(loop_scope="module")

MARK = "undelivered_reply_to"


def asking(topic: str) -> list[tuple[str, bytes]]:
    return [("reply_to", topic.encode())]


async def fell_back(caller: Caller, reply_to: str) -> Message:
    """Deposit, asking for the answer on *reply_to*; return it from wherever it came."""
    username = await caller.a_user()
    answer = await caller.accepted(
        DEPOSIT, a_movement(username, "5.00"), headers=asking(reply_to), within_s=10
    )
    events = await caller.inbox.some("events.balance", username)
    assert [posted(event.body) for event in events] == ["5.00"], "moved once, wherever it is said"
    assert answer.topic == RESULTS.name
    return answer


async def test_an_answer_goes_to_its_reply_topic_only(caller: Caller) -> None:
    topic = await caller.service.add_reply_topic("shop", partitions=2)
    await caller.inbox.follow("replies.shop")
    username = await caller.a_user()

    taken = await caller.ask(DEPOSIT, a_movement(username, "5.00"), headers=asking(topic))
    refused = await caller.ask(WITHDRAW, a_movement(username, "9.00"), headers=asking(topic))

    assert (taken.topic, taken.body["status"]) == ("replies.shop", "accepted")
    assert (refused.topic, refused.code) == ("replies.shop", "insufficient_funds")
    assert taken.key == username.encode()
    assert MARK not in taken.headers
    assert [one.body["type"] for one in caller.inbox.results(username)] == ["register"]


async def test_a_registration_is_answered_there_too(caller: Caller) -> None:
    topic = await caller.service.add_reply_topic("gateway")
    await caller.inbox.follow("replies.gateway")

    answer = await caller.ask(REGISTER, caller.registration(a_name()), headers=asking(topic))

    assert (answer.topic, answer.body["status"]) == ("replies.gateway", "accepted")


async def test_what_cannot_be_read_is_answered_there_too(caller: Caller) -> None:
    topic = await caller.service.add_reply_topic("careless")
    await caller.inbox.follow("replies.careless")
    body = a_movement(a_name(), "5.00", surprise=1)

    answer = await caller.ask(DEPOSIT, body, headers=asking(topic))

    assert (answer.topic, answer.code) == ("replies.careless", "invalid_command")


async def test_a_topic_that_is_not_a_reply_topic_is_never_written_to(caller: Caller) -> None:
    """P10: else any sender could have us write to any topic, our own included."""
    deposits = caller.service.topic(DEPOSIT)

    answer = await fell_back(caller, deposits)

    assert answer.headers[MARK] == "not_allowed"


@pytest.mark.parametrize(
    "name", ["elsewhere", "", "replies", "replies.", "xreplies.a", "replies.\u00e9"]
)
async def test_only_names_that_match_the_whole_pattern_are_allowed(
    caller: Caller, name: str
) -> None:
    answer = await fell_back(caller, caller.service.topic(name))

    assert answer.headers[MARK] in {"not_allowed", "missing"}


async def test_the_default_topic_may_be_named(caller: Caller) -> None:
    answer = await fell_back(caller, caller.service.topic(RESULTS))

    assert MARK not in answer.headers


async def test_a_missing_topic_costs_its_sender_nothing_but_the_place(caller: Caller) -> None:
    """P4, P11: answered, and well within a bound."""
    answer = await fell_back(caller, caller.service.topic("replies.missing"))

    assert answer.headers[MARK] == "missing"
    assert answer.headers["causation_id"] == answer.body["command_id"]


async def test_a_registration_with_a_missing_topic_is_answered(caller: Caller) -> None:
    missing = caller.service.topic("replies.missing-too")

    answer = await caller.ask(REGISTER, caller.registration(a_name()), headers=asking(missing))

    assert (answer.topic, answer.body["status"]) == (RESULTS.name, "accepted")
    assert answer.headers[MARK] == "missing"


async def test_a_reply_topic_made_later_is_not_used_before_it_was_seen_to_exist(
    caller: Caller,
) -> None:
    name = "replies.late"
    first = await fell_back(caller, caller.service.topic(name))
    await caller.service.add_reply_topic("late")

    # It is left alone for a while, which must not cost the answer.
    second = await fell_back(caller, caller.service.topic(name))

    assert (first.headers[MARK], second.headers[MARK]) == ("missing", "missing")


async def test_spring_finds_its_answers_as_it_is(caller: Caller) -> None:
    """`ReplyingKafkaTemplate` names its topic and its bytes in headers of its own."""
    topic = await caller.service.add_reply_topic("spring")
    await caller.inbox.follow("replies.spring")
    username = await caller.a_user()
    asked: list[tuple[TopicSpec, Body]] = [
        (DEPOSIT, a_movement(username, "5.00")),
        (DEPOSIT, a_movement(username, "5.00", surprise=1)),
        (REGISTER, caller.registration(a_name())),
        (GET_BALANCE, {"request_id": an_id(), "username": username}),
        (GET_BALANCE, {"request_id": an_id(), "username": username, "surprise": 1}),
    ]
    for number, (spec, body) in enumerate(asked):
        own = [("kafka_replyTopic", topic.encode()), ("kafka_correlationId", binary(number))]
        await caller.send(spec, body, headers=own)

    await caller.inbox.until(
        lambda: len(caller.inbox.messages("replies.spring")) >= len(asked), "an answer to each"
    )

    answers = caller.inbox.messages("replies.spring")
    answered = {dict(each.header_list)["kafka_correlationId"]: each.body for each in answers}
    for number, (_, body) in enumerate(asked):
        given = "command_id" if "command_id" in body else "request_id"
        assert answered[binary(number)][given] == body[given]


def binary(number: int) -> bytes:
    return bytes([0xFF, number] * 8)


async def test_different_replies_to_one_request_id_have_different_ids(caller: Caller) -> None:
    username = await caller.a_user()
    body = {"request_id": an_id(), "username": username}

    async def ce_id(spec: TopicSpec) -> str:
        before = len(caller.inbox.results(username))
        await caller.send(spec, body)
        await caller.inbox.until(lambda: len(caller.inbox.results(username)) > before, "a reply")
        return caller.inbox.results(username)[before].headers["ce_id"]

    first = await ce_id(GET_BALANCE)
    await caller.accepted(DEPOSIT, a_movement(username, "1.00"))
    others = [await ce_id(GET_BALANCE), await ce_id(GET_PROFILE)]

    assert len({first, *others}) == 3

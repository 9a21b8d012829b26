"""Requests from real topics: each is answered, where its sender wants it, and committed (P4, P10)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import pytest_asyncio

from contracts.topics import AUDIT_EVENTS, GET_BALANCE, GET_PROFILE, RESULTS, TopicSpec
from handlers.model.input_records import RequestRecord
from handlers.wire.rendering import Record
from handlers.wire.replying import audit, reply, reply_body
from tests.e2e.caller import Body, Caller, a_name, an_id, open_caller
from tests.e2e.in_process import queries_here
from tests.e2e.inbox import PATIENCE_S, Message
from tests.e2e.running import RunningService
from workers.clock import utc_now
from workers.kafka.publishing import Outgoing
from workers.requests.answering import AnsweredRequest

pytestmark = pytest.mark.asyncio(loop_scope="module")

BROKEN = "broken"
"""Start of the names of users on whom the answerer fails."""

BAD = 3
"""Requests here that become dead letters."""


class Accepting:
    """Accepts whatever is asked, and audits it."""

    batch_records_max = 500

    def __init__(self, service: RunningService) -> None:
        self.batches: list[int] = []
        self._audit = service.topic(AUDIT_EVENTS)

    async def answer(self, asked: Sequence[RequestRecord]) -> Sequence[AnsweredRequest]:
        self.batches.append(len(asked))
        return [self._said(each) for each in asked]

    def _said(self, asked: RequestRecord) -> AnsweredRequest:
        if asked.request.username.startswith(BROKEN):
            raise ZeroDivisionError(asked.request.username)
        at = utc_now()
        key = asked.request.username.encode()
        beside = Outgoing.of(self._audit, key, audit(asked, action=asked.type, at=at))
        answered: Record = reply(asked, reply_body(asked, {}, at), at)
        return AnsweredRequest(asked=asked, reply=answered, status="accepted", beside=(beside,))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def caller(installed: RunningService) -> AsyncIterator[Caller]:
    """Yield a sender; nobody reads what it sends, but the tests themselves."""
    async with open_caller(installed) as caller:
        yield caller


def a_question(username: str, **fields: Any) -> Body:
    return {"request_id": an_id(), "username": username} | fields


async def replied(caller: Caller, body: Body, topic: TopicSpec | str = RESULTS) -> Message:
    """Return the one reply to *body*."""

    def arrived() -> Message | None:
        found = [
            message
            for message in caller.inbox.messages(topic, body["username"])
            if message.body.get("request_id") == body["request_id"]
        ]
        assert len(found) <= 1
        return found[0] if found else None

    return await caller.inbox.until(arrived, f"a reply to {body}")


async def test_a_reply_goes_where_its_sender_wants_it(
    installed: RunningService, caller: Caller
) -> None:
    theirs = await installed.add_reply_topic("gateway")
    await caller.inbox.follow("replies.gateway")
    plain, addressed, lost = [a_question(a_name()) for _ in range(3)]
    missing = installed.topic("replies.nowhere")

    async with queries_here(installed, Accepting(installed)):
        await caller.send(GET_PROFILE, plain, headers=[("correlation_id", b"trace me")])
        await caller.send(GET_PROFILE, addressed, headers=[("reply_to", theirs.encode())])
        await caller.send(GET_PROFILE, lost, headers=[("reply_to", missing.encode())])
        answer, undelivered = await replied(caller, plain), await replied(caller, lost)
        direct = await replied(caller, addressed, "replies.gateway")

    assert answer.headers["ce_type"] == "accounts.reply.v2"
    assert answer.headers["correlation_id"] == "trace me"
    assert direct.body["status"] == "accepted"
    assert undelivered.headers["undelivered_reply_to"] == "missing"
    [event] = caller.inbox.audit_events(plain["username"])
    assert event.body["command_id"] == plain["request_id"]


async def test_a_bad_request_hurts_only_itself(installed: RunningService, caller: Caller) -> None:
    """P10: and neither does a bug of ours hurt more than the request it is met with."""
    wrong = a_question(a_name(), currency={"$ne": None})
    broken, good = a_question(a_name(BROKEN)), a_question(a_name())

    async with queries_here(installed, Accepting(installed)) as metrics:
        await caller.send(GET_BALANCE, b"{", key=None, headers=[("a", b"\xff"), ("b", None)])
        await caller.send(GET_BALANCE, wrong)
        await caller.send(GET_BALANCE, broken)
        await caller.send(GET_BALANCE, good)
        codes = [(await replied(caller, one)).code for one in (wrong, broken, good)]
        await caller.inbox.until(lambda: len(caller.inbox.dead_letters()) >= BAD, "dead letters")

    assert codes == ["invalid_request", "internal_error", None]
    told = sorted(letter.dlq["dlq_code"] for letter in caller.inbox.dead_letters())
    assert told == ["internal_error", "invalid_request", "invalid_request"]
    labels = {"command": "get-balance", "outcome": "undecided", "code": "internal_error"}
    assert metrics.registry.get_sample_value("accounts_commands_total", labels) == 1


async def test_goes_on_where_it_stopped(installed: RunningService, caller: Caller) -> None:
    """P4: what was answered is committed, what came meanwhile is answered later; nothing twice."""
    before, meanwhile = a_question(a_name()), a_question(a_name())
    async with queries_here(installed, Accepting(installed)):
        await caller.send(GET_BALANCE, before)
        await replied(caller, before)

    await caller.send(GET_BALANCE, meanwhile)
    again = Accepting(installed)
    async with queries_here(installed, again):
        await replied(caller, meanwhile)

    assert sum(again.batches) == 1


async def test_answers_a_backlog_in_batches(installed: RunningService, caller: Caller) -> None:
    username = a_name()
    asked = [a_question(username) for _ in range(600)]
    await asyncio.gather(*(caller.send(GET_BALANCE, one) for one in asked))
    answerer = Accepting(installed)

    async with queries_here(installed, answerer):
        await caller.inbox.some(RESULTS, username, len(asked))

    assert len(answerer.batches) <= 10
    ids = {message.body["request_id"] for message in caller.inbox.results(username)}
    assert ids == {one["request_id"] for one in asked}


async def test_nothing_is_lost_when_another_worker_joins_and_leaves(
    installed: RunningService, caller: Caller
) -> None:
    """P4: partitions move twice in the midst of a stream of requests."""
    asked: list[Body] = []
    username = a_name()

    async def ask(count: int) -> None:
        for _ in range(count):
            asked.append(a_question(username, currency="USD"))
            await caller.send(GET_BALANCE, asked[-1], partition=len(asked) % 3, key=None)

    first, second = Accepting(installed), Accepting(installed)
    async with queries_here(installed, first):
        asking = asyncio.create_task(ask(600))
        async with queries_here(installed, second):
            async with asyncio.timeout(PATIENCE_S):
                while not second.batches:
                    await ask(1)
                    await asyncio.sleep(0.01)
        await asking
        wanted = {one["request_id"] for one in asked}
        await caller.inbox.until(
            lambda: wanted <= {one.body["request_id"] for one in caller.inbox.results(username)},
            "a reply to each",
        )

    assert first.batches

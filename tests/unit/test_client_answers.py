"""Which answer belongs to which command."""

import asyncio

import pytest

from client.answers import Waiting
from client.errors import UnreachableError, UnreadableRecordError
from client.questions import Asked, name_of, topic_of
from contracts.commands import COMMANDS
from contracts.ledger import Deposit
from contracts.queries import GetBalance, GetProfile
from contracts.replies import Reply
from contracts.requests import REQUESTS
from contracts.results import Result
from contracts.topics import TopicSpec
from tests.unit.records import a_record, a_refusal_body, a_result_body


def a_deposit(username: str = "alice", command_id: str = "c-1") -> Deposit:
    return Deposit(command_id=command_id, username=username, amount="10.50", currency="USD")


class TestWaiting:
    async def test_hands_over_the_answer_to_the_command(self) -> None:
        waiting = Waiting()

        with waiting.expect(a_deposit(), Result) as answer:
            waiting.receive(a_record(a_result_body()))
            result = await answer

        assert result.entry is not None
        assert result.entry.after == "10.50"

    async def test_hands_over_a_refusal_as_an_answer(self) -> None:
        waiting = Waiting()

        with waiting.expect(a_deposit(), Result) as answer:
            waiting.receive(a_record(a_refusal_body()))
            result = await answer

        assert result.error is not None
        assert result.error.code == "insufficient_funds"

    @pytest.mark.parametrize(
        "other", [a_deposit(username="bobby"), a_deposit(command_id="c-2")], ids=["user", "id"]
    )
    async def test_keeps_back_an_answer_of_another_user_or_id(self, other: Deposit) -> None:
        waiting = Waiting()

        with waiting.expect(other, Result) as answer:
            waiting.receive(a_record(a_result_body()))

            assert not answer.done()

    async def test_answers_everyone_who_asked_the_same(self) -> None:
        waiting = Waiting()

        with (
            waiting.expect(a_deposit(), Result) as first,
            waiting.expect(a_deposit(), Result) as second,
        ):
            waiting.receive(a_record(a_result_body()))
            waiting.receive(a_record(a_result_body(duplicate=True)))

            assert await first == await second
            assert not (await second).duplicate

    @pytest.mark.parametrize(
        "value",
        [None, b"", b"{", b"[]", b"7", b"\xff", b'{"username": "alice"}', b"null"],
        ids=repr,
    )
    async def test_passes_over_what_is_no_answer_at_all(self, value: bytes | None) -> None:
        waiting = Waiting()

        with waiting.expect(a_deposit(), Result) as answer:
            waiting.receive(a_record(value=value))
            waiting.receive(a_record(a_result_body()))

            assert (await answer).status == "accepted"

    async def test_tells_of_an_answer_it_cannot_read(self) -> None:
        waiting = Waiting()

        with waiting.expect(a_deposit(), Result) as answer:
            waiting.receive(a_record(a_result_body(status="perhaps"), offset=5))

            with pytest.raises(UnreadableRecordError, match="partition 3, offset 5"):
                await answer

    async def test_tells_everyone_when_no_answer_can_come_any_more(self) -> None:
        waiting = Waiting()

        with waiting.expect(a_deposit(), Result) as answer:
            waiting.fail(UnreachableError("gone"))

            with pytest.raises(UnreachableError, match="gone"):
                await answer

    async def test_forgets_who_has_gone(self) -> None:
        waiting = Waiting()
        with waiting.expect(a_deposit(), Result) as answer:
            pass

        waiting.receive(a_record(a_result_body()))

        with pytest.raises(asyncio.CancelledError):
            await answer


def a_question(
    username: str = "alice",
    request_id: str = "c-1",
    kind: type[GetBalance | GetProfile] = GetBalance,
) -> GetBalance | GetProfile:
    return kind(request_id=request_id, username=username)


def a_reply_body(**changed: object) -> dict[str, object]:
    return {
        "request_id": "c-1",
        "username": "alice",
        "type": "get-balance",
        "status": "accepted",
        "answered_at": "2030-01-01T12:00:00.000Z",
        **changed,
    }


class TestWaitingForReplies:
    async def test_hands_over_the_reply_to_the_request(self) -> None:
        waiting = Waiting()

        with waiting.expect(a_question(), Reply) as answer:
            waiting.receive(a_record(a_reply_body()))

            assert (await answer).request_id == "c-1"

    @pytest.mark.parametrize(
        "other",
        [
            a_question(username="bobby"),
            a_question(request_id="c-2"),
            a_question(kind=GetProfile),
        ],
        ids=["user", "id", "type"],
    )
    async def test_keeps_back_a_reply_to_another_user_id_or_kind(
        self, other: GetBalance | GetProfile
    ) -> None:
        waiting = Waiting()

        with waiting.expect(other, Reply) as answer:
            waiting.receive(a_record(a_reply_body()))

            assert not answer.done()

    async def test_tells_replies_and_results_of_one_id_apart(self) -> None:
        waiting = Waiting()

        with (
            waiting.expect(a_deposit(), Result) as result,
            waiting.expect(a_question(), Reply) as reply,
        ):
            waiting.receive(a_record(a_reply_body()))
            assert not result.done()
            waiting.receive(a_record(a_result_body()))

            assert ((await result).type, (await reply).type) == ("deposit", "get-balance")

    async def test_tells_of_a_reply_it_cannot_read(self) -> None:
        waiting = Waiting()

        with waiting.expect(a_question(), Reply) as answer:
            waiting.receive(a_record(a_reply_body(status="perhaps"), offset=5))

            with pytest.raises(UnreadableRecordError, match="partition 3, offset 5"):
                await answer


class TestQuestions:
    @pytest.mark.parametrize("asked", [*COMMANDS.items(), *REQUESTS.items()], ids=str)
    def test_each_travels_on_the_topic_that_it_is_named_after(
        self, asked: tuple[TopicSpec, type[Asked]]
    ) -> None:
        topic, kind = asked
        message = kind.model_construct(username="alice")

        assert topic_of(message) is topic
        assert topic.name.endswith(f".{name_of(message)}")

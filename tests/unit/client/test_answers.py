"""Which answer belongs to which command."""

import asyncio

import pytest

from client.answers import Waiting
from client.errors import UnreachableError, UnreadableRecordError
from client.questions import Asked, correlation_answered, name_of, ticket_of, topic_of
from contracts.commands import COMMANDS
from contracts.headers import HEADER_LENGTH_MAX
from contracts.ledger import Deposit, Withdraw
from contracts.queries import GetBalance, GetProfile
from contracts.replies import Reply
from contracts.requests import REQUESTS
from contracts.results import Result
from contracts.topics import TopicSpec
from tests.unit.records import a_record, a_refusal_body, a_result_body
from workers.consuming.headers import read_headers, trace_of


def a_deposit(username: str = "alice", command_id: str = "c-1", amount: str = "10.50") -> Deposit:
    return Deposit(command_id=command_id, username=username, amount=amount, currency="USD")


def a_withdrawal() -> Withdraw:
    return Withdraw(command_id="c-1", username="alice", amount="10.50", currency="USD")


class TestWaiting:
    async def test_hands_over_the_answer_to_the_command(self) -> None:
        waiting = Waiting()

        with waiting.expect(a_deposit(), Result, "c-1") as answer:
            waiting.receive(a_record(a_result_body()))
            result = await answer

        assert result.entry is not None
        assert result.entry.balances["USD"].posted == "10.50"

    async def test_hands_over_a_refusal_as_an_answer(self) -> None:
        waiting = Waiting()

        with waiting.expect(a_withdrawal(), Result, "c-1") as answer:
            waiting.receive(a_record(a_refusal_body()))
            result = await answer

        assert result.error is not None
        assert result.error.code == "insufficient_funds"

    @pytest.mark.parametrize(
        "other",
        [a_deposit(username="bobby"), a_deposit(command_id="c-2"), a_withdrawal()],
        ids=["user", "id", "type"],
    )
    async def test_keeps_back_an_answer_of_another_user_id_or_type(
        self, other: Deposit | Withdraw
    ) -> None:
        waiting = Waiting()

        with waiting.expect(other, Result, "c-1") as answer:
            waiting.receive(a_record(a_result_body()))

            assert not answer.done()

    async def test_keeps_back_an_answer_to_another_content_under_the_same_id(self) -> None:
        waiting = Waiting()

        with (
            waiting.expect(a_deposit(), Result, "ours") as ours,
            waiting.expect(a_deposit(amount="5"), Result, "theirs") as theirs,
        ):
            waiting.receive(a_record(a_result_body(), correlation_id=b"theirs"))

            assert (ours.done(), theirs.done()) == (False, True)

    async def test_refuses_two_contents_whose_answers_would_look_alike(self) -> None:
        waiting = Waiting()

        with (
            waiting.expect(a_deposit(), Result, "order-7") as first,
            pytest.raises(ValueError, match="could not be told apart"),
            waiting.expect(a_deposit(amount="5"), Result, "order-7"),
        ):
            pass

        with waiting.expect(a_deposit(amount="5"), Result, "order-7") as later:
            waiting.receive(a_record(a_result_body(), correlation_id=b"order-7"))

            assert later.done()
        assert first.cancelled()

    async def test_passes_over_what_says_that_it_is_no_answer(self) -> None:
        waiting = Waiting()

        with waiting.expect(a_deposit(), Result, "c-1") as answer:
            waiting.receive(a_record(a_result_body(status="noted"), ce_type=b"accounts.noted.v1"))
            assert not answer.done()
            waiting.receive(a_record(a_result_body(), ce_type=b"accounts.result.v2"))

            assert (await answer).status == "accepted"

    async def test_takes_an_answer_that_says_nothing_of_the_content(self) -> None:
        waiting = Waiting()

        with waiting.expect(a_deposit(), Result, "ours") as answer:
            waiting.receive(a_record(a_result_body(), correlation_id=None))

            assert answer.done()

    @pytest.mark.parametrize("sent", ["ö", "a\nb", ""], ids=ascii)
    async def test_knows_which_correlation_ids_the_service_replaces(self, sent: str) -> None:
        read = read_headers([("correlation_id", sent.encode())])
        echoed = trace_of(read, "c-1").correlation_id
        waiting = Waiting()

        with waiting.expect(a_deposit(), Result, sent) as answer:
            waiting.receive(a_record(a_result_body(), correlation_id=echoed.encode()))

            assert answer.done()

    async def test_answers_everyone_who_asked_the_same(self) -> None:
        waiting = Waiting()

        with (
            waiting.expect(a_deposit(), Result, "c-1") as first,
            waiting.expect(a_deposit(), Result, "c-1") as second,
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

        with waiting.expect(a_deposit(), Result, "c-1") as answer:
            waiting.receive(a_record(value=value))
            waiting.receive(a_record(a_result_body()))

            assert (await answer).status == "accepted"

    async def test_tells_of_an_answer_it_cannot_read(self) -> None:
        waiting = Waiting()

        with waiting.expect(a_deposit(), Result, "c-1") as answer:
            waiting.receive(a_record(a_result_body(status=5), offset=5))

            with pytest.raises(UnreadableRecordError, match="partition 3, offset 5"):
                await answer

    async def test_tells_everyone_when_no_answer_can_come_any_more(self) -> None:
        waiting = Waiting()

        with waiting.expect(a_deposit(), Result, "c-1") as answer:
            waiting.fail(UnreachableError("gone"))

            with pytest.raises(UnreachableError, match="gone"):
                await answer

    async def test_forgets_who_has_gone(self) -> None:
        waiting = Waiting()
        with waiting.expect(a_deposit(), Result, "c-1") as answer:
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

        with waiting.expect(a_question(), Reply, "c-1") as answer:
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

        with waiting.expect(other, Reply, "c-1") as answer:
            waiting.receive(a_record(a_reply_body()))

            assert not answer.done()

    async def test_tells_replies_and_results_of_one_id_apart(self) -> None:
        waiting = Waiting()

        with (
            waiting.expect(a_deposit(), Result, "c-1") as result,
            waiting.expect(a_question(), Reply, "c-1") as reply,
        ):
            waiting.receive(a_record(a_reply_body()))
            assert not result.done()
            waiting.receive(a_record(a_result_body()))

            assert ((await result).type, (await reply).type) == ("deposit", "get-balance")

    async def test_tells_of_a_reply_it_cannot_read(self) -> None:
        waiting = Waiting()

        with waiting.expect(a_question(), Reply, "c-1") as answer:
            waiting.receive(a_record(a_reply_body(status=5), offset=5))

            with pytest.raises(UnreadableRecordError, match="partition 3, offset 5"):
                await answer


class TestTickets:
    def test_are_the_same_for_the_same(self) -> None:
        assert ticket_of(a_deposit()) == ticket_of(a_deposit())

    @pytest.mark.parametrize(
        "other",
        [
            a_deposit(amount="10.5"),
            a_deposit(command_id="c-2"),
            a_deposit(username="bobby"),
            a_withdrawal(),
        ],
        ids=["amount", "id", "user", "type"],
    )
    def test_tell_one_content_from_another(self, other: Deposit | Withdraw) -> None:
        assert ticket_of(a_deposit()) != ticket_of(other)

    def test_are_echoed(self) -> None:
        ticket = ticket_of(a_deposit())

        assert correlation_answered(a_deposit(), ticket) == ticket
        assert len(ticket) <= HEADER_LENGTH_MAX["correlation_id"]


class TestQuestions:
    @pytest.mark.parametrize("asked", [*COMMANDS.items(), *REQUESTS.items()], ids=str)
    def test_each_travels_on_the_topic_that_it_is_named_after(
        self, asked: tuple[TopicSpec, type[Asked]]
    ) -> None:
        topic, kind = asked
        message = kind.model_construct(username="alice")

        assert topic_of(message) is topic
        assert topic.name.endswith(f".{name_of(message)}")

"""Which answer belongs to which command."""

import asyncio

import pytest

from client.answers import Waiting
from client.errors import UnreachableError, UnreadableRecordError
from contracts.ledger import Deposit
from contracts.results import Result
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

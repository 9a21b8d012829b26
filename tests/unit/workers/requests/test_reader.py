"""What is published before what, and what is committed when (P4, P8, P10, P11)."""

import asyncio

import pytest
from aiokafka.errors import CommitFailedError, RequestTimedOutError

from contracts.codes import Code
from handlers.model.input_records import RequestRecord
from storage.ports.errors import CommitUnknownError, StoreUnavailableError
from tests.unit.workers.requests.requests_in_memory import (
    HERS,
    OTHER,
    PATIENCE_S,
    PLACE,
    RequestsInMemory,
)
from workers.kafka.publishing import Outgoing

AUDITED = Outgoing("accounts.events.audit", b"alice", b"{}", [])
REVOKED = Outgoing("accounts.state.revocations", b"session", b"{}", [])


@pytest.fixture
async def in_memory() -> RequestsInMemory:
    return RequestsInMemory()


class TestOrder:
    async def test_what_goes_beside_is_acknowledged_before_the_reply(
        self, in_memory: RequestsInMemory
    ) -> None:
        in_memory.answerer.beside = (REVOKED, AUDITED)

        await in_memory.reader.take(in_memory.asking("1"))
        await in_memory.done()

        assert in_memory.story.lines == [
            "answered",
            "acknowledged on state.revocations",
            "acknowledged on events.audit",
            "acknowledged on results",
            "committed",
        ]
        assert in_memory.consumer.committed == [{PLACE: 1}]

    async def test_a_reply_goes_where_its_sender_wants_it(
        self, in_memory: RequestsInMemory
    ) -> None:
        await in_memory.reader.take(in_memory.asking("1", reply_to=HERS))
        await in_memory.done()

        [delivered] = in_memory.replies.delivered
        assert (delivered.to, delivered.answer.key) == (HERS, b"alice")
        assert in_memory.story.lines == ["answered", "delivered to replies.hers", "committed"]

    async def test_one_that_cannot_go_there_goes_to_the_results(
        self, in_memory: RequestsInMemory
    ) -> None:
        await in_memory.reader.take(in_memory.asking("1", reply_to="accounts.replies.gone"))
        await in_memory.done()

        assert in_memory.said() == [("1", None)]
        assert in_memory.story.lines[-1] == "committed"

    async def test_the_next_batch_is_answered_while_replies_go_out(
        self, in_memory: RequestsInMemory
    ) -> None:
        in_memory.publisher.open.clear()
        await in_memory.reader.take(in_memory.asking("1"))

        second = asyncio.Event()
        in_memory.answerer.fails = lambda _: second.set()
        taking = asyncio.create_task(in_memory.reader.take(in_memory.asking("2")))
        await asyncio.wait_for(second.wait(), PATIENCE_S)

        assert in_memory.story.lines == ["answered", "answered"]
        in_memory.publisher.open.set()
        await taking
        await in_memory.done()
        assert in_memory.said() == [("1", None), ("2", None)]
        assert in_memory.consumer.committed == [{PLACE: 1}, {PLACE: 2}]

    async def test_what_only_control_records_moved_is_committed_too(
        self, in_memory: RequestsInMemory
    ) -> None:
        in_memory.consumer.cursors[PLACE] = 9

        await in_memory.done()

        assert in_memory.consumer.committed == [{PLACE: 9}]
        assert in_memory.answerer.batches == []


class TestTrouble:
    @pytest.mark.parametrize("error", [StoreUnavailableError("away"), CommitUnknownError("?")])
    async def test_asks_again_while_a_store_is_away(
        self, in_memory: RequestsInMemory, error: Exception
    ) -> None:
        failures = [error] * 3
        waited_for: list[str | None] = []

        def fails(_: RequestRecord) -> None:
            waited_for.append(in_memory.progress.waiting_for)
            if failures:
                raise failures.pop()

        in_memory.answerer.fails = fails
        await in_memory.reader.take(in_memory.asking("1"))
        await in_memory.done()

        assert waited_for == [None, "mongodb", "mongodb", "mongodb"]
        assert in_memory.consumer.stays == 3
        assert (in_memory.said(), in_memory.progress.waiting_for) == ([("1", None)], None)

    async def test_publishes_everything_again_when_it_was_not_acknowledged(
        self, in_memory: RequestsInMemory
    ) -> None:
        in_memory.answerer.beside = (AUDITED,)
        in_memory.publisher.failures = 2

        await in_memory.reader.take(in_memory.asking("1"))
        await in_memory.done()

        assert in_memory.story.lines[1:] == [
            "publishing failed",
            "publishing failed",
            "acknowledged on events.audit",
            "acknowledged on results",
            "committed",
        ]
        assert len(in_memory.answerer.batches) == 1

    async def test_commits_again_when_kafka_did_not_answer(
        self, in_memory: RequestsInMemory
    ) -> None:
        in_memory.consumer.errors = [RequestTimedOutError(), RequestTimedOutError()]

        await in_memory.reader.take(in_memory.asking("1"))
        await in_memory.done()

        assert in_memory.consumer.committed == [{PLACE: 1}]
        assert in_memory.said() == [("1", None)]

    async def test_starts_over_when_its_partitions_were_given_away(
        self, in_memory: RequestsInMemory
    ) -> None:
        in_memory.consumer.errors = [CommitFailedError()]
        await in_memory.reader.take(in_memory.asking("1"))
        await in_memory.reader.take(in_memory.asking("2"))

        assert in_memory.reader.membership.hooks.reset_needed
        assert in_memory.said() == [("1", None)]
        assert in_memory.progress.failed is None

    async def test_the_end_of_what_was_given_up_is_not_told_to_who_comes_after_it(
        self, in_memory: RequestsInMemory
    ) -> None:
        in_memory.consumer.errors = [CommitFailedError()]
        hooks = in_memory.reader.membership.hooks
        await in_memory.reader.take(in_memory.asking("1"))
        while not hooks.reset_needed:  # noqa: ASYNC110 - nobody is told of it
            await asyncio.sleep(0)
        hooks.reset_needed = False

        await in_memory.reader.take(in_memory.asking("2"))
        await in_memory.reader.take(in_memory.asking("3"))
        await in_memory.done()

        assert in_memory.said() == [("1", None), ("2", None), ("3", None)]

    async def test_ends_the_process_where_publishing_fails_for_no_known_reason(
        self, in_memory: RequestsInMemory
    ) -> None:
        in_memory.publisher.error = ZeroDivisionError()

        await in_memory.reader.take(in_memory.asking("1"))
        with pytest.raises(ZeroDivisionError):
            await in_memory.reader.take(in_memory.asking("2"))

        assert in_memory.progress.failed == "publishing failed: ZeroDivisionError"
        assert in_memory.consumer.committed == []


class TestLeaving:
    async def test_finishes_what_is_in_hand_before_it_gives_partitions_up(
        self, in_memory: RequestsInMemory
    ) -> None:
        taking = asyncio.create_task(in_memory.reader.take(in_memory.asking("1")))
        await asyncio.sleep(0)  # it holds the turn now

        await in_memory.reader.membership.hooks.on_partitions_revoked([PLACE])

        assert taking.done()
        assert in_memory.consumer.committed == [{PLACE: 1}]

    async def test_gives_up_what_is_not_answered_in_time(self, in_memory: RequestsInMemory) -> None:
        in_memory.answerer.open.clear()
        taking = asyncio.create_task(in_memory.reader.take(in_memory.asking("1")))
        await asyncio.sleep(0)

        await in_memory.reader.membership.hooks.on_partitions_revoked([PLACE])
        in_memory.answerer.open.set()
        await asyncio.wait_for(taking, PATIENCE_S)
        await in_memory.reader.membership.drain()  # nothing is on its way any more

        assert (in_memory.said(), in_memory.consumer.committed) == ([], [])
        assert in_memory.reader.membership.hooks.reset_needed

    async def test_gives_up_what_is_not_published_in_time(
        self, in_memory: RequestsInMemory
    ) -> None:
        in_memory.publisher.open.clear()
        await in_memory.reader.take(in_memory.asking("1"))

        await in_memory.reader.membership.hooks.on_partitions_revoked([PLACE])
        in_memory.publisher.open.set()
        await in_memory.reader.membership.drain()  # nothing is on its way any more

        assert (in_memory.said(), in_memory.consumer.committed) == ([], [])

    @pytest.mark.parametrize("stops", [True, False])
    async def test_does_not_wait_for_a_store_when_it_has_to_go(
        self, in_memory: RequestsInMemory, *, stops: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fails(_: RequestRecord) -> None:
            raise StoreUnavailableError("away")

        in_memory.answerer.fails = fails
        taking = asyncio.create_task(in_memory.reader.take(in_memory.asking("1")))
        await asyncio.sleep(0)

        if stops:
            await in_memory.reader.membership.drain()
        else:
            await in_memory.reader.membership.hooks.on_partitions_revoked([PLACE])

        assert taking.done()
        assert "giving up" not in caplog.text  # which is what happens at the deadline
        assert in_memory.consumer.committed == []

    async def test_commits_only_what_is_still_its_own(self, in_memory: RequestsInMemory) -> None:
        in_memory.consumer.ours = {OTHER}
        in_memory.consumer.cursors[OTHER] = 4

        await in_memory.reader.take(in_memory.asking("1"))
        await asyncio.wait_for(in_memory.reader.membership.drain(), PATIENCE_S)

        assert in_memory.consumer.committed == [{OTHER: 4}]

    async def test_takes_nothing_before_it_has_read_where_to_start(
        self, in_memory: RequestsInMemory
    ) -> None:
        in_memory.reader.membership.hooks.reset_needed = True

        await in_memory.reader.take(in_memory.asking("1"))

        assert in_memory.answerer.batches == []

    async def test_takes_nothing_once_it_stops(self, in_memory: RequestsInMemory) -> None:
        await in_memory.reader.membership.drain()

        await in_memory.reader.take(in_memory.asking("1"))

        assert in_memory.answerer.batches == []


class TestMetrics:
    async def test_say_what_became_of_each_request(self, in_memory: RequestsInMemory) -> None:
        in_memory.answerer.refused = Code.UNKNOWN_ACCOUNT

        await in_memory.reader.take(in_memory.asking("1", "2"))
        await in_memory.done()

        labels = {"command": "get-balance", "outcome": "rejected", "code": "unknown_account"}
        assert in_memory.metric("commands_total", **labels) == 2
        for name in ("end_to_end_seconds_count", "command_duration_seconds_count"):
            assert in_memory.metric(name, command="get-balance") == 2

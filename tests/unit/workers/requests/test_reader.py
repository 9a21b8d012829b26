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
async def bench() -> RequestsInMemory:
    return RequestsInMemory()


class TestOrder:
    async def test_what_goes_beside_is_acknowledged_before_the_reply(
        self, bench: RequestsInMemory
    ) -> None:
        bench.answerer.beside = (REVOKED, AUDITED)

        await bench.reader.take(bench.asking("1"))
        await bench.done()

        assert bench.story.lines == [
            "answered",
            "acknowledged on state.revocations",
            "acknowledged on events.audit",
            "acknowledged on results",
            "committed",
        ]
        assert bench.consumer.committed == [{PLACE: 1}]

    async def test_a_reply_goes_where_its_sender_wants_it(self, bench: RequestsInMemory) -> None:
        await bench.reader.take(bench.asking("1", reply_to=HERS))
        await bench.done()

        [delivered] = bench.replies.delivered
        assert (delivered.to, delivered.answer.key) == (HERS, b"alice")
        assert bench.story.lines == ["answered", "delivered to replies.hers", "committed"]

    async def test_one_that_cannot_go_there_goes_to_the_results(
        self, bench: RequestsInMemory
    ) -> None:
        await bench.reader.take(bench.asking("1", reply_to="accounts.replies.gone"))
        await bench.done()

        assert bench.said() == [("1", None)]
        assert bench.story.lines[-1] == "committed"

    async def test_the_next_batch_is_answered_while_replies_go_out(
        self, bench: RequestsInMemory
    ) -> None:
        bench.publisher.open.clear()
        await bench.reader.take(bench.asking("1"))

        second = asyncio.Event()
        bench.answerer.fails = lambda _: second.set()
        taking = asyncio.create_task(bench.reader.take(bench.asking("2")))
        await asyncio.wait_for(second.wait(), PATIENCE_S)

        assert bench.story.lines == ["answered", "answered"]
        bench.publisher.open.set()
        await taking
        await bench.done()
        assert bench.said() == [("1", None), ("2", None)]
        assert bench.consumer.committed == [{PLACE: 1}, {PLACE: 2}]

    async def test_what_only_control_records_moved_is_committed_too(
        self, bench: RequestsInMemory
    ) -> None:
        bench.consumer.cursors[PLACE] = 9

        await bench.done()

        assert bench.consumer.committed == [{PLACE: 9}]
        assert bench.answerer.batches == []


class TestTrouble:
    @pytest.mark.parametrize("error", [StoreUnavailableError("away"), CommitUnknownError("?")])
    async def test_asks_again_while_a_store_is_away(
        self, bench: RequestsInMemory, error: Exception
    ) -> None:
        failures = [error] * 3
        waited_for: list[str | None] = []

        def fails(_: RequestRecord) -> None:
            waited_for.append(bench.progress.waiting_for)
            if failures:
                raise failures.pop()

        bench.answerer.fails = fails
        await bench.reader.take(bench.asking("1"))
        await bench.done()

        assert waited_for == [None, "mongodb", "mongodb", "mongodb"]
        assert bench.consumer.stays == 3
        assert (bench.said(), bench.progress.waiting_for) == ([("1", None)], None)

    async def test_publishes_everything_again_when_it_was_not_acknowledged(
        self, bench: RequestsInMemory
    ) -> None:
        bench.answerer.beside = (AUDITED,)
        bench.publisher.failures = 2

        await bench.reader.take(bench.asking("1"))
        await bench.done()

        assert bench.story.lines[1:] == [
            "publishing failed",
            "publishing failed",
            "acknowledged on events.audit",
            "acknowledged on results",
            "committed",
        ]
        assert len(bench.answerer.batches) == 1

    async def test_commits_again_when_kafka_did_not_answer(self, bench: RequestsInMemory) -> None:
        bench.consumer.errors = [RequestTimedOutError(), RequestTimedOutError()]

        await bench.reader.take(bench.asking("1"))
        await bench.done()

        assert bench.consumer.committed == [{PLACE: 1}]
        assert bench.said() == [("1", None)]

    async def test_starts_over_when_its_partitions_were_given_away(
        self, bench: RequestsInMemory
    ) -> None:
        bench.consumer.errors = [CommitFailedError()]
        await bench.reader.take(bench.asking("1"))
        await bench.reader.take(bench.asking("2"))

        assert bench.reader.membership.hooks.reset_needed
        assert bench.said() == [("1", None)]
        assert bench.progress.failed is None

    async def test_ends_the_process_where_publishing_fails_for_no_known_reason(
        self, bench: RequestsInMemory
    ) -> None:
        bench.publisher.error = ZeroDivisionError()

        await bench.reader.take(bench.asking("1"))
        with pytest.raises(ZeroDivisionError):
            await bench.reader.take(bench.asking("2"))

        assert bench.progress.failed == "publishing failed: ZeroDivisionError"
        assert bench.consumer.committed == []


class TestLeaving:
    async def test_finishes_what_is_in_hand_before_it_gives_partitions_up(
        self, bench: RequestsInMemory
    ) -> None:
        taking = asyncio.create_task(bench.reader.take(bench.asking("1")))
        await asyncio.sleep(0)  # it holds the turn now

        await bench.reader.membership.hooks.on_partitions_revoked([PLACE])

        assert taking.done()
        assert bench.consumer.committed == [{PLACE: 1}]

    async def test_gives_up_what_is_not_answered_in_time(self, bench: RequestsInMemory) -> None:
        bench.answerer.open.clear()
        taking = asyncio.create_task(bench.reader.take(bench.asking("1")))
        await asyncio.sleep(0)

        await bench.reader.membership.hooks.on_partitions_revoked([PLACE])
        bench.answerer.open.set()
        await asyncio.wait_for(taking, PATIENCE_S)
        await bench.reader.membership.drain()  # nothing is on its way any more

        assert (bench.said(), bench.consumer.committed) == ([], [])
        assert bench.reader.membership.hooks.reset_needed

    async def test_gives_up_what_is_not_published_in_time(self, bench: RequestsInMemory) -> None:
        bench.publisher.open.clear()
        await bench.reader.take(bench.asking("1"))

        await bench.reader.membership.hooks.on_partitions_revoked([PLACE])
        bench.publisher.open.set()
        await bench.reader.membership.drain()  # nothing is on its way any more

        assert (bench.said(), bench.consumer.committed) == ([], [])

    @pytest.mark.parametrize("stops", [True, False])
    async def test_does_not_wait_for_a_store_when_it_has_to_go(
        self, bench: RequestsInMemory, *, stops: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fails(_: RequestRecord) -> None:
            raise StoreUnavailableError("away")

        bench.answerer.fails = fails
        taking = asyncio.create_task(bench.reader.take(bench.asking("1")))
        await asyncio.sleep(0)

        if stops:
            await bench.reader.membership.drain()
        else:
            await bench.reader.membership.hooks.on_partitions_revoked([PLACE])

        assert taking.done()
        assert "giving up" not in caplog.text  # which is what happens at the deadline
        assert bench.consumer.committed == []

    async def test_commits_only_what_is_still_its_own(self, bench: RequestsInMemory) -> None:
        bench.consumer.ours = {OTHER}
        bench.consumer.cursors[OTHER] = 4

        await bench.reader.take(bench.asking("1"))
        await asyncio.wait_for(bench.reader.membership.drain(), PATIENCE_S)

        assert bench.consumer.committed == [{OTHER: 4}]

    async def test_takes_nothing_before_it_has_read_where_to_start(
        self, bench: RequestsInMemory
    ) -> None:
        bench.reader.membership.hooks.reset_needed = True

        await bench.reader.take(bench.asking("1"))

        assert bench.answerer.batches == []

    async def test_takes_nothing_once_it_stops(self, bench: RequestsInMemory) -> None:
        await bench.reader.membership.drain()

        await bench.reader.take(bench.asking("1"))

        assert bench.answerer.batches == []


class TestMetrics:
    async def test_say_what_became_of_each_request(self, bench: RequestsInMemory) -> None:
        bench.answerer.refused = Code.UNKNOWN_ACCOUNT

        await bench.reader.take(bench.asking("1", "2"))
        await bench.done()

        labels = {"command": "get-balance", "outcome": "rejected", "code": "unknown_account"}
        assert bench.metric("commands_total", **labels) == 2
        for name in ("end_to_end_seconds_count", "command_duration_seconds_count"):
            assert bench.metric(name, command="get-balance") == 2

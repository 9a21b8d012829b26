"""Once a process has failed, whoever has an effect is told so (P4)."""

import pytest

from tests.unit.raw import a_raw
from workers.batches.writer_generation import AbandonedError, WriterGeneration
from workers.kafka.publishing import Outgoing, Publisher, PublishError
from workers.monitoring.halt import Halt
from workers.monitoring.metrics import Metrics
from workers.monitoring.progress import Progress

RECORD = Outgoing("accounts.results", b"alice", a_raw().value or b"", [])


class TestHalt:
    def test_is_shared_by_all_workers_of_a_process_and_keeps_the_first_reason(self) -> None:
        halt = Halt()
        ledger, queries = Progress("ledger", halt), Progress("queries", halt)

        ledger.fail("a bug")
        queries.fail("another")

        assert queries.halt.is_set
        assert halt.reason == "ledger worker: a bug"

    def test_tells_its_listeners_once(self) -> None:
        halt, told = Halt(), list[str]()
        halt.listen(lambda: told.append("stop"))

        halt.now("first")
        halt.now("second")

        assert told == ["stop"]

    def test_ends_every_generation(self) -> None:
        """Given while it was not set yet: the very same is asked later."""
        halt = Halt()
        generation = WriterGeneration(halt)
        generation.check(generation.number)

        halt.now("a bug")

        with pytest.raises(AbandonedError):
            generation.check(generation.number)

    async def test_publishes_nothing_more(self) -> None:
        halt = Halt()
        publisher = Publisher({}, deadline_ms=1000, metrics=Metrics(), halt=halt)
        halt.now("a bug")

        with pytest.raises(PublishError, match="ends"):
            await publisher.publish([RECORD])

"""A process that was stopped while the data was upgraded answers nothing about it: it ends."""

from typing import Any

import pytest
from aiokafka import TopicPartition

from handlers.model.corrupt import SCHEMA_FIELD, CorruptDocument
from handlers.model.input_records import RequestRecord
from handlers.model.schema import NEWEST
from storage.memory.ledger import MemoryLedger
from storage.ports.errors import CorruptDocumentError, NewerDataError, StoreUnavailableError
from tests.builders import an_account
from tests.ports.written import write
from tests.received import a_deposit, received
from tests.unit.raw import a_raw
from tests.unit.workers.ledger.ledger_lanes import SimpleLaneDependencies
from workers.config.ledger import LedgerOptions
from workers.consuming.records import Raw
from workers.credentials.reader import CredentialsReader
from workers.credentials.records import of_later_schemas, read_waiting
from workers.ledger.lane import Lane
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics
from workers.monitoring.progress import Progress
from workers.requests.answering import AnsweredRequest
from workers.requests.asking import ask

NEWER = CorruptDocument(collection="accounts", id="alice", username="alice", field=SCHEMA_FIELD)
DAMAGED = CorruptDocument(collection="accounts", id="alice", username="alice", field="balances")


async def upgraded() -> None:
    raise NewerDataError("the data is for a later release")


async def not_upgraded() -> None:
    """One document alone bears a number that nobody gave it."""


async def away() -> None:
    raise StoreUnavailableError("MongoDB does not answer")


class TestReporting:
    async def test_all_data_is_newer(self) -> None:
        with pytest.raises(NewerDataError):
            await CorruptDocuments(Metrics(), upgraded).take([DAMAGED, NEWER])

    @pytest.mark.parametrize(
        ("check", "document"), [(not_upgraded, NEWER), (upgraded, DAMAGED), (None, NEWER)]
    )
    async def test_one_document_is_damaged(self, check: Any, document: CorruptDocument) -> None:
        metrics = Metrics()

        await CorruptDocuments(metrics, check).take([document])

        assert metrics.registry.get_sample_value(
            "accounts_corrupt_documents_total", {"collection": "accounts"}
        )


class TestLane:
    async def test_records_and_says_nothing(self) -> None:
        ledger = MemoryLedger()
        await write(ledger, accounts=[an_account("alice")])
        damaged: Any = NEWER
        ledger.accounts.put("alice", damaged, ledger.commits)
        before = ledger.commits
        command = received(a_deposit("1.00", "alice"), record=a_raw(key=b"alice"))
        dependencies = SimpleLaneDependencies(ledger).surroundings()
        dependencies.corrupt = CorruptDocuments(Metrics(), upgraded)
        lane = Lane(dependencies, users={"alice": [command]})

        with pytest.raises(NewerDataError):
            await lane.run()

        assert (ledger.commits, lane.applied) == (before, [])


class TestRequests:
    async def test_are_not_refused(self) -> None:
        class Answers:
            async def answer(self, _asked: object) -> list[AnsweredRequest]:
                raise CorruptDocumentError(NEWER)

        answerer: Any = Answers()
        asked: Any = [RequestRecord]
        with pytest.raises(NewerDataError):
            await ask(answerer, asked, CorruptDocuments(Metrics(), upgraded))


def numbered(number: str) -> Raw:
    return a_raw(value=b'{"schema": %b, "of": "a later release"}' % number.encode())


class TestPendingCredentials:
    @pytest.mark.parametrize("number", [str(NEWEST + 1), "0", '"2"', "null", "2.0"])
    def test_of_another_number_are_told_apart(self, number: str) -> None:
        [found] = of_later_schemas([numbered(number)])

        assert found.is_newer
        assert "schema number" in str(read_waiting(numbered(number)))

    @pytest.mark.parametrize("value", [b"{}", b"", b"[]", b"\xff", b"no JSON", None])
    def test_that_are_none_are_somebody_elses_trouble(self, value: bytes | None) -> None:
        assert of_later_schemas([a_raw(value=value)]) == []

    async def test_are_neither_hashed_nor_refused(self) -> None:
        worker = Settling(upgraded)

        with pytest.raises(NewerDataError):
            await a_reader(worker).process([numbered("99")])

        assert worker.processed == []

    async def test_wait_while_nobody_knows(self) -> None:
        worker = Settling(away)
        records = [numbered("99")]

        offsets = await a_reader(worker).process(records)

        assert offsets == {
            TopicPartition(records[0].topic, records[0].partition): records[0].offset
        }
        assert worker.processed == []


class Settling:
    """Notes what it is given to settle."""

    prefix = ""
    group = "group"
    batch_records_max = 1

    def __init__(self, check: Any) -> None:
        self.metrics = Metrics()
        self.corrupt = CorruptDocuments(self.metrics, check)
        self.progress = Progress("identity")
        self.processed: list[object] = []

    async def process(self, records: object) -> dict[TopicPartition, int]:
        self.processed.append(records)
        return {}


def a_reader(worker: Any) -> CredentialsReader:
    return CredentialsReader(worker=worker, options=LedgerOptions())

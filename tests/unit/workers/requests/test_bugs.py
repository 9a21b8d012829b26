"""A bug of ours, met with one request, costs that request only (P9, P10)."""

from collections.abc import Sequence

import pytest
from typing_extensions import override

from handlers.model.corrupt import CorruptDocument
from handlers.model.input_records import RequestRecord
from storage.ports.errors import CorruptDocumentError
from tests.unit.sealed import CANARY
from tests.unit.workers.requests.requests_in_memory import PLACE, RequestsInMemory, TellingAnswerer
from workers.requests.answering import AnsweredRequest
from workers.requests.asking import REPLY_BYTES_MAX


class Forgetful(TellingAnswerer):
    """Leaves the first one out."""

    @override
    async def answer(self, asked: Sequence[RequestRecord]) -> Sequence[AnsweredRequest]:
        said = await super().answer(asked)
        return said[1:]


@pytest.fixture
async def in_memory() -> RequestsInMemory:
    return RequestsInMemory()


class TestCorruptDocuments:
    @pytest.mark.parametrize("bad", [{"5"}, {"0", "6"}, set("0123456")])
    async def test_costs_its_users_request_only(
        self, in_memory: RequestsInMemory, bad: set[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        """One bad document is its user's trouble only."""

        def fails(asked: RequestRecord) -> None:
            if asked.request.request_id in bad:
                raise CorruptDocumentError(
                    CorruptDocument(
                        collection="sessions", id="s-1", username="alice", field="epoch"
                    )
                )

        in_memory.answerer.fails = fails
        await in_memory.reader.take(in_memory.asking(*"0123456"))
        await in_memory.done()

        expected = [(each, "account_unreadable" if each in bad else None) for each in "0123456"]
        assert in_memory.said() == expected
        letters = [
            one for one in in_memory.publisher.records if one.topic == "accounts.dead-letters"
        ]
        assert {dict(one.headers)["dlq_code"] for one in letters} == {b"account_unreadable"}
        assert in_memory.consumer.committed == [{PLACE: 7}]
        assert "sessions s-1: epoch is missing or wrong" in caplog.text
        assert in_memory.metric("corrupt_documents_total", collection="sessions") == len(bad)


class TestBugs:
    @pytest.mark.parametrize("bad", [{"5"}, {"0"}, {"6"}, {"2", "3"}, set("0123456")])
    async def test_a_request_that_fails_the_answerer_costs_itself_only(
        self, in_memory: RequestsInMemory, bad: set[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        def fails(asked: RequestRecord) -> None:
            if asked.request.request_id in bad:
                raise ZeroDivisionError(CANARY)

        in_memory.answerer.fails = fails
        await in_memory.reader.take(in_memory.asking(*"0123456"))
        await in_memory.done()

        expected = [(each, "internal_error" if each in bad else None) for each in "0123456"]
        assert in_memory.said() == expected
        letters = [
            one for one in in_memory.publisher.records if one.topic == "accounts.dead-letters"
        ]
        assert [dict(one.headers)["dlq_offset"].decode() for one in letters] == sorted(bad)
        assert CANARY not in caplog.text
        assert in_memory.consumer.committed == [{PLACE: 7}]
        name = "commands_total"
        labels = {"command": "get-balance", "outcome": "undecided", "code": "internal_error"}
        assert in_memory.metric(name, **labels) == len(bad)

    async def test_an_answer_too_few_is_a_bug_too(self, in_memory: RequestsInMemory) -> None:
        in_memory.reader.answerer = Forgetful(in_memory.story)

        await in_memory.reader.take(in_memory.asking("1", "2"))
        await in_memory.done()

        assert in_memory.said() == [("1", "internal_error"), ("2", "internal_error")]

    async def test_a_reply_too_large_to_be_sent_is_a_bug_too(
        self, in_memory: RequestsInMemory
    ) -> None:
        in_memory.answerer.padding = {"1": REPLY_BYTES_MAX, "2": REPLY_BYTES_MAX + 1}

        await in_memory.reader.take(in_memory.asking("1", "2", "3"))
        await in_memory.done()

        assert in_memory.said() == [("1", None), ("2", "internal_error"), ("3", None)]

    async def test_what_is_no_request_is_told_and_kept(self, in_memory: RequestsInMemory) -> None:
        bad = in_memory.asking("1", value=b'{"request_id": "1", "username": "alice", "limit": 1}')
        null = in_memory.asking("2", value=None)

        await in_memory.reader.take([*bad, *null, *in_memory.asking("3")])
        await in_memory.done()

        assert in_memory.said() == [("1", "invalid_request"), ("3", None)]
        assert in_memory.answerer.batches == [["3"]]
        topic = PLACE.topic
        assert in_memory.metric("dead_letters_total", topic=topic, code="invalid_request") == 2

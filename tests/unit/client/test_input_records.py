"""A message as a subscriber gets it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiokafka import TopicPartition

from client.errors import UnreadableRecordError
from client.received import received
from contracts.results import Result
from tests.unit.records import a_record, a_result_body


class TestReceived:
    def test_says_what_the_record_says_and_where_it_stood(self) -> None:
        message = received(a_record(a_result_body(), offset=7), Result)

        assert message.message.command_id == "c-1"
        assert message.partition == TopicPartition("accounts.results", 3)
        assert (message.offset, message.next_offset) == (7, 8)
        assert message.appended_at == datetime(2030, 1, 1, 0, 0, 0, 123_000, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("timestamp_ms", "said"),
        [
            (-1, datetime(1970, 1, 1, tzinfo=UTC)),
            (-(2**63), datetime(1970, 1, 1, tzinfo=UTC)),
            (2**63 - 1, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ],
    )
    def test_has_a_time_whatever_its_sender_wrote(self, timestamp_ms: int, said: datetime) -> None:
        record = replace(a_record(a_result_body()), timestamp=timestamp_ms)

        assert received(record, Result).appended_at == said

    def test_shows_headers_as_text_whatever_their_bytes(self) -> None:
        message = received(a_record(a_result_body()), Result)

        assert message.headers == {"correlation_id": "c-1", "binary": "�"}

    def test_ignores_fields_it_does_not_know(self) -> None:
        message = received(a_record(a_result_body(invented_later=1)), Result)

        assert message.message.status == "accepted"

    @pytest.mark.parametrize("value", [None, b"", b"{", b"{}"], ids=repr)
    def test_is_none_where_the_contract_is_not_kept(self, value: bytes | None) -> None:
        with pytest.raises(UnreadableRecordError, match="offset 7"):
            received(a_record(value=value, offset=7), Result)

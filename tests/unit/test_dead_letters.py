"""P9, P10: what could not be understood is kept untouched, or withheld and described."""

import hashlib

import orjson
import pytest

from contracts import topics
from contracts.codes import Code
from contracts.dead_letters import WithheldValue
from contracts.topics import RECORD_BYTES_MAX, WRITTEN_BYTES_MAX, TopicSpec
from tests.unit.raw import DEPOSIT_BODY, a_raw
from tests.unit.sealed import CANARY
from workers.consuming.records import Raw
from workers.dead_letters import REASON_LENGTH_MAX, dead_letter
from workers.publishing import Outgoing

GARBAGE = b"\x00\xffnot json"


def letter(
    record: Raw,
    topic: TopicSpec = topics.DEPOSIT,
    reason: str = "why",
    code: Code = Code.INVALID_COMMAND,
) -> Outgoing:
    return dead_letter(record, topic, code, reason, group="group", to="dlq")


def size(record: Outgoing) -> int:
    headers = sum(len(name) + len(value or b"") for name, value in record.headers)
    return len(record.key or b"") + len(record.value) + headers


class TestDeadLetter:
    def test_keeps_key_value_and_headers_as_they_came(self) -> None:
        headers = [("a", b"\xff"), ("b", None), ("a", b"twice")]

        record = letter(a_raw(value=GARBAGE, key=b"\x00key", headers=headers))

        assert (record.topic, record.key, record.value) == ("dlq", b"\x00key", GARBAGE)
        assert list(record.headers[:3]) == headers

    def test_says_where_it_stood_and_why_it_is_here(self) -> None:
        record = letter(a_raw(value=GARBAGE), reason="the reason")

        said = {name: value.decode() for name, value in record.headers}
        assert said.pop("dlq_at").endswith("Z")
        assert said.pop("dlq_version")
        assert said == {
            "dlq_topic": "accounts.commands.deposit",
            "dlq_partition": "3",
            "dlq_offset": "7",
            "dlq_timestamp": "1893456000123",
            "dlq_group": "group",
            "dlq_code": "invalid_command",
            "dlq_reason": "the reason",
            "dlq_attempts": "1",
        }

    @pytest.mark.parametrize("key", [None, b"", b"key"])
    def test_stands_null_values_and_keys(self, key: bytes | None) -> None:
        record = letter(a_raw(value=None, key=key))

        assert (record.key, record.value) == (key, b"")

    @pytest.mark.parametrize("length", [REASON_LENGTH_MAX - 1, REASON_LENGTH_MAX, 9999])
    def test_bounds_the_reason(self, length: int) -> None:
        said = dict(letter(a_raw(value=GARBAGE), reason="x" * length).headers)

        assert len(said["dlq_reason"]) == min(length, REASON_LENGTH_MAX)


class TestWithheld:
    @pytest.mark.parametrize(
        ("topic", "value"),
        [
            (topics.REGISTER, GARBAGE),
            (topics.REGISTER, CANARY.encode()),
            (topics.CREDENTIALS, CANARY.encode()),
            (topics.DEPOSIT, b'{"PassWord":"' + CANARY.encode() + b'"}'),
            (topics.DEPOSIT, b'{"x":"token ' + CANARY.encode()),
        ],
    )
    def test_what_may_hold_a_secret_is_described(self, topic: TopicSpec, value: bytes) -> None:
        record = letter(a_raw(topic=topic, value=value), topic)

        withheld = WithheldValue.model_validate_json(record.value)
        assert (withheld.sha256, withheld.length) == (hashlib.sha256(value).hexdigest(), len(value))
        assert (withheld.topic, withheld.partition, withheld.offset) == (
            f"accounts.{topic.name}",
            3,
            7,
        )
        assert CANARY.encode() not in record.value

    def test_a_password_is_described_however_its_name_was_written(self) -> None:
        value = b'{"p\\u0061ssword":"' + CANARY.encode() + b'"}'

        record = letter(a_raw(value=value), code=Code.UNSEALED_PASSWORD)

        assert CANARY.encode() not in record.value

    def test_a_header_that_may_hold_a_secret_is_left_out(self) -> None:
        headers = [("X-Auth-Token", CANARY.encode()), ("other", b"kept")]

        record = letter(a_raw(value=GARBAGE, headers=headers))

        assert CANARY not in repr(record)
        assert ("other", b"kept") in record.headers

    def test_what_is_no_secret_stays(self) -> None:
        value = orjson.dumps({**DEPOSIT_BODY, "amount": 1.5})

        assert letter(a_raw(value=value)).value == value


class TestLarge:
    @pytest.mark.parametrize(
        ("value", "key", "header"),
        [
            (RECORD_BYTES_MAX - 100, 10, 10),
            (RECORD_BYTES_MAX, 10, 10),
            (RECORD_BYTES_MAX - 600_000, 10, 600_000),
            (10, RECORD_BYTES_MAX - 100, 10),
            (10, 10, RECORD_BYTES_MAX - 100),
            (400_000, 300_000, 300_000),
        ],
    )
    def test_fits_the_topic_however_large_its_parts(
        self, value: int, key: int, header: int
    ) -> None:
        """What was accepted fits Kafka's bound without our headers, not with them."""
        record = letter(
            a_raw(value=b"v" * value, key=b"k" * key, headers=[("h", b"h" * header)]),
            reason="r" * 9999,
        )

        assert size(record) < WRITTEN_BYTES_MAX - 4096

    @pytest.mark.parametrize(("less", "withheld"), [(1, False), (0, False), (-1, True)])
    def test_is_withheld_where_it_would_not_fit(self, less: int, *, withheld: bool) -> None:
        record = letter(a_raw(value=b"v" * (RECORD_BYTES_MAX - 1 - less), key=b"k"))

        assert (b"sha256" in record.value) is withheld

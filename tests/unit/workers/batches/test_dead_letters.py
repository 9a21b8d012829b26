"""P9, P10: what could not be understood is kept untouched, or withheld and described."""

import hashlib

import orjson
import pytest

from contracts import topics
from contracts.codes import Code
from contracts.dead_letters import WithheldValue
from contracts.topics import RECORD_BYTES_MAX, WRITTEN_BYTES_MAX, TopicSpec
from tests.out_of_files import out_of_files
from tests.unit.raw import DEPOSIT_BODY, a_raw
from tests.unit.sealed import CANARY
from workers.batches.dead_letters import REASON_LENGTH_MAX, dead_letter
from workers.consuming.records import Raw
from workers.kafka.publishing import Outgoing

SECRET_NAMES = [
    *("password", "passwd", "pwd", "pass", "PW", "passphrase", "pin", "PIN", "userPin", "user_pin"),
    *("jwt", "id-token", "accessToken", "authorization", "Proxy-Authorization", "X-Auth"),
    *("api-key", "apiKey", "API_KEY", "x-api-key", "client_secret", "set-cookie", "otp", "cvv"),
    *("privateKey", "credentials"),
]
SECRETS = [
    "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmVk",
    "Bearer c29tZXRoaW5nLW9wYXF1ZQ",
    "Basic YWxpY2U6aHVudGVyMg==",
    "-----BEGIN PRIVATE KEY-----",
    "postgres://alice:hunter2@db/accounts",
]
"""What nobody would mistake for anything else."""

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
        assert list(record.headers)[:3] == headers

    def test_needs_no_file(self) -> None:
        with out_of_files():
            assert letter(a_raw()).value == a_raw().value

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
            (topics.DEPOSIT, b'{"sealed_claim":"' + CANARY.encode()),
            (topics.OPEN, CANARY.encode()),
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

    @pytest.mark.parametrize("topic", [topics.REGISTER, topics.DEPOSIT])
    @pytest.mark.parametrize("name", SECRET_NAMES)
    def test_a_header_named_like_a_secret_is_left_out(self, name: str, topic: TopicSpec) -> None:
        headers = [(name, CANARY.encode()), ("n", b"kept"), (name, None)]

        record = letter(a_raw(topic=topic, value=GARBAGE, headers=headers), topic)

        assert CANARY not in repr(record)
        assert name not in dict(record.headers)

    @pytest.mark.parametrize("text", SECRETS)
    @pytest.mark.parametrize("name", ["note", "correlation_id", "reply_to", "tracestate"])
    def test_a_header_that_looks_like_a_secret_is_left_out(self, name: str, text: str) -> None:
        record = letter(a_raw(value=GARBAGE, headers=[(name, text.encode()), ("n", b"kept")]))

        assert name not in dict(record.headers)
        assert ("n", b"kept") in record.headers

    @pytest.mark.parametrize(
        ("topic", "code"),
        [
            (topics.REGISTER, Code.INVALID_COMMAND),
            (topics.LOGIN, Code.INVALID_REQUEST),
            (topics.DEPOSIT, Code.UNSEALED_PASSWORD),
        ],
    )
    def test_where_passwords_are_sent_only_what_we_read_is_kept(
        self, topic: TopicSpec, code: Code
    ) -> None:
        known = [("reply_to", b"accounts.replies.token-shop"), ("correlation_id", b"pin-1")]
        headers = [*known, ("x", CANARY.encode()), ("y", b"1234"), ("z", b"123")]

        record = letter(
            a_raw(topic=topic, value=GARBAGE, key=CANARY.upper().encode(), headers=headers),
            topic,
            code=code,
        )

        assert [each for each in record.headers if not each[0].startswith("dlq_")] == [
            *known,
            ("z", b"123"),
        ]
        assert record.key is None

    @pytest.mark.parametrize("key", [*SECRETS, f'{{"pwd": "{CANARY}"}}', f"password={CANARY}"])
    def test_a_key_that_may_hold_a_secret_is_left_out_and_the_value_described(
        self, key: str
    ) -> None:
        """Sent again it would be another record: only the original has both."""
        record = letter(a_raw(value=GARBAGE, key=key.encode()))

        assert record.key is None
        assert WithheldValue.model_validate_json(record.value).offset == 7

    @pytest.mark.parametrize("key", [b"alice", b"secretary", b"jwt", b"token_9", None])
    def test_a_username_stays_a_key_whatever_it_says(self, key: bytes | None) -> None:
        record = letter(a_raw(topic=topics.REGISTER, value=GARBAGE, key=key), topics.REGISTER)

        assert record.key == key

    @pytest.mark.parametrize("key", [b"auth0|5f7c8ec7c33c6c004bbafe82", b"Pin.Code@example.com"])
    def test_so_does_one_of_another_issuer_where_nobody_signs_in(self, key: bytes) -> None:
        record = letter(a_raw(value=GARBAGE, key=key))
        secretive = letter(a_raw(topic=topics.REGISTER, value=GARBAGE, key=key), topics.REGISTER)

        assert (record.key, secretive.key) == (key, None)

    @pytest.mark.parametrize("name", SECRET_NAMES)
    @pytest.mark.parametrize(
        "form", ['{{"{0}": "{1}"}}', "{0}={1}&x=1", "<{0}>{1}</{0}>", "{{'a': {{'{0}':'{1}'"]
    )
    def test_a_field_named_like_a_secret_is_described(self, name: str, form: str) -> None:
        value = form.format(name, CANARY).encode()

        record = letter(a_raw(value=value))

        assert CANARY.encode() not in record.value

    @pytest.mark.parametrize("text", SECRETS)
    def test_a_field_that_looks_like_a_secret_is_described(self, text: str) -> None:
        value = orjson.dumps({**DEPOSIT_BODY, "reason": text})

        assert letter(a_raw(value=value)).value != value

    def test_names_in_disguise_are_read(self) -> None:
        value = b'{"p\\u0077d":"' + CANARY.encode() + b'"}'

        assert CANARY.encode() not in letter(a_raw(value=value)).value

    @pytest.mark.parametrize(
        "text",
        ["shipping", "spinning", "a passing remark", "compass", "authors", "sidewalk", "pwdx"],
    )
    def test_a_word_within_another_is_no_secret(self, text: str) -> None:
        value = orjson.dumps({**DEPOSIT_BODY, "amount": 1.5, "reason": text})
        headers = [("note", text.encode())]

        record = letter(a_raw(value=value, headers=headers))

        assert (record.value, next(iter(record.headers))) == (value, headers[0])

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

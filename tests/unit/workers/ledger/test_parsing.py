"""P9, P10: a record is a command, or says what is wrong with it and nothing of what it holds."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import topics
from contracts.codes import Code
from contracts.topics import ORDERED, TopicSpec
from handlers.model.input_records import CommandRecord
from handlers.model.outcome import Source, Trace
from tests.received import PREFIX, SEALED
from tests.unit.raw import COMMAND_BODIES, DEPOSIT_BODY, OPEN_BODY, REGISTER_BODY, a_raw
from tests.unit.sealed import CANARY
from workers.batches.parsing import CommandParser
from workers.batches.unreadable import PROBLEMS_MAX, Unreadable
from workers.consuming.records import Raw

VALID = orjson.dumps(DEPOSIT_BODY)
PARENT = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


def parsed(record: Raw) -> CommandRecord | Unreadable:
    return CommandParser(PREFIX).parse(record)


def command(record: Raw) -> CommandRecord:
    found = parsed(record)
    assert isinstance(found, CommandRecord)
    return found


def problem(record: Raw) -> Unreadable:
    found = parsed(record)
    assert isinstance(found, Unreadable)
    return found


class TestCommand:
    def test_needs_no_header_at_all(self) -> None:
        found = command(a_raw(headers=()))

        assert (found.type, found.rank, found.timestamp_ms) == ("deposit", 2, 1_893_456_000_123)
        assert found.source == Source(topic="accounts.commands.deposit", partition=3, offset=7)
        assert found.trace == Trace(correlation_id="c-1")
        assert (found.reply_to, found.actor, found.id) == (None, None, "alice:c-1")

    def test_needs_no_key(self) -> None:
        assert command(a_raw(key=None)).command.username == "alice"

    @pytest.mark.parametrize("topic", ORDERED, ids=lambda topic: topic.name)
    def test_is_read_from_every_ordered_topic(self, topic: TopicSpec) -> None:
        assert command(a_raw(COMMAND_BODIES[topic], topic)).rank == topic.rank

    def test_takes_what_its_headers_say(self) -> None:
        headers = [
            ("reply_to", b"accounts.replies.shop"),
            ("correlation_id", b"order 7"),
            ("actor", "Zoë".encode()),
            ("traceparent", PARENT.encode()),
            ("tracestate", b"a=b"),
        ]

        found = command(a_raw(headers=headers))

        assert (found.reply_to, found.actor) == ("accounts.replies.shop", "Zoë")
        assert found.trace == Trace(correlation_id="order 7", traceparent=PARENT, tracestate="a=b")


class TestUnreadable:
    @pytest.mark.parametrize(
        "value",
        [None, b"{", b"null", b"[]", b'"a"', b"\xff\xfe", b"[" * 5000, b'{"a":1e999}', b" "],
        ids=lambda value: repr(value)[:20],
    )
    def test_is_whatever_is_no_json_object(self, value: bytes | None) -> None:
        found = problem(a_raw(value=value))

        assert (found.code, found.username) == (Code.INVALID_COMMAND, None)
        assert found.reason

    @pytest.mark.parametrize(
        ("changed", "field"),
        [
            ({"amount": 10.5}, "amount"),
            ({"amount": 10}, "amount"),
            ({"amount": "1e3"}, "amount"),
            ({"amount": "-1"}, "amount"),
            ({"amount": "NaN"}, "amount"),
            ({"amount": 2**63}, "amount"),
            ({"currency": "usd"}, "currency"),
            ({"metadata": {"a": 1}}, "metadata"),
            ({"expires_at": 5}, "expires_at"),
        ],
    )
    def test_names_the_field_that_is_wrong_and_answers_its_sender(
        self, changed: dict[str, Any], field: str
    ) -> None:
        headers = [("reply_to", b"accounts.replies.a"), ("correlation_id", b"x")]

        found = problem(a_raw({**DEPOSIT_BODY, **changed}, headers=headers))

        assert {each["field"] for each in found.problems} == {field}
        assert (found.id, found.username) == ("c-1", "alice")
        assert (found.reply_to, found.trace) == ("accounts.replies.a", Trace(correlation_id="x"))

    @pytest.mark.parametrize(
        "body",
        [
            {**DEPOSIT_BODY, "username": "al ice"},
            {**DEPOSIT_BODY, "username": "alice\n"},
            {**DEPOSIT_BODY, "username": ["alice"]},
            {**DEPOSIT_BODY, "command_id": ""},
            {**DEPOSIT_BODY, "command_id": "x" * 129},
            {**DEPOSIT_BODY, "command_id": "ö"},
            {"command_id": "c-1"},
            {},
        ],
    )
    def test_answers_nobody_where_it_cannot_be_told_whom(self, body: dict[str, Any]) -> None:
        found = problem(a_raw(body))

        assert (found.id, found.username, found.trace) == (None, None, None)

    @pytest.mark.parametrize(
        "value",
        [
            pytest.param(b"\xef\xbb\xbf%s" % VALID, id="behind a byte order mark"),
            pytest.param(VALID.decode().encode("utf-16"), id="in UTF-16"),
            pytest.param(VALID[:-1] + b', "metadata": NaN}', id="NaN"),
            pytest.param(VALID[:-1] + b', "reason": "\xe9"}', id="Latin-1"),
            pytest.param(VALID[:-1] + b', "reason": "a\nb"}', id="a line end in a string"),
            pytest.param(VALID[:-1] + b', "reason": "\\ud800"}', id="a lone surrogate"),
            pytest.param(
                VALID[:-1] + b', "reason": %s}' % (b"9" * 5000), id="a number without end"
            ),
        ],
    )
    def test_answers_wherever_it_can_be_told_whom(self, value: bytes) -> None:
        found = problem(a_raw(value=value))

        assert (found.code, found.id, found.username) == (Code.INVALID_COMMAND, "c-1", "alice")

    @pytest.mark.parametrize(
        "value", [b"{}" + VALID, VALID + b"{}", b"[" * 5000, b"\xef\xbb\xbf", VALID[:-1]]
    )
    def test_that_says_two_things_or_half_of_one_answers_nobody(self, value: bytes) -> None:
        assert problem(a_raw(value=value)).username is None

    @pytest.mark.parametrize("amount", ["10.50", "wrong"])
    def test_gets_no_answer_under_another_users_key(self, amount: str) -> None:
        found = problem(a_raw({**DEPOSIT_BODY, "amount": amount}, key=b"mallory"))

        assert found.reason.startswith("the record's key is not its username")
        assert (found.username, found.id) == (None, None)

    def test_tells_so_many_problems_and_no_more(self) -> None:
        body = {**DEPOSIT_BODY, **{f"field-{number}": 1 for number in range(50)}}

        assert len(problem(a_raw(body)).problems) == PROBLEMS_MAX


class TestSecrets:
    @pytest.mark.parametrize(
        ("body", "topic"),
        [
            ({**REGISTER_BODY, "sealed_password": CANARY}, topics.REGISTER),
            ({**REGISTER_BODY, "sealed_password": f"a.b.{CANARY}"}, topics.REGISTER),
            ({**REGISTER_BODY, "password": CANARY}, topics.REGISTER),
            ({**DEPOSIT_BODY, "newPassword": CANARY}, topics.DEPOSIT),
            ({**REGISTER_BODY, "sealed_claim": CANARY}, topics.REGISTER),
            ({**OPEN_BODY, "sealed_claim": CANARY}, topics.OPEN),
            ({**OPEN_BODY, "claim": CANARY}, topics.OPEN),
        ],
    )
    def test_a_readable_password_or_claim_is_told_and_never_repeated(
        self, body: dict[str, Any], topic: TopicSpec
    ) -> None:
        found = problem(a_raw(body, topic))

        assert found.code is Code.UNSEALED_PASSWORD
        assert CANARY not in found.reason + repr(found.problems)

    def test_a_claim_is_anything_where_none_is_sent(self) -> None:
        assert problem(a_raw({**DEPOSIT_BODY, "claim": "4711"})).code is Code.INVALID_COMMAND

    def test_a_claim_of_who_cannot_register_says_why(self) -> None:
        body = {**OPEN_BODY, "username": "auth0|5f7c", "sealed_claim": SEALED}

        found = problem(a_raw(body, topics.OPEN, key=b"auth0|5f7c"))

        assert found.reason == "sealed_claim: not_a_sign_in_name"
        assert (found.code, found.username) == (Code.INVALID_COMMAND, "auth0|5f7c")

    @pytest.mark.parametrize(
        "body",
        [
            {**DEPOSIT_BODY, CANARY: 1},
            {**DEPOSIT_BODY, "amount": CANARY},
            {**DEPOSIT_BODY, "metadata": {CANARY: 1}},
            {**DEPOSIT_BODY, "metadata": CANARY},
            {**DEPOSIT_BODY, "reason": CANARY * 20},
            {**DEPOSIT_BODY, "expires_at": CANARY},
        ],
    )
    def test_what_was_sent_is_never_repeated(self, body: dict[str, Any]) -> None:
        found = problem(a_raw(body))

        assert CANARY not in found.reason + repr(found.problems)

    def test_a_field_nobody_knows_is_not_named(self) -> None:
        found = problem(a_raw({**DEPOSIT_BODY, "surprise": 1}))

        assert found.reason == "unknown field: unknown_field"


text = st.text("aZ0é$.\n\x00", max_size=6)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)


@given(
    changed=st.dictionaries(st.sampled_from([*DEPOSIT_BODY, "metadata", "$where"]), anything),
    key=st.none() | st.binary(max_size=8) | st.just(b"alice"),
)
def test_nothing_that_is_json_raises(changed: dict[str, Any], key: bytes | None) -> None:
    # Not by orjson: this one writes NaN and integers of any size.
    value = json.dumps({**DEPOSIT_BODY, **changed}).encode()

    assert parsed(a_raw(value=value, key=key))


@given(st.binary(min_size=1, max_size=64))
def test_no_bytes_raise(value: bytes) -> None:
    assert isinstance(parsed(a_raw(value=value)), Unreadable)

"""P9, P10: a record is a request, or says what is wrong with it and nothing of what it holds."""

import json
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import topics
from contracts.codes import Code
from contracts.problems import Problem, field_error
from contracts.queries import ListTransactions
from contracts.requests import REQUESTS, request_name
from contracts.topics import TopicSpec
from handlers.model.input_records import RequestRecord
from handlers.model.outcome import Source, Trace
from tests.received import PREFIX, SEALED
from tests.unit.raw import a_raw
from tests.unit.sealed import CANARY
from workers.batches.parsing import RequestParser
from workers.batches.unreadable import Unreadable
from workers.consuming.records import Raw

KEY = {"kty": "OKP", "crv": "X25519", "x": "A" * 43}
WHO: Mapping[str, Any] = {"request_id": "r-1", "username": "alice"}
BODIES: Mapping[TopicSpec, Mapping[str, Any]] = {
    topics.LOGIN: {**WHO, "sealed_password": SEALED, "reply_key": KEY, "source": "1.2.3.4"},
    topics.REFRESH: {**WHO, "sealed_refresh_token": SEALED, "reply_key": KEY, "source": "here"},
    topics.LOGOUT: {**WHO, "sealed_access_token": SEALED, "everywhere": True, "source": "here"},
    topics.CHANGE_PASSWORD: {
        **WHO,
        "sealed_access_token": SEALED,
        "sealed_passwords": SEALED,
        "source": "here",
    },
    topics.GET_PROFILE: WHO,
    topics.GET_BALANCE: {**WHO, "currency": "USD"},
    topics.GET_OUTCOME: {**WHO, "command_id": "c-1"},
    topics.LIST_TRANSACTIONS: {
        **WHO,
        "currency": "USD",
        "kind": "deposited",
        "from": "2030-01-01T00:00:00Z",
        "to": "2030-02-01T00:00:00Z",
        "limit": 7,
        "cursor": "abc",
        "order": "oldest",
    },
}
FIELDS = [(topic, name) for topic, body in BODIES.items() for name in body]
OPERATORS: tuple[Any, ...] = (
    {"$ne": None},
    {"$gt": ""},
    {"$where": "sleep(1000)"},
    {"$regex": ".*"},
    [{"$in": ["alice"]}],
)
PARSER = RequestParser(REQUESTS, PREFIX)


def asked(record: Raw) -> RequestRecord:
    found = PARSER.parse(record)
    assert isinstance(found, RequestRecord), found
    return found


def problem(record: Raw) -> Unreadable:
    found = PARSER.parse(record)
    assert isinstance(found, Unreadable), found
    return found


def a_question(**changed: Any) -> Raw:
    return a_raw({**BODIES[topics.GET_BALANCE], **changed}, topics.GET_BALANCE)


class TestRequest:
    @pytest.mark.parametrize("topic", REQUESTS, ids=lambda topic: topic.name)
    def test_is_read_from_every_request_topic(self, topic: TopicSpec) -> None:
        found = asked(a_raw(BODIES[topic], topic))

        assert isinstance(found.request, REQUESTS[topic])
        assert found.type == request_name(topic)
        assert found.source == Source(topic=PREFIX + topic.name, partition=3, offset=7)
        assert (found.id, found.timestamp_ms) == ("alice:r-1", 1_893_456_000_123)

    def test_needs_neither_header_nor_key(self) -> None:
        found = asked(a_raw(WHO, topics.GET_PROFILE, key=None, headers=()))

        assert found.trace == Trace(correlation_id="r-1")
        assert (found.reply_to, found.actor) == (None, None)

    def test_takes_what_its_headers_say(self) -> None:
        headers = [
            ("reply_to", b"accounts.replies.gateway"),
            ("correlation_id", b"web 7"),
            ("actor", b"clerk"),
            ("anything", b"\xff\x00"),
            ("traceparent", None),
        ]

        found = asked(a_raw(WHO, topics.GET_PROFILE, headers=headers))

        assert (found.reply_to, found.actor) == ("accounts.replies.gateway", "clerk")
        assert found.trace == Trace(correlation_id="web 7")

    def test_headers_of_bytes_are_as_good_as_absent(self) -> None:
        names = ("reply_to", "correlation_id", "actor", "traceparent", "tracestate")

        found = asked(
            a_raw(WHO, topics.GET_PROFILE, headers=[(each, b"\xff\xfe\x00") for each in names])
        )

        assert (found.reply_to, found.actor) == (None, None)
        assert found.trace == Trace(correlation_id="r-1")

    def test_filters_keep_their_names_on_the_wire(self) -> None:
        found = asked(a_raw(BODIES[topics.LIST_TRANSACTIONS], topics.LIST_TRANSACTIONS))

        assert isinstance(found.request, ListTransactions)
        assert found.request.from_ is not None


class TestUnreadable:
    @pytest.mark.parametrize("topic", REQUESTS, ids=lambda topic: topic.name)
    @pytest.mark.parametrize(
        "value",
        [None, b"{", b"null", b"[]", b'"a"', b"7", b"\xff\xfe", b"[" * 5000, b'{"a":1e999}', b" "],
        ids=lambda value: repr(value)[:20],
    )
    def test_is_whatever_is_no_json_object(self, topic: TopicSpec, value: bytes | None) -> None:
        found = problem(a_raw(topic=topic, value=value))

        assert (found.code, found.username) == (Code.INVALID_REQUEST, None)
        assert found.reason

    @pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "0.5", "2" * 400])
    def test_is_a_limit_that_is_no_small_integer(self, value: str) -> None:
        body = b'{"request_id": "r-1", "username": "alice", "limit": %s}' % value.encode()

        found = problem(a_raw(topic=topics.LIST_TRANSACTIONS, value=body))

        assert found.code is Code.INVALID_REQUEST

    def test_is_a_deep_field(self) -> None:
        body = b'{"request_id": "r-1", "username": "alice", "currency": %s}' % (b'{"a":' * 2000)

        assert problem(a_raw(topic=topics.GET_BALANCE, value=body)).code is Code.INVALID_REQUEST

    @pytest.mark.parametrize(
        ("topic", "name"), FIELDS, ids=[f"{topic.name}-{name}" for topic, name in FIELDS]
    )
    @pytest.mark.parametrize("operator", OPERATORS, ids=repr)
    def test_is_every_field_that_holds_an_operator(
        self, topic: TopicSpec, name: str, operator: object
    ) -> None:
        """No payload ever becomes a query operator: a field is a string, or refused."""
        found = problem(a_raw({**BODIES[topic], name: operator}, topic))

        assert found.code is Code.INVALID_REQUEST
        assert {each["field"] for each in found.problems} == {name}
        addressed = name not in {"request_id", "username"}
        assert (found.id, found.username) == (("r-1", "alice") if addressed else (None, None))

    @pytest.mark.parametrize("name", ["$where", "$ne", "a.b", "", "constructor", "_id"])
    def test_is_one_with_a_field_nobody_knows(self, name: str) -> None:
        found = problem(a_question(**{name: 1}))

        assert found.reason == "unknown field: unknown_field"

    @pytest.mark.parametrize("topic", REQUESTS, ids=lambda topic: topic.name)
    def test_is_one_that_says_a_name_twice(self, topic: TopicSpec) -> None:
        value = orjson.dumps(BODIES[topic])

        found = problem(a_raw(topic=topic, value=value[:-1] + b', "username": "alice"}'))

        assert (found.code, found.id, found.username) == (Code.INVALID_REQUEST, "r-1", "alice")
        assert found.problems == (field_error("record", Problem.NAME_REPEATED),)

    def test_is_one_whose_reply_key_says_a_name_twice(self) -> None:
        value = orjson.dumps(BODIES[topics.LOGIN]).replace(b'"kty":', b'"x":"y","kty":')

        assert problem(a_raw(topic=topics.LOGIN, value=value)).reason == "record: name_repeated"

    def test_answers_its_sender(self) -> None:
        headers = [("reply_to", b"accounts.replies.a"), ("correlation_id", b"x")]

        found = problem(a_raw({**WHO, "currency": 5}, topics.GET_BALANCE, headers=headers))

        assert (found.id, found.username) == ("r-1", "alice")
        assert (found.reply_to, found.trace) == ("accounts.replies.a", Trace(correlation_id="x"))

    @pytest.mark.parametrize("currency", ["USD", "wrong"])
    def test_gets_no_answer_under_another_users_key(self, currency: str) -> None:
        body = {**WHO, "currency": currency}

        found = problem(a_raw(body, topics.GET_BALANCE, key=b"mallory"))

        assert found.reason == "the record's key is not its username; key requests by username"
        assert (found.id, found.username) == (None, None)


class TestSecrets:
    @pytest.mark.parametrize(
        ("topic", "name"),
        [
            (topics.LOGIN, "sealed_password"),
            (topics.CHANGE_PASSWORD, "sealed_passwords"),
            (topics.CHANGE_PASSWORD, "sealed_password"),
            (topics.CHANGE_PASSWORD, "sealed_new_password"),
            (topics.LOGIN, "password"),
            (topics.LOGIN, "Password"),
            (topics.CHANGE_PASSWORD, "newPassword"),
            (topics.GET_BALANCE, "password"),
        ],
    )
    def test_a_readable_password_is_told_and_never_repeated(
        self, topic: TopicSpec, name: str
    ) -> None:
        found = problem(a_raw({**BODIES[topic], name: CANARY}, topic))

        assert found.code is Code.UNSEALED_PASSWORD
        assert CANARY not in found.reason + repr(found.problems)

    @pytest.mark.parametrize(
        "names", [["sealed_password", "sealed_new_password"], ["sealed_password"]]
    )
    def test_passwords_sealed_apart_are_refused_by_name(self, names: list[str]) -> None:
        """Whoever copied such a request could put a new password of his own into it."""
        body = {**WHO, "sealed_access_token": SEALED, **dict.fromkeys(names, SEALED)}

        found = problem(a_raw(body, topics.CHANGE_PASSWORD))

        assert (found.code, found.reason) == (Code.INVALID_REQUEST, "record: sealed_apart")
        assert found.id == WHO["request_id"], "its sender is told"

    @pytest.mark.parametrize(
        ("topic", "name"),
        [each for each in FIELDS if "password" not in each[1] and each[1] != "source"],
        ids=lambda each: getattr(each, "name", each),
    )
    def test_what_was_sent_is_never_repeated(self, topic: TopicSpec, name: str) -> None:
        found = problem(a_raw({**BODIES[topic], name: CANARY * 20}, topic))

        assert found.code is Code.INVALID_REQUEST
        assert CANARY not in found.reason + repr(found.problems)

    def test_what_a_reply_key_holds_is_never_repeated(self) -> None:
        body = {**BODIES[topics.LOGIN], "reply_key": {**KEY, "x": CANARY, CANARY: CANARY}}

        found = problem(a_raw(body, topics.LOGIN))

        assert found.problems == [field_error("reply_key", Problem.MALFORMED)]


text = st.text("aZ0é$.\n\x00", max_size=6)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)


@given(
    topic=st.sampled_from(list(REQUESTS)),
    changed=st.dictionaries(
        st.sampled_from([*dict.fromkeys(name for _, name in FIELDS), "$where"]), anything
    ),
    key=st.none() | st.binary(max_size=8) | st.just(b"alice"),
)
def test_nothing_that_is_json_raises(
    topic: TopicSpec, changed: dict[str, Any], key: bytes | None
) -> None:
    # Not by orjson: this one writes NaN and integers of any size.
    value = json.dumps({**BODIES[topic], **changed}).encode()

    assert PARSER.parse(a_raw(topic=topic, value=value, key=key))


@given(topic=st.sampled_from(list(REQUESTS)), value=st.binary(min_size=1, max_size=64))
def test_no_bytes_raise(topic: TopicSpec, value: bytes) -> None:
    assert isinstance(PARSER.parse(a_raw(topic=topic, value=value)), Unreadable)

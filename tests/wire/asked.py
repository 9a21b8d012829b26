"""What is asked, and everything that is said because of it: replies, audit events, revocations."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, get_args

import orjson
from msgspec.structs import replace

from contracts import topics
from contracts.codes import Code
from contracts.queries import GetBalance, GetOutcome, GetProfile, ListTransactions
from contracts.refusals import REFUSALS
from contracts.requests import IDENTITY_REQUESTS, REQUESTS, request_name
from contracts.topics import TopicSpec
from handlers.history import pages as history
from handlers.history import querying
from handlers.history.pages import PageBuilder
from handlers.model.account import Account, Balance, Profile
from handlers.model.input_records import RequestRecord
from handlers.model.outcome import Outcome, Source, Trace
from handlers.model.refused import Refused
from handlers.model.session import EndReason, Session
from handlers.wire.rendering import OF_REQUESTS, Record, error_body
from handlers.wire.replying import audit, reply, reply_body, revocation
from tests.builders import NOON, an_account, an_entry, an_outcome
from tests.wire.message import SEALED, TRACE, Example

SESSION_ID = "4f1c0e6ab7d24f0c9d2b6a1e8c35d790"
REPLY_KEY = {"kty": "OKP", "crv": "X25519", "x": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}
SOURCE = "198.51.100.7"
ASKED: dict[TopicSpec, dict[str, Any]] = {
    topics.LOGIN: {"sealed_password": SEALED, "reply_key": REPLY_KEY, "source": SOURCE},
    topics.REFRESH: {"sealed_refresh_token": SEALED, "reply_key": REPLY_KEY, "source": SOURCE},
    topics.LOGOUT: {"sealed_access_token": SEALED, "everywhere": True},
    topics.CHANGE_PASSWORD: {
        "sealed_access_token": SEALED,
        "sealed_passwords": SEALED,
        "source": SOURCE,
    },
    topics.GET_PROFILE: {},
    topics.GET_BALANCE: {"currency": "USD"},
    topics.GET_OUTCOME: {"command_id": "c-2"},
    topics.LIST_TRANSACTIONS: {
        "currency": "USD",
        "kind": "deposited",
        "from": "2029-12-01T00:00:00.000Z",
        "to": "2030-02-01T00:00:00.000Z",
        "limit": 1,
        "order": "oldest",
    },
}
"""With everything optional, of what there was first."""
assert ASKED.keys() == REQUESTS.keys()

LEAST: dict[TopicSpec, dict[str, Any]] = {
    topics.LOGIN: {"sealed_password": SEALED, "reply_key": REPLY_KEY},
    topics.REFRESH: {"sealed_refresh_token": SEALED, "reply_key": REPLY_KEY},
    topics.LOGOUT: {"sealed_access_token": SEALED},
    topics.GET_BALANCE: {},
    topics.LIST_TRANSACTIONS: {},
}
UNREAD = {Code.INVALID_REQUEST, Code.UNSEALED_PASSWORD}
"""Of records that are no request."""
NOT_AUDITED = UNREAD | {Code.INTERNAL_ERROR, Code.ACCOUNT_UNREADABLE, Code.EXPIRED}
"""Of these nothing was tried."""
FOUND_OUT = {
    "lock-out": (topics.LOGIN, Code.TOO_MANY_ATTEMPTS),
    "token-reuse": (topics.REFRESH, Code.TOKEN_REUSED),
}
"""What a request brought to light, audited beside it."""

ALICE: Account = an_account(
    account_id="8e1a52f3-0a1c-5b6e-9c4d-7f2b3a4c5d6e",
    profile=Profile(
        email="alice@example.com",
        first_name="Alice",
        last_name="Example",
        phone="+14155550123",
        date_of_birth=date(1990, 2, 28),
        marketing_consent=True,
    ),
    balances={
        "USD": Balance(posted_minor=1050, held_minor=50, scale=2),
        "JPY": Balance(posted_minor=7, scale=0),
    },
    sequence=3,
)
DEPOSITED: Outcome = an_outcome(
    command_id="c-2",
    type="deposit",
    entry=an_entry(2),
    metadata=(("order", "A-1001"),),
    reason="sale",
    related_id="A-1001",
)


def examples() -> Iterator[Example]:
    """Yield everything that is asked, and everything that can be said because of it."""
    for topic in REQUESTS:
        yield Example("request", topic, b"alice", _sent(topic, ASKED))
        if topic in LEAST:
            yield Example("least", topic, b"alice", _sent(topic, LEAST))
    again = {**_body(topics.LOGIN, ASKED), "sealed_device_token": SEALED}
    on_a_device = Record(orjson.dumps(again), [])
    yield Example("request-on-a-known-device", topics.LOGIN, b"alice", on_a_device)
    for name, topic, answer in answers():
        yield Example(f"reply-{name}", topics.RESULTS, b"alice", _reply(topic, answer, TRACE))
    yield from refused()
    yield from audited()
    for reason in get_args(EndReason):
        yield Example(reason, topics.REVOCATIONS, SESSION_ID.encode(), _revoked(reason))


def _body(topic: TopicSpec, fields: Mapping[TopicSpec, Mapping[str, Any]]) -> dict[str, Any]:
    return {"request_id": f"q-{request_name(topic)}", "username": "alice", **fields[topic]}


def _sent(topic: TopicSpec, fields: Mapping[TopicSpec, Mapping[str, Any]]) -> Record:
    return Record(orjson.dumps(_body(topic, fields)), [])


def asked(topic: TopicSpec, trace: Trace = TRACE) -> RequestRecord:
    """Return the request with everything optional, as it was read."""
    return RequestRecord(
        request=REQUESTS[topic].model_validate_json(orjson.dumps(_body(topic, ASKED))),
        type=request_name(topic),
        source=Source(topic=f"accounts.{topic.name}", partition=3, offset=2**40),
        timestamp_ms=1_893_456_000_123,
        trace=trace,
        actor="gateway",
    )


def _reply(topic: TopicSpec, answer: Mapping[str, Any] | Refused, trace: Trace) -> Record:
    question = asked(topic, trace)
    return reply(question, reply_body(question, answer, NOON), NOON)


def answers() -> Iterator[tuple[str, TopicSpec, Mapping[str, Any] | Refused]]:
    """Yield every accepted answer."""
    yield "login", topics.LOGIN, {"session_id": SESSION_ID, "sealed_tokens": SEALED}
    yield "refresh", topics.REFRESH, {"sealed_tokens": SEALED}
    yield "logout", topics.LOGOUT, {"sessions_ended": 0}
    yield "change-password", topics.CHANGE_PASSWORD, {"sessions_ended": 2}
    yield from profiles()
    yield from balances()
    yield from outcomes()
    yield from pages()


def profiles() -> Iterator[tuple[str, TopicSpec, Mapping[str, Any] | Refused]]:
    question = GetProfile(request_id="q", username="alice")
    active = querying.profile(question, ALICE, has_credential=True)
    yield "get-profile", topics.GET_PROFILE, active
    pending = querying.profile(question, an_account(), has_credential=False)
    yield "get-profile-pending", topics.GET_PROFILE, pending


def balances() -> Iterator[tuple[str, TopicSpec, Mapping[str, Any] | Refused]]:
    for name, currency in (("", None), ("-usd", "USD"), ("-never-used", "EUR")):
        question = GetBalance(request_id="q", username="alice", currency=currency)
        yield f"get-balance{name}", topics.GET_BALANCE, querying.balances(question, ALICE)


def outcomes() -> Iterator[tuple[str, TopicSpec, Mapping[str, Any] | Refused]]:
    question = GetOutcome(request_id="q", username="alice", command_id="c-2")
    registered = an_outcome(command_id="c-2")
    refused = replace(
        DEPOSITED, entry=None, type="withdraw", code=Code.INSUFFICIENT_FUNDS, detail="the detail"
    )
    known = {"": DEPOSITED, "-pending": registered, "-refused": refused}
    for name, recorded in known.items():
        answer = querying.outcome(question, recorded, has_credential=False)
        yield f"get-outcome{name}", topics.GET_OUTCOME, answer


def pages() -> Iterator[tuple[str, TopicSpec, Mapping[str, Any] | Refused]]:
    entries = [DEPOSITED, an_outcome(command_id="c-1", sequence=1)]
    for name, limit in (("", 2), ("-and-more", 1)):
        question = ListTransactions(request_id="q", username="alice", limit=limit)
        walk = history.walk(question)
        assert isinstance(walk, PageBuilder)
        while stretch := walk.next_read:
            walk.take(stretch, entries[: stretch.limit])
        yield f"list-transactions{name}", topics.LIST_TRANSACTIONS, {"page": walk.page}


def refused() -> Iterator[Example]:
    """Yield each code that a request can have, once."""
    wait = Refused(code=Code.TOO_MANY_ATTEMPTS, detail="the detail", retry_after_s=900)
    plain = Trace(correlation_id="q-login")
    waiting = _reply(topics.LOGIN, wait, plain)
    yield Example("reply-refused-too_many_attempts-for-a-while", topics.RESULTS, b"alice", waiting)
    for code in Code:
        topic = next((topic for topic, codes in REFUSALS.items() if code in codes), None)
        if topic is not None:
            record = _unread(code) if code in UNREAD else _refused(topic, code)
            yield Example(f"reply-refused-{code}", topics.RESULTS, b"alice", record)


def _refused(topic: TopicSpec, code: Code) -> Record:
    answer = Refused(code=code, detail=f"the detail of {code}")
    return _reply(topic, answer, Trace(correlation_id=f"q-{request_name(topic)}"))


def _unread(code: Code) -> Record:
    problem = {"field": "limit", "problem": "less_than_equal"}
    return OF_REQUESTS.refusal(
        username="alice",
        identifier="q-1",
        name="list-transactions",
        error=error_body(code, "limit: less_than_equal", [problem]),
        at=NOON,
        trace=TRACE,
    )


def audited() -> Iterator[Example]:
    """Yield what is kept of sign-ins, with each code that they can have."""
    for topic in IDENTITY_REQUESTS:
        question = asked(topic)
        name = question.type
        accepted = audit(question, action=name, at=NOON, session_id=SESSION_ID)
        yield Example(name, topics.AUDIT_EVENTS, b"alice", accepted)
        for code in REFUSALS[topic]:
            if code not in NOT_AUDITED:
                tried = code is not Code.SEAL_INVALID
                record = audit(question, action=name, at=NOON, code=code, remembered=tried)
                yield Example(f"{name}-refused-{code}", topics.AUDIT_EVENTS, b"alice", record)
    for action, (topic, code) in FOUND_OUT.items():
        record = audit(asked(topic), action=action, at=NOON, code=code, session_id=SESSION_ID)
        yield Example(action, topics.AUDIT_EVENTS, b"alice", record)


def _revoked(reason: EndReason) -> Record:
    session = Session(
        session_id=SESSION_ID,
        username="alice",
        epoch=1,
        refresh_hash=bytes(range(32)),
        opened_at=NOON - timedelta(hours=1),
        expires_at=NOON + timedelta(days=30),
        ended_at=NOON,
        ended_reason=reason,
    )
    expires_at = NOON + timedelta(seconds=305)
    return revocation(session, expires_at=expires_at, trace=TRACE, cause="q-logout")

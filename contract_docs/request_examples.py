"""The story goes on: what is asked, and what this service's own code renders as its replies."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
import orjson

from contract_docs.examples import (
    ALICE,
    DEPOSIT,
    DEPOSITED,
    NOON,
    SEALED,
    WITHDRAWN,
    Json,
    example,
)
from contracts import topics
from contracts.codes import Code
from contracts.message import rfc3339
from contracts.problems import Problem, field_error, in_short
from contracts.queries import GetBalance, GetOutcome, GetProfile, ListTransactions
from contracts.requests import REQUESTS, request_name
from contracts.topics import TopicSpec
from handlers.history import pages as history
from handlers.history import querying
from handlers.model.input_records import RequestRecord
from handlers.model.outcome import Source, Trace
from handlers.model.refused import Refused
from handlers.model.session import Session
from handlers.wire import replying
from handlers.wire.rendering import OF_REQUESTS, Record, Rendering, error_body

SESSION_ID = "4f1c0e6ab7d24f0c9d2b6a1e8c35d790"
SOURCE = "198.51.100.7"
REPLY_KEY: Json = {
    "kty": "OKP",
    "crv": "X25519",
    "x": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
}


def _asks(place: int, **fields: Any) -> Json:
    return {"request_id": f"01JZX5Y7M2C9R{place}", "username": "alice", **fields}


SOME: Json = {
    **_asks(11, currency="USD", kind="deposited", limit=100, order="oldest"),
    "from": rfc3339(NOON - timedelta(days=31)),
    "to": rfc3339(NOON),
}
CURSOR = history.cursor_of(ListTransactions.model_validate_json(orjson.dumps(SOME)), sequence=100)
REQUESTS_SENT: dict[TopicSpec, list[tuple[str, Json]]] = {
    topics.LOGIN: [
        (
            "Sign in, from where the user is",
            _asks(1, sealed_password=SEALED, reply_key=REPLY_KEY, source=SOURCE),
        ),
        (
            "Again, on the same device",
            _asks(
                12,
                sealed_password=SEALED,
                sealed_device_token=SEALED,
                reply_key=REPLY_KEY,
                source=SOURCE,
            ),
        ),
    ],
    topics.REFRESH: [
        (
            "Exchange the refresh token",
            _asks(2, sealed_refresh_token=SEALED, reply_key=REPLY_KEY),
        )
    ],
    topics.LOGOUT: [
        ("End this session", _asks(3, sealed_access_token=SEALED)),
        ("End all sessions", _asks(4, sealed_access_token=SEALED, everywhere=True)),
    ],
    topics.CHANGE_PASSWORD: [
        (
            "Change it",
            _asks(5, sealed_access_token=SEALED, sealed_passwords=SEALED),
        )
    ],
    topics.GET_PROFILE: [("All that is needed", _asks(6))],
    topics.GET_BALANCE: [
        ("In all currencies", _asks(7)),
        ("In one currency", _asks(8, currency="USD")),
    ],
    topics.GET_OUTCOME: [
        ("After a timeout", _asks(9, command_id=DEPOSIT["command_id"])),
    ],
    topics.LIST_TRANSACTIONS: [
        ("The newest", _asks(10)),
        ("A further page of some", {**SOME, "cursor": CURSOR}),
    ],
}
assert REQUESTS_SENT.keys() == REQUESTS.keys()


def asked(topic: TopicSpec, sent: Mapping[str, Any]) -> RequestRecord:
    """Return *sent* as the service reads it."""
    return RequestRecord(
        request=REQUESTS[topic].model_validate_json(orjson.dumps(sent)),
        type=request_name(topic),
        source=Source(topic=topic.name, partition=0, offset=0),
        timestamp_ms=int(NOON.timestamp() * 1000),
        trace=Trace(correlation_id="order-A-1001"),
        actor="gateway",
    )


def _asked(topic: TopicSpec) -> RequestRecord:
    return asked(topic, REQUESTS_SENT[topic][0][1])


def _reply(topic: TopicSpec, answer: Mapping[str, Any] | Refused) -> Record:
    question = _asked(topic)
    return replying.reply(question, replying.reply_body(question, answer, NOON), NOON)


def _accepted() -> dict[TopicSpec, tuple[str, Mapping[str, Any] | Refused]]:
    profile, balance = GetProfile(**_asks(6)), GetBalance(**_asks(7))
    outcome = GetOutcome(**_asks(9, command_id=DEPOSIT["command_id"]))
    return {
        topics.LOGIN: ("Signed in", {"session_id": SESSION_ID, "sealed_tokens": SEALED}),
        topics.REFRESH: ("New tokens", {"sealed_tokens": SEALED}),
        topics.LOGOUT: ("Signed out", {"sessions_ended": 1}),
        topics.CHANGE_PASSWORD: ("Every other session was ended", {"sessions_ended": 2}),
        topics.GET_PROFILE: ("A profile", querying.profile(profile, ALICE, has_credential=True)),
        topics.GET_BALANCE: ("Balances", querying.balances(balance, ALICE)),
        topics.GET_OUTCOME: (
            "A command was decided",
            querying.outcome(outcome, DEPOSITED, has_credential=True),
        ),
        topics.LIST_TRANSACTIONS: ("A page, and there is more", {"page": _page()}),
    }


def _page() -> Json:
    question = ListTransactions(**_asks(10))
    return {
        "username": "alice",
        "transactions": [msgspec.Raw(Rendering(WITHDRAWN).entry or b"")],
        "next_cursor": history.cursor_of(question, sequence=2),
    }


REFUSED: tuple[tuple[TopicSpec, str, Refused], ...] = (
    (
        topics.LOGIN,
        "Not signed in: the user does not exist, or the password is another",
        Refused(code=Code.INVALID_CREDENTIALS, detail="username or password is wrong"),
    ),
    (
        topics.LOGIN,
        "Signing in has to wait",
        Refused(code=Code.TOO_MANY_ATTEMPTS, detail="try again later", retry_after_s=16),
    ),
    (
        topics.REFRESH,
        "Somebody has a copy of the token",
        Refused(code=Code.TOKEN_REUSED, detail="the session was ended"),
    ),
)


def _not_a_request() -> Record:
    problem = field_error("limit", Problem.TOO_LARGE)
    request_id = REQUESTS_SENT[topics.LIST_TRANSACTIONS][0][1]["request_id"]
    return OF_REQUESTS.refusal(
        username="alice",
        identifier=request_id,
        name=request_name(topics.LIST_TRANSACTIONS),
        error=error_body(Code.INVALID_REQUEST, in_short([problem]), [problem]),
        at=NOON,
        trace=Trace(correlation_id=request_id),
    )


def replies() -> list[Json]:
    """Return one accepted reply of each type, and some refusals."""
    accepted = [
        example(summary, _reply(topic, answer)) for topic, (summary, answer) in _accepted().items()
    ]
    refused = [example(summary, _reply(topic, refusal)) for topic, summary, refusal in REFUSED]
    return [*accepted, *refused, example("Not a request", _not_a_request())]


def audit_events() -> list[Json]:
    """Return a sign-in, and a failed one."""
    login = _asked(topics.LOGIN)
    signed_in = replying.audit(login, action=login.type, at=NOON, session_id=SESSION_ID)
    failed = replying.audit(login, action=login.type, at=NOON, code=Code.INVALID_CREDENTIALS)
    return [example("Signed in", signed_in), example("Not signed in", failed)]


def revocations() -> list[Json]:
    """Return a session that was ended by a logout."""
    logout = _asked(topics.LOGOUT)
    session = Session(
        session_id=SESSION_ID,
        username="alice",
        epoch=1,
        refresh_hash=b"",
        opened_at=NOON - timedelta(hours=1),
        expires_at=NOON + timedelta(days=30),
        ended_at=NOON,
        ended_reason="logout",
    )
    ended = replying.revocation(
        session,
        expires_at=NOON + timedelta(seconds=305),
        trace=logout.trace,
        cause=logout.request.request_id,
    )
    return [example("Signed out", ended)]

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
    REGISTERED,
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
from contracts.refusals import REFUSALS
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


DETAILS = {
    Code.TOKEN_REUSED: "the session was ended",
    Code.INVALID_CREDENTIALS: "username or password is wrong",
    Code.TOO_MANY_ATTEMPTS: "try again later",
    Code.UNKNOWN_ACCOUNT: "no account is named alice",
}
"""What a refusal says for people, where that is more than what its code means."""


def _refused(code: Code, topic: TopicSpec) -> Record:
    """Return the reply to a request on *topic* that is refused with *code*."""
    detail = DETAILS.get(code, code.info.meaning)
    if code.info.dead_letter:
        return _not_understood(code, topic, detail)
    wait_s = 16 if code is Code.TOO_MANY_ATTEMPTS else None
    return _reply(topic, Refused(code=code, detail=detail, retry_after_s=wait_s))


def _not_understood(code: Code, topic: TopicSpec, detail: str) -> Record:
    problems = [field_error("limit", Problem.TOO_LARGE)] if code is Code.INVALID_REQUEST else []
    request_id = REQUESTS_SENT[topic][0][1]["request_id"]
    return OF_REQUESTS.refusal(
        username="alice",
        identifier=request_id,
        name=request_name(topic),
        error=error_body(code, in_short(problems) or detail, problems),
        at=NOON,
        trace=Trace(correlation_id=request_id),
    )


def _pending() -> tuple[str, TopicSpec, Json]:
    """Return what is asked about a registration that is accepted, and not hashed yet."""
    asked_about = GetOutcome(**_asks(9, command_id=REGISTERED.command_id))
    answer = querying.outcome(asked_about, REGISTERED, has_credential=False)
    assert not isinstance(answer, Refused), "it was decided"
    return "A registration whose password is being hashed", topics.GET_OUTCOME, dict(answer)


def replies() -> list[Json]:
    """Return an accepted reply of each type, and a refusal with each code."""
    accepted = [
        example(summary, _reply(topic, answer)) for topic, (summary, answer) in _accepted().items()
    ]
    summary, topic, answer = _pending()
    refused = [
        example(f"{code}: {code.info.title}", _refused(code, topic))
        for code in Code
        for topic in [each for each, codes in REFUSALS.items() if code in codes][-1:]
    ]
    return [*accepted, example(summary, _reply(topic, answer)), *refused]


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

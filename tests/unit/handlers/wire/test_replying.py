"""Answers that differ have different ids, so that nobody who drops repeats drops one of them."""

from datetime import timedelta
from typing import Any

from contracts.codes import Code
from contracts.headers import CE_ID
from contracts.queries import GetBalance, GetProfile
from contracts.requests import AnyRequest
from handlers.model.input_records import RequestRecord
from handlers.model.outcome import Source, Trace
from handlers.wire.rendering import OF_COMMANDS, OF_REQUESTS, Record, error_body
from handlers.wire.replying import reply, reply_body
from tests.builders import NOON

PROBLEMS = ["string_type", "missing"]


def id_of(record: Record) -> bytes:
    return dict(record.headers)[CE_ID]


def asked(kind: type[AnyRequest] = GetBalance, offset: int = 0) -> RequestRecord:
    return RequestRecord(
        request=kind.model_validate({"request_id": "same", "username": "alice"}),
        type="get-profile" if kind is GetProfile else "get-balance",
        source=Source(topic="t", partition=0, offset=offset),
        timestamp_ms=0,
        trace=Trace(correlation_id="same"),
    )


def a_reply(question: RequestRecord, answer: dict[str, Any], after_s: int = 0) -> Record:
    at = NOON + timedelta(seconds=after_s)
    return reply(question, reply_body(question, answer, at), at)


def test_replies_that_differ_have_ids_that_differ() -> None:
    replies = [
        a_reply(asked(), {"balances": {"sequence": 1}}),
        a_reply(asked(offset=1), {"balances": {"sequence": 2}}, after_s=1),
        a_reply(asked(GetProfile), {"profile": {}}),
    ]

    assert len({id_of(each) for each in replies}) == len(replies)


def test_a_reply_that_is_said_again_has_the_same_id() -> None:
    first, again = (a_reply(asked(offset=offset), {"sessions_ended": 1}) for offset in (0, 7))

    assert id_of(first) == id_of(again)
    assert id_of(first).startswith(b"alice:same:reply:")


def test_refusals_of_two_contents_under_one_id_have_ids_that_differ() -> None:
    common: dict[str, Any] = {
        "username": "alice",
        "identifier": "c",
        "at": NOON,
        "trace": Trace(correlation_id="c"),
    }
    errors = [error_body(Code.INVALID_COMMAND, f"amount: {problem}") for problem in PROBLEMS]
    of_commands = [OF_COMMANDS.refusal(name="deposit", error=each, **common) for each in errors]
    of_requests = [OF_REQUESTS.refusal(name="get-balance", error=each, **common) for each in errors]

    assert len({id_of(each) for each in [*of_commands, *of_requests]}) == 4

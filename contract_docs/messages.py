"""Every message: its headers, payload, key and examples."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from contract_docs import dead_letter_examples, examples, request_examples
from contract_docs.answers import REPLY_HOLDS, RESULT_HOLDS, STATUS, held
from contract_docs.request_examples import REQUESTS_SENT
from contract_docs.schemas import ORIGINAL_VALUE, SCHEMAS, Json
from contracts import headers as names
from contracts import topics
from contracts.commands import COMMANDS
from contracts.message import SIGN_IN_NAME_PATTERN, USERNAME_PATTERN
from contracts.refusals import COMMAND_REFUSALS, REFUSALS
from contracts.requests import IDENTITY_REQUESTS, REQUESTS
from contracts.topics import TopicSpec

BINDING = "0.5.0"
"""Version of the Kafka bindings that the document is written to."""

SENT: dict[TopicSpec, list[tuple[str, Json]]] = {
    topics.OPEN: [
        ("With an address", examples.OPEN),
        ("For who registers later, with the claim", examples.OPEN_WITH_CLAIM),
    ],
    topics.REGISTER: [
        ("Open an account", examples.REGISTER),
        ("Take over the account that was opened with this claim", examples.TAKE_OVER),
    ],
    topics.DEPOSIT: [("The least that is needed", examples.DEPOSIT)],
    topics.WITHDRAW: [("With everything optional", examples.WITHDRAW)],
    topics.UPDATE_PROFILE: [("Change a name, clear the phone", examples.UPDATE_PROFILE)],
    **REQUESTS_SENT,
}
INPUTS: dict[TopicSpec, type[BaseModel]] = {**COMMANDS, **REQUESTS}
SIGN_IN = {topics.REGISTER, *IDENTITY_REQUESTS}
"""Topics of those who sign in here alone."""


def key(spec: TopicSpec) -> Json:
    """Return the Kafka binding with the record key of *spec*."""
    schema: Json = {"type": "string", "description": f"The key is {spec.key}."}
    if spec.key == "username":
        schema["description"] = "The username."
    if spec in INPUTS:
        schema["pattern"] = SIGN_IN_NAME_PATTERN if spec in SIGN_IN else USERNAME_PATTERN
    return {"kafka": {"key": schema, "bindingVersion": BINDING}}


def name_of(spec: TopicSpec) -> str:
    """Return the name of what is sent to a command or request topic."""
    return INPUTS[spec].__name__


def sent(spec: TopicSpec, prefix: str) -> Json:
    """Return the message of a command or request topic."""
    name = name_of(spec)
    given = [
        {"summary": summary, "headers": examples.sent_headers(prefix), "payload": payload}
        for summary, payload in SENT[spec]
    ]
    refusals = COMMAND_REFUSALS if spec in COMMAND_REFUSALS else REFUSALS
    return {
        **_said(name, spec.purpose, INPUTS[spec].__doc__ or ""),
        "headers": {"$ref": SCHEMAS + "SentHeaders"},
        "payload": {"$ref": SCHEMAS + name},
        "correlationId": _correlation(),
        "bindings": key(spec),
        "examples": given,
        "x-refusals": [code.value for code in refusals[spec]],
    }


def published(prefix: str) -> dict[TopicSpec, dict[str, Json]]:
    """Return, by topic, the messages this service writes."""
    return {
        topics.RESULTS: {"Result": _result(), "Reply": _reply()},
        topics.BALANCE_EVENTS: {
            "BalanceChanged": _balance_changed(),
            "BalanceChangedV1": _balance_changed_v1(),
        },
        topics.AUDIT_EVENTS: {"AuditRecorded": _audit_recorded()},
        topics.BALANCES: {"Balances": _balances()},
        topics.REVOCATIONS: {"SessionRevoked": _session_revoked()},
        topics.DEAD_LETTERS: _dead_letters(prefix),
    }


def _balance_changed() -> Json:
    said = _event(
        topics.BALANCE_EVENTS,
        "BalanceChanged",
        "Appended per account as `sequence` 1, 2, 3 …; may be repeated, then with the same key and "
        "value. Drop what is not above the last `sequence` you have seen; a jump is a gap.",
        examples.balance_events(),
    )
    return said | {"payload": {"$ref": SCHEMAS + "Entry"}}


def _balance_changed_v1() -> Json:
    return _event(
        topics.BALANCE_EVENTS,
        "BalanceChangedV1",
        "What release 0.1 decided is said as it was then, also where it is said again. It counts in "
        "the same `sequence`. Read it as an entry of one posting against `house:external`.",
        examples.balance_events_v1(),
    )


def _audit_recorded() -> Json:
    return _event(
        topics.AUDIT_EVENTS,
        "AuditRecorded",
        "Refusals included; of sign-ins too, with failures, lock-outs and reused tokens, and of "
        "repairs by operators. What is repeated repeats its event, with the same `event_id`. Holds no profile data and no secret.",
        examples.audit_events() + request_examples.audit_events(),
    )


def _balances() -> Json:
    return _event(
        topics.BALANCES,
        "Balances",
        "For a subscriber that starts today: note the end of the balance events, read this topic, "
        "then follow the events from there. Ignore a lower `sequence`.",
        examples.states(),
        traced=False,
    )


def _session_revoked() -> Json:
    return _event(
        topics.REVOCATIONS,
        "SessionRevoked",
        "For whoever verifies access tokens: read this topic from its beginning, then follow it, "
        "and refuse a token whose `sid` stands here. After `expires_at` no token of the session is "
        "valid anyway, so it may be forgotten.",
        request_examples.revocations(),
    )


RESULT = (
    "Every command gets one. Sent again, a command gets the same answer, marked `duplicate`, and moves "
    f"nothing. {STATUS} {held(RESULT_HOLDS)}"
)
REPLY = (
    "Holds what its request asked for, or `error`. Name a `reply_to` of your own: what goes to the "
    f"results topic, profiles included, is read by everybody who may read that. {STATUS} {held(REPLY_HOLDS)}"
)


DEAD_LETTER = (
    "The original's key and value, byte for byte; a null value is empty. A key that may be a secret "
    "is left out."
)
WITHHELD = (
    "In place of the value: where the original is. Used for topics that carry secrets, for values "
    "that may hold one, and for values too large. Headers that may hold a secret are left out."
)


def _result() -> Json:
    return _answer("Result", "command", RESULT, examples.results())


def _reply() -> Json:
    return _answer("Reply", "request", REPLY, request_examples.replies())


def _answer(name: str, of: str, text: str, given: Sequence[Json]) -> Json:
    return {
        **_said(name, f"The answer to one {of}", text),
        "headers": {"$ref": f"{SCHEMAS}{name}Headers"},
        "payload": {"$ref": SCHEMAS + name},
        "correlationId": _correlation(),
        "bindings": key(topics.RESULTS),
        "examples": given,
    }


def _event(
    spec: TopicSpec,
    name: str,
    text: str,
    given: Sequence[Json],
    *,
    traced: bool = True,
) -> Json:
    return {
        **_said(name, spec.purpose, text),
        "headers": {"$ref": f"{SCHEMAS}{name}Headers"},
        "payload": {"$ref": SCHEMAS + name},
        **({"correlationId": _correlation()} if traced else {}),
        "bindings": key(spec),
        "examples": list(given),
    }


def _dead_letters(prefix: str) -> dict[str, Json]:
    shared: Json = {
        "headers": {"$ref": SCHEMAS + "DeadLetterHeaders"},
        "bindings": key(topics.DEAD_LETTERS),
    }
    kept = "A record that could not be understood", DEAD_LETTER
    withheld = "A record whose value is not shown", WITHHELD
    return {
        "DeadLetter": {
            **_said("DeadLetter", *kept),
            "contentType": "application/octet-stream",
            "payload": {"$ref": SCHEMAS + ORIGINAL_VALUE},
            **shared,
            "examples": dead_letter_examples.dead_letters(prefix),
        },
        "WithheldDeadLetter": {
            **_said("WithheldDeadLetter", *withheld),
            "payload": {"$ref": SCHEMAS + "WithheldValue"},
            **shared,
            "examples": dead_letter_examples.withheld_dead_letters(prefix),
        },
    }


def _said(name: str, title: str, text: str) -> dict[str, Any]:
    said = {"name": name, "title": title, "contentType": names.JSON}
    return said | ({"description": text} if text else {})


def _correlation() -> Json:
    return {
        "description": "The command's or request's id where the sender gave none.",
        "location": f"$message.header#/{names.CORRELATION_ID}",
    }

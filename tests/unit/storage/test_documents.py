"""How accounts and outcomes look in MongoDB; the port suite shows that they come back."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date
from typing import Any

import pytest
from bson import BSON

from contracts.codes import Code
from handlers.model.account import Account, Balance, Profile
from handlers.model.outcome import Outcome, Trace
from storage.mongo.documents.accounts import CODEC, from_account, from_outcome
from storage.mongo.documents.stored import to_account
from storage.mongo.documents.stored_outcomes import to_outcome
from tests.builders import an_account, an_outcome
from tests.macs import MACS

HOSTILE = "$where.x"
PROFILE = Profile(
    email="a@example.com",
    first_name=HOSTILE,
    last_name=HOSTILE,
    phone="+14155550123",
    date_of_birth=date(2000, 2, 29),
)
FULL = an_outcome(
    sequence=1,
    command_id=HOSTILE,
    trace=Trace(correlation_id=HOSTILE, traceparent=HOSTILE, tracestate=HOSTILE),
    actor=HOSTILE,
    reason=HOSTILE,
    related_id=HOSTILE,
    metadata=((HOSTILE, HOSTILE), ("_id", "x")),
)


def field_names(document: object) -> Iterator[str]:
    match document:
        case Mapping():
            for name, value in document.items():  # pyright: ignore[reportUnknownVariableType]
                yield str(name)  # pyright: ignore[reportUnknownArgumentType]
                yield from field_names(value)  # pyright: ignore[reportUnknownArgumentType]
        case list():
            for value in document:  # pyright: ignore[reportUnknownVariableType]
                yield from field_names(value)  # pyright: ignore[reportUnknownArgumentType]
        case _:
            return


def values(document: Mapping[str, Any] | Sequence[Any]) -> Iterator[object]:
    for value in document.values() if isinstance(document, Mapping) else document:
        if isinstance(value, dict | list):
            yield from values(value)  # pyright: ignore[reportUnknownArgumentType]
        else:
            yield value


@pytest.mark.parametrize(
    "document",
    [
        from_outcome(FULL),
        from_account(
            an_account(profile=PROFILE, balances={"USD": Balance(posted_minor=1, scale=2)}), MACS
        ),
    ],
    ids=["outcome", "account"],
)
def test_nothing_sent_becomes_a_field_name(document: dict[str, Any]) -> None:
    """P10."""
    names = set(field_names(document))

    assert "currency" in names
    assert not names & {HOSTILE, "USD"}
    assert all(name.replace("_", "").islower() for name in names)


@pytest.mark.parametrize(
    "document", [from_outcome(an_outcome(account_id=None)), from_account(an_account(), MACS)]
)
def test_what_is_optional_is_absent_rather_than_null(document: dict[str, Any]) -> None:
    assert None not in list(values(document))


@pytest.mark.parametrize(
    ("outcome", "has_place"),
    [
        (an_outcome(sequence=3), True),
        (an_outcome(), False),
        (an_outcome(code=Code.UNKNOWN_ACCOUNT, account_id=None), False),
    ],
)
def test_only_an_outcome_with_an_entry_takes_a_place_in_the_index(
    outcome: Outcome, *, has_place: bool
) -> None:
    assert ("sequence" in from_outcome(outcome)) is has_place


def test_an_outcome_is_found_by_user_and_command() -> None:
    assert from_outcome(an_outcome("alice", "a:b"))["_id"] == "alice:a:b"


@pytest.mark.parametrize("account", [an_account(), an_account(profile=PROFILE, posted_minor=1)])
def test_an_account_survives_the_wire(account: Account) -> None:
    read = to_account(BSON.encode(from_account(account, MACS)).decode(CODEC), MACS)

    assert read == account
    assert read.opened_at.tzinfo is UTC


@pytest.mark.parametrize("code", [None, *Code])
def test_an_outcome_survives_the_wire(code: Code | None) -> None:
    outcome = an_outcome(code=code)

    read = to_outcome(BSON.encode(from_outcome(outcome)).decode(CODEC))

    assert read == outcome
    assert read.code is code
    assert read.decided_at.tzinfo is UTC

"""A document of a later schema number is never read as one of today, and says that this is why."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from handlers.history.reference import Referring
from handlers.model.corrupt import CorruptDocument
from handlers.model.schema import FIRST, NEWEST, OLDEST
from storage.mongo.documents.accounts import from_account, from_outcome
from storage.mongo.documents.houses import row_or_corrupt
from storage.mongo.documents.identities import from_answered, from_credential, from_session
from storage.mongo.documents.leases import to_fencing_token
from storage.mongo.documents.stored import to_account
from storage.mongo.documents.stored_identities import (
    to_answered,
    to_count,
    to_credential,
    to_session,
)
from storage.mongo.documents.stored_outcomes import to_outcome
from storage.mongo.documents.stored_references import owner_or_corrupt, reference
from storage.ports.errors import CorruptDocumentError
from tests.builders import NOON, an_account, an_outcome
from tests.identity_builders import a_credential, a_session, an_answered
from tests.macs import MACS

CLAIM = {"_id": "a@example.com", "username": "alice"}
KINDS: Mapping[str, tuple[Mapping[str, Any], Callable[[Mapping[str, Any]], object]]] = {
    "accounts": (
        from_account(an_account(posted_minor=100), MACS),
        lambda one: to_account(one, MACS),
    ),
    "outcomes": (from_outcome(an_outcome(sequence=1)), to_outcome),
    "credentials": (from_credential(a_credential()), to_credential),
    "sessions": (from_session(a_session()), to_session),
    "requests": (from_answered(an_answered()), to_answered),
    "throttles": ({"_id": "user:alice", "failures": 1, "last_at": NOON}, to_count),
    "leases": ({"_id": "housekeeper", "fencing_token": 3}, to_fencing_token),
    "emails": (CLAIM, lambda one: owner_or_corrupt(Referring.EMAILS, one)),
    "registrations": (
        {"_id": "alice", "opened_at": NOON},
        lambda one: reference(Referring.REGISTRATIONS, one),
    ),
    "houses": ({"_id": "w:0:external:USD:2"}, row_or_corrupt),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def as_mongodb_has_it(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return *document* with the naive times that the driver gives back."""
    return {
        name: value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value
        for name, value in document.items()
    }


def why_corrupt(kind: str, document: Mapping[str, Any]) -> CorruptDocument | None:
    _, read = KINDS[kind]
    try:
        found = read(as_mongodb_has_it(document))
    except CorruptDocumentError as error:
        return error.document
    return found if isinstance(found, CorruptDocument) else None


@each_kind
@pytest.mark.parametrize("number", [NEWEST + 1, 2**40, OLDEST - 1, "2", 2.0, True, None])
def test_any_other_number_is_damage(kind: str, number: object) -> None:
    document, _ = KINDS[kind]

    found = why_corrupt(kind, {**document, "schema": number})

    assert found is not None
    assert found.is_newer
    assert found.field == "schema"


@each_kind
def test_of_a_later_shape_it_is_the_number_that_is_named(kind: str) -> None:
    document, _ = KINDS[kind]

    found = why_corrupt(kind, {"_id": document["_id"], "schema": NEWEST + 1, "else": ()})

    assert found is not None
    assert found.is_newer


@each_kind
@pytest.mark.parametrize("numbered", [{}, {"schema": FIRST}, {"schema": NEWEST}])
def test_one_that_is_known_and_fields_that_are_not_are_no_damage(
    kind: str, numbered: dict[str, int]
) -> None:
    document, _ = KINDS[kind]
    if kind == "houses":
        pytest.skip("what an update adds is not made here; tests/ports/test_houses.py reads it")

    assert why_corrupt(kind, {**document, **numbered, "of_a_later_release": [1]}) is None

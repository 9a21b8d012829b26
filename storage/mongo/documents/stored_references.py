"""What documents beside the accounts say of whose they are, as MongoDB gives them back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from handlers.history.reference import Reference, Referring
from handlers.model.corrupt import CorruptDocument
from storage.mongo.documents.stored import shaped
from storage.mongo.documents.stored_identities import StoredCredential, StoredSession
from storage.mongo.documents.stored_outcomes import outcome_or_corrupt
from storage.ports.errors import CorruptDocumentError

AN_ADDRESS = "(an e-mail address)"
"""Instead of a claim's id, which is personal."""


class _Claim(msgspec.Struct, frozen=True, gc=False):
    username: str
    id: str = msgspec.field(name="_id")


class _Registration(msgspec.Struct, frozen=True, gc=False):
    opened_at: datetime
    id: str = msgspec.field(name="_id")


SHAPES: Mapping[Referring, type[_Claim | _Registration | StoredCredential | StoredSession]] = {
    Referring.EMAILS: _Claim,
    Referring.NAMES: _Claim,
    Referring.REGISTRATIONS: _Registration,
    Referring.CREDENTIALS: StoredCredential,
    Referring.SESSIONS: StoredSession,
}


def reference(
    collection: Referring, document: Mapping[str, Any]
) -> Reference | CorruptDocument | None:
    """Return whose account *document* names; None where it need not exist, or entries tell."""
    if collection is Referring.OUTCOMES:
        return _of_outcome(document)
    try:
        found = shaped(document, SHAPES[collection], collection)
    except CorruptDocumentError as error:
        return _damaged(collection, document, error.document)
    match found:
        case _Claim():
            return Reference(collection=collection, id=found.id, username=found.username)
        case StoredSession():
            username = found.owner
            if not username:
                return CorruptDocument(
                    collection=collection, id=found.id, username="", field="username"
                )
            return Reference(collection=collection, id=found.id, username=username)
        case _:
            return Reference(collection=collection, id=found.id, username=found.id)


def owner_or_corrupt(collection: Referring, document: Mapping[str, Any]) -> str | CorruptDocument:
    """Return whose a claim in *collection* is, or that it cannot be told."""
    claim = reference(collection, document)
    assert claim is not None
    return claim if isinstance(claim, CorruptDocument) else claim.username


def _damaged(
    collection: Referring, document: Mapping[str, Any], damaged: CorruptDocument
) -> CorruptDocument:
    """Return *damaged* with the user it names, if any, and without an address."""
    if collection in {Referring.REGISTRATIONS, Referring.CREDENTIALS}:
        return damaged  # their ids are usernames
    named = document.get("username", document.get("ended_username"))
    return replace(
        damaged,
        id=AN_ADDRESS if collection is Referring.EMAILS else damaged.id,
        username=named if isinstance(named, str) else "",
    )


def _of_outcome(document: Mapping[str, Any]) -> Reference | CorruptDocument | None:
    sequence = document.get("sequence")
    if isinstance(sequence, int) and sequence > 0:
        return None  # the account's history has it
    outcome = outcome_or_corrupt(document)
    if isinstance(outcome, CorruptDocument):
        return outcome
    if outcome.account_id is None:
        return None  # refused, because there was no account
    return Reference(
        collection=Referring.OUTCOMES,
        id=outcome.id,
        username=outcome.username,
        account_id=outcome.account_id,
    )

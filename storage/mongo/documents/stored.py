"""Documents as MongoDB gives them back, checked field by field: a wrong one has a name.

Somebody may have edited a document by hand, restored half of it, or written it with other software.
Whatever cannot be what we wrote is reported; nothing is guessed, rounded or left out.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from contracts.money import SCALE_MAX
from handlers.history.rebuilding import NEEDED
from handlers.identity.claim_secrets import ClaimDigest
from handlers.model.account import Account, Balance, Profile
from handlers.model.chain import HASH_BYTES
from handlers.model.corrupt import SCHEMA_FIELD, CorruptDocument
from handlers.model.schema import FIRST, NEWEST, OLDEST, is_readable
from storage.mongo.documents.account_macs import AccountMacs
from storage.mongo.documents.minor_units import with_integers
from storage.ports.errors import CorruptDocumentError

Minor = Annotated[int, msgspec.Meta(ge=0)]
"""Of 8 bytes, so that it is never too large, or a Decimal128 whose bounds are checked as it is read."""

Scale = Annotated[int, msgspec.Meta(ge=0, le=SCALE_MAX)]
COUNTED_MAX = 2**62
"""Nobody counts so far; and what is counted on still fits into the 8 bytes that MongoDB has for it."""

Natural = Annotated[int, msgspec.Meta(ge=0, le=COUNTED_MAX)]
Version = Annotated[int, msgspec.Meta(ge=1, le=COUNTED_MAX)]
"""What is counted from 0 or 1 on."""

Schema = Annotated[int, msgspec.Meta(ge=OLDEST, le=NEWEST)]
"""A document of a later number says what this release does not know: it is not read at all."""

Hash = Annotated[bytes, msgspec.Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]

_AS_THEY_ARE = (bytes, datetime)
"""What MongoDB has types of its own for: text in their place is not what we wrote."""

MAC = "mac"
"""The field that is wrong where somebody without a key wrote an account, or a part of it."""

Shape = TypeVar("Shape")

_EPOCH, _EPOCH_UTC = datetime(1970, 1, 1), datetime(1970, 1, 1, tzinfo=UTC)  # noqa: DTZ001 - as MongoDB's

_MISSING = re.compile(r"missing required field `([^`]+)`")
_PLACE = re.compile(r"at `\$\.?([^`]*)`")


class StoredBalance(msgspec.Struct, frozen=True, gc=False):
    """One of an account's balances, its bounds checked."""

    currency: str
    scale: Scale
    posted_minor: Minor
    held_minor: Minor


class _StoredAccount(msgspec.Struct, frozen=True, gc=False):
    account_id: str
    profile: Profile
    balances: list[StoredBalance]
    sequence: Natural
    version: Version
    writer: str
    published_sequence: Natural
    opened_at: datetime
    changed_at: datetime
    id: str = msgspec.field(name="_id")
    signs_in: bool = True
    head: Hash | None = None
    books: Literal[1, 2] = 1
    claim_digest: ClaimDigest | None = None
    mac: bytes | None = None
    schema: Schema = FIRST


def to_account(document: Mapping[str, Any], macs: AccountMacs) -> Account:
    """Return the account that `storage.mongo.documents.accounts.from_account` stored.

    Raises:
        CorruptDocumentError: It did not store this.
    """
    stored = with_money(document, _StoredAccount, "accounts", "balances")
    known = stored.profile
    if stored.signs_in and (
        known.email is None or known.first_name is None or known.last_name is None
    ):
        missing = next(name for name in NEEDED if getattr(known, name) is None)
        raise corrupt(document, "accounts", f"profile.{missing}")
    if "marketing_consent" not in document["profile"]:
        raise corrupt(document, "accounts", "profile.marketing_consent")
    try:
        balances = to_balances(stored.balances)
        account = Account(
            username=stored.id,
            account_id=stored.account_id,
            profile=stored.profile,
            balances=balances,
            sequence=stored.sequence,
            version=stored.version,
            writer=stored.writer,
            published_sequence=stored.published_sequence,
            opened_at=utc(stored.opened_at),
            changed_at=utc(stored.changed_at),
            signs_in=stored.signs_in,
            head=stored.head,
            books=stored.books,
            claim_digest=stored.claim_digest,
        )
    except AssertionError:
        raise corrupt(document, "accounts", _contradiction(stored)) from None
    if not macs.accepts(account, stored.mac):
        raise corrupt(document, "accounts", MAC)
    return account


def to_balances(stored: Sequence[StoredBalance]) -> dict[str, Balance]:
    """Return balances by currency; asserts that they contradict neither themselves nor others."""
    balances = {
        each.currency: Balance(
            posted_minor=each.posted_minor, scale=each.scale, held_minor=each.held_minor
        )
        for each in stored
    }
    assert len(balances) == len(stored), "one balance for each currency"
    return balances


def account_or_corrupt(document: Mapping[str, Any], macs: AccountMacs) -> Account | CorruptDocument:
    """Return what `to_account` returns, or what is wrong: one of many must not cost the others."""
    try:
        return to_account(document, macs)
    except CorruptDocumentError as error:
        return error.document


def utc(moment: datetime) -> datetime:
    """Return a moment that MongoDB gave back, aware of its zone.

    By a difference, because this runs for every account: `replace` takes ten times as long.
    """
    return _EPOCH_UTC + (moment - _EPOCH)


def shaped(document: Mapping[str, Any], shape: type[Shape], collection: str) -> Shape:
    """Return *document* in *shape*, types and bounds checked, further fields left out.

    Raises:
        CorruptDocumentError: It has not that shape, or one that a later release gave it.
    """
    if not is_readable(document.get("schema", FIRST)):
        raise corrupt(document, collection, SCHEMA_FIELD)
    try:
        return msgspec.convert(document, shape, builtin_types=_AS_THEY_ARE)
    except msgspec.ValidationError as error:
        raise corrupt(document, collection, _field(str(error))) from None


def with_money(
    document: Mapping[str, Any], shape: type[Shape], collection: str, field: str
) -> Shape:
    """As `shaped`; in *field*, minor units may be of either type.

    Integers of 8 bytes first, because nearly all are: looking for others would cost every document.
    """
    try:
        return msgspec.convert(document, shape, builtin_types=_AS_THEY_ARE)
    except msgspec.ValidationError:  # also of another number: `shaped` looks at that first
        read = (
            {**document, field: with_integers(document[field])} if field in document else document
        )
        return shaped(read, shape, collection)


def _contradiction(stored: _StoredAccount) -> str:
    """Return the field of an account that another one contradicts."""
    seen = set[str]()
    for index, balance in enumerate(stored.balances):
        if balance.currency in seen:
            return f"balances.{index}.currency"
        if balance.held_minor > balance.posted_minor:
            return f"balances.{index}.held_minor"
        seen.add(balance.currency)
    if stored.published_sequence > stored.sequence:
        return "published_sequence"
    return "claim_digest"


def corrupt(document: Mapping[str, Any], collection: str, field: str) -> CorruptDocumentError:
    """Return what to raise of *document*, in which *field* is wrong or missing."""
    identifier = str(document.get("_id"))
    owner = document.get("username") or document.get("ended_username")
    return CorruptDocumentError(
        CorruptDocument(
            collection=collection,
            id=identifier,
            username=owner if isinstance(owner, str) else identifier.partition(":")[0],
            field=field,
        )
    )


def _field(error: str) -> str:
    """Return the path of what msgspec complains about: its sentence names no value."""
    place = _PLACE.search(error)
    path = place.group(1) if place else ""
    path = path.replace("[...]", ".?").replace("[", ".").replace("]", "")
    if missing := _MISSING.search(error):
        path = f"{path}.{missing.group(1)}"
    return path.strip(".") or "the document"

"""Builds an account anew from what is recorded of it: the entries are the truth."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from contracts.money import to_amount
from handlers.history.entries import Entries
from handlers.model.account import BOOKED, Account, Balance, Profile
from handlers.model.changes import EmailClaim
from handlers.model.outcome import Outcome

NEEDED = ("email", "first_name", "last_name")
"""Fields without which there is no profile of who registered."""

OPTIONAL = ("phone", "date_of_birth", "marketing_consent")

CLAIM = "claim_digest"
"""Where it cannot be read, nobody can take the account over any more."""


class Remains(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What can be read of an account's document, field by field; None where a field cannot be."""

    is_there: bool
    """Whether there is a document at all."""
    account_id: str | None = None
    sequence: int | None = None
    version: int | None = None
    published_sequence: int | None = None
    opened_at: datetime | None = None
    changed_at: datetime | None = None
    balances: Mapping[str, Balance] | None = None
    signs_in: bool | None = None
    head: bytes | None = None
    books: int | None = None
    claim_digest: bytes | None = None
    profile: Mapping[str, Any] = {}
    """Those of its fields that can be read; optional ones may be absent."""
    damaged: frozenset[str] = frozenset()
    """Fields that are there and cannot be read, or are not there and must be; `profile.phone`."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All that is known of one account."""

    username: str
    remains: Remains
    entries: Entries
    """Sound: what does not add up cannot be built on."""
    decisions: Sequence[Outcome]
    """Accepted ones without an entry: what opened it, and changes of profile."""
    claims: Sequence[str]
    """Addresses claimed for it."""
    given: Mapping[str, str] = {}
    """Fields of the profile as the operator knows them, where they cannot be read."""


class FieldChange(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One field before and after; of the profile no values are shown."""

    field: str
    was: str
    becomes: str


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An account as it must be, and how that differs from what is stored."""

    account: Account
    changes: Sequence[FieldChange]
    lost: Sequence[str]
    """Optional fields of the profile, and the claim, that are recorded nowhere else."""


class CannotRebuild(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why not, one sentence each."""

    reasons: Sequence[str]


def rebuild(evidence: Evidence, *, writer: str) -> Rebuilt | CannotRebuild | None:
    """Return the account; None where there is none, and nothing says that there ever was one."""
    remains, entries = evidence.remains, evidence.entries
    opened, signs_in = _opened(evidence)
    recorded = {entries.account_id, opened.account_id if opened else None} - {None}
    if not recorded and not remains.is_there:
        return None
    reasons: list[str] = []
    if len(recorded) > 1:
        reasons.append("what opened it and its entries name different accounts")
    account_id = next(iter(recorded), remains.account_id)
    opened_at = _opened_at(remains, entries, opened)
    if account_id is None or opened_at is None:
        reasons.append("nothing says which account this was, or when it was opened")
    profile = _profile(evidence, NEEDED if signs_in else ())
    if isinstance(profile, CannotRebuild):
        reasons += profile.reasons
    if reasons or account_id is None or opened_at is None or isinstance(profile, CannotRebuild):
        return CannotRebuild(reasons=reasons)
    published = remains.published_sequence
    account = Account(
        username=evidence.username,
        account_id=account_id,
        profile=profile,
        balances=_balances(remains, entries),
        sequence=entries.sequence,
        version=max(remains.version or 0, _writes(entries, opened_at)) + 1,
        writer=writer,
        published_sequence=published if published and published <= entries.sequence else 0,
        opened_at=opened_at,
        changed_at=_changed_at(evidence, opened_at),
        signs_in=signs_in,
        head=entries.head_of(account_id),
        books=remains.books or BOOKED,
        claim_digest=None if signs_in or CLAIM in remains.damaged else remains.claim_digest,
    )
    return Rebuilt(
        account=account,
        changes=_changes(evidence, account),
        lost=_lost(remains, account),
    )


def claims(
    account: Account, claimed: Sequence[str], owner: str | None
) -> tuple[Sequence[EmailClaim], Sequence[EmailClaim]]:
    """Return which claims *account* gives up and takes; its own address is *owner*'s by now."""
    wanted = account.profile.email_claim
    released = [
        EmailClaim(email=email, username=account.username) for email in claimed if email != wanted
    ]
    if wanted is None or owner == account.username:
        return released, []
    if owner is not None:
        released.append(EmailClaim(email=wanted, username=owner))
    return released, [EmailClaim(email=wanted, username=account.username)]


def _opened(evidence: Evidence) -> tuple[Outcome | None, bool]:
    """Return what opened the account, and whether its user registered: then, or taking it over."""
    opening = [one for one in evidence.decisions if one.type in {"open", "register"}]
    if not opening:
        return None, evidence.remains.signs_in is not False
    # Of two the second took it over, perhaps in the same moment.
    first = min(opening, key=lambda one: (one.decided_at, one.type))
    return first, any(one.type == "register" for one in opening)


def _lost(remains: Remains, account: Account) -> Sequence[str]:
    lost = [name for name in OPTIONAL if f"profile.{name}" in remains.damaged]
    return lost if account.signs_in or CLAIM not in remains.damaged else [*lost, CLAIM]


def _opened_at(remains: Remains, entries: Entries, opened: Outcome | None) -> datetime | None:
    if opened is not None:
        return opened.decided_at
    if remains.opened_at is None or entries.first_at is None:
        return remains.opened_at or entries.first_at
    return min(remains.opened_at, entries.first_at)


def _changed_at(evidence: Evidence, opened_at: datetime) -> datetime:
    decided = [opened_at, *(one.decided_at for one in evidence.decisions)]
    last_at = evidence.entries.last_at
    return max(decided if last_at is None else [*decided, last_at])


def _writes(entries: Entries, opened_at: datetime) -> int:
    return entries.writes + (entries.first_at != opened_at)


def _balances(remains: Remains, entries: Entries) -> Mapping[str, Balance]:
    """Return what the entries add up to; no hold is recorded, so nothing is held."""
    rebuilt = {
        currency: Balance(posted_minor=posted_minor, scale=entries.scales[currency])
        for currency, posted_minor in entries.posted_minor.items()
    }
    for currency, balance in (remains.balances or {}).items():
        if balance.posted_minor == balance.held_minor == 0:
            rebuilt.setdefault(currency, balance)
    return rebuilt


def _profile(evidence: Evidence, needed: Sequence[str]) -> Profile | CannotRebuild:
    fields = dict(evidence.remains.profile)
    for name in NEEDED:
        if name not in fields and name in evidence.given:
            fields[name] = evidence.given[name]
    if "email" not in fields and len(evidence.claims) == 1:
        [fields["email"]] = evidence.claims
    lacking = [name for name in needed if name not in fields]
    if lacking:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in lacking)
        return CannotRebuild(
            reasons=[f"{', '.join(lacking)} of its profile stand nowhere else: give {options}"]
        )
    return Profile(**fields)


def _changes(evidence: Evidence, account: Account) -> Sequence[FieldChange]:
    remains = evidence.remains
    if not remains.is_there:
        return [FieldChange(field="account", was="missing", becomes=f"sequence {account.sequence}")]
    changes = [
        FieldChange(field=name, was=_shown(was), becomes=_shown(getattr(account, name)))
        for name in ("account_id", "sequence", "opened_at", "changed_at", "signs_in", "books")
        if (was := getattr(remains, name)) != getattr(account, name)
    ]
    writes = _writes(evidence.entries, account.opened_at)
    if remains.version is None or remains.version < writes:
        changes.append(
            FieldChange(field="version", was=_shown(remains.version), becomes=str(account.version))
        )
    published = remains.published_sequence
    if published is None or published > account.sequence:
        changes.append(FieldChange(field="published_sequence", was=_shown(published), becomes="0"))
    if remains.head is not None and remains.head != account.head:
        changes.append(FieldChange(field="head", was="another hash", becomes="the last entry's"))
    if CLAIM in remains.damaged or remains.claim_digest != account.claim_digest:
        was = "unreadable" if CLAIM in remains.damaged else "there"
        changes.append(FieldChange(field=CLAIM, was=was, becomes="none"))
    changes += _of_balances(remains.balances, account.balances)
    kept = remains.profile.keys()
    changes += [
        FieldChange(field=f"profile.{name}", was="unreadable", becomes=_source(evidence, name))
        for name in (*NEEDED, *OPTIONAL)
        if f"profile.{name}" in remains.damaged
        or (account.signs_in and name in NEEDED and name not in kept)
    ]
    if changes or not remains.damaged:
        return changes
    return [
        FieldChange(field=name, was="unreadable", becomes="rebuilt") for name in remains.damaged
    ]


def _of_balances(
    was: Mapping[str, Balance] | None, becomes: Mapping[str, Balance]
) -> Sequence[FieldChange]:
    if was is None:
        amounts = ", ".join(f"{_amount(each)} {name}" for name, each in becomes.items())
        return [FieldChange(field="balances", was="unreadable", becomes=amounts or "none")]
    return [
        FieldChange(
            field=f"balances.{currency}",
            was=_amount(was.get(currency)),
            becomes=_amount(becomes.get(currency)),
        )
        for currency in sorted(was.keys() | becomes.keys())
        if was.get(currency) != becomes.get(currency)
    ]


def _amount(balance: Balance | None) -> str:
    if balance is None:
        return "none"
    posted = to_amount(balance.posted_minor, balance.scale)
    if not balance.held_minor:
        return posted
    return f"{posted} ({to_amount(balance.held_minor, balance.scale)} held)"


def _source(evidence: Evidence, name: str) -> str:
    if name in OPTIONAL:
        return "lost"
    return "as given" if name in evidence.given else "from its claim"


def _shown(value: object) -> str:
    return "unreadable" if value is None else str(value)

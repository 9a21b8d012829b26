"""What is stored beside accounts and names one: whether that account is there, and agrees."""

from enum import StrEnum

import msgspec

from contracts.registration import name_claim
from handlers.history.discrepancy import Discrepancy, Violation
from handlers.model.account import Account
from handlers.model.corrupt import CorruptDocument


class Referring(StrEnum):
    """Collections whose documents name an account."""

    EMAILS = "emails"
    NAMES = "names"
    REGISTRATIONS = "registrations"
    CREDENTIALS = "credentials"
    SESSIONS = "sessions"
    OUTCOMES = "outcomes"


class Reference(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """That a document names an account."""

    collection: Referring
    id: str
    """The document's own; of a claim it is an e-mail address."""
    username: str
    account_id: str | None = None
    """Where the document says it, too."""


SAID = {
    Referring.EMAILS: "an e-mail address is claimed",
    Referring.NAMES: "a sign-in name is claimed",
    Referring.REGISTRATIONS: "a registration waits for its credential",
    Referring.CREDENTIALS: "there is a credential",
    Referring.SESSIONS: "there is a session",
    Referring.OUTCOMES: "there is an outcome",
}
"""What a document means, without its content."""


def disagreement(
    reference: Reference, account: Account | CorruptDocument | None
) -> Discrepancy | None:
    """Return what is wrong between *reference* and the account of its user."""
    if isinstance(account, CorruptDocument):
        return None  # that is reported, and nothing else can be said
    if account is None:
        return _of(reference, Violation.UNKNOWN_ACCOUNT, f"{_said(reference)}, but no account")
    if reference.account_id is not None and reference.account_id != account.account_id:
        return _of(
            reference,
            Violation.WRONG_ACCOUNT,
            f"{_said(reference)} of the account {reference.account_id}",
            account.account_id,
        )
    match reference.collection:
        case Referring.EMAILS:
            used = account.profile.email_claim
        case Referring.NAMES:
            used = name_claim(account.username)
        case _:
            return None
    if reference.id == used:
        return None
    detail = f"{SAID[reference.collection]} that the account does not use"
    return _of(reference, Violation.STRAY_CLAIM, detail, account.account_id)


def unclaimed(account: Account, owner: str | None) -> Discrepancy | None:
    """Return what is wrong where the address of *account* is claimed for *owner*."""
    if owner == account.username:
        return None
    whom = f"claimed for {owner}" if owner else "not claimed"
    return Discrepancy(
        username=account.username,
        account_id=account.account_id,
        violation=Violation.EMAIL_UNCLAIMED,
        detail=f"the account's e-mail address is {whom}",
    )


def unclaimed_name(account: Account) -> Discrepancy:
    """Return what to report of an account whose look-alike could be registered."""
    return Discrepancy(
        username=account.username,
        account_id=account.account_id,
        violation=Violation.NAME_UNCLAIMED,
        detail=f"nobody has claimed the sign-in name {name_claim(account.username)}",
    )


def no_credential(account: Account) -> Discrepancy:
    """Return what to report of an account whose user can never sign in."""
    return Discrepancy(
        username=account.username,
        account_id=account.account_id,
        violation=Violation.NO_CREDENTIAL,
        detail="there is no credential, and no registration that waits for one",
    )


def _said(reference: Reference) -> str:
    # An outcome's id is its user's name and the command's id; a claim's is an address.
    named = reference.collection is Referring.OUTCOMES
    return f"{SAID[reference.collection]} ({reference.id})" if named else SAID[reference.collection]


def _of(
    reference: Reference, violation: Violation, detail: str, account_id: str | None = None
) -> Discrepancy:
    return Discrepancy(
        username=reference.username,
        account_id=account_id or reference.account_id or "",
        violation=violation,
        detail=detail,
    )
